"""Refusing: what the last look has refused before of a cluster's documents, for the person who decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.dedupe.deciding.refused import REFUSED, Refusal
from include.dedupe.errors import VerdictError
from include.dedupe.reviewing.state import State


@dataclass(frozen=True, slots=True)
class RefusalView:
    """What the last look of an earlier run saw of a document; ``change`` as in ``OutcomeView``."""

    id: str
    keeper_id: str
    reason: str
    run_id: str
    at: str
    change: tuple[float, ...]


def show_refusals(state: State, place: int) -> tuple[RefusalView, ...]:
    """Return what was refused of the documents of a cluster and is therefore for a person to decide."""
    names = ("id", "keeper_id", "reason", "run_id", "at")
    return tuple(
        RefusalView(**{name: getattr(one, name) for name in names}, change=sides(one.change))
        for one in _refusals(state, [place]).values()
    )


def refused_pairs(state: State, ids: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    """Return the pairs in which these documents were refused.

    Raises:
        VerdictError: one of them was not.
    """
    known = _refusals(state, places)
    if unknown := [name for name in ids if name not in known]:
        raise VerdictError(f"The last look has refused nothing of {unknown[0]!r:.100}.")
    return tuple(known[name].pair for name in ids)


def sides(change: str) -> tuple[float, ...]:
    """Return left, top, right and bottom of a change; nothing where there is none."""
    return tuple(float(share) for share in change.split(",")) if change else ()


def _refusals(state: State, places: Sequence[int]) -> dict[str, Refusal]:
    """Return by document what was refused of it."""
    if not state.said.refused.by_pair:
        return {}
    members = state.members(state.member_rows(places))
    known = dict(zip(members["id"], members["fingerprint"], strict=True))
    rows = members[members["reason"].str.startswith(REFUSED)]
    found: dict[str, Refusal] = {}
    for name, keeper, score in zip(rows["id"], rows["keeper_id"], rows["score"], strict=True):
        pair = (name, known[name]), (keeper, known.get(keeper, ""))
        if (refusal := state.said.refused.find(*pair, score)) is not None:
            found[name] = refusal
    return found

"""Verdicts: what people said of pairs, documents and clusters. One file each, never changed.

They lie beside the runs and hold in all later ones. Undoing a verdict is a further verdict that names it.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Literal, get_args

from include.dedupe.errors import VerdictError
from include.dedupe.rundir import Storage

VerdictKind = Literal["not_duplicate", "keep", "reject", "approve", "acknowledge", "undo"]
FOLDER = "verdicts"
SPOKEN = tuple(kind for kind in get_args(VerdictKind) if kind != "acknowledge")
"""Verdicts that a person gives as they are; an acknowledgement comes with what it settles."""

_IDS: dict[str, int] = {"keep": 1, "acknowledge": 2}
_LEAST: dict[str, int] = {"not_duplicate": 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a person said.

    ``ids``: documents of which no two are duplicates (not_duplicate), one (keep), any number of documents
    (reject, approve), a run and the table of what it settles (acknowledge), or the names of verdicts (undo).
    A cluster's name stands for its documents: ``members`` has those that it had then, by its name, so that
    what was said of them holds when the cluster merges into another. ``name`` is the verdict's file.
    """

    kind: VerdictKind
    ids: tuple[str, ...]
    by: str
    at: str
    note: str = ""
    name: str = ""
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def documents(self) -> frozenset[str]:
        """The documents that are meant, those of named clusters among them."""
        return frozenset(document for one in self.ids for document in self.members.get(one, (one,)))


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdicts that hold, by what they say; ``acknowledged`` are tables of what is settled, as given."""

    not_duplicates: frozenset[tuple[str, str]] = frozenset()
    keepers: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    acknowledged: tuple[str, ...] = ()


def give_verdict(
    lasting: Storage,
    kind: str,
    ids: tuple[str, ...],
    by: str,
    note: str = "",
    *,
    members: Mapping[str, tuple[str, ...]] | None = None,
) -> Verdict:
    """Write down what a person said; ``members`` are the documents of those ``ids`` that are clusters.

    Raises:
        VerdictError: it does not make sense.
    """
    if kind not in get_args(VerdictKind):
        raise VerdictError(f"{kind!r} is no verdict; choose one of {', '.join(get_args(VerdictKind))}.")
    expected, least = _IDS.get(kind), _LEAST.get(kind, 1)
    at = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    name = f"{at.replace(':', '-').replace('+', '-')}-{uuid.uuid4().hex[:8]}.json"
    verdict = Verdict(kind, ids, by, at, note, name, dict(members or {}))  # type: ignore[arg-type]
    is_short = len(verdict.documents) < least
    if len(set(ids)) != len(ids) or not all(ids) or is_short or (expected and len(ids) != expected):
        words = expected or f"{least} or more"
        raise VerdictError(f"The verdict {kind} needs {words} different ids, not {ids!r:.200}.")
    if kind == "undo" and (unknown := set(ids) - set(lasting.names(FOLDER))):
        raise VerdictError(f"There is no verdict {', '.join(sorted(unknown))} to undo.")
    lasting.create(f"{FOLDER}/{name}", json.dumps(asdict(verdict), ensure_ascii=False).encode())
    return verdict


def read_verdicts(lasting: Storage) -> list[Verdict]:
    """Return all verdicts, the oldest first."""
    found = []
    for name in lasting.names(FOLDER):
        value = json.loads(lasting.read(f"{FOLDER}/{name}"))
        members = {one: tuple(ids) for one, ids in value.get("members", {}).items()}
        found.append(Verdict(**{**value, "ids": tuple(value["ids"]), "name": name, "members": members}))
    return found


def not_undone(verdicts: list[Verdict]) -> list[Verdict]:
    """Return the verdicts that no later one has undone; undoing can be undone in turn."""
    undone: set[str] = set()
    for verdict in reversed(verdicts):
        if verdict.kind == "undo" and verdict.name not in undone:
            undone.update(verdict.ids)
    return [verdict for verdict in verdicts if verdict.name not in undone]


def standing_verdicts(verdicts: list[Verdict]) -> Standing:
    """Return what holds after all undoing; an approval takes back an earlier rejection."""
    pairs: set[tuple[str, str]] = set()
    keepers: set[str] = set()
    rejected: set[str] = set()
    acknowledged: list[str] = []
    for verdict in not_undone(verdicts):
        if verdict.kind == "not_duplicate":
            pairs.update(combinations(sorted(verdict.documents, key=str.encode), 2))
        elif verdict.kind == "keep":
            keepers |= verdict.documents.union(verdict.ids)
        elif verdict.kind == "reject":
            rejected |= verdict.documents.union(verdict.ids)
        elif verdict.kind == "approve":
            rejected -= verdict.documents.union(verdict.ids)
        elif verdict.kind == "acknowledge":
            acknowledged.append(verdict.ids[1])
    return Standing(frozenset(pairs), frozenset(keepers), frozenset(rejected), tuple(acknowledged))

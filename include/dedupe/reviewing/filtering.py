"""Filtering: which clusters of a run fit what a person wants to see, and in which order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.errors import UnknownError
from include.dedupe.reviewing.layout import Rows
from include.dedupe.reviewing.state import State
from include.dedupe.tables import DECIDED

Sort = Literal["size", "weakest", "bytes"]
"""The largest first, the weakest link first, or those that free most bytes first."""
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which clusters are wanted: those that fit all that is given.

    Args:
        duplicates: exact, near, mixed; none given: any.
        least: fewest documents.
        most: most documents.
        chained: whether some two members are no pair.
        hub: whether it is known in part only.
        decisions: some document of it has one of these decisions.
        fields: some document of it has this value in this field; ``id`` is the document's id.
        text: part of an id or of a field's value of some document, or of the cluster's name, whatever the
            case.
        judged: whether people have said of it what they have to say; None: both.
    """

    duplicates: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None
    chained: bool | None = None
    hub: bool | None = None
    decisions: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    judged: bool | None = False


@dataclass(frozen=True, slots=True)
class Order:
    """All clusters in an order: ``rank`` of each row, and the ``rows`` that fit, by rank."""

    key: npt.NDArray[np.float64]
    rows: Rows

    def mark(self, row: int, name: str) -> str:
        """Return what ``behind`` goes on from, also when others judge in between."""
        return json.dumps([float(self.key[row]), name])

    def behind(self, mark: str, state: State) -> Rows:
        """Return the rows that fit and stand behind a mark.

        Raises:
            UnknownError: it is no mark of this run.
        """
        if not mark:
            return self.rows
        try:
            key, name = json.loads(mark)
            at, place = float(key), state.place(str(name))
        except (ValueError, TypeError):
            place = -1
        if place < 0:
            raise UnknownError(f"{mark!r:.80} is no place in the list of clusters; begin at its start.")
        keys = self.key[self.rows]
        found: Rows = self.rows[(keys > at) | ((keys == at) & (self.rows > place))]
        return found


def arrange(state: State, filters: Filters, sort: Sort) -> Order:
    """Return the clusters that fit, in order; of equal ones the larger first, then by name."""
    clusters = state.clusters
    keys = {
        "size": -clusters["size"].to_numpy(np.float64),
        "weakest": clusters["weakest_score"].to_numpy(np.float64),
        "bytes": -clusters["bytes"].to_numpy(np.float64),
    }
    if sort not in keys:
        raise UnknownError(f"There is no order {sort!r}; choose one of {', '.join(keys)}.")
    rows = np.flatnonzero(_fit(state, filters))
    return Order(keys[sort], rows[np.argsort(keys[sort][rows], kind="stable")])


def _fit(state: State, filters: Filters) -> Mask:
    clusters = state.clusters
    fit = np.ones(len(clusters), bool)
    if filters.duplicates:
        fit &= clusters["duplicates"].isin(list(filters.duplicates)).to_numpy(bool)
    if filters.least is not None:
        fit &= clusters["size"].to_numpy() >= filters.least
    if filters.most is not None:
        fit &= clusters["size"].to_numpy() <= filters.most
    for name in ("chained", "hub", "judged"):
        if (wanted := getattr(filters, name)) is not None:
            fit &= clusters[name].to_numpy(bool) == wanted
    if filters.decisions:
        names = [name for name in DECIDED if name in filters.decisions]
        fit &= (clusters[names].to_numpy() > 0).any(axis=1)
    for name, value in filters.fields.items():
        fit &= _with_any(state, fit, _has_value(name, value))
    if filters.text:
        named = clusters["cluster_id"].str.contains(filters.text, case=False, regex=False).to_numpy(bool)
        fit &= named | _with_any(state, fit, _has_text(filters.text))
    return fit


@dataclass(frozen=True, slots=True)
class _Test:
    """``may`` tells quickly of which documents of a batch something may hold, ``holds`` whether it does."""

    may: Callable[[pa.Array, pa.Array], pa.Array]
    holds: Callable[[str, Mapping[str, Any]], bool]


def _with_any(state: State, among: Mask, test: _Test) -> Mask:
    """Tell which clusters hold a document that passes a test; reads all documents piece by piece."""
    found = np.zeros(len(among), bool)
    if not among.any():
        return found
    starts = state.clusters["first_member"].to_numpy(np.int64)
    for first, batch in state.layout.read_members(state.run).batches(["id", "fields"]):
        ids, fields = batch.column("id"), batch.column("fields")
        rows = np.flatnonzero(test.may(ids, fields).to_numpy(zero_copy_only=False))
        clusters = np.searchsorted(starts, first + rows, side="right") - 1
        for row, cluster in zip(rows.tolist(), clusters.tolist(), strict=True):
            if among[cluster] and not found[cluster]:
                found[cluster] = test.holds(ids[row].as_py(), json.loads(fields[row].as_py()))
    return found


def _has_value(name: str, value: str) -> _Test:
    if name == "id":
        return _Test(lambda ids, _: pc.equal(ids, value), lambda _, __: True)
    needle = _as_json(value)
    return _Test(
        lambda _, fields: pc.match_substring(fields, needle),
        lambda _, fields: value in _texts(fields.get(name)),
    )


def _has_text(text: str) -> _Test:
    needle, lower = _as_json(text), text.lower()
    return _Test(
        lambda ids, fields: pc.or_(
            pc.match_substring(ids, text, ignore_case=True),
            pc.match_substring(fields, needle, ignore_case=True),
        ),
        lambda name, fields: any(
            lower in one.lower() for one in [name, *(t for v in fields.values() for t in _texts(v))]
        ),
    )


def _as_json(text: str) -> str:
    """Return the text as it stands inside the JSON of fields."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if one is not None:
            yield json.dumps(one) if isinstance(one, bool) else str(one)

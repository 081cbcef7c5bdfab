"""Kept: the decisions of one moment, beside the layout, and what was counted in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from include.dedupe.deciding.decide import DecideStats, SaidSoFar
from include.dedupe.reviewing.layout import STAGE, Layout
from include.dedupe.rundir import RunDir

NEWEST = f"{STAGE}/newest.json"
RECKONED = f"{STAGE}/reckoned.json"
"""The same with the figures of a later moment, of which nothing else is kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The decisions of one moment: their files, their hash, and what was counted in.

    ``deletes``: documents that would be deleted, ``bytes`` of them, and how many tell no size.
    """

    source: str
    clusters: str
    decisions: str
    stats: DecideStats | None
    counted: frozenset[str]
    basis: tuple[object, ...]
    before: tuple[str, ...]
    deletes: int = 0
    bytes: int = 0
    bytes_unknown: int = 0


def read_kept(run: RunDir, name: str = NEWEST) -> Kept | None:
    """Return the decisions of the moment that was kept last; None before anybody has looked."""
    if not run.storage.exists(name):
        return None
    return run.storage.read_json(name, _kept_from)


def read_reckoned(run: RunDir) -> Kept | None:
    """Return the decisions that were kept last, with the figures that were reckoned last."""
    kept, reckoned = read_kept(run), read_kept(run, RECKONED)
    return reckoned if kept and reckoned and reckoned.clusters == kept.clusters else kept


def _kept_from(value: Any) -> Kept:
    stats = DecideStats(**value["stats"]) if value["stats"] else None
    changed = {"counted": frozenset(value["counted"]), "basis": _basis_from(value["basis"])}
    return Kept(**{**value, **changed, "stats": stats, "before": tuple(value["before"])})


def kept_of(run: RunDir, layout: Layout) -> Kept | None:
    """Return it if it is of these clusters."""
    kept = read_kept(run)
    return kept if kept and kept.source == layout.source else None


def write_kept(run: RunDir, kept: Kept, name: str = NEWEST) -> None:
    value = {**asdict(kept), "counted": sorted(kept.counted)}
    run.storage.write(name, json.dumps(value).encode())


def basis_of(said: SaidSoFar) -> tuple[object, ...]:
    """Return what of the verdicts bears on clusters that they do not name."""
    bands = tuple((band.lowest, band.highest) for band in said.unproven)
    return (bands, said.standing.acknowledged)


def _basis_from(value: Any) -> tuple[object, ...]:
    bands, acknowledged = value
    return (tuple((low, high) for low, high in bands), tuple(acknowledged))

"""Checkpoint: how far the scan of a partition has come, so that a later try goes on there.

After each page of documents its rows are written as a part, then the checkpoint, which lists the parts and
holds the cursor behind them. A try that starts reads the checkpoint of the try before it and writes its own,
so that one that was believed dead cannot change what its successor does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import astuple, dataclass, field, fields
from typing import Any

import pandas as pd

from include.dedupe.errors import ArtifactError
from include.dedupe.parquet import from_parquet
from include.dedupe.rundir import Attempt, Stage
from include.dedupe.scanning.found import TABLES, Found
from include.dedupe.tables import empty


@dataclass(frozen=True, slots=True)
class Part:
    """The counts of what one part holds."""

    label: str
    listed: int
    failed: int
    vanished: int
    unsearchable: int
    hubs: int
    edges: int

    def has(self, artifact: str) -> bool:
        """Tell whether the part has rows of ``artifact``; one without rows is no file."""
        rows = {"listed": self.listed, "failures": self.failed, "hubs": self.hubs}
        return rows.get(artifact, self.edges) > 0


@dataclass(slots=True)
class Position:
    """Where a scan stands.

    ``expected``: documents that the partition held when the scan began. ``seen``: how many of them were
    listed, wanted or not. ``cursor``: behind the last part; None at the beginning. ``is_listed``: all pages
    were read. ``in_order``: how many parts came from them.
    """

    plan: str
    expected: int | None = None
    seen: int = 0
    cursor: str | None = None
    is_listed: bool = False
    in_order: int = 0
    seconds: float = 0.0
    parts: list[Part] = field(default_factory=list)


class Checkpoint:
    """The parts of a scan and its position, kept in the stage's folder."""

    def __init__(self, stage: Stage, plan_digest: str) -> None:
        self._stage = stage
        self.position = _read(stage, plan_digest) or Position(plan_digest)
        self.resumed_parts = len(self.position.parts)

    @property
    def parts(self) -> list[Part]:
        return self.position.parts

    def add(self, found: Found) -> None:
        """Append a part."""
        self.parts.append(
            self._write_part(len(self.parts), found.frames(), len(found.vanished), len(found.unsearchable))
        )

    def amend(self, index: int, ids: Set[str], found: Found) -> None:
        """Replace a part by one in which the queries of ``ids``, which failed, have new findings."""
        old, new = self.parts[index], found.frames()
        failures = self.read(index, "failures")
        frames = {
            "edges": pd.concat([self.read(index, "edges"), new["edges"]]),
            "documents": pd.concat([self.read(index, "documents"), new["documents"]]).drop_duplicates("id"),
            "failures": pd.concat([failures[~failures["query_id"].isin(ids)], new["failures"]]),
            "hubs": pd.concat([self.read(index, "hubs"), new["hubs"]]),
            "listed": self.read(index, "listed"),
        }
        frames = {name: frame.sort_values(list(frame.columns)) for name, frame in frames.items()}
        self.parts[index] = self._write_part(
            index, frames, old.vanished + len(found.vanished), old.unsearchable
        )

    def total(self) -> Part:
        """Return the counts of all parts together."""
        columns = list(zip(*(astuple(part)[1:] for part in self.parts), strict=True)) or [()] * 6
        return Part("", *map(sum, columns))

    def failures(self) -> pd.DataFrame:
        """Return the failed queries of all parts."""
        return pd.concat([self.read(index, "failures") for index in range(len(self.parts))])

    def save(self) -> None:
        position = {each.name: getattr(self.position, each.name) for each in fields(Position)}
        position["parts"] = [astuple(part) for part in self.parts]
        self._stage.storage.write(_file(self._stage, self._stage.attempt), json.dumps(position).encode())

    def read(self, index: int, artifact: str) -> pd.DataFrame:
        """Return the rows that one part has of an artifact."""
        schema = TABLES[artifact]
        part = self.parts[index]
        if not part.has(artifact):
            return empty(schema)
        name = self._name(part, artifact)
        return from_parquet(self._stage.storage.read(name), schema, self._stage.storage.path(name))

    def names(self) -> dict[str, list[str]]:
        """Return the files of each artifact in order."""
        return {
            artifact: [self._name(part, artifact) for part in self.parts if part.has(artifact)]
            for artifact in TABLES
        }

    def listed_ids(self, first: int, end: int) -> Iterator[str]:
        """Yield the ids of the documents of some parts, in order."""
        for index in range(first, end):
            yield from self.read(index, "listed")["id"]

    def _write_part(
        self, index: int, frames: Mapping[str, pd.DataFrame], vanished: int, unsearchable: int
    ) -> Part:
        label = f"{self._stage.attempt.label}-{index:06}"
        for artifact, frame in frames.items():
            if len(frame):
                self._stage.write_part(artifact, label, frame, TABLES[artifact])
        return Part(
            label=label,
            listed=len(frames["listed"]),
            failed=len(frames["failures"]),
            vanished=vanished,
            unsearchable=unsearchable,
            hubs=len(frames["hubs"]),
            edges=len(frames["edges"]),
        )

    def _name(self, part: Part, artifact: str) -> str:
        return f"{self._stage.name}/{artifact}-{part.label}.parquet"


def _file(stage: Stage, attempt: Attempt) -> str:
    return f"{stage.name}/checkpoint-{attempt.label}.json"


def _read(stage: Stage, plan_digest: str) -> Position | None:
    """Return where the newest try of this generation stood."""
    generation, number = stage.attempt.generation, stage.attempt.number
    tries = (Attempt(generation, earlier) for earlier in range(number, 0, -1))
    name = next((name for name in (_file(stage, each) for each in tries) if stage.storage.exists(name)), None)
    if name is None:
        return None
    position = stage.storage.read_json(name, _position, "clear this scan task")
    if position.plan != plan_digest:
        raise ArtifactError(
            f"{stage.storage.path(stage.name)} was begun by another plan than the run has now; "
            f"clear this scan task too, so that it starts anew."
        )
    return position


def _position(content: Mapping[str, Any]) -> Position:
    return Position(**{**content, "parts": [Part(*part) for part in content["parts"]]})

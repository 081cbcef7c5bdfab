"""The folder of a run: where its artifacts lie and when a stage is done.

``<storage>/<collection>/runs/<run>/<stage>/`` holds the parts of a stage and its ``manifest.json``. Parts are
written whole, with the attempt in their name; the manifest, which names them, is written last. So a stage is
done when its manifest exists, and two attempts that live at once cannot mix their parts. Each attempt leaves
a mark when it begins. One that was believed dead and lives sees the mark of its successor, and writes no
manifest and no file under a name that both have.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from include.dedupe.ahead import made_ahead
from include.dedupe.errors import ArtifactError, OvertakenError
from include.dedupe.parquet import groups_of_parquet, rows_of_parquet, to_parquet
from include.dedupe.storage import Storage
from include.dedupe.tables import empty


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a stage.

    ``generation`` counts how often a person cleared the task: another generation starts anew.
    ``number`` counts the tries within it: a retry goes on with what its generation finished.
    """

    generation: int = 0
    number: int = 1

    @property
    def label(self) -> str:
        return f"g{self.generation}t{self.number}"

    @property
    def mark(self) -> str:
        """What sorts attempts as they followed each other."""
        return f"g{self.generation:06}t{self.number:06}"

    @property
    def next(self) -> Attempt:
        return Attempt(self.generation, self.number + 1)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished stage wrote: the parts of each artifact in order, and its result."""

    generation: int
    parts: dict[str, list[str]]
    result: dict[str, Any]


class RunDir:
    """The artifacts of one run of one collection."""

    def __init__(self, storage: str, collection: str, run_id: str, among: str = "runs") -> None:
        """``among``: the folder of such runs; those that scan are in ``runs``."""
        self.collection = collection
        self.run_id = run_id
        self.lasting = Storage.of(storage, collection)
        """What outlives a run stands here, beside the runs."""
        self.storage = self.lasting.beside(f"{collection}/{among}/{folder_name(run_id)}")

    def beside(self, collection: str, folder: str) -> RunDir:
        """Return the run of a collection in the same storage whose folder has this name."""
        other = copy.copy(self)
        other.collection, other.run_id = collection, folder
        other.lasting = self.lasting.beside(collection)
        other.storage = self.lasting.beside(f"{collection}/runs/{folder}")
        return other

    def reading_ahead(self, names: Collection[str]) -> RunDir:
        """Return the same run with these small files of it as they are now, asked for all at once."""
        other = copy.copy(self)
        other.storage = self.storage.reading_ahead(names)
        return other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunDir) and (self.storage, self.run_id) == (other.storage, other.run_id)

    def __hash__(self) -> int:
        return hash((self.storage, self.run_id))

    @property
    def address(self) -> str:
        return str(self.storage.root)

    @property
    def folder(self) -> str:
        """The run's name as a folder."""
        return folder_name(self.run_id)

    def stage(self, name: str, attempt: Attempt) -> Stage:
        return Stage(self.storage, name, attempt)

    def result(self, stage: str) -> Manifest:
        """Return the manifest of a finished stage.

        Raises:
            ArtifactError: the stage has not finished.
        """
        manifest = read_manifest(self.storage, stage)
        if manifest is None:
            raise ArtifactError(f"{self.address}: {stage} has not finished; run it first.")
        return manifest

    def read_table(self, stage: str, artifact: str, schema: pa.Schema) -> pd.DataFrame:
        """Return all rows of an artifact of a finished stage."""
        frames = list(self.read_parts(stage, artifact, schema))
        return pd.concat(frames, ignore_index=True) if frames else empty(schema)

    def read_parts(self, stage: str, artifact: str, schema: pa.Schema) -> Iterator[pd.DataFrame]:
        """Yield the parts of an artifact one by one, in order."""
        for rows in self.read_rows(stage, artifact, schema):
            yield rows.to_pandas()

    def read_rows(self, stage: str, artifact: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield the parts of an artifact one by one, in order, as Arrow holds them."""
        for name in self.result(stage).parts.get(artifact, []):
            yield rows_of_parquet(self.storage.read(name), schema, self.storage.path(name))

    def read_groups(self, stage: str, artifact: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield the rows of an artifact as ``read_rows`` does, those of each part some at a time."""
        for name in self.result(stage).parts.get(artifact, []):
            yield from groups_of_parquet(self.storage.read(name), schema, self.storage.path(name))


@dataclass(frozen=True, slots=True)
class Stage:
    """One attempt at one stage: writes parts, then the manifest."""

    storage: Storage
    name: str
    attempt: Attempt
    parts: dict[str, list[str]] = field(default_factory=dict)

    def finished(self) -> Manifest | None:
        """Return what an earlier try of the same generation finished; else begin this one."""
        manifest = read_manifest(self.storage, self.name)
        if manifest and manifest.generation == self.attempt.generation:
            return manifest
        self.begin()
        return None

    def begin(self) -> None:
        """Leave the mark that keeps earlier attempts from writing on."""
        self.storage.write(f"{self._marks}/{self.attempt.mark}", b"")

    def require_latest(self) -> None:
        """Make sure that no later attempt of the stage has begun; a late listing may leave out the next one.

        Raises:
            OvertakenError: one has.
        """
        later = [mark for mark in self.storage.names(self._marks) if mark > self.attempt.mark]
        if later or self.storage.exists(f"{self._marks}/{self.attempt.next.mark}"):
            raise OvertakenError(
                f"Attempt {self.attempt.label} of {self.storage.path(self.name)} was believed dead, and a "
                f"later one has begun; this one writes nothing more."
            )

    @property
    def _marks(self) -> str:
        return f"{self.name}/attempts"

    def write_table(self, artifact: str, frame: pd.DataFrame, schema: pa.Schema) -> None:
        self.write_part(artifact, self.attempt.label, frame, schema)

    def write_tables(
        self, artifact: str, pieces: Iterable[pd.DataFrame | pa.Table], schema: pa.Schema
    ) -> None:
        """Write a table that is made piece by piece, each as a part."""
        for number, data in enumerate(made_ahead(lambda rows: to_parquet(rows, schema), pieces)):
            self._write(artifact, f"{artifact}-{self.attempt.label}-{number:05}.parquet", data)

    def write_part(self, artifact: str, label: str, rows: pd.DataFrame | pa.Table, schema: pa.Schema) -> None:
        """Write one of several parts of a table; ``label`` tells it from the others and other attempts'."""
        self._write(artifact, f"{artifact}-{label}.parquet", to_parquet(rows, schema))

    def write_file(self, name: str, data: bytes) -> None:
        """Write a file for people, under the name they look for, which is that of all attempts."""
        self.require_latest()
        self._write(name, name, data)

    def finish(self, result: dict[str, Any]) -> None:
        self.require_latest()
        manifest = {"generation": self.attempt.generation, "parts": self.parts, "result": result}
        self.storage.write(manifest_name(self.name), json.dumps(manifest, indent=2).encode())

    def _write(self, artifact: str, name: str, data: bytes) -> None:
        self.storage.write(f"{self.name}/{name}", data)
        self.parts.setdefault(artifact, []).append(f"{self.name}/{name}")


def manifest_name(stage: str) -> str:
    return f"{stage}/manifest.json"


def read_manifest(storage: Storage, stage: str) -> Manifest | None:
    name = manifest_name(stage)
    if not storage.exists(name):
        return None
    return storage.read_json(name, lambda value: Manifest(**value))


def folder_name(run_id: str) -> str:
    """Return ``run_id`` as one folder name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9_.=-]", "-", run_id).lstrip(".") or "run"

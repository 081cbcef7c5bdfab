"""The folder of a run: where its artifacts lie and when a stage is done.

``<storage>/<collection>/runs/<run>/<stage>/`` holds the parts of a stage and its ``manifest.json``. Parts are
written whole, with the attempt in their name; the manifest, which names them, is written last. So a stage is
done when its manifest exists, and two attempts that live at once cannot mix their parts.
"""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import pandas as pd
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from include.dedupe.errors import ArtifactError, ConfigError
from include.dedupe.tables import empty, from_parquet, to_parquet
from include.safe_text import shown, without_login

STORAGE_VARIABLE = "FLOW_DEDUPE_STORAGE"
READ_AT_ONCE = 16
CHECKOUT = Path(__file__).resolve().parents[2]


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


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished stage wrote: the parts of each artifact in order, and its result."""

    generation: int
    parts: dict[str, list[str]]
    result: dict[str, Any]


class Storage:
    """Whole-file reads and writes below one folder of any fsspec file system."""

    def __init__(self, address: str) -> None:
        try:
            self._files, self.root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            told = shown(error).replace(address, without_login(address))
            raise ConfigError(f"storage {without_login(address)!r} cannot be opened: {told}.") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and (self._files, self.root) == (other._files, other.root)

    def __hash__(self) -> int:
        return hash((self._files, self.root))

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def beside(self, name: str) -> Storage:
        """Return a folder beside this one."""
        other = copy.copy(self)
        other.root = f"{self.root.rpartition('/')[0]}/{name}"
        return other

    def clock(self) -> float:
        """Return the time (seconds since the epoch) by the clock of the storage: one for all machines."""
        name = f".clock-{uuid.uuid4().hex}"
        self.write(name, b"")
        moment: dt.datetime = self._files.modified(self.path(name))
        self.remove(name)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()

    def exists(self, name: str) -> bool:
        return bool(self._files.exists(self.path(name)))

    def read(self, name: str) -> bytes:
        try:
            data: bytes = self._files.cat_file(self.path(name))
        except FileNotFoundError as error:
            raise ArtifactError(f"{self.path(name)} is missing; clear the task that writes it.") from error
        return data

    def read_many(self, names: Sequence[str]) -> list[bytes]:
        """Return the content of files; an object storage is asked for several at once."""
        if len(names) < 2 or isinstance(self._files, LocalFileSystem):
            return [self.read(name) for name in names]
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            return list(pool.map(self.read, names))

    def open(self, name: str) -> BinaryIO:
        """Open a file to read parts of it; ``ArtifactError`` if it is missing."""
        try:
            file: BinaryIO = self._files.open(self.path(name), "rb")
        except FileNotFoundError as error:
            raise ArtifactError(f"{self.path(name)} is missing; clear the task that writes it.") from error
        return file

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in ``folder``, sorted; none if there is no such folder."""
        try:
            paths = self._files.ls(self.path(folder), detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(
            name for name in (path.rpartition("/")[2] for path in paths) if name[:1] not in ("", ".")
        )

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in ``folder``, sorted; none if there is no such folder."""
        try:
            entries = self._files.ls(self.path(folder), detail=True, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(
            entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == "directory"
        )

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self.path(name))

    def write(self, name: str, data: bytes) -> None:
        """Write a file so that a reader sees all of it or nothing, also after a crash."""
        if not isinstance(self._files, LocalFileSystem):
            self._files.pipe_file(self.path(name), data)
            return
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless it exists; tell whether it was written. Of two writers one wins."""
        if not isinstance(self._files, LocalFileSystem):
            try:
                self._files.pipe_file(self.path(name), data, mode="create")
            except FileExistsError:
                return False
            return True
        target = Path(self.path(name))
        whole = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        self.write(f"{name.rpartition('/')[0]}/{whole.name}".lstrip("/"), data)
        try:
            os.link(whole, target)
        except FileExistsError:
            return False
        finally:
            whole.unlink()
        return True


class RunDir:
    """The artifacts of one run of one collection."""

    def __init__(self, storage: str, collection: str, run_id: str) -> None:
        self.collection = collection
        self.run_id = run_id
        self.lasting = Storage(f"{storage.rstrip('/')}/{collection}")
        """What outlives a run stands here, beside the runs."""
        self.storage = Storage(f"{storage.rstrip('/')}/{collection}/runs/{folder_name(run_id)}")

    def beside(self, collection: str, folder: str) -> RunDir:
        """Return the run of a collection in the same storage whose folder has this name."""
        other = copy.copy(self)
        other.collection, other.run_id = collection, folder
        other.lasting = self.lasting.beside(collection)
        other.storage = self.lasting.beside(f"{collection}/runs/{folder}")
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
        for name in self.result(stage).parts.get(artifact, []):
            yield from_parquet(self.storage.read(name), schema, self.storage.path(name))


@dataclass(frozen=True, slots=True)
class Stage:
    """One attempt at one stage: writes parts, then the manifest."""

    storage: Storage
    name: str
    attempt: Attempt
    parts: dict[str, list[str]] = field(default_factory=dict)

    def finished(self) -> Manifest | None:
        """Return what an earlier try of the same generation finished."""
        manifest = read_manifest(self.storage, self.name)
        return manifest if manifest and manifest.generation == self.attempt.generation else None

    def write_table(self, artifact: str, frame: pd.DataFrame, schema: pa.Schema) -> None:
        self.write_part(artifact, self.attempt.label, frame, schema)

    def write_part(self, artifact: str, label: str, frame: pd.DataFrame, schema: pa.Schema) -> None:
        """Write one of several parts of a table; ``label`` tells it from the others and other attempts'."""
        self._write(artifact, f"{artifact}-{label}.parquet", to_parquet(frame, schema))

    def write_json(self, artifact: str, value: Any) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        self._write(artifact, f"{artifact}-{self.attempt.label}.json", text.encode())

    def write_file(self, name: str, data: bytes) -> None:
        """Write a file for people, under the name they look for."""
        self._write(name, name, data)

    def finish(self, result: dict[str, Any]) -> None:
        manifest = {"generation": self.attempt.generation, "parts": self.parts, "result": result}
        self.storage.write(f"{self.name}/manifest.json", json.dumps(manifest, indent=2).encode())

    def _write(self, artifact: str, name: str, data: bytes) -> None:
        self.storage.write(f"{self.name}/{name}", data)
        self.parts.setdefault(artifact, []).append(f"{self.name}/{name}")


def read_manifest(storage: Storage, stage: str) -> Manifest | None:
    name = f"{stage}/manifest.json"
    if not storage.exists(name):
        return None
    try:
        return Manifest(**json.loads(storage.read(name)))
    except (ValueError, TypeError) as error:
        raise ArtifactError(
            f"{storage.path(name)} is damaged ({error}); clear the task that wrote it."
        ) from error


def default_storage(airflow_home: str | None = None) -> str:
    """Where runs are kept when the settings do not say: the same for `make run` and for all commands.

    ``airflow_home``: that of the Airflow in which this runs, if it runs in one.

    Raises:
        ConfigError: neither the environment nor a checkout says where.
    """
    if configured := os.environ.get(STORAGE_VARIABLE):
        return configured
    home = airflow_home or os.environ.get("AIRFLOW_HOME")
    if not home and (CHECKOUT / "Makefile").is_file():
        home = f"{CHECKOUT}/.run/airflow"
    if not home:
        raise ConfigError(f"Say where the runs are: set {STORAGE_VARIABLE}, or AIRFLOW_HOME.")
    return f"{home}/flow_dedupe"


def folder_name(run_id: str) -> str:
    """Return ``run_id`` as one folder name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9_.=-]", "-", run_id).lstrip(".") or "run"

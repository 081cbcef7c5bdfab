"""Storage: where runs and what outlives them are kept, on any file system that fsspec knows."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import os
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from include.dedupe.errors import ArtifactError, ConfigError
from include.dedupe.object_store import asking, is_local, open_store, put, require_promises
from include.safe_text import shown

STORAGE_VARIABLE = "FLOW_DEDUPE_STORAGE"
READ_AT_ONCE = 16
Read = TypeVar("Read")
CHECKOUT = Path(__file__).resolve().parents[2]
REMEDY = "clear the task that wrote it, or put back its copy"


class Storage:
    """Whole-file reads and writes below one folder of any fsspec file system."""

    def __init__(self, address: str) -> None:
        self._files, self.root = open_store(address)
        self._ahead: dict[str, bytes | None] = {}

    @classmethod
    def of(cls, address: str, collection: str) -> Self:
        """Return the folder of a collection in the storage at ``address``: what outlives its runs."""
        return cls(f"{address.rstrip('/')}/{collection}")

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
        other._ahead = {}
        return other

    def reading_ahead(self, names: Collection[str]) -> Storage:
        """Return the same storage with these small files, or that they are missing, as they are now.

        An object storage is asked for all of them at once, where else each would wait for the one before.
        """
        other = copy.copy(self)
        other._ahead = dict(zip(names, self._side_by_side(self._find, list(names)), strict=True))
        return other

    def _find(self, name: str) -> bytes | None:
        path = self.path(name)
        with asking(self._files, path):
            try:
                data: bytes = self._files.cat_file(path, start=0)  # a start spares asking for the size
            except FileNotFoundError:
                return None
            except OSError:
                data = self._files.cat_file(path)  # an empty object has no start
        return data

    def _ask(self, method: str, name: str, **options: Any) -> Any:
        """Call a method of the file system on a file or folder."""
        path = self.path(name)
        with asking(self._files, path):
            return getattr(self._files, method)(path, **options)

    def clock(self) -> float:
        """Return the time (seconds since the epoch) by the clock of the storage: one for all machines."""
        name = f".clock-{uuid.uuid4().hex}"
        self.write(name, b"")
        moment: dt.datetime = self._ask("modified", name)
        self.remove(name)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()

    def exists(self, name: str) -> bool:
        if name in self._ahead:
            return self._ahead[name] is not None
        return bool(self._ask("exists", name))

    def read(self, name: str) -> bytes:
        if name in self._ahead:
            if (known := self._ahead[name]) is None:
                raise self._missing(name)
            return known
        try:
            data: bytes = self._ask("cat_file", name)
        except FileNotFoundError as error:
            raise self._missing(name) from error
        return data

    def read_json(self, name: str, parse: Callable[[Any], Read], remedy: str = REMEDY) -> Read:
        """Return what ``parse`` makes of the JSON in a file; ``remedy`` is what to do where it is damaged.

        Raises:
            ArtifactError: it is missing, no JSON, or ``parse`` cannot make anything of it.
        """
        return self.parsed(name, self.read(name), parse, remedy)

    def parsed(self, name: str, data: bytes, parse: Callable[[Any], Read], remedy: str = REMEDY) -> Read:
        """Return what ``parse`` makes of the JSON that was read from a file."""
        try:
            return parse(json.loads(data))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            told = f"{type(error).__name__}: {shown(error)}"
            raise ArtifactError(f"{self.path(name)} is damaged ({told}); {remedy}.") from error

    def read_many(self, names: Sequence[str]) -> list[bytes]:
        """Return the content of files; an object storage is asked for several at once."""
        return self._side_by_side(self.read, names)

    def size(self, name: str) -> int:
        """Return the bytes of a file; ``ArtifactError`` if it is missing."""
        try:
            return int(self._ask("size", name))
        except FileNotFoundError as error:
            raise self._missing(name) from error

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return parts of a file, each from a start to before an end, asked for all at once."""
        starts, ends = [start for start, _ in ranges], [end for _, end in ranges]
        paths = [self.path(name)] * len(ranges)
        try:
            with asking(self._files, self.path(name)):
                found: list[bytes] = self._files.cat_ranges(paths, starts, ends, on_error="raise")
        except FileNotFoundError as error:
            raise self._missing(name) from error
        return found

    def _side_by_side(self, read: Callable[[str], Read], names: Sequence[str]) -> list[Read]:
        if len(names) < 2 or is_local(self._files):
            return [read(name) for name in names]
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            return list(pool.map(read, names))

    def _missing(self, name: str) -> ArtifactError:
        return ArtifactError(f"{self.path(name)} is missing; clear the task that writes it.")

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in ``folder``, sorted; none if there is no such folder."""
        try:
            paths = self._ask("ls", folder, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(
            name for name in (path.rpartition("/")[2] for path in paths) if name[:1] not in ("", ".")
        )

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in ``folder``, sorted; none if there is no such folder."""
        try:
            entries = self._ask("ls", folder, detail=True, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(
            entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == "directory"
        )

    def all_names(self) -> list[str]:
        """Return the names of all files in this folder and the folders below it, sorted."""
        with asking(self._files, self.root):
            found = self._files.find(self.root)
        return sorted(path.removeprefix(f"{self.root}/") for path in found)

    def measure(self, folder: str, but: str = "") -> tuple[int, float]:
        """Return the bytes of all files below ``folder``, and when the newest was written (epoch seconds).

        Those of its folder ``but`` count as bytes only.
        """
        with asking(self._files, self.path(folder)):
            found = self._files.find(self.path(folder), detail=True)
            dated = [path for path in found if not but or f"/{folder}/{but}/" not in path]
            moments = [self._files.modified(path) for path in dated]
        seconds = [(one if one.tzinfo else one.replace(tzinfo=dt.UTC)).timestamp() for one in moments]
        return sum(int(entry["size"] or 0) for entry in found.values()), max(seconds, default=0.0)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with all that is in it; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._ask("rm", folder, recursive=True)

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        self._ahead.pop(name, None)
        with contextlib.suppress(FileNotFoundError):
            self._ask("rm_file", name)

    def write(self, name: str, data: bytes) -> None:
        """Write a file so that a reader sees all of it or nothing, also after a crash."""
        self._ahead.pop(name, None)
        if not is_local(self._files):
            with asking(self._files, self.path(name)):
                put(self._files, self.path(name), data)
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
        self._ahead.pop(name, None)
        if not is_local(self._files):
            try:
                with asking(self._files, self.path(name)):
                    require_promises(self._files, self.root)
                    put(self._files, self.path(name), data, create=True)
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


def listed(value: Any) -> list[Any]:
    """Return a JSON array; ``TypeError`` for anything else, which must not pass for an empty one."""
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return value


def filled(value: Any) -> list[Any]:
    """Return a JSON array that holds something, of a file that nobody writes without; else ``TypeError``."""
    if not listed(value):
        raise TypeError("nothing is in it")
    return list(value)


def texts(value: Any) -> list[str]:
    """Return a JSON array of strings; ``TypeError`` for anything else."""
    if not all(isinstance(one, str) for one in listed(value)):
        raise TypeError("strings were expected")
    return list(value)


def named(value: Any) -> dict[str, Any]:
    """Return a JSON object; ``TypeError`` for anything else, which must not pass for an empty one."""
    if not isinstance(value, dict):
        raise TypeError(f"names and values were expected, not {type(value).__name__}")
    return value


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

"""Damages every file of a storage of runs, and shows what those that read it come to then."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from include.dedupe.errors import DedupeError

Readers = Mapping[str, Callable[[], Any]]
DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[: len(data) // 2],
    "a list": lambda _: b"[[]]",
    "names": lambda _: b"{}",
    "one byte": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
}
OF_TABLES = ("empty", "cut", "one byte")
OF_TEXTS = tuple(name for name in DAMAGES if name != "one byte")
"""Damages that are tried on Parquet files, which know their own bytes, and on JSON."""


def _told(value: Any) -> str:
    """Return a result as text; tables in full."""
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    if isinstance(value, dict):
        return str({name: _told(one) for name, one in value.items()})
    return repr(value)


def _came_to(read: Callable[[], Any], storage: Path) -> str:
    """Return what a reader comes to, or which error it ends with."""
    try:
        return _told(read()).replace(str(storage), "")
    except DedupeError as error:
        return f"{type(error).__name__}: {error}"


class Opened:
    """Notes the files that are opened, while it is asked to."""

    def __init__(self) -> None:
        self.paths: set[str] | None = None
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.paths is not None:
            self.paths.add(str(arguments[0]))

    def by(self, read: Callable[[], Any]) -> set[str]:
        self.paths = set()
        read()
        found, self.paths = self.paths, None
        return found


def misread(storage: Path, readers_of: Callable[[Path], Readers], folder: Path) -> list[tuple[str, ...]]:
    """Return each damaged file that a reader takes for something else, without naming it.

    Args:
        storage: is left as it is.
        readers_of: by name, all that reads the files of a storage; each returns what it came to.
        folder: for copies of the storage.
    """
    opened = Opened()
    whole = Path(shutil.copytree(storage, folder / "whole"))
    for read in readers_of(whole).values():
        read()  # what is made by looking is there, too
    read_by = {name: opened.by(read) for name, read in readers_of(whole).items()}
    before = {name: _came_to(read, whole) for name, read in readers_of(whole).items()}
    assert not [told for told in before.values() if "Error" in told], before
    wrong = []
    for number, path in enumerate(path for path in sorted(whole.rglob("*")) if path.is_file()):
        file, readers = str(path.relative_to(whole)), [name for name in before if str(path) in read_by[name]]
        data = path.read_bytes()
        for kind in (OF_TABLES if path.suffix == ".parquet" else OF_TEXTS) if readers and data else ():
            copy = Path(shutil.copytree(whole, folder / f"{number} {kind}", copy_function=os.link))
            (copy / file).unlink()  # files are replaced, never changed: that of the others is not this one
            (copy / file).write_bytes(DAMAGES[kind](data))
            shutil.copystat(path, copy / file)
            reading = readers_of(copy)
            told = {name: _came_to(reading[name], copy) for name in readers}
            wrong += [
                (file, kind, name, words)
                for name, words in told.items()
                if words != before[name] and file not in words
            ]
            shutil.rmtree(copy)
    return wrong

"""Quarantine: where a collection is a folder, the file of a deleted document is moved away, never removed.

Its side files go with it and come back with it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from include.dedupe.errors import DedupeError
from include.dedupe.settings.policy_settings import Quarantine

PICTURES = frozenset(
    f".{ending}"
    for ending in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "tif", "tiff", "bmp"),
        *("heic", "heif", "hif", "avif", "jp2", "j2k", "mpo"),
    )
)
"""So end the names of pictures, beside which a side file may be theirs as well."""


def library_file(document_id: str, settings: Quarantine) -> Path | None:
    """Return the document's file in the library; None if there is none under its id.

    Raises:
        DedupeError: there is no library, or the id is not the plain path of a file in it: another document
            may have the same file.
    """
    library = Path(settings.library).resolve()
    if not library.is_dir():
        raise DedupeError(f"There is no library {library}; mount it where this runs, or correct quarantine.")
    source = library / document_id
    if not os.path.lexists(source):
        return None
    if os.path.realpath(source) != f"{library}/{document_id}" or not source.is_file():
        raise DedupeError(f"{document_id!r} is a link, or not the plain path of a file in {library}")
    return source


def is_one_file(one: Path | None, other: Path | None) -> bool:
    """Whether both paths lead to one file: hard links, or names that the file system takes for the same.

    Raises:
        DedupeError: one of them is not there any more.
    """
    try:
        return one is not None and other is not None and one.samefile(other)
    except OSError as error:
        raise DedupeError(f"a file of the pair is gone: {error}") from error


def side_files(picture: Path, settings: Quarantine) -> list[tuple[Path, str]]:
    """Return the files that belong to a picture and what becomes of each: move or review.

    One that is named after the stem alone belongs to it only if no other picture has that stem.
    """
    name, stem, endings = picture.name.casefold(), picture.stem.casefold(), settings.side_files
    beside = [(one, *_in_two(one.name.casefold())) for one in _files_beside(picture)]
    is_shared = any(other == stem and ending in PICTURES for _, other, ending in beside)
    found = []
    for path, other, ending in beside:
        is_own = f"{other}.".startswith(f"{name}.") or (other == stem and not is_shared)
        if is_own and ending in endings:
            found.append((path, endings[ending]))
    return sorted(found)


def _in_two(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return stem, f"{dot}{ending}"


def _files_beside(picture: Path) -> Iterator[Path]:
    with os.scandir(picture.parent) as entries:
        for entry in entries:
            if entry.name != picture.name and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def plan_move(document_id: str, run_folder: str, settings: Quarantine) -> dict[str, Any] | None:
    """Return where the document's file is, where it is to go and the SHA-256 of its bytes; None if no file.

    The same, under ``sides``, of the side files that go with it.

    Raises:
        DedupeError: see ``library_file``.
    """
    source = library_file(document_id, settings)
    if source is None:
        return None
    library, folder = Path(settings.library).resolve(), Path(settings.folder).resolve() / run_folder

    def move(path: Path) -> dict[str, Any]:
        target = folder / path.relative_to(library)
        return {"library": str(path), "quarantine": str(target), "sha256": digest_of(path)}

    sides = [move(path) for path, what in side_files(source, settings) if what == "move"]
    return {**move(source), "sides": sides}


def move_away(move: Mapping[str, Any]) -> None:
    """Move the files into the quarantine, but for those that are there already."""
    for one in (*move.get("sides", ()), move):
        _move(Path(one["library"]), Path(one["quarantine"]), one["sha256"])


def bring_back(move: Mapping[str, Any]) -> None:
    """Move the files back into the library, but for those that are there already."""
    for one in (*move.get("sides", ()), move):
        _move(Path(one["quarantine"]), Path(one["library"]), one["sha256"])


def _move(source: Path, target: Path, sha256: str) -> None:
    if target.is_file() and digest_of(target) == sha256:
        if source.is_file() and digest_of(source) == sha256:
            source.unlink()
        return
    if not source.is_file() or digest_of(source) != sha256:
        raise DedupeError(f"{source} is not the file that was archived; it was left where it is.")
    if target.exists():
        raise DedupeError(f"{target} exists already; {source} was left where it is.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_whole(source, target, sha256)
        source.unlink()


def copy_whole(source: Path, target: Path, sha256: str) -> None:
    """Copy to another file system so that the target is there whole or not at all."""
    unfinished = target.with_name(f".{target.name[:200]}.unfinished")
    shutil.copy2(source, unfinished)
    if digest_of(unfinished) != sha256:
        unfinished.unlink()
        raise DedupeError(f"The copy of {source} is not what it should be; the file was left where it is.")
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.rename(target)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

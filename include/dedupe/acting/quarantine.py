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
    """Return what belongs to a picture and what becomes of each: move or review; review of links and folders.

    One that is named after the stem alone belongs to it only if no other picture has that stem.
    """
    name, stem, endings = picture.name.casefold(), picture.stem.casefold(), settings.side_files
    beside = [(one, *_in_two(one.name.casefold())) for one in _files_beside(picture)]
    is_shared = any(other == stem and ending in PICTURES and path.is_file() for path, other, ending in beside)
    found = []
    for path, other, ending in beside:
        is_own = f"{other}.".startswith(f"{name}.") or (other == stem and not is_shared)
        if is_own and ending in endings:
            found.append((path, endings[ending] if path.is_file() and not path.is_symlink() else "review"))
    return sorted(found)


def _in_two(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return stem, f"{dot}{ending}"


def _files_beside(picture: Path) -> Iterator[Path]:
    with os.scandir(picture.parent) as entries:
        for entry in entries:
            if entry.name != picture.name:
                yield Path(entry.path)


def told_of_belongings(file: Path, settings: Quarantine) -> str:
    """Return what lies beside a picture that a person has to decide about; empty if nothing does."""
    names = [path.name for path, what in side_files(file, settings) if what == "review"]
    belongs = f"{', '.join(names)} belongs to it: decide by quarantine.side_files, or by hand"
    return belongs if names else ""


def plan_move(document_id: str, run_folder: str, settings: Quarantine | None) -> dict[str, Any] | None:
    """Return where the document's file is, where it is to go and the SHA-256 of its bytes; None if no file.

    The same, under ``sides``, of the side files that go with it. The folders where they go are made.

    Raises:
        DedupeError: see ``library_file``; or something else is there already, where one of them is to go, or
            something belongs to the picture that a person has to decide about.
    """
    source = library_file(document_id, settings) if settings else None
    if settings is None or source is None:
        return None
    if told := told_of_belongings(source, settings):
        raise DedupeError(told)
    library, folder = Path(settings.library).resolve(), Path(settings.folder).resolve() / run_folder

    def move(path: Path) -> dict[str, Any]:
        target, sha256 = folder / path.relative_to(library), digest_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        _require_free(path, target, sha256)
        return {"library": str(path), "quarantine": str(target), "sha256": sha256}

    sides = [move(path) for path, what in side_files(source, settings) if what == "move"]
    return {**move(source), "sides": sides}


def changed_since(
    move: Mapping[str, Any] | None, document_id: str, run_folder: str, settings: Quarantine | None
) -> str:
    """Return why a document's files would not be moved any more as was planned; empty if they would."""
    try:
        now = plan_move(document_id, run_folder, settings)
    except (DedupeError, OSError) as error:
        return str(error)
    return "" if now == move else "its files, or what belongs to them, are not those that were archived"


def move_away(move: Mapping[str, Any]) -> None:
    """Move the files into the quarantine, but for those that are there already: all of them or none."""
    _move_all(move, "library", "quarantine")


def bring_back(move: Mapping[str, Any]) -> None:
    """Move the files back into the library, but for those that are there already: all of them or none."""
    _move_all(move, "quarantine", "library")


def _move_all(move: Mapping[str, Any], whence: str, where: str) -> None:
    every = [(Path(one[whence]), Path(one[where]), one["sha256"]) for one in (*move.get("sides", ()), move)]
    for one in every:
        _require_movable(*one)
    for one in every:
        _move(*one)


def _require_movable(source: Path, target: Path, sha256: str) -> None:
    if _is_there(target, sha256):
        return
    if not _is_there(source, sha256):
        raise DedupeError(f"{source} is not the file that was archived; it was left where it is.")
    _require_free(source, target, sha256)


def _require_free(source: Path, target: Path, sha256: str) -> None:
    if os.path.lexists(target) and not _is_there(target, sha256):
        raise DedupeError(f"{target} exists already; {source} was left where it is.")


def _is_there(path: Path, sha256: str) -> bool:
    return path.is_file() and digest_of(path) == sha256


def _move(source: Path, target: Path, sha256: str) -> None:
    if _is_there(target, sha256):
        if _is_there(source, sha256):
            source.unlink()
        return
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
    try:
        shutil.copy2(source, unfinished)
        if digest_of(unfinished) != sha256:
            raise DedupeError(f"The copy of {source} is not what it should be; it was left where it is.")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

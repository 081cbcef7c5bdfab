"""Quarantine: where a collection is a folder, the file of a deleted document is moved away, never removed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from include.dedupe.errors import DedupeError
from include.dedupe.settings.policy_settings import Quarantine


def plan_move(document_id: str, run_folder: str, settings: Quarantine) -> dict[str, str] | None:
    """Return where the document's file is, where it is to go and the SHA-256 of its bytes; None if no file.

    Raises:
        DedupeError: there is no library, or the id is not the plain path of a file in it: another document
            may have the same file.
    """
    library = Path(settings.library).resolve()
    if not library.is_dir():
        raise DedupeError(f"There is no library {library}; mount it where this runs, or correct quarantine.")
    source = library / document_id
    if not source.is_file():
        return None
    if str(source.resolve()) != f"{library}/{document_id}":
        raise DedupeError(f"{document_id!r} is a link, or not the plain path of a file in {library}.")
    target = Path(settings.folder).resolve() / run_folder / document_id
    return {"library": str(source), "quarantine": str(target), "sha256": _digest(source)}


def move_away(move: Mapping[str, str]) -> None:
    """Move the file into the quarantine, unless it is there already."""
    _move(Path(move["library"]), Path(move["quarantine"]), move["sha256"])


def bring_back(move: Mapping[str, str]) -> None:
    """Move the file back into the library, unless it is there already."""
    _move(Path(move["quarantine"]), Path(move["library"]), move["sha256"])


def _move(source: Path, target: Path, sha256: str) -> None:
    if target.is_file() and _digest(target) == sha256:
        if source.is_file() and _digest(source) == sha256:
            source.unlink()
        return
    if not source.is_file() or _digest(source) != sha256:
        raise DedupeError(f"{source} is not the file that was archived; it was left where it is.")
    if target.exists():
        raise DedupeError(f"{target} exists already; {source} was left where it is.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_whole(source, target, sha256)
        source.unlink()


def _copy_whole(source: Path, target: Path, sha256: str) -> None:
    """Copy to another file system so that the target is there whole or not at all."""
    unfinished = target.with_name(f".{target.name[:200]}.unfinished")
    shutil.copy2(source, unfinished)
    if _digest(unfinished) != sha256:
        unfinished.unlink()
        raise DedupeError(f"The copy of {source} is not what it should be; the file was left where it is.")
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.rename(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

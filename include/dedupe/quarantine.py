"""Quarantine: where a collection is a folder, the file of a deleted document is moved away, never removed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from include.dedupe.errors import DedupeError
from include.dedupe.policy_settings import Quarantine


def plan_move(document_id: str, run_folder: str, settings: Quarantine) -> dict[str, str] | None:
    """Return where the document's file is, where it is to go and the SHA-256 of its bytes; None if no file.

    Raises:
        DedupeError: the id leads out of the library.
    """
    library = Path(settings.library).resolve()
    source = (library / document_id).resolve()
    if not source.is_relative_to(library):
        raise DedupeError(f"{document_id!r} leads out of the library {library}.")
    if not source.is_file():
        return None
    target = Path(settings.folder).resolve() / run_folder / source.relative_to(library)
    return {"library": str(source), "quarantine": str(target), "sha256": _digest(source)}


def move_away(move: Mapping[str, str]) -> None:
    """Move the file into the quarantine, unless it is there already."""
    _move(Path(move["library"]), Path(move["quarantine"]), move["sha256"])


def bring_back(move: Mapping[str, str]) -> None:
    """Move the file back into the library, unless it is there already."""
    _move(Path(move["quarantine"]), Path(move["library"]), move["sha256"])


def _move(source: Path, target: Path, sha256: str) -> None:
    if not source.exists() and target.is_file() and _digest(target) == sha256:
        return
    if not source.is_file() or _digest(source) != sha256:
        raise DedupeError(f"{source} is not the file that was archived; it was left where it is.")
    if target.exists():
        raise DedupeError(f"{target} exists already; {source} was left where it is.")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

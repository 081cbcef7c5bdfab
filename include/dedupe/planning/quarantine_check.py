"""Quarantine check: files can be moved out of the library, and never lie in it afterwards."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from include.dedupe.errors import PlanError
from include.dedupe.settings.policy_settings import Quarantine

PROBE_BYTES = 1 << 16


def check_quarantine(settings: Quarantine) -> None:
    """Make sure that the library is there, and that the quarantine lies outside it and takes files.

    Raises:
        PlanError: it says which folder is wrong, and why.
    """
    library, folder = Path(settings.library), Path(settings.folder)
    if not library.is_dir():
        raise PlanError(
            f"quarantine.library: there is no folder {library}; mount it where this runs, or correct it."
        )
    _check_places(library, folder)
    probe = folder / f".flow-dedupe-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_places(library, folder)
        _write(probe)
    except OSError as error:
        raise PlanError(
            f"quarantine.folder: {folder} takes no files: {error.strerror or error}. Make it writable, or "
            f"choose another folder."
        ) from error


def _check_places(library: Path, folder: Path) -> None:
    """Compare the folders themselves, whatever their names and the links on the way."""
    for inner, outer in ((folder, library), (library, folder)):
        real = Path(os.path.realpath(inner))
        if any(_is_same(parent, outer) for parent in (real, *real.parents)):
            raise PlanError(
                f"quarantine: {inner} lies in {outer}, so that moved files would be found again as pictures, "
                f"or pictures be taken for moved files. Choose a quarantine.folder beside the library."
            )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return str(one) == os.path.realpath(other)


def _write(probe: Path) -> None:
    try:
        with probe.open("xb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)

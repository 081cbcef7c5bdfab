"""Replacing: a file that is its keeper's byte for byte becomes a hard link to it; its path and document stay.

The file itself goes into the quarantine, and the link takes its place in one step: there is never a moment
without a picture, and what somebody puts there at that very moment is put back. The file comes back with the
times and rights that it had, as a file of its own. Once it has been pruned, a copy of its bytes does.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.dedupe.acting.archive import Entry
from include.dedupe.acting.exchange import exchange
from include.dedupe.acting.outcome import Outcome
from include.dedupe.acting.quarantine import copy_whole, digest_of, is_one_file, library_file
from include.dedupe.clock import now
from include.dedupe.deciding.changes import Order
from include.dedupe.errors import DedupeError
from include.dedupe.settings.policy_settings import Quarantine

ENDING = ".flow-dedupe"
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def plan_link(order: Order, run_folder: str, settings: Quarantine) -> dict[str, Any] | None:
    """Return what becomes of the document's file; None where it is its keeper's file already.

    Raises:
        DedupeError: a file is not there, is a link, or lies on another file system than its keeper's; it must
            not be written, or the two are not the same bytes.
    """
    source, keeper = library_file(order.id, settings), library_file(order.keeper_id, settings)
    if source is None or keeper is None:
        raise DedupeError(f"there is no file of {order.id if source is None else order.keeper_id!r}")
    if is_one_file(source, keeper):
        return None
    status, kept, folder = source.stat(), keeper.stat(), Path(settings.folder).resolve() / run_folder
    if status.st_dev != kept.st_dev:
        raise DedupeError(f"{source} lies on another file system than {keeper}, and no hard link leads there")
    if not status.st_mode & WRITABLE or not os.access(source, os.W_OK):
        raise DedupeError(f"{source} is read-only")
    sha256 = digest_of(source)
    if digest_of(keeper) != sha256:
        raise DedupeError(f"{source} and {keeper} are not the same bytes")
    target = folder / source.relative_to(Path(settings.library).resolve())
    paths = {"library": str(source), "quarantine": str(target), "keeper": str(keeper)}
    own = {"mtime_ns": status.st_mtime_ns, "mode": stat.S_IMODE(status.st_mode)}
    return {**paths, "sha256": sha256, **own, "note": _note(status, kept)}


def _note(own: os.stat_result, kept: os.stat_result) -> str:
    """Say what a name of the keeper's file shows otherwise than the file before; empty if nothing."""
    changed = dt.datetime.fromtimestamp(own.st_mtime, dt.UTC).isoformat(timespec="seconds")
    told = (
        (own.st_mtime_ns != kept.st_mtime_ns, f"changed {changed}"),
        (own.st_mode != kept.st_mode, f"rights {stat.S_IMODE(own.st_mode):04o}"),
        ((own.st_uid, own.st_gid) != (kept.st_uid, kept.st_gid), f"owner {own.st_uid}:{own.st_gid}"),
    )
    parts = [text for differs, text in told if differs]
    return (
        f"its keeper's are shown there now; its own come back with a restore: {', '.join(parts)}"
        if parts
        else ""
    )


def note_of(entry: Entry) -> str:
    """Return what a person should know of a file that was replaced; empty if nothing."""
    return str((entry.file or {}).get("note", ""))


async def put_link(move: Mapping[str, Any] | None) -> str:
    """Put the link in the file's place; return why that could not be done, and leave all as it is then."""
    if move is None:
        return ""
    try:
        await asyncio.to_thread(_put, move)
    except (DedupeError, OSError) as error:
        told, back = f"its file was not replaced: {error}", await take_link_back(move)
        return f"{told}; {back}" if back and Path(move["quarantine"]).exists() else told
    return ""


async def take_link_back(move: Mapping[str, Any] | None) -> str:
    """Bring the file back; return why that could not be done."""
    try:
        if move is not None:
            await asyncio.to_thread(bring_file_back, move)
    except (DedupeError, OSError) as error:
        return f"its file could not be brought back: {error}"
    return ""


async def take_links_back(
    entries: Mapping[Order, Entry], found: Mapping[Order, Outcome]
) -> dict[Order, Outcome]:
    """Bring back the files of which the collection does not say that they are links; return what failed."""
    undone = [one for one in entries if one.decision == "replace" and found[one].outcome != "done"]
    reasons = {one: await take_link_back(entries[one].file) for one in undone}
    return {one: Outcome(one, "failed", reason, now()) for one, reason in reasons.items() if reason}


def _put(move: Mapping[str, Any]) -> None:
    source, target, keeper = (Path(move[name]) for name in ("library", "quarantine", "keeper"))
    if is_one_file(source, keeper):
        return
    before, kept = _state(source), _state(keeper)
    for path in (source, keeper):
        if path.is_symlink() or digest_of(path) != move["sha256"]:
            raise DedupeError(f"{path} is not the file that was archived")
    _link_or_copy(source, target, move["sha256"])
    link = _beside(source)
    link.unlink(missing_ok=True)
    os.link(keeper, link)
    if _state(link) != kept or _state(source) != before:
        link.unlink()
        raise DedupeError(f"{source} or its keeper has changed at this very moment")
    if not exchange(link, source):
        link.rename(source)
    elif _state(link) != before:
        exchange(link, source)
        link.unlink()
        raise DedupeError(f"{source} has changed at this very moment")
    link.unlink(missing_ok=True)


def bring_file_back(move: Mapping[str, Any]) -> None:
    """Put the file back in place of the link, if it is not there already.

    Raises:
        DedupeError: the file that stands there now is another one, or nothing has the bytes any more.
    """
    path, kept, keeper = (Path(move[name]) for name in ("library", "quarantine", "keeper"))
    if kept.exists() and path.exists() and path.samefile(kept):
        kept.unlink()
        return
    if not kept.exists() and _holds(path, move["sha256"]) and not _is_name_of(path, keeper):
        return
    is_other = os.path.lexists(path) and not _holds(path, move["sha256"])
    if is_other and (path.is_symlink() or not _is_name_of(path, keeper)):
        raise DedupeError(f"{path} is another file by now; it was left as it is. The old one is {kept}.")
    source = next((one for one in (kept, path, keeper) if _holds(one, move["sha256"])), None)
    if source is None:
        raise DedupeError(f"{kept} is gone, and {path} does not hold the same bytes any more.")
    back = _beside(path)
    back.unlink(missing_ok=True)
    if source == kept:
        _link_or_copy(kept, back, move["sha256"])
    else:
        copy_whole(source, back, move["sha256"])
        back.chmod(move["mode"])
        os.utime(back, ns=(move["mtime_ns"], move["mtime_ns"]))
    back.rename(path)
    if source == kept:
        kept.unlink()


def _is_name_of(path: Path, keeper: Path) -> bool:
    return keeper.exists() and path.samefile(keeper)


def _holds(path: Path, sha256: str) -> bool:
    return path.is_file() and not path.is_symlink() and digest_of(path) == sha256


def _link_or_copy(source: Path, target: Path, sha256: str) -> None:
    """Make the target a name of the same file, on another file system a copy."""
    if _holds(target, sha256):
        return
    if os.path.lexists(target):
        raise DedupeError(f"{target} exists already; {source} was left where it is")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        copy_whole(source, target, sha256)


def _beside(path: Path) -> Path:
    """Return a hidden name in the same folder, which no sync takes for a picture."""
    return path.with_name(f".{path.name[:200]}{ENDING}")


def _state(path: Path) -> tuple[int, ...]:
    status = path.lstat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

"""Replaced: the picture of a document that is about to be overwritten is looked at, and kept.

A document that is overwritten loses its picture as one that is deleted does. So both pictures are read as
they are now, are what was compared, and exact copies are compared at full size. The storage gets a copy
of the picture; the file of a library is moved into the quarantine, and comes back with the document.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from include.dedupe.acting.pictures import Picture, PictureError, Pictures
from include.dedupe.acting.quarantine import is_one_file, plan_move
from include.dedupe.acting.sight import SAME, compare_originals, unreadable
from include.dedupe.errors import DedupeError, GateError
from include.dedupe.flow import Document
from include.dedupe.gating.incoming import Incoming
from include.dedupe.gating.judge import Judgement
from include.dedupe.gating.picture import read_picture
from include.dedupe.gating.work import Candidate, GateWork

FOLDER = "replaced"
"""Of the storage, beside the runs: pictures by their SHA-256."""
NEW = "the new one"


@dataclass(frozen=True, slots=True)
class Replaced:
    """What an entry of the archive holds of a picture: ``analysis``, ``file`` and ``picture``, as there."""

    analysis: Mapping[str, Any]
    file: dict[str, Any] | None
    picture: str


async def keep_picture(work: GateWork, one: Candidate, judged: Judgement, target: Document) -> Replaced:
    """Look at the picture of a document and at the one that replaces it, and keep what is to go.

    Raises:
        DedupeError: it may not go; the message says why.
        OSError: a file cannot be read.
    """
    config = work.plan.config
    pictures = Pictures(work.writer, config)
    old = await _old(pictures, target)
    new = await _new(work, one)
    if is_one_file(old.file, _local_file(one.incoming)):
        raise DedupeError("its file is that of the new one")
    is_exact = judged.score >= config.scan.exact_threshold
    await asyncio.to_thread(_require_same, old.data or b"", new, is_exact)
    analysis = await _analysis(work, pictures, target, old)
    file = await asyncio.to_thread(_move, work, target, old)
    name = f"{FOLDER}/{old.mark}"
    await asyncio.to_thread(work.run.lasting.create, name, old.data or b"")
    return Replaced(analysis, file, name)


async def _old(pictures: Pictures, target: Document) -> Picture:
    try:
        old = await pictures.read(target)
    except PictureError as error:
        raise DedupeError(f"its {error}, so that it could not be restored") from error
    if old.data is None:
        raise DedupeError("its picture cannot be fetched from here, so that it could not be restored")
    return old


async def _new(work: GateWork, one: Candidate) -> bytes:
    source = one.incoming.source
    try:
        new = await asyncio.to_thread(read_picture, source, work.plan.config, work.writer.reader.origin)
    except GateError as error:
        raise DedupeError(f"the new picture cannot be read once more: {error}") from error
    if hashlib.sha256(new).hexdigest() != one.analysis.sha256:
        raise DedupeError(f"{source} is another picture than the one that was analysed")
    return new


def _require_same(old: bytes, new: bytes, is_exact: bool) -> None:
    if is_exact:
        objection = compare_originals(old, new, NEW)
        problem = objection.reason if objection else ""
    else:
        told = unreadable([old, new])
        problem = f"a picture of the pair cannot be read: {told}" if told else ""
    if problem:
        raise DedupeError(problem)


async def _analysis(work: GateWork, pictures: Pictures, target: Document, old: Picture) -> Mapping[str, Any]:
    """Return what Flow says of the picture that is to go, if that is the one which it knows."""
    try:
        analysis = await pictures.analysis(target, old)
    except PictureError as error:
        raise DedupeError(f"its {error}, so that it could not be restored") from error
    if work.plan.by_analysis:
        hits = await work.search.by_analysis(target["id"], analysis)
        if not any(hit.id == target["id"] and hit.score >= SAME for hit in hits):
            raise DedupeError("its picture is not the one that Flow knows of it")
    return analysis


def _move(work: GateWork, target: Document, old: Picture) -> dict[str, Any] | None:
    """Return where the file of a library goes; None where the picture is no such file."""
    settings = work.plan.config.quarantine
    return plan_move(target["id"], work.run.folder, settings) if old.file else None


def _local_file(incoming: Incoming) -> Path | None:
    files, path = fsspec.core.url_to_fs(incoming.source)
    return Path(path) if isinstance(files, LocalFileSystem) else None

"""Picture files, read and described in processes of their own."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from include.detector.imaging import Analysis
from include.flow_server.analysis import CRASHES, described, new_pool
from include.flow_server.folder.taken import camera, taken
from include.safe_picture import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

_AHEAD = 4
_OPENING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Job:
    """One file to be read; `known_content` is the SHA-256 of bytes that need not be analysed."""

    folder: str
    path: str
    known_content: str
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one file: `failure` is why it cannot be read; known bytes are not analysed.

    `vanished`: it was not there any more. `remark`: what is odd about it.
    """

    path: str
    content: str = ""
    date: str = ""
    camera: str = ""
    analysis: Analysis | None = None
    failure: str = ""
    vanished: bool = False
    remark: str = ""


def examine(job: Job) -> Examined:
    """Reads a file; analyses it unless its bytes are known."""
    try:
        data, mtime = _read(Path(job.folder, job.path), job.max_bytes)
        content = hashlib.sha256(data).hexdigest()
        if content == job.known_content:
            return Examined(job.path, content)
        date, remark = taken(data, mtime)
        return Examined(job.path, content, date, camera(data), described(data), remark=remark)
    except UnreadableImageError as error:
        return Examined(job.path, failure=str(error))
    except FileNotFoundError:
        return Examined(job.path, failure="it went away during the sync", vanished=True)
    except OSError as error:
        return Examined(job.path, failure=f"it cannot be opened: {error.strerror or error}")


def _read(file: Path, max_bytes: int) -> tuple[bytes, float]:
    """The bytes of a regular file and its time; what took its place meanwhile is not waited for."""
    with os.fdopen(os.open(file, _OPENING), "rb") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImageError("it is not a regular file")
        if status.st_size > max_bytes:
            raise UnreadableImageError(
                f"it has {status.st_size} bytes, more than the {max_bytes} that are allowed"
            )
        return opened.read(max_bytes), status.st_mtime


def examine_all(jobs: Sequence[Job], workers: int) -> Iterator[Examined]:
    """Every file described, in order; a few per process are read ahead."""
    waiting = iter(jobs)
    doubtful: deque[Job] = deque()  # begun, and their result not yet here
    running: deque[Future[Examined]] = deque()
    with new_pool(workers) as pool:
        try:
            while True:
                for job in islice(waiting, workers * _AHEAD - len(doubtful)):
                    doubtful.append(job)
                    running.append(pool.submit(examine, job))
                if not running:
                    return
                examined = running.popleft().result()
                doubtful.popleft()
                yield examined
        except BrokenProcessPool:
            pass
    for job in doubtful:
        yield _examined_alone(job)
    yield from examine_all(list(waiting), workers)


def _examined_alone(job: Job) -> Examined:
    """One of the files that were being read when a process died, in a process of its own."""
    with new_pool(1) as pool:
        try:
            return pool.submit(examine, job).result()
        except BrokenProcessPool:
            return Examined(job.path, failure=f"it {CRASHES}")

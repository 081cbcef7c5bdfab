"""Previews made in a process of their own, which a picture may kill without harm to anybody else.

It is no child of `multiprocessing`: Airflow runs tasks in processes that may have none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from include.safe_picture.decode import Preview, preview
from include.safe_picture.errors import UnreadableImageError
from include.safe_picture.limits import MAX_MEMORY, limit_memory

if TYPE_CHECKING:
    from types import TracebackType

SECONDS = 30.0
_INCLUDE = Path(__file__).parents[1]
_SERVE = """
import sys, types
include = sys.modules["include"] = types.ModuleType("include")
include.__path__ = [sys.argv[1]]
from include.safe_picture.apart import serve
serve(sys.stdin.buffer, sys.stdout.buffer)
"""
"""What the process does. It takes this package from this folder: others may have an ``include``, too."""


class PreviewMaker:
    """One process that makes previews, one at a time; started when needed, and anew after one that died.

    To be closed, or used as a context manager. Threads may share it.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        """`seconds`: how long one preview may take by the clock."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def preview(self, data: bytes, width: int, height: int) -> Preview:
        """Shrink a picture to at most `width` by `height` pixels, as the analysis sees it.

        Raises:
            UnreadableImageError: it cannot be read, or not within the limits of time and memory.
        """
        with self._lock:
            process = self._running()
            watchdog = threading.Timer(self._seconds, process.kill)
            watchdog.daemon = True
            watchdog.start()
            try:
                return _asked(process, data, width, height)
            except UnreadableImageError:
                raise
            except (OSError, EOFError, ValueError):
                self._end()
                is_late = watchdog.finished.is_set()
                raise UnreadableImageError(self._cause(process.returncode, is_late=is_late)) from None
            finally:
                watchdog.cancel()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(  # noqa: S603 - our own code, run by our own Python
                [sys.executable, "-c", _SERVE, str(_INCLUDE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # decoders grumble there
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _cause(self, code: int, *, is_late: bool) -> str:
        if is_late:
            return f"decoding it takes more than {self._seconds:g} seconds"
        return f"it takes too much memory or makes the decoder crash (the process ended with {code})"


def _asked(process: subprocess.Popen[bytes], data: bytes, width: int, height: int) -> Preview:
    assert process.stdin is not None and process.stdout is not None, "both are pipes"  # noqa: S101, PT018
    _write(process.stdin, {"width": width, "height": height}, data)
    answer, jpeg = _read(process.stdout)
    if problem := answer.get("problem"):
        raise UnreadableImageError(str(problem))
    return Preview(jpeg, bool(answer["is_first"]))


def serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Make previews until there is nobody to ask for more."""
    limit_memory(MAX_MEMORY + MAX_MEMORY // 2)
    while True:
        try:
            sizes, data = _read(asked)
        except EOFError:
            return
        try:
            made = preview(data, int(sizes["width"]), int(sizes["height"]))
        except UnreadableImageError as error:
            _write(answers, {"problem": str(error)}, b"")
        else:
            _write(answers, {"is_first": made.is_first}, made.jpeg)


def _write(file: IO[bytes], head: dict[str, Any], body: bytes) -> None:
    file.write(json.dumps(head | {"bytes": len(body)}).encode() + b"\n")
    file.write(body)
    file.flush()


def _read(file: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    line = file.readline()
    if not line:
        raise EOFError("the other side is gone")
    head = json.loads(line)
    body = file.read(int(head["bytes"]))
    if len(body) < int(head["bytes"]):
        raise EOFError("the other side is gone")
    return head, body

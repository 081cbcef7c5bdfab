"""The one way to a terminal, and to the logs that take what a task prints."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from include.safe_text.shown import shown


def tell(text: object) -> None:
    """Print one line to standard output, as ``shown``."""
    _print(text, sys.stdout)


def complain(text: object) -> None:
    """Print one line to standard error, as ``shown``."""
    _print(text, sys.stderr)


def _print(text: object, stream: TextIO) -> None:
    """Print a line; where nobody reads any more, as after ``| head``, the work goes on in silence."""
    try:
        print(shown(text), file=stream, flush=True)
    except BrokenPipeError:
        _silence(stream)


def run_until_unread(main: Callable[[], object]) -> None:
    """Run a program that only looks and prints; end it in silence where nobody reads it any more."""
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        if not _is_unread(sys.stdout):
            raise
        _silence(sys.stdout)


def _is_unread(stream: TextIO) -> bool:
    """Whether nobody can read it any more: a pipe that broke elsewhere is another matter."""
    asked = select.poll()
    asked.register(stream.fileno(), 0)
    return any(told & (select.POLLERR | select.POLLHUP) for _, told in asked.poll(0))


def _silence(stream: TextIO) -> None:
    """Let what is still printed go nowhere, so that Python does not complain of it in the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

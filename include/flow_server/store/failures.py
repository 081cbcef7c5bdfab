"""What SQLite could not do, as errors that a client can act on: later again, make room, or see the log."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from include.flow_server.errors import BusyError, FlowError, StorageFullError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: dict[str, tuple[type[FlowError], str]] = {
    "SQLITE_BUSY": (BusyError, "the documents are locked by another program, nothing was changed: ask again"),
    "SQLITE_LOCKED": (BusyError, "the documents are locked, nothing was changed: ask again"),
    "SQLITE_FULL": (StorageFullError, "the server's disk is full, nothing was changed: make room there"),
    "SQLITE_TOOBIG": (TooLargeError, "a value is larger than the server can store"),
}


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raises a failure of the store as the FlowError that says what to do; a decorator, too."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        kind, words = next(
            (told for start, told in _KINDS.items() if name.startswith(start)),
            (FlowError, f"the documents cannot be read or written ({name or type(error).__name__})"),
        )
        raise kind(f"{words}: {error}") from error

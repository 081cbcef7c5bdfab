"""Lease: one writer for each collection, in one Airflow or two; and the switch that stops all writing.

A lease is a numbered file that only one can create; the number is the fencing token. Who holds the lease says
so now and then by writing ``alive`` into it. When the holder is silent for too long another may take the next
number, and the first, should it still live, sees a higher number before its next batch and ends.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from include.dedupe.errors import LeaseError, StoppedError
from include.dedupe.rundir import Storage

FOLDER = "lease"
STOP_FILE = "stop.json"
SILENT_S = 600.0


@dataclass(slots=True)
class Lease:
    """The right to write. ``require`` it before each batch."""

    lasting: Storage
    token: int
    owner: str
    clock: Callable[[], float] = field(repr=False)

    def require(self) -> None:
        """Make sure that we may still write, and say that we live.

        Raises:
            StoppedError: a person has stopped all writing.
            LeaseError: somebody else has taken over.
        """
        require_not_stopped(self.lasting)
        newest = _newest(self.lasting)
        if newest != self.token:
            raise LeaseError(
                f"{self.owner} was silent for too long and lost the lease {self.token} of "
                f"{self.lasting.root} to {newest}; nothing more was written. A retry goes on."
            )
        self._write(released=False)

    def release(self) -> None:
        if _newest(self.lasting) == self.token:
            self._write(released=True)

    def _write(self, *, released: bool) -> None:
        state = {"owner": self.owner, "alive": self.clock(), "released": released}
        self.lasting.write(_file(self.token), json.dumps(state).encode())


@contextmanager
def hold_lease(
    lasting: Storage, owner: str, *, takes_over: bool = False, clock: Callable[[], float] = time.time
) -> Iterator[Lease]:
    """Hold the collection's lease, and give it back in the end.

    Args:
        lasting: the collection's storage.
        owner: who asks, for the message to others.
        takes_over: take it from an earlier attempt of the same owner, which may still live as a zombie.
        clock: seconds since the epoch.

    Raises:
        LeaseError: somebody else holds it.
        StoppedError: a person has stopped all writing.
    """
    require_not_stopped(lasting)
    newest = _newest(lasting)
    if newest:
        held = json.loads(lasting.read(_file(newest)))
        is_own = takes_over and held["owner"].startswith(f"{owner} (")
        if not held["released"] and not is_own and clock() - held["alive"] < SILENT_S:
            raise LeaseError(f"{held['owner']} is writing to {lasting.root}; wait until it ends.")
    me = f"{owner} ({uuid.uuid4().hex[:8]})"
    state = {"owner": me, "alive": clock(), "released": False}
    if not lasting.create(_file(newest + 1), json.dumps(state).encode()):
        raise LeaseError(f"Somebody else has just begun to write to {lasting.root}; wait until it ends.")
    lease = Lease(lasting, newest + 1, me, clock)
    try:
        yield lease
    finally:
        lease.release()


def stop_writing(lasting: Storage, by: str) -> None:
    """Let every writer end before its next batch, and no new one begin."""
    lasting.write(STOP_FILE, json.dumps({"by": by, "at": time.time()}).encode())


def allow_writing(lasting: Storage) -> None:
    lasting.remove(STOP_FILE)


def require_not_stopped(lasting: Storage) -> None:
    if lasting.exists(STOP_FILE):
        by = json.loads(lasting.read(STOP_FILE))["by"]
        raise StoppedError(
            f"{by} has stopped all writing to {lasting.root}; allow it again with "
            f"`python -m include.dedupe allow`."
        )


def _newest(lasting: Storage) -> int:
    names = lasting.names(FOLDER)
    return int(names[-1].removesuffix(".json")) if names else 0


def _file(token: int) -> str:
    return f"{FOLDER}/{token:010}.json"

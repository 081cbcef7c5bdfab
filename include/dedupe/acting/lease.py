"""Lease: one writer for each collection, in one Airflow or two; and the switch that stops all writing.

A lease is a numbered file that only one can create; the number is the fencing token. Who holds the lease says
so now and then by writing ``alive`` into it, by the clock of the storage. When the holder is silent for too
long another may take the next number, and the first, should it still live, sees a higher number before its
next write and ends. Settings that lead to the same collection of Flow share a lease.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from include.dedupe.errors import LeaseError, StoppedError
from include.dedupe.rundir import folder_name
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

FOLDER = "lease"
STOP_FILE = "stop.json"
SILENT_S = 600.0
RENEWED_AFTER_S = SILENT_S / 4
UNHELD = "remove it if nothing writes to the collection"
STILL_STOPPED = "nothing is written until `python -m include.dedupe allow` removes it"


def meeting_place(lasting: Storage, config: CollectionConfig) -> Storage:
    """Return the folder where all that write to one collection of Flow meet.

    Args:
        lasting: the folder of one collection's settings, in the storage that it shares with others.
        config: those settings.
    """
    return lasting.beside(f"_writers/{folder_name(config.flow.collection)}")


@dataclass(frozen=True, slots=True)
class _State:
    """What the file of a lease holds; ``alive``: seconds since the epoch."""

    owner: str
    alive: float
    released: bool

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


@dataclass(slots=True)
class Lease:
    """The right to write. ``require`` it before each batch, ``keep`` it before each write."""

    place: Storage
    token: int
    owner: str
    clock: Callable[[], float] = field(repr=False)
    own_clock: Callable[[], float] = field(repr=False)
    renewed: float

    def require(self) -> None:
        """Make sure that we may still write, and say that we live.

        Raises:
            StoppedError: a person has stopped all writing.
            LeaseError: somebody else has taken over.
        """
        now = self.own_clock()
        require_not_stopped(self.place)
        if self._is_lost():
            raise LeaseError(
                f"{self.owner} was silent for too long and lost the lease {self.token} of "
                f"{self.place.root} to {_newest(self.place)}; nothing more was written. A retry goes on."
            )
        self._write(released=False)
        self.renewed = now

    def keep(self) -> None:
        """Require it anew if that was a while ago, as between the writes of a slow batch."""
        if not 0 <= self.own_clock() - self.renewed < RENEWED_AFTER_S:
            self.require()

    def release(self) -> None:
        if not self._is_lost():
            self._write(released=True)

    def _is_lost(self) -> bool:
        """Whether the next number is given, asked for by its name: a listing may come late."""
        return self.place.exists(_file(self.token + 1)) or self._holder() != self.owner

    def _holder(self) -> str:
        return _state(self.place, self.token).owner

    def _write(self, *, released: bool) -> None:
        state = _State(self.owner, self.clock(), released)
        self.place.write(_file(self.token), state.to_json())


@contextmanager
def hold_lease(
    place: Storage,
    owner: str,
    *,
    takes_over: bool = False,
    clock: Callable[[], float] | None = None,
    own_clock: Callable[[], float] = time.time,
) -> Iterator[Lease]:
    """Hold the collection's lease, and give it back in the end.

    Args:
        place: where all that write to the collection meet.
        owner: who asks, for the message to others.
        takes_over: take it from an earlier attempt of the same owner, which may still live as a zombie.
        clock: seconds since the epoch, the same for all machines; by default that of the storage.
        own_clock: seconds, of this machine.

    Raises:
        LeaseError: somebody else holds it.
        StoppedError: a person has stopped all writing.
    """
    clock, began = clock or place.clock, own_clock()
    require_not_stopped(place)
    newest = _newest(place)
    if newest:
        held = _state(place, newest)
        is_own = takes_over and held.owner.startswith(f"{owner} (")
        if not held.released and not is_own and clock() - held.alive < SILENT_S:
            raise LeaseError(f"{held.owner} is writing to {place.root}; wait until it ends.")
    me = f"{owner} ({uuid.uuid4().hex[:8]})"
    made = place.create(_file(newest + 1), _State(me, clock(), released=False).to_json())
    if not made and _state(place, newest + 1).owner != me:  # ours where its first answer was lost on the way
        raise LeaseError(f"Somebody else has just begun to write to {place.root}; wait until it ends.")
    lease = Lease(place, newest + 1, me, clock, own_clock, began)
    try:
        yield lease
    finally:
        lease.release()


def stop_writing(place: Storage, by: str) -> None:
    """Let every writer end before its next batch, and no new one begin."""
    place.write(STOP_FILE, json.dumps({"by": by, "at": time.time()}).encode())


def allow_writing(place: Storage) -> None:
    place.remove(STOP_FILE)


def require_not_stopped(place: Storage) -> None:
    if place.exists(STOP_FILE):
        by = place.read_json(STOP_FILE, lambda told: str(told["by"]), STILL_STOPPED)
        raise StoppedError(
            f"{by} has stopped all writing to {place.root}; allow it again with "
            f"`python -m include.dedupe allow` and the name of its YAML file."
        )


def _newest(place: Storage) -> int:
    tokens = [name.removesuffix(".json") for name in place.names(FOLDER)]
    newest = max((int(token) for token in tokens if token.isdecimal()), default=0)
    while place.exists(_file(newest + 1)):
        newest += 1
    return newest


def _state(place: Storage, token: int) -> _State:
    return place.read_json(_file(token), lambda value: _State(**value), UNHELD)


def _file(token: int) -> str:
    return f"{FOLDER}/{token:010}.json"

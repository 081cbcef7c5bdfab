"""The search by picture of a store that tells its changes: an index in memory that follows them.

What it held some changes ago lies on disk, from where a start goes on.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import numpy as np

from include.detector.imaging import Descriptor
from include.flow_server.errors import FlowError, OutdatedScopeError
from include.flow_server.index.duplicate_index import DuplicateIndex
from include.flow_server.store.keyset import NOTHING, KeySet, as_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Set
    from concurrent.futures import Future

    from include.flow_server.index.finder import Load
    from include.flow_server.index.index_file import IndexFile, Saved
    from include.flow_server.index.keypoint_file import KeypointFile
    from include.flow_server.index.options import Hit, SearchOptions
    from include.flow_server.index.scores import Comparers
    from include.flow_server.store.keyset import Keys
    from include.flow_server.store.protocol import Scope

WORTH_SAVING = 20_000  # changes since the last time, and a share of the documents
SHARE_WORTH_SAVING = 0.1
_BATCH = 20_000
_TIDY_SECONDS = 3600.0
_SAVING = ThreadPoolExecutor(1, "saving")
_log = logging.getLogger(__name__)


class Changing(Protocol):
    """A store that tells what changed."""

    def changes(self, since: int) -> Iterator[tuple[int, int, bytes | None]]:
        """(sequence, key, descriptor or None where it is gone) of visible changes after `since`, in order."""

    def stamp(self) -> str | None:
        """The newest stamp that the documents got; those of a backup have an older one."""

    def set_stamp(self, stamp: str) -> None:
        """Give the documents a stamp."""


class MemoryPictures:
    """Implements PictureSearch; its scopes are KeySets."""

    def __init__(
        self,
        store: Changing,
        load: Load,
        keypoints: KeypointFile,
        file: IndexFile,
        *,
        mirror: bool,
        turn: bool,
        comparers: Comparers | None,
    ) -> None:
        """`keypoints` has what was found in the pictures before, `file` what the index held."""
        self._store = store
        self._index = DuplicateIndex(load, mirror=mirror, turn=turn, comparers=comparers, kept=keypoints)
        self._keypoints = keypoints
        self._tidied = -math.inf
        self._sequence = 0
        self._outdated: Keys = NOTHING.keys
        self._indexing = threading.Lock()
        self._file = file
        self._saving: Future[None] | None = None
        if saved := file.read(store.stamp()):
            self._index.restore(saved)
            self._sequence, self._outdated = saved.sequence, saved.outdated
        self._saved = self._sequence
        self.catch_up()

    def search_all(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: Scope, explain: bool = False
    ) -> list[list[Hit]]:
        self._check(queries, allowed)
        keys = _keys(allowed)
        if not keys.complement:
            return self._index.search_all(queries, options, keys.keys, explain=explain)
        found = self._index.search_all(queries, options, None, explain=explain)
        return [[hit for hit in hits if keys.has(hit.key)] for hits in found]

    def finders(
        self, asked: Sequence[tuple[Descriptor, Set[int]]], options: SearchOptions, allowed: Scope
    ) -> list[Set[int]]:
        self._check(asked, allowed)
        keys = _keys(allowed)
        return self._index.finders(asked, options, None if keys.complement else keys.keys)

    def outdated(self, allowed: Scope) -> int:
        return len((KeySet(self._outdated) & _keys(allowed)).keys)

    def renewal(self, collection: str) -> str:
        return (
            f"To analyse them anew while this server runs: "
            f"python -m include.flow_server reanalyze --data … --collection {collection}"
        )

    def memory_bytes(self) -> int:
        return self._index.memory_bytes()

    def compared(self) -> int:
        return self._index.compared

    def indexed(self) -> int:
        return len(self._index)

    def catch_up(self) -> None:
        with self._indexing:
            changes = self._store.changes(self._sequence)
            while batch := list(islice(_read_changes(changes), _BATCH)):
                newest = {key: (descriptor, outdated) for _, key, descriptor, outdated in batch}
                self._index.add([(key, one) for key, (one, _) in newest.items() if one is not None])
                self._index.remove([key for key, (one, _) in newest.items() if one is None])
                others = np.setdiff1d(self._outdated, as_keys(newest))
                self._outdated = np.union1d(others, as_keys(key for key, (_, old) in newest.items() if old))
                self._sequence = batch[-1][0]
            self._save_if_worth_it()
            if time.monotonic() > self._tidied + _TIDY_SECONDS:
                self._keypoints.keep_only(self._index.holds)
                self._tidied = time.monotonic()

    def close(self) -> None:
        """Waits until what is being saved is."""
        if self._saving:
            self._saving.result()

    def _check(self, queries: Sequence[object], allowed: Scope) -> None:
        if queries and self.outdated(allowed):
            raise OutdatedScopeError

    def _save_if_worth_it(self) -> None:
        """Saves the index in the background where a start would have much to do without that."""
        enough = max(WORTH_SAVING, SHARE_WORTH_SAVING * len(self._index))
        if self._sequence - self._saved < enough or (self._saving and not self._saving.done()):
            return
        saved = self._index.saved(self._sequence, self._outdated)
        self._saved = self._sequence
        self._saving = _SAVING.submit(self._save, saved)

    def _save(self, saved: Saved) -> None:
        """The file first: documents never have the stamp of one that is not whole."""
        stamp = uuid4().hex
        try:
            self._file.write(saved, stamp)
            self._store.set_stamp(stamp)
        except (OSError, FlowError) as error:
            _log.warning("the index cannot be saved, so the next start builds it anew: %s", error)


def comparable(data: bytes) -> Descriptor | None:
    """A stored descriptor; None where it is of another version of the analysis, or damaged."""
    try:
        return Descriptor.from_bytes(data)
    except ValueError:
        return None


def _keys(allowed: Scope) -> KeySet:
    if not isinstance(allowed, KeySet):
        raise TypeError(f"a scope of another store: {allowed!r}")
    return allowed


def _read_changes(
    changes: Iterable[tuple[int, int, bytes | None]],
) -> Iterator[tuple[int, int, Descriptor | None, bool]]:
    """(sequence, key, descriptor, whether there is one that cannot be compared)."""
    for sequence, key, data in changes:
        descriptor = None if data is None else comparable(data)
        yield sequence, key, descriptor, data is not None and descriptor is None

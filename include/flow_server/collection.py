"""One collection at work: its documents, and in memory the index that finds duplicates among them."""

from __future__ import annotations

import math
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from include.detector.imaging import DESCRIPTOR_VERSION, Descriptor
from include.flow_server.errors import FlowError, OutdatedError
from include.flow_server.index import DuplicateIndex
from include.flow_server.store.keyset import NOTHING, KeySet, as_keys
from include.flow_server.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    from include.flow_server.comparers import Comparers
    from include.flow_server.index import Hit, SearchOptions
    from include.flow_server.index.keypoint_file import KeypointFile
    from include.flow_server.store.keyset import Keys
    from include.flow_server.store.protocol import Document, DocumentStore

_BATCH = 20_000
_HOSTS_AT_ONCE = 8
_AGAIN_MILLISECONDS = 1000
_TIDY_SECONDS = 3600.0


class Collection:
    """Joins a document store with a duplicate index; after `refresh` both stand at the last commit."""

    def __init__(
        self,
        name: str,
        store: DocumentStore,
        allow_hosts: tuple[str, ...] = (),
        workers: int = 1,
        comparers: Comparers | None = None,
        *,
        keypoints: KeypointFile | None = None,
        mirror: bool = True,
        turn: bool = True,
    ) -> None:
        """`allow_hosts`: private hosts that pictures of this collection may be downloaded from.

        Twice `workers` pictures of one host are read at once. `comparers` compare the pictures of a page,
        `keypoints` has what was found in them before. `mirror` and `turn`: whether mirrored and turned copies
        count as duplicates.
        """
        self.name = name
        self.allow_hosts = allow_hosts
        self.turns = Turns(2 * workers * _HOSTS_AT_ONCE, 2 * workers)
        self.store = store
        self._index = DuplicateIndex(
            self.descriptors, mirror=mirror, turn=turn, comparers=comparers, kept=keypoints
        )
        self._keypoints = keypoints
        self._tidied = -math.inf
        self._sequence = 0
        self._outdated: Keys = NOTHING.keys
        self._indexing = threading.Lock()
        self._timing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._due = 0.0
        self._catch_up()

    def refresh(self) -> None:
        """Takes in what other processes committed."""
        if self.store.refresh():
            self._catch_up()

    def commit(self) -> None:
        """Makes what was written visible, to queries by field and by picture."""
        self.store.commit()
        self._catch_up()

    def commit_within(self, milliseconds: int) -> None:
        """Commits at the latest so many milliseconds from now."""
        due = time.monotonic() + milliseconds / 1000
        with self._timing:
            if self._timer and self._due <= due:
                return
            if self._timer:
                self._timer.cancel()
            self._due = due
            self._timer = threading.Timer(milliseconds / 1000, self._commit_now)
            self._timer.daemon = True
            self._timer.start()

    def _commit_now(self) -> None:
        with self._timing:
            self._timer = None
        try:
            self.commit()
        except FlowError:
            self.commit_within(_AGAIN_MILLISECONDS)
            raise

    def duplicates(
        self, query: Descriptor, options: SearchOptions, allowed: KeySet, explain: bool = False
    ) -> list[Hit]:
        """The hits that `allowed` lets through, best first."""
        return self.all_duplicates([query], options, allowed, explain)[0]

    def all_duplicates(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: KeySet, explain: bool = False
    ) -> list[list[Hit]]:
        """The hits of each query that `allowed` lets through, best first.

        Raises:
            OutdatedError: some that it lets through cannot be compared, so that hits might be missing.
        """
        outdated = KeySet(self._outdated) & allowed
        if len(outdated.keys):
            raise self._outdated_error(len(outdated.keys))
        if not allowed.complement:
            return self._index.search_all(queries, options, allowed.keys, explain=explain)
        found = self._index.search_all(queries, options, None, explain=explain)
        return [[hit for hit in hits if allowed.has(hit.key)] for hits in found]

    def finders(
        self, asked: Sequence[tuple[Descriptor, Set[int]]], options: SearchOptions, allowed: KeySet
    ) -> list[Set[int]]:
        """Which of the documents beside it a search for each picture finds; see `DuplicateIndex.finders`."""
        return self._index.finders(asked, options, None if allowed.complement else allowed.keys)

    def descriptor(self, key: int) -> Descriptor | None:
        """The descriptor of a document, None where it has none."""
        return self.descriptors([key]).get(key)

    def descriptors(self, keys: Sequence[int]) -> Mapping[int, Descriptor]:
        """Descriptors by key; documents without a picture are left out."""
        return {key: self._read(data) for key, data in self.store.descriptors(keys).items()}

    def outputs(self, documents: Sequence[Document]) -> dict[int, dict[str, Any]]:
        """By key `{"import": …, "picture_hash": …}`: what each document's picture was when it was indexed."""
        descriptors = self.descriptors([document.key for document in documents])
        return {
            key: {"import": descriptor.to_outputs(), "picture_hash": descriptor.content_hash}
            for key, descriptor in descriptors.items()
        }

    def memory_bytes(self) -> int:
        """What the duplicate index holds in memory."""
        return self._index.memory_bytes()

    def compared(self) -> int:
        """How many candidates were compared in full since the start."""
        return self._index.compared

    def indexed(self) -> int:
        """How many documents can be found by picture."""
        return len(self._index)

    def outdated(self) -> int:
        """How many documents were analysed by another version and wait for `reanalyze`."""
        return len(self._outdated)

    def close(self) -> None:
        """Commits what is waiting for it and releases the files."""
        self.turns.close()
        with self._timing:
            waiting, self._timer = self._timer, None
        try:
            if waiting:
                waiting.cancel()
                self.store.commit()
        finally:
            self.store.close()
            if self._keypoints:
                self._keypoints.close()

    def _read(self, data: bytes) -> Descriptor:
        descriptor = comparable(data)
        if descriptor is None:
            raise self._outdated_error(1)
        return descriptor

    def _outdated_error(self, count: int) -> OutdatedError:
        return OutdatedError(
            f"{count} of the pictures that this request needs were analysed by another version than "
            f"{DESCRIPTOR_VERSION}, so it cannot be answered in full. To analyse them anew while this server "
            f"runs: python -m include.flow_server reanalyze --data … --collection {self.name}"
        )

    def _catch_up(self) -> None:
        with self._indexing:
            changes = self.store.changes(self._sequence)
            while batch := list(islice(_read_changes(changes), _BATCH)):
                newest = {key: (descriptor, outdated) for _, key, descriptor, outdated in batch}
                self._index.add([(key, one) for key, (one, _) in newest.items() if one is not None])
                self._index.remove([key for key, (one, _) in newest.items() if one is None])
                others = np.setdiff1d(self._outdated, as_keys(newest))
                self._outdated = np.union1d(others, as_keys(key for key, (_, old) in newest.items() if old))
                self._sequence = batch[-1][0]
            if self._keypoints and time.monotonic() > self._tidied + _TIDY_SECONDS:
                self._keypoints.keep_only(self._index.holds)
                self._tidied = time.monotonic()


def comparable(data: bytes) -> Descriptor | None:
    """A stored descriptor; None where it is of another version of the analysis, or damaged."""
    try:
        return Descriptor.from_bytes(data)
    except ValueError:
        return None


def _read_changes(
    changes: Iterable[tuple[int, int, bytes | None]],
) -> Iterator[tuple[int, int, Descriptor | None, bool]]:
    """(sequence, key, descriptor, whether there is one that cannot be compared)."""
    for sequence, key, data in changes:
        descriptor = None if data is None else comparable(data)
        yield sequence, key, descriptor, data is not None and descriptor is None

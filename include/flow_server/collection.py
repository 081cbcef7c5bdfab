"""One collection at work: its documents, and the search that finds duplicates among them."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.errors import FlowError, OutdatedError, OutdatedScopeError
from include.flow_server.index.memory import comparable
from include.flow_server.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from include.detector.imaging import Descriptor
    from include.flow_server.comparers import Comparers
    from include.flow_server.index import Hit, SearchOptions
    from include.flow_server.store.protocol import Document, DocumentStore, Scope

_HOSTS_AT_ONCE = 8
_AGAIN_MILLISECONDS = 1000


class Collection:
    """Joins a document store with its search by picture; after `refresh` both stand at the last commit."""

    def __init__(
        self,
        name: str,
        store: DocumentStore,
        allow_hosts: tuple[str, ...] = (),
        workers: int = 1,
        comparers: Comparers | None = None,
        *,
        mirror: bool = True,
        turn: bool = True,
        last_sync: Path | None = None,
    ) -> None:
        """`allow_hosts`: private hosts that pictures of this collection may be downloaded from.

        Twice `workers` pictures of one host are read at once. `comparers` compare the pictures of a page.
        `mirror` and `turn`: whether mirrored and turned copies count as duplicates. `last_sync`: the file in
        which a sync of its folder says what it left out.
        """
        self.last_sync = last_sync
        self.name = name
        self.allow_hosts = allow_hosts
        self.turns = Turns(2 * workers * _HOSTS_AT_ONCE, 2 * workers)
        self.store = store
        self._pictures = store.pictures(self.descriptors, mirror=mirror, turn=turn, comparers=comparers)
        self._timing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._due = 0.0

    def refresh(self) -> None:
        """Takes in what other processes committed."""
        if self.store.refresh():
            self._pictures.catch_up()

    def commit(self) -> None:
        """Makes what was written visible, to queries by field and by picture."""
        self.store.commit()
        self._pictures.catch_up()

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
        self, query: Descriptor, options: SearchOptions, allowed: Scope, explain: bool = False
    ) -> list[Hit]:
        """The hits that `allowed` lets through, best first."""
        return self.all_duplicates([query], options, allowed, explain)[0]

    def all_duplicates(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: Scope, explain: bool = False
    ) -> list[list[Hit]]:
        """The hits of each query that `allowed` lets through, best first.

        Raises:
            OutdatedError: some that it lets through cannot be compared, so that hits might be missing.
        """
        with self._in_full(allowed):
            return self._pictures.search_all(queries, options, allowed, explain)

    def finders(
        self, asked: Sequence[tuple[Descriptor, Set[int]]], options: SearchOptions, allowed: Scope
    ) -> list[Set[int]]:
        """Which of the documents beside it a search for each picture finds; see `Finder.finders`."""
        with self._in_full(allowed):
            return self._pictures.finders(asked, options, allowed)

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
        return self._pictures.memory_bytes()

    def compared(self) -> int:
        """How many candidates were compared in full since the start."""
        return self._pictures.compared()

    def indexed(self) -> int:
        """How many documents can be found by picture."""
        return self._pictures.indexed()

    def outdated(self) -> int:
        """How many documents were analysed by another version and wait for `reanalyze`."""
        return self._pictures.outdated(self.store.matching(()))

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

    def _read(self, data: bytes) -> Descriptor:
        descriptor = comparable(data)
        if descriptor is None:
            raise self._outdated_error(1)
        return descriptor

    @contextmanager
    def _in_full(self, allowed: Scope) -> Iterator[None]:
        """Tells how many pictures of a scope cannot be compared where a search meets any."""
        try:
            yield
        except OutdatedScopeError:
            raise self._outdated_error(max(1, self._pictures.outdated(allowed))) from None

    def _outdated_error(self, count: int) -> OutdatedError:
        return OutdatedError(
            f"{count} of the pictures that this request needs were analysed by another version than "
            f"{DESCRIPTOR_VERSION}, so it cannot be answered in full. {self._pictures.renewal(self.name)}"
        )

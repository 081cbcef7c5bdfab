"""What the server asks of a document store, and nothing more. SQLite implements it; SolrCloud can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.flow_server.query.request import SelectRequest
    from include.flow_server.store.keyset import KeySet
    from include.flow_server.store.schema import Schema


@dataclass(frozen=True, slots=True)
class Document:
    """A document as stored: `fields` has neither id nor `_version_`."""

    key: int
    id: str
    version: int
    from_folder: bool
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Add:
    """Adds, replaces or (with operators such as {"set": 1} among `fields`) updates one document.

    `descriptor` None keeps the one there is in an update, and means "has none" otherwise.
    """

    id: str
    fields: Mapping[str, Any]
    descriptor: bytes | None = None
    from_folder: bool = False
    version: int = 0
    overwrite: bool = True


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes one document by id."""

    id: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class DeleteByQuery:
    """Deletes every document that the query matches, committed or not."""

    query: str


@dataclass(frozen=True, slots=True)
class Reanalysed:
    """Puts `descriptor` (None: none) in the place of `before`; where another one stands now, it stays."""

    key: int
    before: bytes
    descriptor: bytes | None


Operation: TypeAlias = "Add | Delete | DeleteByQuery | Reanalysed"


@dataclass(frozen=True, slots=True)
class Written:
    """What one update did: ids with their new versions; a delete's version is negative."""

    adds: list[tuple[str, int]] = field(default_factory=list)
    deletes: list[tuple[str, int]] = field(default_factory=list)
    queries: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Selection:
    """The page that a request selects; `extra` holds facet_counts and stats where they were asked for."""

    found: int
    documents: list[Document]
    next_cursor: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class DocumentStore(Protocol):
    """The documents of one collection. Reads see the last commit, except `get`; thread-safe."""

    def refresh(self) -> bool:
        """Takes in commits of other processes; True where the visible documents may have changed."""

    def count(self) -> int:
        """How many documents are visible."""

    @property
    def schema(self) -> Schema:
        """Which fields there are."""

    def select(self, request: SelectRequest) -> Selection:
        """Answers /select: count, page of documents, cursor, facets, stats."""

    def matching(self, filters: Sequence[str], df: str | None = None) -> KeySet:
        """The documents that pass all filters."""

    def documents(self, keys: Sequence[int]) -> dict[int, Document]:
        """Documents by key; missing ones are left out."""

    def key_of(self, document_id: str) -> int | None:
        """The key of an id, None where there is no such document."""

    def get(self, ids: Sequence[str]) -> list[Document]:
        """The newest state of documents, committed or not, in the order asked for."""

    def update(self, operations: Sequence[Operation], skip_conflicts: bool = False) -> Written:
        """Applies operations in order; the first that fails raises, and those before it stay.

        With `skip_conflicts` an operation that `_version_` forbids is passed over instead.
        """

    def commit(self) -> None:
        """Makes everything written so far visible to reads."""

    def descriptors(self, keys: Sequence[int]) -> dict[int, bytes]:
        """Descriptors by key; documents without one are left out."""

    def changes(self, since: int) -> Iterator[tuple[int, int, bytes | None]]:
        """(sequence, key, descriptor or None where it is gone) of visible changes after `since`, in order."""

    def close(self) -> None:
        """Releases files; the store is of no use afterwards."""

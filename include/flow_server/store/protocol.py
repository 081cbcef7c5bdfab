"""What the server asks of a document store, and nothing more. SQLite implements it, and so does SolrCloud."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from include.detector.imaging import Analysis, Descriptor
    from include.flow_server.index import Hit, SearchOptions
    from include.flow_server.index.finder import Load
    from include.flow_server.index.scores import Comparers
    from include.flow_server.query.request import SelectRequest
    from include.flow_server.store.schema import FieldType, Schema


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
    """The page that a request selects; `extra` holds facet_counts and stats where they were asked for.

    `scores` by key are those of the query, where the store computes any.
    """

    found: int
    documents: list[Document]
    next_cursor: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[int, float] = field(default_factory=dict)


class Scope(Protocol):
    """The documents that pass some filters; only the store that made it can read it."""

    def among(self, keys: Iterable[int]) -> Set[int]:
        """Which of `keys` are in it."""


class PictureSearch(Protocol):
    """The search by picture over the visible documents of one store; thread-safe."""

    def search_all(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: Scope, explain: bool = False
    ) -> list[list[Hit]]:
        """The hits of each query that `allowed` lets through, best first.

        Raises:
            OutdatedScopeError: some that it lets through cannot be compared, so that hits might be missing.
        """

    def finders(
        self, asked: Sequence[tuple[Descriptor, Set[int]]], options: SearchOptions, allowed: Scope
    ) -> list[Set[int]]:
        """For each picture, which of the documents beside it a search for the picture finds.

        Raises:
            OutdatedScopeError: as `search_all`.
        """

    def outdated(self, allowed: Scope) -> int:
        """How many documents of the scope were analysed by another version and cannot be compared."""

    def renewal(self, collection: str) -> str:
        """What to do about outdated ones, as a sentence."""

    def catch_up(self) -> None:
        """Takes in what became visible."""

    def indexed(self) -> int:
        """How many documents can be found by picture."""

    def compared(self) -> int:
        """How many candidates were compared in full since the start."""

    def memory_bytes(self) -> int:
        """What is held in memory of the pictures."""


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

    def matching(self, filters: Sequence[str], df: str | None = None) -> Scope:
        """The documents that pass all filters."""

    def documents(self, keys: Sequence[int], names: Sequence[str] | None = None) -> dict[int, Document]:
        """Documents by key with at least the fields of these `names`; missing ones are left out."""

    def key_of(self, document_id: str) -> int | None:
        """The key of an id; a store may know only later that there is no such document."""

    def existing(self, ids: Iterable[str]) -> set[str]:
        """Which of `ids` have a document, committed or not."""

    def get(self, ids: Sequence[str]) -> list[Document]:
        """The newest state of documents, committed or not, in the order asked for."""

    def update(
        self, operations: Sequence[Operation], skip_conflicts: bool = False, versions: bool = True
    ) -> Written:
        """Applies operations in order; the first that fails raises, and those before it stay.

        With `skip_conflicts` an operation that `_version_` forbids is passed over instead. Without `versions`
        nobody reads the new ones, so that they may be left out.
        """

    def keep(self, found: Iterable[Analysis]) -> None:
        """Keeps what spares comparisons the work of finding it again in pictures of documents, if it can."""

    def declare(self, types: Mapping[str, FieldType]) -> None:
        """Gives names that nothing defines yet a type for good."""

    def commit(self) -> None:
        """Makes everything written so far visible to reads."""

    def outdated(self) -> list[int]:
        """Keys of the visible documents whose picture another version analysed."""

    def descriptors(self, keys: Sequence[int]) -> dict[int, bytes]:
        """Descriptors by key; documents without one are left out."""

    def pictures(self, load: Load, *, mirror: bool, turn: bool, comparers: Comparers | None) -> PictureSearch:
        """The search by picture; `load` reads descriptors by key, the others are those of `Collection`."""

    def close(self) -> None:
        """Releases files; the store is of no use afterwards."""

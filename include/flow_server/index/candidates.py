"""Stage 1: which documents could be duplicates of a query, by learned embedding and by perceptual hash.

Each finds what the other misses: the embedding sees through crops, colours and overlays, the hash through
heavy scaling and coding. Both are searched exactly, unless a search is `approximate`: then the signs of the
embedding's entries choose which documents are compared in full, and parts of the query are not searched for;
of many documents, hashes are looked for in lists of alike ones only.
"""

from __future__ import annotations

import math
import os
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")  # faiss' searches are short: waiting threads would cost more
import faiss

from include.detector.comparing.closeness import HASH_RANGE, codes, vectors
from include.detector.comparing.orientation import ALL
from include.detector.imaging.embedding import DIMENSIONS, LEVELS
from include.flow_server.index.embeddings import Embeddings
from include.flow_server.index.index_file import Rows
from include.flow_server.index.lists import LEAST_HASHES, LearntLists
from include.flow_server.index.turned import TurnedHashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.orientation import Orientation
    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.lists import Lists

HASH_BITS = 256
HASHES = ("pdq", "pdq_content")
MOST_FOUND = 2_000_000  # pairs of query and document held at once
RESTORED = 50_000  # rows taken in at once
PREFILTER = 8  # documents compared in full per candidate wanted


class Candidate(NamedTuple):
    """A document of stage 1. `closeness` is what candidates are ranked by, 1 = the same."""

    key: int
    closeness: float


class Found(NamedTuple):
    """Arrays of one length: row of a document, number of the picture that it is close to, closeness."""

    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]
    closeness: NDArray[np.float64]


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class Candidates:
    """Embeddings and hashes of all documents; not thread-safe by itself."""

    def __init__(self, orientations: Sequence[Orientation] = ALL[1:]) -> None:
        """`orientations`: those in which copies are searched for by hash, beside upright."""
        self._keys = np.zeros(0, np.int64)
        self._embeddings = Embeddings()
        self._signs = faiss.IndexBinaryFlat(DIMENSIONS)
        self._hashes = [faiss.IndexBinaryFlat(HASH_BITS), faiss.IndexBinaryFlat(HASH_BITS)]
        self._turned = TurnedHashes(orientations)
        self._mask: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None
        self._learnt = LearntLists()  # of either hash, once they are needed
        self._by_key: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def nbytes(self) -> int:
        """Bytes of memory held."""
        own = len(self._keys) * (DIMENSIONS + DIMENSIONS // 8 + 2 * HASH_BITS // 8 + 8)
        return own + self._turned.nbytes() + self._learnt.nbytes()

    def add(self, items: Sequence[tuple[int, Descriptor]]) -> None:
        """Take in documents that are not there yet."""
        if not items:
            return
        wholes = _rows(b"".join(one.embedding[:DIMENSIONS] for _, one in items), DIMENSIONS).view(np.int8)
        hashes = [_rows(b"".join(getattr(one, name) for _, one in items), HASH_BITS // 8) for name in HASHES]
        self._append(np.array([key for key, _ in items], np.int64), wholes, hashes)

    def rows(self) -> Rows:
        """All that is held; nothing of it changes any more."""
        return Rows(self._keys, self._embeddings.blocks(), self._stored_hashes())

    def restore(self, rows: Rows) -> None:
        """Take in rows that are not there yet."""
        wholes = np.concatenate(rows.wholes)
        for start in range(0, len(rows.keys), RESTORED):
            part = slice(start, start + RESTORED)
            self._append(rows.keys[part], wholes[part], [hashes[part] for hashes in rows.hashes])

    def _append(
        self, keys: NDArray[np.int64], wholes: NDArray[np.int8], hashes: Sequence[NDArray[np.uint8]]
    ) -> None:
        self._embeddings.add(wholes)
        self._signs.add(_signs(wholes))
        for index, added in zip(self._hashes, hashes, strict=True):
            index.add(added)
        self._turned.add([row.tobytes() for row in hashes[HASHES.index("pdq_content")]])
        self._keys = np.concatenate([self._keys, keys])
        self._mask = self._by_key = None
        self._learnt.add(hashes, keys)

    def remove(self, keys: Sequence[int]) -> None:
        """Forget documents; unknown keys are none of its business."""
        gone = np.isin(self._keys, np.array(keys, np.int64))
        selector = faiss.IDSelectorBatch(np.flatnonzero(gone))
        for index in (self._signs, *self._hashes):
            index.remove_ids(selector)
        self._learnt.remove(keys)
        self._embeddings.keep(~gone)
        self._turned.keep(~gone)
        self._keys = self._keys[~gone]
        self._mask = self._by_key = None

    def nearest(self, query: Descriptor, most: int, least_closeness: float) -> list[Candidate]:
        """Up to `most` documents closer than `least_closeness`, closest first, ties by key."""
        return self.nearest_of([query], [most], least_closeness)[0]

    def nearest_of(
        self,
        queries: Sequence[Descriptor],
        most: Sequence[int],
        least_closeness: float,
        *,
        allowed: NDArray[np.int64] | None = None,
        approximate: bool = False,
    ) -> list[list[Candidate]]:
        """What is `nearest` to each of many queries, with a `most` of its own; `allowed` keys only."""
        if not len(self._keys) or not queries:
            return [[] for _ in queries]
        mask, limits = self._only(allowed), np.array(most, np.int64)
        if approximate:
            similar = self._prefiltered(queries, limits, mask)
        else:
            similar = self._by_embedding(queries, limits, least_closeness, mask)
        hashed = self._by_hash(queries, least_closeness, mask, approximate=approximate)
        found = _joined([similar, hashed, self._by_turned_hash(queries, mask)])
        chosen = self._closest(_filtered(found, found.closeness > least_closeness), limits)
        candidates = map(Candidate, self._keys[chosen.rows].tolist(), chosen.closeness.tolist())
        ends = np.cumsum(np.bincount(chosen.numbers, minlength=len(queries)))
        return [list(islice(candidates, count)) for count in np.diff(ends, prepend=0).tolist()]

    def _by_embedding(
        self,
        queries: Sequence[Descriptor],
        limits: NDArray[np.int64],
        least_closeness: float,
        mask: NDArray[np.bool_] | None,
    ) -> Found:
        """By the best cosine over a query's whole and its parts."""
        parts = np.stack([vectors(query) for query in queries])
        found, waiting = NOTHING, list[Found]()
        for rows, numbers, products in self._embeddings.search(parts, least_closeness * LEVELS**2 - 1, mask):
            waiting.append(Found(rows, numbers, products.astype(np.float64) / LEVELS**2))
            if sum(len(each.rows) for each in waiting) > MOST_FOUND:
                found, waiting = self._closest(_joined([found, *waiting]), limits), []
        return _joined([found, *waiting])

    def _prefiltered(
        self, queries: Sequence[Descriptor], limits: NDArray[np.int64], mask: NDArray[np.bool_] | None
    ) -> Found:
        """By the cosine of the wholes, of those documents alone whose signs agree best."""
        parameters = None
        if mask is not None:
            search_parameters: Any = faiss.SearchParameters  # annotated without its arguments
            bitmap: Any = faiss.IDSelectorBitmap
            parameters = search_parameters(sel=bitmap(np.packbits(mask, bitorder="little")))
        wholes = np.stack([codes(query)[0] for query in queries])
        many = np.minimum(PREFILTER * limits, len(self._keys))
        found = []
        for count in np.unique(many[many > 0]).tolist():
            together = np.flatnonzero(many == count)  # several times faster than one by one
            _, nearest = self._signs.search(_signs(wholes[together]), count, params=parameters)
            for number, rows in zip(together.tolist(), nearest, strict=True):
                there = rows[rows >= 0]
                products = self._embeddings.products(there, wholes[number].astype(np.float32))
                closeness = products.astype(np.float64) / LEVELS**2
                found.append(Found(there, np.full(len(there), number), closeness))
        return _joined(found)

    def _by_hash(
        self,
        queries: Sequence[Descriptor],
        least_closeness: float,
        mask: NDArray[np.bool_] | None,
        *,
        approximate: bool,
    ) -> Found:
        """By the distance between any hash of theirs and any of a query's."""
        own = np.stack([_bits(getattr(query, name)) for query in queries for name in HASHES])
        radius = math.ceil((1 - least_closeness) * HASH_RANGE)
        found = []
        lists = self._lists() if approximate else []
        for place, index in enumerate(self._hashes):
            if lists:
                numbers, distances, keys = lists[place].within(own, radius)
                rows = self._rows_of(keys)
            else:
                ends, distances, rows = index.range_search(own, radius)
                numbers = np.repeat(np.arange(len(own)), np.diff(ends.astype(np.int64)))
            each = Found(rows, numbers // len(HASHES), 1 - distances.astype(np.float64) / HASH_RANGE)
            found.append(each if mask is None else _filtered(each, mask[rows]))
        return _joined(found)

    def _by_turned_hash(self, queries: Sequence[Descriptor], mask: NDArray[np.bool_] | None) -> Found:
        """By the distance between the hashes of the contents in any other orientation."""
        rows, numbers, distances = self._turned.search([query.pdq_content for query in queries])
        found = Found(rows, numbers, 1 - distances.astype(np.float64) / HASH_RANGE)
        return found if mask is None else _filtered(found, mask[rows])

    def _lists(self) -> list[Lists]:
        """Lists of either hash; none of few documents, and none until they are learnt."""
        if len(self._keys) < LEAST_HASHES:
            return []
        return self._learnt.current(self._stored_hashes, self._keys)

    def _stored_hashes(self) -> list[NDArray[np.uint8]]:
        indexes: list[Any] = self._hashes  # annotated without their codes
        return [faiss.vector_to_array(index.xb).reshape(len(self._keys), -1) for index in indexes]

    def _rows_of(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of documents that are there."""
        if self._by_key is None:
            self._by_key = np.argsort(self._keys, kind="stable")
        rows: NDArray[np.int64] = self._by_key[np.searchsorted(self._keys, keys, sorter=self._by_key)]
        return rows

    def _closest(self, found: Found, limits: NDArray[np.int64]) -> Found:
        """Each document once, and for each query up to its limit of them: closest first, ties by key."""
        rows, numbers, closeness = _filtered(found, np.lexsort((-found.closeness, found.rows, found.numbers)))
        is_first = np.ones(len(rows), np.bool_)
        is_first[1:] = (rows[1:] != rows[:-1]) | (numbers[1:] != numbers[:-1])
        rows, numbers, closeness = rows[is_first], numbers[is_first], closeness[is_first]
        order = np.lexsort((self._keys[rows], -closeness, numbers))
        rows, numbers, closeness = rows[order], numbers[order], closeness[order]
        ranks = np.arange(len(rows)) - np.searchsorted(numbers, numbers)
        return _filtered(Found(rows, numbers, closeness), ranks < limits[numbers])

    def _only(self, allowed: NDArray[np.int64] | None) -> NDArray[np.bool_] | None:
        """For each row whether it may be found; a scan passes the same `allowed` many times."""
        if allowed is None:
            return None
        if self._mask is None or self._mask[0] is not allowed:
            self._mask = allowed, np.isin(self._keys, allowed)
        return self._mask[1]


def _joined(found: Sequence[Found]) -> Found:
    return Found(*map(np.concatenate, zip(NOTHING, *found, strict=True)))


def _filtered(found: Found, chosen: NDArray[Any]) -> Found:
    return Found(*(column[chosen] for column in found))


def _signs(wholes: NDArray[np.int8]) -> NDArray[np.uint8]:
    return np.packbits(wholes > 0, axis=1)


def _rows(packed: bytes, length: int) -> NDArray[np.uint8]:
    return np.frombuffer(packed, np.uint8).reshape(-1, length)


def _bits(packed: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(packed, np.uint8)

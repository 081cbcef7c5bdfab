"""Stage 1: which documents could be duplicates of a query, by learned embedding and by perceptual hash.

Each finds what the other misses: the embedding sees through crops, colours and overlays, the hash through
heavy scaling and coding. Both are searched exactly, unless a search is `approximate`: then the signs of the
embedding's entries choose which documents are compared in full, and parts of the query are not searched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from include.flow_server.imaging.embedding import DIMENSIONS, LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.flow_server.imaging.descriptor import Descriptor

HASH_BITS = 256
HASH_RANGE = 160  # bits of distance at which hashes say nothing any more
PREFILTER = 8  # documents compared in full per candidate wanted


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document of stage 1: cosine of the embeddings and distance of the hashes in bits.

    Where only one of the two was near, the other is 0 or HASH_BITS / 2, as for unrelated pictures.
    """

    key: int
    similarity: float
    hash_distance: int

    @property
    def closeness(self) -> float:
        """What candidates are ranked by, 1 = the same."""
        return max(self.similarity, 1 - self.hash_distance / HASH_RANGE)


class Candidates:
    """Embeddings and hashes of all documents; not thread-safe by itself."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._embeddings = faiss.IndexScalarQuantizer(
            DIMENSIONS, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        self._signs = faiss.IndexBinaryFlat(DIMENSIONS)
        self._hashes = [faiss.IndexBinaryFlat(HASH_BITS), faiss.IndexBinaryFlat(HASH_BITS)]
        self._mask: tuple[NDArray[np.int64], NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def nbytes(self) -> int:
        """Bytes of memory held."""
        return len(self._keys) * (DIMENSIONS + DIMENSIONS // 8 + 2 * HASH_BITS // 8 + 8)

    def add(self, items: Sequence[tuple[int, Descriptor]]) -> None:
        """Take in documents that are not there yet."""
        if not items:
            return
        codes = np.stack([vectors(descriptor)[0] for _, descriptor in items])
        self._embeddings.add(codes)
        self._signs.add(_signs(codes))
        for index, name in zip(self._hashes, ("pdq", "pdq_content"), strict=True):
            index.add(np.stack([_bits(getattr(descriptor, name)) for _, descriptor in items]))
        self._keys = np.concatenate([self._keys, np.array([key for key, _ in items], np.int64)])
        self._mask = None

    def remove(self, keys: Sequence[int]) -> None:
        """Forget documents; unknown keys are none of its business."""
        gone = np.isin(self._keys, np.array(keys, np.int64))
        selector = faiss.IDSelectorBatch(np.flatnonzero(gone))
        self._embeddings.remove_ids(selector)
        for index in (self._signs, *self._hashes):
            index.remove_ids(selector)
        self._keys = self._keys[~gone]
        self._mask = None

    def nearest(
        self,
        query: Descriptor,
        most: int,
        least_closeness: float,
        *,
        allowed: NDArray[np.int64] | None = None,
        approximate: bool = False,
    ) -> list[Candidate]:
        """Up to `most` documents closer than `least_closeness`, closest first, ties by key."""
        if not len(self._keys):
            return []
        parameters = self._only(allowed)
        wanted = min(most, len(self._keys))
        similar = self._by_embedding(query, wanted, parameters, approximate=approximate)
        close = self._by_hash(query, wanted, parameters)
        found = [
            Candidate(int(self._keys[row]), similar.get(row, 0.0), close.get(row, HASH_BITS // 2))
            for row in similar.keys() | close.keys()
        ]
        found = [candidate for candidate in found if candidate.closeness > least_closeness]
        return sorted(found, key=lambda candidate: (-candidate.closeness, candidate.key))[:most]

    def _by_embedding(
        self, query: Descriptor, wanted: int, parameters: Any, *, approximate: bool
    ) -> dict[int, float]:
        """Rows with the best cosine over the query's whole and its parts."""
        parts = vectors(query)
        if approximate:
            rows = self._prefiltered(parts[:1], wanted, parameters)
            products = self._embeddings.reconstruct_batch(rows) @ parts[0]
            return dict(zip(rows.tolist(), (products / LEVELS**2).tolist(), strict=True))
        products, rows = self._embeddings.search(parts, wanted, params=parameters)
        best: dict[int, float] = {}
        for row, product in zip(rows.ravel().tolist(), (products / LEVELS**2).ravel().tolist(), strict=True):
            if row >= 0:
                best[row] = max(product, best.get(row, -1.0))
        return best

    def _prefiltered(self, whole: NDArray[np.float32], wanted: int, parameters: Any) -> NDArray[np.int64]:
        many = min(len(self._keys), PREFILTER * wanted)
        _, rows = self._signs.search(_signs(whole), many, params=parameters)
        chosen: NDArray[np.int64] = rows[rows >= 0]
        return chosen

    def _by_hash(self, query: Descriptor, wanted: int, parameters: Any) -> dict[int, int]:
        """Rows with the least distance between any hash of theirs and any of the query's."""
        own = np.stack([_bits(query.pdq), _bits(query.pdq_content)])
        best: dict[int, int] = {}
        for index in self._hashes:
            distances, rows = index.search(own, wanted, params=parameters)
            for row, distance in zip(rows.ravel().tolist(), distances.ravel().tolist(), strict=True):
                if row >= 0:
                    best[row] = min(distance, best.get(row, HASH_BITS))
        return best

    def _only(self, allowed: NDArray[np.int64] | None) -> Any:
        """Search parameters that let only `allowed` keys through; a scan passes the same array many times."""
        if allowed is None:
            return None
        if self._mask is None or self._mask[0] is not allowed:
            mask = np.packbits(np.isin(self._keys, allowed), bitorder="little")
            self._mask = allowed, mask
        search_parameters: Any = faiss.SearchParameters  # annotated without its arguments
        selector: Any = faiss.IDSelectorBitmap
        return search_parameters(sel=selector(self._mask[1]))


def vectors(descriptor: Descriptor) -> NDArray[np.float32]:
    """Embeddings of the whole and of the parts, float32 [6, 256] with the values of the int8 codes."""
    codes = np.frombuffer(descriptor.embedding, np.int8).reshape(-1, DIMENSIONS)
    return codes.astype(np.float32)


def similarity(first: Descriptor, second: Descriptor) -> float:
    """Largest cosine between one picture as a whole and the other as a whole or a part of it."""
    one, two = vectors(first), vectors(second)
    return float(max((one @ two[0]).max(), (two @ one[0]).max())) / LEVELS**2


def hash_distance(first: Descriptor, second: Descriptor) -> int:
    """Least distance in bits over whole pictures and contents."""
    one = np.stack([_bits(first.pdq), _bits(first.pdq_content)])
    two = np.stack([_bits(second.pdq), _bits(second.pdq_content)])
    return int(np.bitwise_count(one[:, None] ^ two[None]).sum(axis=2).min())


def _signs(codes: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.packbits(codes > 0, axis=1)


def _bits(packed: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(packed, np.uint8)

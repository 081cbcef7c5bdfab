"""How close documents are to a picture, as functions that Solr ranks by, and what is read back of them.

Embeddings are bytes; the bits of a hash are a vector of bytes too, 1 or -1 each, so that its product with
another one counts the bits that differ. Of byte vectors Lucene makes `0.5 + product / (256 * 2**15)`, which
is exact. So Solr finds exactly those that are closest, and their closeness is computed here as elsewhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from include.detector.comparing.closeness import HASH_RANGE, codes
from include.detector.comparing.orientation import FORMS, INVERTED, hash_blocks, turned_distances
from include.detector.imaging.embedding import DIMENSIONS, LEVELS
from include.flow_server.index.turned import LARGEST_DISTANCE, LARGEST_IN_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.orientation import Orientation
    from include.detector.imaging import Descriptor

_RANGE = DIMENSIONS * 2**15  # of Lucene's products of two vectors of bytes
_MOST = 127  # what the bits of a query's hash are multiplied by, for all the precision that bytes have
_HALF = DIMENSIONS // 2
_WRITTEN = [str(byte - 256 * (byte > _MOST)) for byte in range(256)]
_SLOPE = LEVELS**2 / (2 * _MOST * HASH_RANGE)
_SHIFT = 0.5 + LEVELS**2 * (1 - _HALF / HASH_RANGE) / _RANGE - _SLOPE / 2


def hash_signs(bits: bytes) -> NDArray[np.int8]:
    """A hash as a vector, int8 [256] of 1 and -1, in the order of `hash_blocks`."""
    return _signs(hash_blocks([bits])[0, 0])


def _signs(blocks: NDArray[np.uint64]) -> NDArray[np.int8]:
    packed: NDArray[np.int8] = np.unpackbits(np.ascontiguousarray(blocks).view(np.uint8)).astype(np.int8)
    return packed * 2 - 1


def turned_signs(bits: bytes, orientations: Sequence[Orientation]) -> list[NDArray[np.int8]]:
    """The hash of the picture as it is shown in each orientation."""
    forms = hash_blocks([bits])[0]
    found = []
    for transposed, flip in (FORMS[one] for one in orientations):
        signs = _signs(forms[transposed]).reshape(len(INVERTED[flip]), -1)
        found.append((signs * (1 - 2 * INVERTED[flip])[:, None].astype(np.int8)).reshape(-1))
    return found


def vector(values: NDArray[np.int8]) -> str:
    """A vector as Solr reads it."""
    return f"[{','.join(map(_WRITTEN.__getitem__, values.view(np.uint8).tolist()))}]"


def by_embedding(field: str, query: Descriptor, *, parts: bool) -> str:
    """The function for the best product of the whole, and with `parts` of any part, of the query."""
    wanted = codes(query) if parts else codes(query)[:1]
    return _largest([_similarity(field, one) for one in wanted])


def by_hash(fields: tuple[str, str], query: Descriptor, orientations: Sequence[Orientation]) -> list[str]:
    """Functions for the least distance of hashes, upright and turned, on the scale of `by_embedding`."""
    own = [_MOST * hash_signs(bits) for bits in (query.pdq, query.pdq_content)]
    upright = _largest([_similarity(field, one) for field in fields for one in own])
    found = [f"linear({upright},{_SLOPE!r},{_SHIFT!r})"]
    if orientations:
        turned = [_MOST * one for one in turned_signs(query.pdq_content, orientations)]
        least = 0.5 + _MOST * 2 * (_HALF - LARGEST_DISTANCE - 0.5) / _RANGE
        largest = _largest([_similarity(fields[1], one) for one in turned])
        found.append(f"linear(map({largest},0,{least!r},0),{_SLOPE!r},{_SHIFT!r})")
    return found


def ranked_by(functions: Sequence[str]) -> str:
    """The function that is as large as the largest of all."""
    return _largest(list(functions))


def read_closeness(
    found: Sequence[dict[str, Any]],
    hashes: Sequence[str],
    query: Descriptor,
    orientations: Sequence[Orientation],
    least: float,
) -> NDArray[np.float64]:
    """The closeness of documents to a query, 1 = the same; 0 where nothing of them is close.

    Args:
        found: documents with `product`, what Solr computed `by_embedding`.
        hashes: of each both hashes, in hexadecimal.
        query: the picture.
        orientations: beside upright.
        least: closeness from which hashes count.
    """
    if not found:
        return np.zeros(0)
    products = np.array([float(one.get("product") or 0.0) for one in found])
    closest = np.round((products - 0.5) * _RANGE) / LEVELS**2
    packed = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(found), 2, -1)
    own = np.frombuffer(query.pdq + query.pdq_content, np.uint8).reshape(2, -1)
    differing = np.bitwise_count(packed[:, :, None] ^ own).sum(axis=3, dtype=np.int64).min(axis=(1, 2))
    upright = np.where(differing < math.ceil((1 - least) * HASH_RANGE), 1 - differing / HASH_RANGE, 0.0)
    closest = np.maximum(closest, upright)
    if not orientations:
        return closest
    blocks = hash_blocks([one.tobytes() for one in packed[:, 1]])[:, 0]
    forms = hash_blocks([query.pdq_content])[0]
    distances = turned_distances(forms, blocks, orientations).min(axis=1)
    in_block = np.bitwise_count(forms[:, 0] ^ blocks[:, :1]).min(axis=1)
    near = (distances <= LARGEST_DISTANCE) & (in_block <= LARGEST_IN_BLOCK)
    found_turned: NDArray[np.float64] = np.where(near, 1 - distances / HASH_RANGE, 0.0)
    return np.maximum(closest, found_turned)


def _similarity(field: str, values: NDArray[np.int8]) -> str:
    return f"vectorSimilarity({field},{vector(values)})"


def _largest(functions: list[str]) -> str:
    return functions[0] if len(functions) == 1 else f"max({','.join(functions)})"

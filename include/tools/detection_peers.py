"""Two well-known perceptual hashes on the same pictures: PDQ, and pHash where imagehash is installed."""

from __future__ import annotations

import importlib
import importlib.util
import io
from typing import TYPE_CHECKING

import numpy as np
import pdqhash
from PIL import Image

from include.detector.editing.manipulations import EXACT, NEAR
from include.tools.detection_benchmark import Library, queries, same_pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from include.detector.editing.manipulations import Manipulation


def peer_rows(library: Library, edits: Mapping[str, Manipulation], per_group: int) -> Iterator[str]:
    """One line per peer at its usual threshold: recall of exact and near copies, wrong pairs per million."""
    peers: list[tuple[str, int, Callable[[Image.Image], NDArray[np.uint8]]]] = [("PDQ <= 31", 31, _pdq)]
    if importlib.util.find_spec("imagehash"):
        peers.append(("pHash <= 10", 10, _phash))
    images = {key: library.image(key) for key in queries(library, per_group)}
    for title, threshold, compute in peers:
        known = np.stack([compute(library.image(key)) for key in range(len(library.names))])
        found: dict[bool, list[bool]] = {True: [], False: []}
        for name, edit in edits.items():
            if name in EXACT or name in NEAR:
                for key, image in images.items():
                    copy = library.edited(key, image, name, edit)
                    distance = int(
                        np.bitwise_count(
                            compute(Image.open(io.BytesIO(copy)).convert("RGB")) ^ known[key]
                        ).sum()
                    )
                    found[name in EXACT].append(distance <= threshold)
        wrong = sum(_wrong_of(known, key, threshold) for key in range(len(known))) - len(
            same_pictures(library)
        )
        pairs = len(known) * (len(known) - 1) / 2e6
        yield (
            f"{title:<12} exact {np.mean(found[True]):.3f}  near {np.mean(found[False]):.3f}  "
            f"wrong pairs per million {max(wrong, 0) / pairs:.2f}"
        )


def _wrong_of(known: NDArray[np.uint8], key: int, threshold: int) -> int:
    distances = np.bitwise_count(known[key + 1 :] ^ known[key]).sum(axis=1)
    return int((distances <= threshold).sum())


def _pdq(image: Image.Image) -> NDArray[np.uint8]:
    return np.packbits(pdqhash.compute(np.asarray(image))[0])


def _phash(image: Image.Image) -> NDArray[np.uint8]:
    return np.packbits(importlib.import_module("imagehash").phash(image).hash.ravel())

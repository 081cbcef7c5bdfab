"""Well-known detectors on the same files: PDQ and, where they are installed, pHash and fastdup.

Hashes are computed in as many processes as there are cores, and compared at their usual thresholds.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from include.tools.planted import photographs

Pairs = set[frozenset[str]]
FASTDUP_THRESHOLD = 0.9


@dataclass(frozen=True, slots=True)
class Peer:
    """One detector: seconds from files to pairs, planted pairs that it found, others that it names."""

    key: str
    name: str
    seconds: float
    found: int
    others: int


def peers(pictures: Path, truth: Path) -> Iterator[Peer]:
    """Each peer in turn, from reading the files to the pairs."""
    with truth.open(encoding="utf-8", newline="") as file:
        planted = {frozenset(row[:2]) for row in csv.reader(file)}
    ways: list[tuple[str, str, Callable[[Path], Pairs]]] = [("pdq", "PDQ <= 31", partial(by_hash, _pdq, 31))]
    if importlib.util.find_spec("imagehash"):
        ways.append(("phash", "pHash <= 10", partial(by_hash, _phash, 10)))
    if importlib.util.find_spec("fastdup"):
        ways.append(("fastdup", f"fastdup >= {FASTDUP_THRESHOLD}", by_fastdup))
    for key, name, way in ways:
        began = time.perf_counter()
        pairs = way(pictures)
        yield Peer(key, name, time.perf_counter() - began, len(pairs & planted), len(pairs - planted))


def by_hash(compute: Callable[[Path], NDArray[np.uint8]], most_bits: int, pictures: Path) -> Pairs:
    """Pairs whose hashes differ in at most so many bits."""
    files = photographs(pictures)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        hashes = np.stack(list(pool.map(compute, files, chunksize=16)))
    index = faiss.IndexBinaryFlat(8 * hashes.shape[1])
    index.add(hashes)
    ends, _, rows = index.range_search(hashes, most_bits + 1)
    numbers = np.repeat(np.arange(len(files)), np.diff(ends.astype(np.int64)))
    return {
        frozenset((files[one].name, files[two].name))
        for one, two in zip(numbers.tolist(), rows.tolist(), strict=True)
        if one < two
    }


def by_fastdup(pictures: Path) -> Pairs:
    """Pairs that fastdup finds with its usual settings."""
    fastdup: Any = importlib.import_module("fastdup")
    with tempfile.TemporaryDirectory() as work:
        run = fastdup.create(work_dir=work, input_dir=str(pictures))
        run.run(threshold=FASTDUP_THRESHOLD, print_summary=False, overwrite=True)
        found = run.similarity()
    names = (found[column].map(lambda path: Path(path).name) for column in ("filename_from", "filename_to"))
    return {frozenset(pair) for pair in zip(*names, strict=True) if pair[0] != pair[1]}


def _pdq(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.packbits(pdqhash.compute(np.asarray(image.convert("RGB")))[0])


def _phash(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.packbits(importlib.import_module("imagehash").phash(image).hash.ravel())

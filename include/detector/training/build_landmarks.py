"""Builds imaging/landmark-projection.npz from freely licensed pictures.

    python -m include.detector.training.build_landmarks --pictures DIR

DIR holds the sources that `pictures.py` lists. Words have to be used evenly: the projection takes the
directions in which keypoint descriptors spread most, evens them out halfway and rotates them at random, so
that each bit says as much as any other.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from include.detector.imaging.keypoints import ENTRIES
from include.detector.imaging.landmarks import PROJECTION, WORD_BITS
from include.detector.training.build_embedding import SEED, training_pictures
from include.safe_picture import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

EVERY = 3  # one of so many training pictures is taken
DIRECTIONS = 32  # in which descriptors spread most


def main() -> None:
    """Find keypoints, fit the projection, write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    arguments = parser.parse_args()
    codes = np.concatenate(list(_codes(training_pictures(arguments.pictures)[::EVERY])))
    mean, matrix = fit_words(codes)
    np.savez(PROJECTION, mean=mean, matrix=matrix)
    print(f"{PROJECTION}: {PROJECTION.stat().st_size:,} bytes, from {len(codes):,} keypoints")


def fit_words(codes: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean [ENTRIES] and the matrix [ENTRIES, WORD_BITS] to project with."""
    mean = codes.mean(axis=0, dtype=np.float64)
    spread, axes = np.linalg.eigh(np.cov((codes - mean).T))
    order = np.argsort(-spread)[:DIRECTIONS]
    rotation, _ = np.linalg.qr(np.random.default_rng(SEED).normal(size=(DIRECTIONS, DIRECTIONS)))
    matrix = axes[:, order] / spread[order] ** 0.25 @ rotation
    return mean.astype(np.float32), matrix[:, :WORD_BITS].astype(np.float32)


def _codes(paths: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    """Keypoint descriptors of each picture, uint8 [n, ENTRIES]."""
    yield np.zeros((0, ENTRIES), np.uint8)
    for path in tqdm(paths, desc="keypoints", unit="picture"):
        try:
            yield Thumb.of(analyze(path.read_bytes())).keypoints.codes
        except UnreadableImageError as error:
            print(f"left out {path}: {error}")


if __name__ == "__main__":
    main()

"""The hash is that of the reference implementation."""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest

from include.detector.imaging.pdq import pdq
from tests.support.drawn import scene

SIZES = [(5, 5), (5, 700), (64, 64), (100, 67), (129, 128), (512, 384), (511, 333), (1030, 777)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_every_bit_and_the_quality_are_those_of_the_reference(size: tuple[int, int], seed: int) -> None:
    rgb = np.asarray(scene(*size, seed=seed))
    bits, quality = pdqhash.compute(rgb)
    assert pdq(rgb) == (np.packbits(bits).tobytes(), quality)


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 600, 3), (600, 4, 3)])
def test_what_is_too_small_has_no_hash_and_no_quality(shape: tuple[int, int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert pdq(rgb) == (bytes(32), 0)
    assert pdqhash.compute(rgb)[1] == 0


def test_a_plain_picture_has_no_quality() -> None:
    assert pdq(np.full((50, 80, 3), 90, np.uint8))[1] == 0

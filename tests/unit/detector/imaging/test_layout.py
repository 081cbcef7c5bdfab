"""The colour layout keeps what the thumbnail's coding loses."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from include.detector.imaging import analyze
from include.detector.imaging.layout import CELLS, RAW, VALUES, decode_layout, encode_layout, layout
from include.detector.imaging.thumbnail import decode_thumbnail, encode, shrink
from tests.support.drawn import file, scene


def pixels(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(scene(400, 300, seed=seed))


@pytest.mark.parametrize("seed", range(4))
def test_a_layout_comes_back_within_a_level(seed: int) -> None:
    colours, thumbnail = layout(pixels(seed)), decode_thumbnail(encode(shrink(pixels(seed))))
    packed = encode_layout(colours, thumbnail)
    back = decode_layout(packed, thumbnail)
    assert back.shape == (CELLS, CELLS, 3)
    assert np.abs(back.astype(int) - colours).max() <= 1
    assert len(packed) < 1200


def test_a_descriptor_carries_the_layout_of_its_picture() -> None:
    descriptor = analyze(file(scene(400, 300)))
    back = decode_layout(descriptor.layout, decode_thumbnail(descriptor.thumbnail))
    assert np.abs(back.astype(int) - layout(pixels(0))).max() <= 1


@pytest.mark.parametrize("cells", [VALUES - 1, VALUES + 1, 40_000_000])
def test_other_sizes_are_refused_without_being_unpacked(cells: int) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW)
    packed = packer.compress(bytes(cells)) + packer.flush()
    with pytest.raises(ValueError, match="analyze the picture again"):
        decode_layout(packed, np.zeros((40, 40, 3), np.uint8))


def test_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="analyze the picture again"):
        decode_layout(b"\xff" * 50, np.zeros((40, 40, 3), np.uint8))

"""Tiles that are cut out of a plane tell what the whole plane tells of them."""

from __future__ import annotations

import numpy as np
import pytest

from include.detector.comparing.layer import Layer
from include.detector.comparing.laying import split

SIDE = 448
QUALITY = 60


def layer(*, is_colour: bool = False, side: int = SIDE) -> Layer:
    """Noise, and the same with more noise: a layer that differs everywhere."""
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (side, side, 3), np.uint8)
    plane = split(picture, (side, side)).y
    one = plane.astype(np.float32)
    return Layer((one, one + rng.normal(0, 3, one.shape).astype(np.float32)), ((plane, QUALITY),), is_colour)


def asked(of: Layer, *places: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    found = np.zeros(of.places, np.bool_)
    for place in places:
        found[place] = True
    return found


@pytest.mark.parametrize("is_colour", [False, True])
def test_noise_of_a_tile_is_that_of_its_place(is_colour: bool) -> None:
    whole = layer(is_colour=is_colour)
    side = 64 // whole.pixels
    tiles = whole.tiles(asked(whole, (0, 0), (2 * side + 1, 3 * side), (whole.places[0] - 1, 5)))
    assert list(tiles) == [(0, 0), (2, 3), (6, 0)]
    few = whole.cut(tiles)
    for number, (row, column) in enumerate(tiles):
        own = few.noise(0.8)[24 * number + 4 : 24 * number + 20, 4:20]
        there = whole.noise(0.8)[16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        assert np.abs(own / there - 1).max() < 0.15  # rims are mirrored, not repeated


def test_what_is_found_in_tiles_goes_where_they_were() -> None:
    whole = layer()
    found = np.arange(whole.places[0] * whole.places[1], dtype=np.float32).reshape(whole.places)
    tiles = whole.tiles(asked(whole, (40, 70), (200, 200)))
    few = Layer((np.repeat(np.repeat(found, 2, 0), 2, 1),) * 2, (), False).cut(tiles)
    into = np.zeros(whole.places, np.float32)
    whole.paste(few.pair[0][::2, ::2], tiles, into)
    assert np.array_equal(into[into > 0], found[into > 0])
    assert int((into > 0).sum()) == len(tiles) * 32 * 32


def test_the_whole_is_looked_at_where_most_is_asked_for_or_it_is_small() -> None:
    whole, small = layer(), layer(side=48)
    assert not whole.tiles(np.ones(whole.places, np.bool_))
    assert not small.tiles(asked(small, (0, 0)))

"""What is known of a picture shown in another orientation is what an analysis of it so shown would say."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from include.detector.comparing.explain import explain_pair
from include.detector.comparing.orientation import (
    ALL,
    UPRIGHT,
    Orientation,
    hash_blocks,
    orientations,
    turned_distances,
)
from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from tests.support.drawn import file, structured

PICTURE = np.asarray(structured(21))
HEIGHT, WIDTH = PICTURE.shape[:2]
WHOLE = Thumb.of(analyze(file(structured(21))))


def shown(orientation: Orientation) -> Thumb:
    return Thumb.of(analyze(file(Image.fromarray(np.ascontiguousarray(orientation.grid(PICTURE))))))


@pytest.mark.parametrize("orientation", ALL)
def test_pixels_are_where_the_map_says(orientation: Orientation) -> None:
    grid = orientation.grid(PICTURE)
    assert grid.shape[1::-1] == orientation.size(WIDTH, HEIGHT)
    x, y = (orientation.matrix(WIDTH, HEIGHT) @ [40, 17, 1]).astype(int)
    assert (grid[y, x] == PICTURE[17, 40]).all()
    assert (orientation.inverse().grid(grid) == PICTURE).all()


@pytest.mark.parametrize("orientation", ALL)
def test_the_hash_tells_the_orientation(orientation: Orientation) -> None:
    other = shown(orientation)
    (distances,) = turned_distances(
        hash_blocks([WHOLE.descriptor.pdq]), hash_blocks([other.descriptor.pdq])[:, 0], ALL
    )
    assert ALL[int(distances.argmin())] == orientation
    assert distances.min() <= 42
    assert np.sort(distances)[1] > 80


@pytest.mark.parametrize("orientation", ALL[1:])
def test_a_copy_is_near_in_every_orientation_and_its_explanation_says_which(orientation: Orientation) -> None:
    copy = shown(orientation)
    assert 0.70 <= score_pair(WHOLE, copy, mirror=True) < 0.95
    for query, match, turned in ((copy, WHOLE, orientation), (WHOLE, copy, orientation.inverse())):
        found = explain_pair(query, match, mirror=True)
        assert found is not None
        assert (found.mirrored, found.turned) == (turned.flipped, 90 * turned.quarters)
        assert found.crop == pytest.approx((0, 0, 1, 1), abs=0.03)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turn", [False, True])
def test_orientations_that_are_switched_off_do_not_count(mirror: bool, turn: bool) -> None:
    counted = orientations(mirror=mirror, turn=turn)
    assert len(counted) == 2 ** (mirror + 2 * turn) - 1
    for orientation in ALL[1:]:
        score = score_pair(WHOLE, shown(orientation), mirror=mirror, turn=turn)
        assert (score >= 0.70) == (orientation in counted)


def test_a_picture_is_exact_to_itself_though_it_looks_the_same_turned() -> None:
    quarter = PICTURE[:240, :240]
    both = np.concatenate([quarter, np.rot90(quarter, 2)], axis=1)
    first, second = (
        Thumb.of(analyze(file(Image.fromarray(both).resize((side, side // 2))))) for side in (480, 360)
    )
    assert score_pair(first, second, mirror=True) >= 0.95
    found = explain_pair(first, second, mirror=True)
    assert found is not None
    assert (found.mirrored, found.turned) == (UPRIGHT.flipped, UPRIGHT.quarters)

"""The mask of cover of an upright map is that of the general one."""

from __future__ import annotations

import cv2
import numpy as np

from include.detector.comparing.planes import warp


def test_an_upright_map_covers_what_warping_a_plane_of_ones_covers() -> None:
    random = np.random.default_rng(5)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    for _ in range(300):
        width, height, *shape = map(int, random.integers(40, 180, 4))
        (scale_x, scale_y), (x, y) = np.exp(random.normal(0, 0.3, 2)), random.normal(0, 10, 2)
        matrix = np.array([[scale_x, 0, x], [0, scale_y, y]])
        ones = np.ones(shape, np.float32)
        _, inside = warp(ones, matrix, width, height)
        assert np.array_equal(inside, cv2.warpAffine(ones, matrix, (width, height), flags=flags))

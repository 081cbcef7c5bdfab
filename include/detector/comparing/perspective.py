"""Taking the perspective out of a copy that was photographed, or pulled at its corners.

No affine map lays such a copy on its original: all blocks fit nearly, and still move. Here that movement is
fitted by a map of the plane (eight numbers); the second picture is bent by the part of it that is not affine,
and compared as any other. What moves in a second photograph of a scene does not follow one plane, and moves
afterwards, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.alignment import Alignment
from include.detector.comparing.refine import DAMPING, Flow, overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.thumb import Thumb

    Plane3 = NDArray[np.float64]

SMOOTHING = (2.0, 2.0, 0.8, 0.8, 0.8, 0.8)  # sigma in pixels, by round
SETTLED = 0.05  # pixels
# How much longer the one side of a picture may become than the opposite one.
LARGEST_PERSPECTIVE = 0.2
LEAST_FITTING = 0.45  # share of the blocks


def straightened(first: Thumb, second: Thumb, alignment: Alignment) -> tuple[Thumb, Alignment] | None:
    """`second` without the perspective in which it shows `first`, and where `first` then lies in it.

    None where the blocks do not settle on one plane, or on one that is tilted more than an edit would.
    """
    plane = _homogeneous(alignment)
    for sigma in SMOOTHING:
        affine, bending = _parts(plane, first, alignment.votes)
        if not _plausible(bending, second):
            return None
        bent = second.bent(bending)
        flow = overlay(first, bent, affine).flow(sigma, LEAST_FITTING)
        if flow is None:
            return None
        step, largest = _movement(flow, first)
        if largest < SETTLED and sigma == SMOOTHING[-1]:
            break
        plane = plane @ step
    return bent, affine


def _homogeneous(alignment: Alignment) -> Plane3:
    return np.vstack([alignment.matrix, (0, 0, 1)])


def _parts(plane: Plane3, first: Thumb, votes: int) -> tuple[Alignment, Plane3]:
    """A map from the first picture to the second as an affine one and a bending of the second.

    The affine one is that of the middle of the first picture, where both agree to first order.
    """
    middle = np.array([(first.width - 1) / 2, (first.height - 1) / 2, 1])
    x, y, depth = plane @ middle
    place = np.array([x, y]) / depth
    linear = (plane[:2, :2] - np.outer(place, plane[2, :2])) / depth
    affine = Alignment(np.column_stack([linear, place - linear @ middle[:2]]), votes)
    return affine, plane @ np.linalg.inv(_homogeneous(affine))


def _plausible(bending: Plane3, second: Thumb) -> bool:
    tilt = np.abs(bending[2, :2] / bending[2, 2]) * (second.width, second.height)
    return bool(tilt.max() < LARGEST_PERSPECTIVE)


def _movement(flow: Flow, first: Thumb) -> tuple[Plane3, float]:
    """The one map of the plane near the identity by which all blocks move, and the most that one moves."""
    size = max(first.width, first.height)
    x, y = flow.x / size, flow.y / size
    ones, none = np.ones(len(x)), np.zeros(len(x))
    in_x = np.array([x, y, ones, none, none, none, x * x, x * y])
    in_y = np.array([none, none, none, x, y, ones, x * y, y * y])
    weights = flow.weights
    crossed = (in_x * (weights * flow.xy)) @ in_y.T
    normal = (
        (in_x * (weights * flow.xx)) @ in_x.T + (in_y * (weights * flow.yy)) @ in_y.T + crossed + crossed.T
    )
    pull = in_x @ (weights * flow.pull_x) + in_y @ (weights * flow.pull_y)
    normal[np.diag_indices(8)] += DAMPING * (np.square(in_x) + np.square(in_y)).sum(axis=1) / len(x) + 1e-9
    found = np.linalg.solve(normal, pull)
    largest = max(float(np.abs(found @ in_x).max()), float(np.abs(found @ in_y).max()))
    scaled = np.array(
        [
            [1 + found[0] / size, found[1] / size, found[2]],
            [found[3] / size, 1 + found[4] / size, found[5]],
            [-found[6] / size**2, -found[7] / size**2, 1],
        ]
    )
    return scaled, largest

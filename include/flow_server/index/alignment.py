"""Where one picture lies in another: proposals from keypoints and whole frames.

Digital edits (crop, scale, stretch, frame) map one picture's axes onto the other's, so a proposal has four
numbers: scale and shift in x and in y. Keypoints whose descriptors agree vote for them; whole frames and
frames without margins are tried by themselves, since faint pictures have few keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.flow_server.imaging.margins import Box
    from include.flow_server.index.thumb import Keypoints, Thumb

LEAST_SIMILARITY = 0.75  # of two keypoint descriptors
LARGEST_TURN = np.deg2rad(20)
MOST_VOTERS = 28
TOLERANCE = 2.5  # pixels of the thumbnail
LEAST_INLIERS = 4
SMALLEST_SCALE, LARGEST_STRETCH = 0.2, 2.5
LEAST_FRAME_AGREEMENT = 0.3


@dataclass(frozen=True, slots=True)
class Alignment:
    """Affine map from pixels of the first thumbnail to pixels of the second, float64 [2, 3]."""

    matrix: NDArray[np.float64]
    votes: int = 0

    def inverse(self) -> Alignment:
        """The map from the second thumbnail to the first."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return Alignment(np.column_stack([linear, -linear @ self.matrix[:, 2]]), self.votes)

    def scale(self) -> float:
        """Pixels of the second thumbnail per pixel of the first (geometric mean of both axes)."""
        return float(abs(np.linalg.det(self.matrix[:, :2])) ** 0.5)


def axis_aligned(scale_x: float, scale_y: float, shift_x: float, shift_y: float, votes: int = 0) -> Alignment:
    """An alignment without rotation or shear."""
    return Alignment(np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]], np.float64), votes)


def proposals(first: Thumb, second: Thumb) -> list[Alignment]:
    """Alignments worth a closer look, most promising first; usually none for different pictures."""
    voted = _from_keypoints(first.keypoints, second.keypoints)
    return ([voted] if voted else []) + _from_frames(first, second)


def _from_frames(first: Thumb, second: Thumb) -> list[Alignment]:
    """Frames laid onto each other as they are, stretched where needed."""
    found = []
    for box, vector in first.frames:
        for other_box, other_vector in second.frames:
            agreement = float(vector @ other_vector)
            if agreement > LEAST_FRAME_AGREEMENT:
                found.append((agreement, _box_onto_box(box, other_box)))
    return [alignment for _, alignment in sorted(found, key=lambda pair: -pair[0])[:2]]


def _box_onto_box(box: Box, other: Box) -> Alignment:
    scale_x = (other[2] - other[0]) / (box[2] - box[0])
    scale_y = (other[3] - other[1]) / (box[3] - box[1])
    shift_x = other[0] - box[0] * scale_x + (scale_x - 1) / 2
    shift_y = other[1] - box[1] * scale_y + (scale_y - 1) / 2
    return axis_aligned(scale_x, scale_y, shift_x, shift_y)


def _from_keypoints(first: Keypoints, second: Keypoints) -> Alignment | None:
    """Let pairs of matching keypoints vote for scale and shift, and fit the winner to its voters."""
    if min(len(first.scales), len(second.scales)) < LEAST_INLIERS:
        return None
    here, there = _matches(first, second)
    if len(here) < LEAST_INLIERS:
        return None
    source = first.points[here].astype(np.float64)
    target = second.points[there].astype(np.float64)
    one, two = np.triu_indices(min(len(here), MOST_VOTERS), 1)
    span = source[two] - source[one]
    wide = np.abs(span).min(axis=1) > 4
    one, two, span = one[wide], two[wide], span[wide]
    scale = (target[two] - target[one]) / span
    sane = (scale.min(axis=1) > SMALLEST_SCALE) & (scale.max(axis=1) < 1 / SMALLEST_SCALE)
    sane &= np.abs(np.log(np.maximum(scale[:, 0], 1e-3) / np.maximum(scale[:, 1], 1e-3))) < np.log(
        LARGEST_STRETCH
    )
    one, scale = one[sane], scale[sane]
    if not len(one):
        return None
    shift = target[one] - scale * source[one]
    distance = np.abs(scale[:, None] * source + shift[:, None] - target).max(axis=2)
    inliers = distance < TOLERANCE
    best = int(np.argmax(inliers.sum(axis=1)))
    chosen = inliers[best]
    if chosen.sum() < LEAST_INLIERS:
        return None
    return _fit(source[chosen], target[chosen])


def _matches(first: Keypoints, second: Keypoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Mutually nearest keypoints of alike orientation, best first."""
    similarity = first.descriptors @ second.descriptors.T
    there = similarity.argmax(axis=1)
    here = np.arange(len(there))
    mutual = similarity.argmax(axis=0)[there] == here
    turn = np.abs((second.angles[there] - first.angles + np.pi) % (2 * np.pi) - np.pi)
    strength = similarity[here, there]
    good = np.flatnonzero(mutual & (turn < LARGEST_TURN) & (strength > LEAST_SIMILARITY))
    good = good[np.argsort(-strength[good])]
    return good, there[good]


def _fit(source: NDArray[np.float64], target: NDArray[np.float64]) -> Alignment:
    """Least squares of scale and shift, each axis for itself."""
    mean, other = source.mean(axis=0), target.mean(axis=0)
    spread = ((source - mean) ** 2).sum(axis=0) + 1e-6
    scale = ((source - mean) * (target - other)).sum(axis=0) / spread
    shift = other - scale * mean
    return axis_aligned(scale[0], scale[1], shift[0], shift[1], votes=len(source))

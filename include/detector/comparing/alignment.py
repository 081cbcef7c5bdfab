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

    from include.detector.comparing.thumb import Thumb
    from include.detector.imaging.keypoints import Keypoints

LEAST_SIMILARITY = 0.75  # of two keypoint descriptors
LARGEST_TURN = np.deg2rad(20)
MOST_VOTERS = 28
SAME_PLACE = 3.0  # pixels
TOLERANCE = 2.5  # pixels of the thumbnail
LEAST_VOTES = 4
SHORTEST_SPAN = 4  # pixels between two voters
SMALLEST_SCALE, LARGEST_STRETCH = 0.2, 3.2
STRAIGHT = 0.4  # degrees
LARGEST_SHEAR, LARGEST_TURNED_STRETCH = 3.5, 1.15  # degrees, ratio


@dataclass(frozen=True, slots=True)
class Alignment:
    """Affine map from pixels of the first thumbnail to pixels of the second, float64 [2, 3]."""

    matrix: NDArray[np.float64]
    votes: int = 0

    def inverse(self) -> Alignment:
        """The map from the second thumbnail to the first."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return Alignment(np.column_stack([linear, -linear @ self.matrix[:, 2]]), self.votes)

    def after(self, other: Alignment) -> Alignment:
        """The map that does `other` first and then this one."""
        linear, shift = self.matrix[:, :2], self.matrix[:, 2]
        matrix = np.column_stack([linear @ other.matrix[:, :2], linear @ other.matrix[:, 2] + shift])
        return Alignment(matrix, other.votes)

    def resembles(self, other: Alignment, first: Thumb) -> bool:
        """Whether both put the corners of the first thumbnail at about the same place."""
        return self.apart(other, first) < SAME_PLACE

    def apart(self, other: Alignment, first: Thumb) -> float:
        """By how many pixels at most the places differ at which both put the first thumbnail's corners."""
        corners = np.array([[0, 0, 1], [first.width, first.height, 1]])
        return float(np.abs(corners @ (self.matrix - other.matrix).T).max())

    def turns(self) -> tuple[float, float]:
        """Rotation of either axis in degrees; they differ by the shear."""
        (a, b), (c, d) = self.matrix[:, :2]
        return float(np.degrees(np.arctan2(c, a))), float(np.degrees(np.arctan2(-b, d)))

    def turn(self) -> float:
        """Rotation in degrees; the larger of both axes."""
        return max(map(abs, self.turns()))

    def stretch(self) -> float:
        """How much more the one axis is scaled than the other, at least 1."""
        one, two = np.hypot(*self.matrix[:, 0]), np.hypot(*self.matrix[:, 1])
        return float(max(one, two) / max(min(one, two), 1e-6))

    def plausible(self) -> bool:
        """Whether an edit could have made this: nobody shears much, or turns and stretches at once."""
        if self.turn() < STRAIGHT:
            return self.stretch() < LARGEST_STRETCH
        one, two = self.turns()
        return abs(one - two) < LARGEST_SHEAR and self.stretch() < LARGEST_TURNED_STRETCH

    def scale(self) -> float:
        """Pixels of the second thumbnail per pixel of the first (geometric mean of both axes)."""
        return float(abs(np.linalg.det(self.matrix[:, :2])) ** 0.5)


def axis_aligned(scale_x: float, scale_y: float, shift_x: float, shift_y: float, votes: int = 0) -> Alignment:
    """An alignment without rotation or shear."""
    return Alignment(np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]], np.float64), votes)


def proposals(first: Thumb, second: Thumb, least_agreement: float) -> list[Alignment]:
    """Alignments worth a closer look, most promising first; usually none for different pictures.

    Whole frames are laid onto each other if their correlation is above `least_agreement`.
    """
    voted = _from_keypoints(first.keypoints, second.keypoints)
    frames = _from_frames(first, second, least_agreement)
    return voted + [frame for frame in frames if not any(frame.resembles(vote, first) for vote in voted)]


def whole_onto_whole(first: Thumb, second: Thumb) -> Alignment:
    """One picture laid onto the other as they are, stretched where needed."""
    return box_onto_box((0, 0, first.width, first.height), (0, 0, second.width, second.height))


def _from_frames(first: Thumb, second: Thumb, least: float) -> list[Alignment]:
    """Frames laid onto each other as they are, stretched where needed."""
    found = []
    for frame in first.frames:
        for other in second.frames:
            agreement = float(frame.contrast @ other.contrast)
            if agreement > least:
                found.append((agreement, box_onto_box(frame.box, other.box)))
    return [alignment for _, alignment in sorted(found, key=lambda pair: -pair[0])[:2]]


def box_onto_box(
    box: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> Alignment:
    """The map that lays one rectangle onto another: left, top, right, bottom in pixels."""
    scale_x = (other[2] - other[0]) / (box[2] - box[0])
    scale_y = (other[3] - other[1]) / (box[3] - box[1])
    shift_x = other[0] - box[0] * scale_x + (scale_x - 1) / 2
    shift_y = other[1] - box[1] * scale_y + (scale_y - 1) / 2
    return axis_aligned(scale_x, scale_y, shift_x, shift_y)


def _from_keypoints(first: Keypoints, second: Keypoints) -> list[Alignment]:
    """Let pairs of matching keypoints vote for scale and shift, and fit the winner to its voters.

    A second proposal allows rotation, where that brings many more voters.
    """
    if min(len(first.scales), len(second.scales)) < LEAST_VOTES:
        return []
    here, there = _matches(first, second)
    if len(here) < LEAST_VOTES:
        return []
    source = first.points[here].astype(np.float64)
    target = second.points[there].astype(np.float64)
    voters = _largest_agreement(source, target)
    if voters.sum() < LEAST_VOTES:
        return []
    straight = _fit(source[voters], target[voters])
    turned = _fit_turned(source, target, straight)
    return [turned, straight] if turned else [straight]


def evenly_through(source: NDArray[np.float64], target: NDArray[np.float64]) -> Alignment | None:
    """The alignment without rotation and stretch that fits most points [n, 2]; None where it has no size."""
    voters = _largest_agreement(source, target)
    if voters.sum() >= LEAST_VOTES:
        source, target = source[voters], target[voters]
    mean, other = source.mean(axis=0), target.mean(axis=0)
    scale = float(((source - mean) * (target - other)).sum() / (((source - mean) ** 2).sum() + 1e-6))
    if not SMALLEST_SCALE < scale < 1 / SMALLEST_SCALE:
        return None
    across, down = other - scale * mean
    return axis_aligned(scale, scale, across, down, votes=len(source))


def _largest_agreement(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Matches that agree with the best of all maps through two of them, bool [matches]."""
    one, two = np.triu_indices(min(len(source), MOST_VOTERS), 1)
    span = source[two] - source[one]
    wide = np.abs(span).min(axis=1) > SHORTEST_SPAN
    one, two, span = one[wide], two[wide], span[wide]
    scale = (target[two] - target[one]) / span
    low, high = scale.min(axis=1), scale.max(axis=1)
    sane = (low > SMALLEST_SCALE) & (high < 1 / SMALLEST_SCALE) & (high < LARGEST_STRETCH * low)
    one, scale = one[sane], scale[sane]
    if not len(one):
        return np.zeros(len(source), np.bool_)
    shift = target[one] - scale * source[one]
    near_x = np.abs(np.outer(scale[:, 0], source[:, 0]) + shift[:, :1] - target[:, 0]) < TOLERANCE
    near_y = np.abs(np.outer(scale[:, 1], source[:, 1]) + shift[:, 1:] - target[:, 1]) < TOLERANCE
    agreeing = near_x & near_y
    winner: NDArray[np.bool_] = agreeing[int(np.argmax(agreeing.sum(axis=1)))]
    return winner


def _matches(first: Keypoints, second: Keypoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Mutually nearest keypoints of alike orientation, best first."""
    similarity = first.similarity(second)
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


def _fit_turned(
    source: NDArray[np.float64], target: NDArray[np.float64], start: Alignment
) -> Alignment | None:
    """Fit a free affine map, growing outwards from `start`; None unless it wins many more voters."""
    points = np.column_stack([source, np.ones(len(source))])
    matrix = start.matrix
    for tolerance in (3 * TOLERANCE, 2 * TOLERANCE, TOLERANCE):
        near = np.abs(points @ matrix.T - target).max(axis=1) < tolerance
        if near.sum() < 2 * LEAST_VOTES:
            return None
        matrix = np.linalg.lstsq(points[near], target[near], rcond=None)[0].T
    votes = int((np.abs(points @ matrix.T - target).max(axis=1) < TOLERANCE).sum())
    return Alignment(matrix, votes) if votes > 1.2 * start.votes + 2 else None

"""Sharpening an alignment to a fraction of a pixel, and measuring what it cannot explain.

Both pictures are cut into blocks. In each block the brightness gradients say by how much the second
picture would have to move to fit the first. Fitted over all blocks, these movements correct the
alignment; what remains afterwards tells an edited copy (nothing moves) from a second photograph of the
same scene (near things move against far things).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.alignment import Alignment
from include.detector.comparing.planes import Plane, Shades, blur, resize, share, slopes, warp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from include.detector.comparing.thumb import Thumb

    FlowUnder = Callable[[NDArray[np.float64], int, float], "Flow | None"]

BLOCK = 8
LEAST_COVER = 0.6
LEAST_BLOCKS = 4
LEAST_ENERGY = 0.01
NOISE = 0.02  # energy
FITS = 0.5
COARSEST, FINEST = 2.0, 0.8  # sigma of smoothing in pixels
# The share of the blocks that must fit in each coarse and each fine round. Copies have 0.4 at first and 0.6
# in the end, unless stripes cover them; most other pictures fall out early.
COARSE, FINE = (0.35, 0.42, 0.45), (0.48, 0.48, 0.48)
SMALLER, SOFTNESS = 0.8, 0.45  # scale from which the larger picture is blurred, sigma per unit of scale
SQUARE = 1.2  # ratio of the scales from which a picture counts as stretched
DAMPING = 1e-3
SETTLED = 0.06  # pixels
LARGEST_STEP = 6.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Block sums that tell how the second picture would have to move.

    Per block, float64 [n]: its centre, the structure tensor, gradient times difference, squared difference,
    energy of the first picture and weight; all are means over the block.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    xx: NDArray[np.float64]
    xy: NDArray[np.float64]
    yy: NDArray[np.float64]
    pull_x: NDArray[np.float64]
    pull_y: NDArray[np.float64]
    errors: NDArray[np.float64]
    energies: NDArray[np.float64]
    weights: NDArray[np.float64]

    def fitting(self) -> float:
        """Share of the blocks whose difference is small against their own contrast."""
        return share(self.errors < FITS * (self.energies + NOISE))

    def moves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How each block by itself would move, in x and in y."""
        xx, yy = self.xx + DAMPING, self.yy + DAMPING
        scale = 1 / (xx * yy - self.xy**2)
        return (
            (yy * self.pull_x - self.xy * self.pull_y) * scale,
            (xx * self.pull_y - self.xy * self.pull_x) * scale,
        )

    def movement(self, *, turn: bool) -> tuple[NDArray[np.float64], float]:
        """One movement fitted to all blocks: [2, 3], affine with `turn`, else scale and shift of each axis.

        And by how many pixels it moves a block at most.
        """
        ones = np.ones(len(self.x))
        across = np.array([self.x, self.y, ones] if turn else [self.x, ones])
        down = across if turn else np.array([self.y, ones])
        half = len(across)
        normal = np.empty((2 * half, 2 * half))
        normal[:half, :half] = (across * (self.weights * self.xx)) @ across.T
        normal[half:, half:] = (down * (self.weights * self.yy)) @ down.T
        normal[:half, half:] = (across * (self.weights * self.xy)) @ down.T
        normal[half:, :half] = normal[:half, half:].T
        pull = np.array([across @ (self.weights * self.pull_x), down @ (self.weights * self.pull_y)])
        squares = np.array([(across * across).sum(axis=1), (down * down).sum(axis=1)])
        np.einsum("ii->i", normal)[:] += DAMPING * (squares.ravel() / (2 * len(self.x)) + 1e-9)
        in_x, in_y = np.linalg.solve(normal, pull.ravel()).reshape(2, half)
        largest = max(float(np.abs(in_x @ across).max()), float(np.abs(in_y @ down).max()))
        if turn:
            return np.array([in_x, in_y]), largest
        return np.array([[in_x[0], 0, in_x[1]], [0, in_y[0], in_y[1]]]), largest


@dataclass(frozen=True, slots=True)
class Overlay:
    """Two pictures in the frame of the first, with the mask of cover."""

    first: Shades
    second: Shades
    inside: Plane

    def flow(self, sigma: float = FINEST, least_fitting: float = 0.0) -> Flow | None:
        """How the blocks of the second would have to move; None where too few compare or fit."""
        return _flow(self.first.smoothed(sigma), self.second.smoothed(sigma), self.inside, least_fitting)


def refine(first: Thumb, second: Thumb, start: Alignment, *, turn: bool) -> Alignment | None:
    """Improve an alignment; with `turn`, rotation and shear may change too.

    First on local contrast smoothed and as it is; that settles most wrong proposals, for which the answer is
    None. Then on brightness warped before its contrast is taken, which is slower and does not suffer from
    different resolutions.
    """
    matrix = start.matrix
    stages = (_coarse_flows(first, second, start), _fine_flows(first, second, FINEST))
    for flow_under, least in zip(stages, (COARSE, FINE), strict=True):
        settled = _settled(flow_under, matrix, least, turn=turn)
        if settled is None:
            return None
        matrix = settled
    refined = Alignment(matrix, start.votes)
    return refined if refined.plausible() else None


def sharpened(first: Thumb, second: Thumb, start: Alignment) -> tuple[Alignment, Overlay, Flow] | None:
    """Improve an alignment that is nearly right, with how the pictures then lie on each other and still move.

    None where too little fits, or where it does not settle at once.
    """
    alignment = start
    for _ in FINE:
        laid = overlay(first, second, alignment)
        flow = laid.flow(FINEST, FINE[0])
        if flow is None:
            return None
        step, largest = flow.movement(turn=False)
        if largest < SETTLED:
            return alignment, laid, flow
        if largest > LARGEST_STEP:
            return None
        alignment = Alignment(_moved(alignment.matrix, step))
    return None


def _settled(
    flow_under: FlowUnder, matrix: NDArray[np.float64], least_fitting: tuple[float, ...], *, turn: bool
) -> NDArray[np.float64] | None:
    """Correct the matrix until nothing moves any more; None if that leads astray or too little fits."""
    for round_, least in enumerate(least_fitting):
        flow = flow_under(matrix, round_, least)
        if flow is None:
            return None
        step, largest = flow.movement(turn=turn)
        if largest > LARGEST_STEP:
            return None
        matrix = _moved(matrix, step)
        if largest < SETTLED:
            break
    return matrix


def _coarse_flows(first: Thumb, second: Thumb, start: Alignment) -> FlowUnder:
    """Flow on ready-made local contrast, smoothed widely at first; a stretched picture is warped before."""
    if start.stretch() > SQUARE:
        return _fine_flows(first, second, COARSEST)
    here, there = first.pixels.shades, second.pixels.shades

    def flow_under(matrix: NDArray[np.float64], round_: int, least: float) -> Flow | None:
        sigma = FINEST if round_ == len(COARSE) - 1 else COARSEST
        return block_flow(here.smoothed(sigma), there.smoothed(sigma), matrix, least)

    return flow_under


def _fine_flows(first: Thumb, second: Thumb, sigma: float) -> FlowUnder:
    """Flow on brightness warped before its contrast is taken."""
    return lambda matrix, _, least: overlay(first, second, Alignment(matrix)).flow(sigma, least)


def overlay(first: Thumb, second: Thumb, alignment: Alignment) -> Overlay:
    """Lay `second` on `first`, both equally sharp, so that a small copy is not held against a large one."""
    own = first.pixels.shades
    warped, inside = warp(second.pixels.shades.luma, alignment.matrix, first.width, first.height)
    scale = alignment.scale()
    if scale < SMALLER:
        own = Shades(blur(own.luma, SOFTNESS / scale))
    elif scale > 1 / SMALLER:
        warped = blur(warped, SOFTNESS * scale)
    return Overlay(own, Shades(warped), inside)


def block_flow(first: Plane, second: Plane, matrix: NDArray[np.float64], least_fitting: float) -> Flow | None:
    """Compare `first` with `second` warped onto it, block by block; None where too few compare or fit."""
    warped, inside = warp(second, matrix, first.shape[1], first.shape[0])
    return _flow(first, warped, inside, least_fitting)


def _flow(first: Plane, second: Plane, inside: Plane, least_fitting: float) -> Flow | None:
    """The block sums; most wrong alignments are settled before any gradient is taken."""
    height, width = (side // BLOCK * BLOCK for side in first.shape)
    first, second, inside = (plane[:height, :width] for plane in (first, second, inside))
    difference: Plane = (first - second) * inside
    error, energy, cover = _mean_products((difference, difference), (first, first), (inside, inside))
    used = (cover > LEAST_COVER) & (energy > LEAST_ENERGY)
    errors, energies = error[used], energy[used]
    if len(errors) < LEAST_BLOCKS or share(errors < FITS * (energies + NOISE)) < least_fitting:
        return None
    mean = (first + second) * np.float32(0.5)
    slope_x, slope_y = slopes(mean)
    xx, xy, yy, pull_x, pull_y = _mean_products(
        (slope_x, slope_x),
        (slope_x, slope_y),
        (slope_y, slope_y),
        (slope_x, difference),
        (slope_y, difference),
    )[:, used]
    ratio = errors / (energies + NOISE)
    y, x = (places.astype(np.float64) * BLOCK + (BLOCK - 1) / 2 for places in np.nonzero(used))
    weights = 1 / (1 + (ratio / max(_median(ratio), 0.02)) ** 2)
    return Flow(x, y, xx, xy, yy, pull_x, pull_y, errors, energies, weights)


def _median(values: NDArray[np.float64]) -> float:
    """Several times faster than numpy's own for a few hundred values."""
    ordered, count = np.sort(values), len(values)
    return float(ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def _moved(matrix: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map p -> matrix(p - step(p)), to first order the one under which the pictures fit."""
    linear = np.eye(2) + step[:, :2]
    return np.column_stack([matrix[:, :2] @ linear, matrix[:, :2] @ step[:, 2] + matrix[:, 2]])


def _mean_products(*pairs: tuple[Plane, Plane]) -> NDArray[np.float64]:
    """Products of planes averaged over blocks, [pairs, rows, columns]: all at once, stacked on each other."""
    height, width = pairs[0][0].shape
    stacked = np.empty((len(pairs), height, width), np.float32)
    for product, (one, other) in zip(stacked, pairs, strict=True):
        np.multiply(one, other, out=product)
    rows, columns = height // BLOCK, width // BLOCK
    means = resize(stacked.reshape(-1, width), columns, len(pairs) * rows)
    return means.reshape(len(pairs), rows, columns).astype(np.float64)

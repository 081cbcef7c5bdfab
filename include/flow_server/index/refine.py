"""Sharpening an alignment to a fraction of a pixel, and measuring what it cannot explain.

Both pictures are cut into blocks. In each block the brightness gradients say by how much the second
picture would have to move to fit the first. Fitted over all blocks, these movements correct the
alignment; what remains afterwards tells an edited copy (nothing moves) from a second photograph of the
same scene (near things move against far things).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.flow_server.index.alignment import Alignment
from include.flow_server.index.planes import Plane, Shades, blur, resize, warp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from include.flow_server.index.thumb import Thumb

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
SETTLED = 0.03  # pixels
LARGEST_STEP = 6.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Block sums that tell how the second picture would have to move.

    Per block: centre [n, 2], structure tensor [n, 2, 2], gradient times difference [n, 2], squared
    difference [n], energy of the first picture [n] and weight [n]; all are means over the block.
    """

    centres: NDArray[np.float64]
    tensors: NDArray[np.float64]
    pulls: NDArray[np.float64]
    errors: NDArray[np.float64]
    energies: NDArray[np.float64]
    weights: NDArray[np.float64]

    def fitting(self) -> float:
        """Share of the blocks whose difference is small against their own contrast."""
        return float((self.errors < FITS * (self.energies + NOISE)).mean())

    def solve(self, basis: NDArray[np.float64], damping: float) -> NDArray[np.float64]:
        """Fit one movement model to all blocks; `basis` is [n, 2, parameters]."""
        pulled = np.matmul(self.tensors * self.weights[:, None, None], basis)
        parameters = basis.shape[2]
        flat = basis.reshape(-1, parameters)
        normal = flat.T @ pulled.reshape(-1, parameters)
        pull = flat.T @ (self.pulls * self.weights[:, None]).reshape(-1)
        ridge = damping * np.diag((flat * flat).mean(axis=0) + 1e-9)
        solution: NDArray[np.float64] = np.linalg.solve(normal + ridge, pull)
        return solution


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


def _settled(
    flow_under: FlowUnder, matrix: NDArray[np.float64], least_fitting: tuple[float, ...], *, turn: bool
) -> NDArray[np.float64] | None:
    """Correct the matrix until nothing moves any more; None if that leads astray or too little fits."""
    for round_, least in enumerate(least_fitting):
        flow = flow_under(matrix, round_, least)
        if flow is None:
            return None
        moved = _stepped(flow, matrix, turn=turn)
        if moved is None:
            return None
        matrix, largest = moved
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
    difference = (first - second) * inside
    error, energy, cover = _block_means(difference * difference, first * first, inside)
    used = (cover > LEAST_COVER) & (energy > LEAST_ENERGY)
    errors, energies = error[used], energy[used]
    if len(errors) < LEAST_BLOCKS or (errors < FITS * (energies + NOISE)).mean() < least_fitting:
        return None
    mean = (first + second) * np.float32(0.5)
    gradient_x = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    gradient_y = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    xx, xy, yy, pull_x, pull_y = np.stack(
        _block_means(
            gradient_x * gradient_x,
            gradient_x * gradient_y,
            gradient_y * gradient_y,
            gradient_x * difference,
            gradient_y * difference,
        )
    )[:, used]
    ratio = errors / (energies + NOISE)
    rows, columns = np.nonzero(used)
    return Flow(
        centres=np.column_stack([columns, rows]).astype(np.float64) * BLOCK + (BLOCK - 1) / 2,
        tensors=np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2),
        pulls=np.column_stack([pull_x, pull_y]),
        errors=errors,
        energies=energies,
        weights=1 / (1 + (ratio / max(_median(ratio), 0.02)) ** 2),
    )


def _median(values: NDArray[np.float64]) -> float:
    """Several times faster than numpy's own for a few hundred values."""
    ordered, count = np.sort(values), len(values)
    return float(ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def axis_basis(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Movement by scale and shift in x and y: parameters (ax, bx, ay, by)."""
    basis = np.zeros((len(centres), 2, 4))
    basis[:, 0, 0], basis[:, 0, 1] = centres[:, 0], 1
    basis[:, 1, 2], basis[:, 1, 3] = centres[:, 1], 1
    return basis


def affine_basis(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Movement by any affine map: parameters (xx, xy, x, yx, yy, y)."""
    basis = np.zeros((len(centres), 2, 6))
    basis[:, 0, :2], basis[:, 0, 2] = centres, 1
    basis[:, 1, 3:5], basis[:, 1, 5] = centres, 1
    return basis


def _stepped(
    flow: Flow, matrix: NDArray[np.float64], *, turn: bool
) -> tuple[NDArray[np.float64], float] | None:
    """The corrected matrix and by how many pixels it moves blocks at most; None if that leads astray."""
    if turn:
        step = flow.solve(affine_basis(flow.centres), DAMPING).reshape(2, 3)
    else:
        ax, bx, ay, by = flow.solve(axis_basis(flow.centres), DAMPING)
        step = np.array([[ax, 0, bx], [0, ay, by]])
    largest = float(np.abs(flow.centres @ step[:, :2].T + step[:, 2]).max())
    return None if largest > LARGEST_STEP else (_moved(matrix, step), largest)


def _moved(matrix: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map p -> matrix(p - step(p)), to first order the one under which the pictures fit."""
    linear = np.eye(2) + step[:, :2]
    return np.column_stack([matrix[:, :2] @ linear, matrix[:, :2] @ step[:, 2] + matrix[:, 2]])


def _block_means(*images: Plane) -> list[NDArray[np.float64]]:
    """Mean of each image over non-overlapping blocks."""
    height, width = images[0].shape
    return [resize(image, width // BLOCK, height // BLOCK).astype(np.float64) for image in images]

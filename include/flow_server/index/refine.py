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
from include.flow_server.index.planes import Plane, blur, resize, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 8
LEAST_COVER = 0.6
ROUNDS = ((2.0, 2), (0.8, 3))  # sigma of smoothing in pixels, rounds at most
SETTLED = 0.02  # pixels
LARGEST_STEP = 6.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Per block [n]: centre [n, 2], structure tensor [n, 2, 2], gradient times difference [n, 2], weight."""

    centres: NDArray[np.float64]
    tensors: NDArray[np.float64]
    pulls: NDArray[np.float64]
    weights: NDArray[np.float64]

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


def refine(first: Plane, second: Plane, start: Alignment, *, turn: bool) -> Alignment:
    """Improve an alignment of two local-contrast pictures; with `turn`, rotation and shear may change too."""
    matrix = start.matrix.copy()
    for sigma, rounds in ROUNDS:
        smooth_first = blur(first, sigma)
        smooth_second = blur(second, sigma)
        for _ in range(rounds):
            flow = block_flow(smooth_first, smooth_second, matrix)
            if flow is None:
                return start
            step = _step(flow, turn=turn)
            largest = float(np.abs(flow.centres @ step[:, :2].T + step[:, 2]).max())
            if largest > LARGEST_STEP:
                return start
            matrix = _moved(matrix, step)
            if largest < SETTLED:
                break
    return Alignment(matrix, start.votes)


def block_flow(first: Plane, second: Plane, matrix: NDArray[np.float64]) -> Flow | None:
    """Compare `first` with `second` warped onto it, block by block; None where they hardly overlap."""
    height, width = (side // BLOCK * BLOCK for side in first.shape)
    warped, inside = warp(second, matrix, width, height)
    first = first[:height, :width]
    mean = (first + warped) * np.float32(0.5)
    gradient_x = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    gradient_y = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    difference = (first - warped) * inside
    sums = _block_sums(
        gradient_x * gradient_x,
        gradient_x * gradient_y,
        gradient_y * gradient_y,
        gradient_x * difference,
        gradient_y * difference,
        difference * difference,
        first * first,
        inside,
    )
    xx, xy, yy, pull_x, pull_y, error, energy, cover = sums
    used = (cover > LEAST_COVER) & (energy > 0.01)
    if used.sum() < 4:
        return None
    ratio = error[used] / (energy[used] + 0.02)
    weights = (1 / (1 + (ratio / max(float(np.median(ratio)), 0.02)) ** 2)).astype(np.float64)
    rows, columns = np.nonzero(used)
    return Flow(
        centres=np.column_stack([columns, rows]).astype(np.float64) * BLOCK + (BLOCK - 1) / 2,
        tensors=np.stack([xx[used], xy[used], xy[used], yy[used]], axis=1).reshape(-1, 2, 2),
        pulls=np.column_stack([pull_x[used], pull_y[used]]),
        weights=weights,
    )


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


def _step(flow: Flow, *, turn: bool) -> NDArray[np.float64]:
    """Movement of the warped picture as a 2 x 3 affine change."""
    if turn:
        return flow.solve(affine_basis(flow.centres), 1e-3).reshape(2, 3)
    ax, bx, ay, by = flow.solve(axis_basis(flow.centres), 1e-3)
    return np.array([[ax, 0, bx], [0, ay, by]])


def _moved(matrix: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map p -> matrix(p - step(p)), to first order the one under which the pictures fit."""
    linear = np.eye(2) + step[:, :2]
    return np.column_stack([matrix[:, :2] @ linear, matrix[:, :2] @ step[:, 2] + matrix[:, 2]])


def _block_sums(*images: Plane) -> list[NDArray[np.float64]]:
    """Mean of each image over non-overlapping blocks."""
    height, width = images[0].shape
    return [resize(image, width // BLOCK, height // BLOCK).astype(np.float64) for image in images]

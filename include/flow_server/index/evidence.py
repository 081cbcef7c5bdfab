"""What speaks for and against two aligned pictures being one: measured block by block.

A block agrees if its local contrast correlates. Copies agree nearly everywhere except where something was
laid over them; different pictures agree here and there by chance. All numbers go into `Evidence`; what they
are worth is decided in `score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.flow_server.index.planes import Plane, blur, local_contrast, resize, warp
from include.flow_server.index.refine import affine_basis, block_flow

if TYPE_CHECKING:
    from include.flow_server.index.alignment import Alignment
    from include.flow_server.index.thumb import Thumb

WINDOW, STRIDE = 11, 8
STRONG = 0.08  # energy of local contrast from which a block counts as textured
AGREES = 0.6
LEAST_COVER = 0.6
QUANTILES = (0.15, 0.3, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Measurements of one alignment of two thumbnails; correlations -1..1, shares 0..1, lengths in pixels."""

    alignment: Alignment
    overlap: float  # share of the first frame that the second covers
    blocks: int  # textured blocks compared
    agreeing: float  # share of them that correlate above 0.6
    well_agreeing: float  # above 0.8
    closely_agreeing: float  # above 0.9
    quantiles: tuple[float, ...]  # of the correlation, at QUANTILES
    coarse_quantiles: tuple[float, ...]  # the same in a lower band, over all blocks
    weighted: float  # mean correlation weighted by texture
    turn: float  # degrees that a free affine fit would rotate
    shear: float  # degrees
    drift: float  # median movement that remains in textured blocks, pixels
    drift_tail: float  # its 80 % quantile

    @property
    def strength(self) -> float:
        """One number to choose the best of several alignments by."""
        return self.weighted * float(min(1.0, self.blocks / 12) ** 0.5)


def measure(first: Thumb, second: Thumb, alignment: Alignment) -> Evidence:
    """Compare `first` with `second` warped onto it."""
    warped, inside = warp(second.luma, alignment.matrix, first.width, first.height)
    here, there = _same_sharpness(first.luma, warped, alignment.scale())
    fine, cover = _correlation(local_contrast(here), local_contrast(there), inside, STRIDE)
    half = [_halve(here), _halve(there), _halve(inside)]
    coarse, coarse_cover = _correlation(
        local_contrast(half[0], 1.0, 6.0), local_contrast(half[1], 1.0, 6.0), half[2], STRIDE // 2
    )
    covered = cover > LEAST_COVER
    energy = np.minimum(np.maximum(fine.first, fine.second), 1.0)
    strong = covered & (energy > STRONG)
    values = fine.correlation[strong] if strong.any() else np.zeros(1)
    coarse_covered = coarse_cover > LEAST_COVER
    coarse_values = coarse.correlation[coarse_covered] if coarse_covered.any() else np.zeros(1)
    weight = energy * covered
    turn, shear, drift, drift_tail = _movement(first, second, alignment)
    return Evidence(
        alignment=alignment,
        overlap=float(inside.mean()),
        blocks=int(strong.sum()),
        agreeing=float((values > AGREES).mean()),
        well_agreeing=float((values > 0.8).mean()),
        closely_agreeing=float((values > 0.9).mean()),
        quantiles=tuple(np.quantile(values, QUANTILES).tolist()),
        coarse_quantiles=tuple(np.quantile(coarse_values, QUANTILES).tolist()),
        weighted=float((np.clip(fine.correlation, 0, 1) * weight).sum() / (weight.sum() + 1e-6)),
        turn=turn,
        shear=shear,
        drift=drift,
        drift_tail=drift_tail,
    )


@dataclass(frozen=True, slots=True)
class _Blocks:
    correlation: Plane
    first: Plane  # energy of each picture
    second: Plane


def _correlation(first: Plane, second: Plane, inside: Plane, stride: int) -> tuple[_Blocks, Plane]:
    """Correlation per block and the share of each block that both pictures cover."""

    def mean(image: Plane) -> Plane:
        blurred = cast("Plane", cv2.blur(image, (WINDOW, WINDOW)))
        return blurred[WINDOW // 2 :: stride, WINDOW // 2 :: stride]

    first, second = first * inside, second * inside
    energy_first, energy_second = mean(first * first), mean(second * second)
    correlation = mean(first * second) / np.sqrt(energy_first * energy_second + np.float32(0.02))
    return _Blocks(correlation, energy_first, energy_second), mean(inside)


def _halve(image: Plane) -> Plane:
    return resize(image, max(WINDOW, image.shape[1] // 2), max(WINDOW, image.shape[0] // 2))


def _same_sharpness(first: Plane, warped: Plane, scale: float) -> tuple[Plane, Plane]:
    """Blur the sharper of the two, so that a small copy is not held against a large one."""
    if scale < 0.8:
        return blur(first, 0.45 / scale), warped
    if scale > 1.25:
        return first, blur(warped, 0.45 * scale)
    return first, warped


def _movement(first: Thumb, second: Thumb, alignment: Alignment) -> tuple[float, float, float, float]:
    """Rotation and shear (degrees) of a free fit, and what still moves under it (pixels)."""
    smooth_first = blur(first.contrast, 0.8)
    smooth_second = blur(second.contrast, 0.8)
    flow = block_flow(smooth_first, smooth_second, alignment.matrix)
    if flow is None:
        return 0.0, 0.0, 9.0, 9.0
    free = flow.solve(affine_basis(flow.centres), 1e-3).reshape(2, 3)
    linear = alignment.matrix[:, :2] @ (np.eye(2) + free[:, :2])
    along = np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))
    across = np.degrees(np.arctan2(-linear[0, 1], linear[1, 1]))
    corners = flow.tensors + np.eye(2) * 1e-4
    moves = np.linalg.solve(corners, flow.pulls[..., None])[..., 0]
    textured = np.linalg.eigvalsh(flow.tensors)[:, 0] > 1e-3
    if textured.sum() < 4:
        return float(max(abs(along), abs(across))), float(abs(along - across)), 0.0, 0.0
    lengths = np.linalg.norm(moves[textured], axis=1)
    return (
        float(max(abs(along), abs(across))),
        float(abs(along - across)),
        float(np.median(lengths)),
        float(np.quantile(lengths, 0.8)),
    )

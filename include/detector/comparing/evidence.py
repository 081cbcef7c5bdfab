"""What speaks for and against two aligned pictures being one: measured block by block.

A block agrees if its local contrast correlates. Copies agree nearly everywhere except where something was
laid over them; different pictures agree here and there by chance. A second photograph of the same scene
agrees widely, but its parts have moved against each other, and other things before the same background
change the tones of large areas. All numbers go into `Evidence`; what they are worth is decided in `score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.patches import beside_patch, label
from include.detector.comparing.planes import Plane, local_contrast, plain, resize, share, warped
from include.detector.comparing.refine import BLOCK, Flow, Overlay, overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.alignment import Alignment
    from include.detector.comparing.thumb import Thumb

WINDOW, STRIDE = 11, 8
STRONG = 0.08  # energy of local contrast from which a block counts as textured
AGREES = 0.6
LEAST_COVER = 0.6
QUANTILES = (0.15, 0.3, 0.5, 0.7)
FEW_BLOCKS = 12
SHOWN = 8  # blocks beside a label that a picture has if it shows anything there
RIDGE = 1e-4 * np.eye(3)
NO_CHROMA, FAINT_CHROMA = 20.0, 150.0  # sums of squares: of coding noise, of a colour that may pass for grey


@dataclass(frozen=True, slots=True)
class Blocks:
    """Correlation of local contrast by block."""

    correlation: Plane
    first: Plane  # energy of each picture
    second: Plane


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One alignment tried: what it takes to choose the best of several."""

    first: Thumb
    second: Thumb
    alignment: Alignment
    laid: Overlay
    blocks: Blocks
    textured: NDArray[np.bool_]  # blocks that are covered and have contrast
    weighted: float  # mean correlation weighted by texture
    turn: float  # degrees that a free affine fit would still rotate
    moved: float  # share of the difference that small movements of the blocks explain
    fitting: float  # share of the blocks that differ little against their contrast

    @property
    def strength(self) -> float:
        """One number to choose the best of several trials by."""
        return self.weighted * float(min(1.0, int(self.textured.sum()) / FEW_BLOCKS) ** 0.5)


@dataclass(frozen=True, slots=True)
class Label:
    """One place of two pictures."""

    plain: float  # share of one brightness, in the picture that has less of it there
    beside: float  # mean correlation of the blocks outside it, and outside a patch; 1 if one shows nothing


@dataclass(frozen=True, eq=False)
class Evidence:
    """Measurements of one alignment of two thumbnails; correlations are -1..1, shares 0..1."""

    trial: Trial
    overlap: float  # share of the first frame that the second covers
    blocks: int  # textured blocks compared
    agreeing: float  # share of them that correlate above 0.6
    well_agreeing: float  # above 0.8
    closely_agreeing: float  # above 0.9
    quantiles: tuple[float, ...]  # of the correlation, at QUANTILES
    coarse_quantiles: tuple[float, ...]  # the same in a lower band, over all blocks
    weighted: float  # of the trial, as are `turn`, `moved` and `fitting`
    beside_patch: float  # mean correlation of the blocks outside the one patch that agrees least
    turn: float
    moved: float
    fitting: float
    tone_median: float  # difference of block brightness that no global tone curve explains, levels
    tone_tail: float  # its 80 % quantile
    chroma: float  # correlation of block colours; 1 where one of the pictures has none
    agreeing_chroma: float  # mean cosine of the colours of those blocks whose brightness agrees
    straightened: bool  # whether the second picture was bent to fit

    @property
    def alignment(self) -> Alignment:
        return self.trial.alignment

    @cached_property
    def label(self) -> Label:
        """The place that agrees most, as the same label on two pictures does."""
        blocks, textured = np.clip(self.trial.blocks.correlation, 0, 1), self.trial.textured.copy()
        place = label(blocks, textured)
        if place is None:
            return Label(plain=0.0, beside=1.0)
        textured[place] = False
        energies = self.trial.blocks.first, self.trial.blocks.second
        poorer = min(int((textured & (energy > STRONG)).sum()) for energy in energies)
        rows, columns = (slice(span.start * STRIDE, span.stop * STRIDE) for span in place)
        laid = self.trial.laid
        here, there = (picture.luma[rows, columns].astype(np.uint8) for picture in (laid.first, laid.second))
        beside = beside_patch(blocks, textured) if poorer >= SHOWN else 1.0
        return Label(plain=min(plain(here), plain(there)), beside=beside)


def tried(first: Thumb, second: Thumb, alignment: Alignment) -> Trial:
    """Compare the local contrast of `first` with that of `second` warped onto it."""
    laid = overlay(first, second, alignment)
    return weighed(first, second, alignment, laid, laid.flow())


def weighed(first: Thumb, second: Thumb, alignment: Alignment, laid: Overlay, flow: Flow | None) -> Trial:
    """The same, of pictures that are laid onto each other already and move by `flow`."""
    blocks, cover = _correlation(laid.first.contrast, laid.second.contrast, laid.inside, STRIDE)
    covered = cover > LEAST_COVER
    energy = np.minimum(np.maximum(blocks.first, blocks.second), 1.0)
    weight = energy * covered
    weighted = float((np.clip(blocks.correlation, 0, 1) * weight).sum() / (weight.sum() + 1e-6))
    textured = covered & (energy > STRONG)
    return Trial(first, second, alignment, laid, blocks, textured, weighted, *_movement(flow))


def measure(trial: Trial) -> Evidence:
    """All that can be said of an alignment."""
    here, there, inside = trial.laid.first.luma, trial.laid.second.luma, trial.laid.inside
    correlation, textured = trial.blocks.correlation, trial.textured
    half = [_halve(here), _halve(there), _halve(inside)]
    coarse, coarse_cover = _correlation(
        local_contrast(half[0], 1.0, 6.0), local_contrast(half[1], 1.0, 6.0), half[2], STRIDE // 2
    )
    coarse_covered = coarse_cover > LEAST_COVER
    values = correlation[textured] if textured.any() else np.zeros(1)
    coarse_values = coarse.correlation[coarse_covered] if coarse_covered.any() else np.zeros(1)
    tones = _tone_differences(here, there, inside)
    chroma, agreeing_chroma = _chroma_correlations(trial, correlation > AGREES)
    return Evidence(
        trial=trial,
        overlap=float(inside.mean()),
        blocks=int(textured.sum()),
        agreeing=share(values > AGREES),
        well_agreeing=share(values > 0.8),
        closely_agreeing=share(values > 0.9),
        quantiles=_quantiles(values),
        coarse_quantiles=_quantiles(coarse_values),
        weighted=trial.weighted,
        beside_patch=beside_patch(np.clip(correlation, 0, 1), textured),
        turn=trial.turn,
        moved=trial.moved,
        fitting=trial.fitting,
        tone_median=tones[0],
        tone_tail=tones[1],
        chroma=chroma,
        agreeing_chroma=agreeing_chroma,
        straightened=trial.second.retouched is not None,
    )


def _quantiles(values: NDArray[np.float64] | Plane) -> tuple[float, ...]:
    """Quantiles at QUANTILES; several times faster than numpy's own for a few hundred values."""
    ordered = np.sort(values, axis=None).astype(np.float64)
    places = np.array(QUANTILES) * (len(ordered) - 1)
    return tuple(np.interp(places, np.arange(len(ordered)), ordered).tolist())


def _correlation(first: Plane, second: Plane, inside: Plane, stride: int) -> tuple[Blocks, Plane]:
    """Correlation per block and the share of each block that both pictures cover."""

    def mean(image: Plane) -> Plane:
        blurred = cast("Plane", cv2.blur(image, (WINDOW, WINDOW)))
        return blurred[WINDOW // 2 :: stride, WINDOW // 2 :: stride]

    first, second = first * inside, second * inside
    energy_first, energy_second = mean(first * first), mean(second * second)
    correlation = mean(first * second) / np.sqrt(energy_first * energy_second + np.float32(0.02))
    return Blocks(correlation, energy_first, energy_second), mean(inside)


def _halve(image: Plane) -> Plane:
    return resize(image, max(WINDOW, image.shape[1] // 2), max(WINDOW, image.shape[0] // 2))


def _movement(flow: Flow | None) -> tuple[float, float, float]:
    """Three numbers of what still moves.

    Degrees that a free fit would rotate, the share of the difference that block movements explain, and
    the share of the blocks that fit.
    """
    if flow is None:
        return 0.0, 0.0, 0.0
    free, _ = flow.movement(turn=True)
    in_x, in_y = flow.moves()
    explained = in_x * flow.pull_x + in_y * flow.pull_y
    turn = max(abs(free[1, 0]), abs(free[0, 1]))
    share = (explained * flow.weights).sum() / ((flow.errors * flow.weights).sum() + 1e-6)
    return float(np.degrees(turn)), float(share), flow.fitting()


def _tone_differences(first: Plane, second: Plane, inside: Plane) -> tuple[float, float]:
    """Median and 80 % quantile of what a fitted tone curve leaves of the block brightness differences.

    The curve is a parabola, fitted twice: the second time without the worst third of the blocks, which an
    overlay may have changed. Levels are relative to the less contrasty picture's full range.
    """
    columns, rows = max(4, first.shape[1] // BLOCK), max(4, first.shape[0] // BLOCK)
    used = resize(inside, columns, rows).ravel() > 0.9
    one = resize(first, columns, rows).ravel()[used].astype(np.float64)
    two = resize(second, columns, rows).ravel()[used].astype(np.float64)
    if len(one) < 8:
        return 99.0, 99.0
    if one.std() > two.std():
        one, two = two, one
    curve = np.array([np.ones(len(two)), two / 255, (two / 255) ** 2])
    kept, ordered = curve, one
    for _ in range(3):
        left = np.abs(one - np.linalg.solve(kept @ curve.T + RIDGE, kept @ one) @ curve)
        ordered = np.sort(left)
        kept = curve * (left <= ordered[int(0.7 * len(ordered))])
    spread = 40.0 / (float(one.std()) + 10.0)
    return float(ordered[len(ordered) // 2]) * spread, float(ordered[int(0.8 * len(ordered))]) * spread


def _chroma_correlations(trial: Trial, agreeing: NDArray[np.bool_]) -> tuple[float, float]:
    """Correlation of the block colours over the common part; their mean cosine in its `agreeing` blocks."""
    first, second = trial.first, trial.second
    columns, rows = max(4, first.width // BLOCK), max(4, first.height // BLOCK)
    used = resize(trial.laid.inside, columns, rows) > 0.9
    both = np.zeros_like(used)
    height, width = min(rows, agreeing.shape[0]), min(columns, agreeing.shape[1])
    both[:height, :width] = used[:height, :width] & agreeing[:height, :width]
    colours = np.zeros((2, 2, rows, columns), np.float32)
    for place, channel in enumerate((1, 2)):
        own, other = (picture.pixels.ycc[..., channel].astype(np.float32) for picture in (first, second))
        laid = warped(other, trial.alignment.matrix, first.width, first.height)
        colours[0, place] = resize(own, columns, rows) - 128
        colours[1, place] = resize(laid, columns, rows) - 128
    product = (colours[0] * colours[1]).sum(axis=0)
    squares, other_squares = (colours * colours).sum(axis=1)
    noise = NO_CHROMA / 10 * max(1, int(used.sum()))
    sums = [float(image[used].sum()) for image in (product, squares, other_squares)]
    cosine = (product + FAINT_CHROMA) / (np.sqrt(squares * other_squares) + FAINT_CHROMA)
    return (
        (sums[0] + noise) / (float(np.sqrt(sums[1] * sums[2])) + noise),
        float(cosine[both].mean()) if both.any() else 1.0,
    )

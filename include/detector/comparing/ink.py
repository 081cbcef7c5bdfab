"""Whether two pages hold the same ink: words and numbers, not rules, boxes and lines of text.

Pages of one template agree in their layout whatever is written on them. So what is the same all along a row
or a column near by is taken out: the rules of a table vanish, and so do lines of text seen from far. What
stays are the shapes of words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.evidence import LEAST_COVER, STRIDE, WINDOW
from include.detector.comparing.patches import beside_patch
from include.detector.comparing.planes import blur

if TYPE_CHECKING:
    from include.detector.comparing.planes import Plane
    from include.detector.comparing.refine import Overlay

REACH = 7  # pixels
INKED = 25.0  # energy, squared levels
NOISE = 4.0
FEW = 4  # blocks
# A picture is as sharp as the share of its fine detail in all of it, by the sigmas below which each lies. By
# how much one is sharper that is blurred, and by which sigmas (pixels), until it is as soft as the other.
FINE, ALL = 0.8, 2.5
SHARPER, BLURS = 1.3, (0.5, 0.8, 1.1, 1.5, 2.0, 2.7, 3.5)


@dataclass(frozen=True, slots=True)
class Ink:
    """How far the ink of two pages correlates, -1..1; 1 where there is hardly any."""

    everywhere: float
    beside_patch: float  # mean of the blocks outside the one patch that agrees least, such as a stamp
    equally_sharp: bool = True  # else the sharper page was blurred to be compared everywhere


def ink(laid: Overlay) -> Ink:
    """Compare the ink of two pages that are laid onto each other.

    Of one that is softer all over, the other is blurred: words that are no longer seen are no others.
    """
    first, second = laid.first.luma, laid.second.luma
    one, two = (words(luma) * laid.inside for luma in (first, second))
    energies, others = _blocks(one * one), _blocks(two * two)
    inked = (np.maximum(energies, others) > INKED) & (_blocks(laid.inside) > LEAST_COVER)
    if inked.sum() < FEW:
        return Ink(1.0, 1.0)
    correlation = _blocks(one * two) / np.sqrt(energies * others + NOISE**2)
    everywhere = _correlation(one, two)
    if blurred := _equally_sharp(first, second):
        softer = (words(luma) * laid.inside for luma in blurred)
        everywhere = max(everywhere, _correlation(*softer))
    return Ink(everywhere, beside_patch(np.clip(correlation, 0, 1), inked), blurred is None)


def _correlation(first: Plane, second: Plane) -> float:
    energies = float((first * first).sum()) * float((second * second).sum())
    return float((first * second).sum()) / (math.sqrt(energies) + 1)


def _equally_sharp(first: Plane, second: Plane) -> tuple[Plane, Plane] | None:
    """Both, the sharper one blurred as the other is; None where they are equally sharp, or nearly."""
    own, other = _sharpness(first), _sharpness(second)
    if max(own, other) < SHARPER * min(own, other):
        return None
    return (_softened(first, other), second) if own > other else (first, _softened(second, own))


def _softened(luma: Plane, sharpness: float) -> Plane:
    """As soft as that."""
    softer = luma
    for sigma in BLURS:
        softer = blur(luma, sigma)
        if _sharpness(softer) <= sharpness:
            break
    return softer


def _sharpness(luma: Plane) -> float:
    fine, everything = (float((luma - blur(luma, sigma)).std()) for sigma in (FINE, ALL))
    return fine / (everything + 1)


def words(luma: Plane) -> Plane:
    """Brightness without what is the same along a row or a column."""
    along, down = cv2.blur(luma, (REACH, 1)), cv2.blur(luma, (1, REACH))
    left: Plane = luma - along - down + cv2.blur(luma, (REACH, REACH))
    return left


def _blocks(plane: Plane) -> Plane:
    means = cast("Plane", cv2.blur(plane, (WINDOW, WINDOW)))
    return means[WINDOW // 2 :: STRIDE, WINDOW // 2 :: STRIDE]

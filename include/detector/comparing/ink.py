"""Whether two pages hold the same ink: words and numbers, not rules, boxes and lines of text.

Pages of one template agree in their layout whatever is written on them. So what is the same all along a row
or a column near by is taken out: the rules of a table vanish, and so do lines of text seen from far. What
stays are the shapes of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.evidence import LEAST_COVER, STRIDE, WINDOW
from include.detector.comparing.patches import beside_patch

if TYPE_CHECKING:
    from include.detector.comparing.planes import Plane
    from include.detector.comparing.refine import Overlay

REACH = 7  # pixels
INKED = 25.0  # energy, squared levels
NOISE = 4.0
FEW = 4  # blocks


@dataclass(frozen=True, slots=True)
class Ink:
    """How far the ink of two pages correlates, -1..1; 1 where there is hardly any."""

    everywhere: float
    beside_patch: float  # mean of the blocks outside the one patch that agrees least, such as a stamp


def ink(laid: Overlay) -> Ink:
    """Compare the ink of two pages that are laid onto each other."""
    first, second = (_words(picture.luma) * laid.inside for picture in (laid.first, laid.second))
    product, energy, other = first * second, first * first, second * second
    everywhere = float(product.sum()) / float(np.sqrt(energy.sum() * other.sum()) + 1)
    energies, others = _blocks(energy), _blocks(other)
    correlation = _blocks(product) / np.sqrt(energies * others + NOISE**2)
    inked = (np.maximum(energies, others) > INKED) & (_blocks(laid.inside) > LEAST_COVER)
    if inked.sum() < FEW:
        return Ink(1.0, 1.0)
    return Ink(everywhere, beside_patch(np.clip(correlation, 0, 1), inked))


def _words(luma: Plane) -> Plane:
    """Brightness without what is the same along a row or a column."""
    along, down = cv2.blur(luma, (REACH, 1)), cv2.blur(luma, (1, REACH))
    words: Plane = luma - along - down + cv2.blur(luma, (REACH, REACH))
    return words


def _blocks(plane: Plane) -> Plane:
    means = cast("Plane", cv2.blur(plane, (WINDOW, WINDOW)))
    return means[WINDOW // 2 :: STRIDE, WINDOW // 2 :: STRIDE]

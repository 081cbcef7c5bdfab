"""Where two pictures agree that are laid on each other: beside a patch that differs, or in a label alone.

Copies agree nearly everywhere except where something was laid over them. Two photographs that carry the same
label agree there, however large it is, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

Place: TypeAlias = "tuple[slice, slice]"

# Height and width, as shares of the frame, of what a caption, a logo or a banner at most covers.
PATCHES = ((0.25, 1.0), (1.0, 0.25), (0.48, 0.48), (0.35, 0.7), (0.7, 0.35))
# The same of what a label covers: a strip of any width, or a quarter.
STRIPS = (0.25, 0.31, 0.37, 0.43, 0.5, 0.56, 0.62)
LABELS = (*((share, 1.0) for share in STRIPS), *((1.0, share) for share in STRIPS), (0.5, 0.5))
LEAST_OUTSIDE = 0.3  # share of the textured blocks


def beside_patch(correlation: Plane, textured: NDArray[np.bool_], *, edge: int = 0) -> float:
    """Mean correlation of the textured blocks without the patch whose removal raises it most.

    A patch may be laid over a copy; of two other pictures it is not one place alone that differs. Patches are
    those of PATCHES and `edge` blocks more in either direction. At least LEAST_OUTSIDE of the blocks must
    remain.
    """
    lost, count = float((1 - correlation)[textured].sum()), int(textured.sum())
    if not count:
        return 0.0
    least = lost / count
    for covered, blocks, _ in _covered(1 - correlation, textured, PATCHES, edge):
        left = count - blocks
        enough = left > LEAST_OUTSIDE * count
        if enough.any():
            least = min(least, float(((lost - covered) / (left + 1e-6))[enough].min()))
    return 1 - least


def label(correlation: Plane, textured: NDArray[np.bool_]) -> Place | None:
    """The one of LABELS, as rows and columns of blocks, that agrees most beside what agrees least.

    None if there are no textured blocks.
    """
    whole, count = float(correlation[textured].sum()), int(textured.sum())
    most, place = 0.0, None
    for covered, blocks, size in _covered(correlation, textured, LABELS, 0):
        left = count - blocks
        apart = covered / (blocks + 1e-6) - (whole - covered) / (left + 1e-6)
        weight = np.where((apart > 0) & (left > LEAST_OUTSIDE * count), blocks * left * apart**2, 0)
        if float(weight.max()) > most:
            most = float(weight.max())
            top, begin = divmod(int(weight.argmax()), weight.shape[1])
            place = slice(top, top + size[0]), slice(begin, begin + size[1])
    return place


def _covered(
    values: Plane, textured: NDArray[np.bool_], shapes: Sequence[tuple[float, float]], edge: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, int]]]:
    """For each shape the sums of the values, and the numbers, of the textured blocks in it, wherever it lies.

    With them comes its size in blocks, of which it has `edge` more in either direction.
    """
    counted = textured.astype(np.float32)
    sums, counts = cv2.integral(values * counted), cv2.integral(counted)
    for shares in shapes:
        high, wide = (
            min(count, max(1, round(share * count) + edge))
            for share, count in zip(shares, counted.shape, strict=True)
        )
        yield _within(sums, high, wide), _within(counts, high, wide), (high, wide)


def _within(integral: NDArray[Any], high: int, wide: int) -> NDArray[np.float64]:
    """Sums over all rectangles of one size."""
    lower = integral[high:, wide:] - integral[high:, :-wide]
    upper = integral[:-high, wide:] - integral[:-high, :-wide]
    sums: NDArray[np.float64] = lower - upper
    return sums

"""The eight orientations of a picture: as it is, turned by quarter turns, mirrored, and both.

Everything that is known of a picture can be had of it turned without its pixels: grids are turned, points
mapped, and the perceptual hash changes the order of its bits and inverts some.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIDE = 16  # frequencies of the hash in either direction, lowest first: 1, 2, 3 …
BLOCKS = 4  # of BLOCK_BITS: by whether the frequency is even across, and down
BLOCK_BITS = SIDE * SIDE // BLOCKS
_FLIP = np.array([[-1, 0], [0, 1]])
_QUARTER = np.array([[0, 1], [-1, 0]])


@dataclass(frozen=True)
class Orientation:
    """How a picture is shown: flipped left to right or not, then turned counter-clockwise by `quarters`."""

    flipped: bool
    quarters: int

    @cached_property
    def linear(self) -> NDArray[np.int64]:
        """The map of directions (x to the right, y down), [2, 2]."""
        turned: NDArray[np.int64] = np.linalg.matrix_power(_QUARTER, self.quarters)
        return turned @ _FLIP if self.flipped else turned

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return self.quarters % 2 == 1

    @property
    def told(self) -> str:
        """In words."""
        turned = ("", "turned by a quarter", "upside down", "turned by a quarter")[self.quarters]
        return " and ".join([*["mirrored"] * self.flipped, *[turned] * bool(turned)]) or "upright"

    def inverse(self) -> Orientation:
        """The orientation that undoes this one."""
        return self if self.flipped else Orientation(flipped=False, quarters=-self.quarters % 4)

    def grid(self, values: NDArray[Any]) -> NDArray[Any]:
        """A view of [height, width, ...] so shown."""
        return np.rot90(values[:, ::-1] if self.flipped else values, self.quarters)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height so shown."""
        return (height, width) if self.is_sideways else (width, height)

    def matrix(self, width: int, height: int) -> NDArray[np.float64]:
        """Where pixels of a picture of this size are then, as an affine map, [2, 3]."""
        middle, other = ((np.array(size) - 1) / 2 for size in ((width, height), self.size(width, height)))
        return np.column_stack([self.linear, other - self.linear @ middle])

    def angles(self, radians: NDArray[np.float32]) -> NDArray[np.float32]:
        """Directions, from x towards y, so shown."""
        turned = (np.pi - radians if self.flipped else radians) - np.pi / 2 * self.quarters
        return turned.astype(np.float32)


UPRIGHT, MIRRORED = Orientation(flipped=False, quarters=0), Orientation(flipped=True, quarters=0)
ALL = tuple(Orientation(flipped, quarters) for flipped in (False, True) for quarters in range(4))


@lru_cache
def orientations(*, mirror: bool, turn: bool) -> tuple[Orientation, ...]:
    """Those beside the upright one that count: mirrored ones, turned ones, or both."""
    return tuple(one for one in ALL[1:] if (mirror or not one.flipped) and (turn or not one.quarters))


def hash_blocks(hashes: Sequence[bytes]) -> NDArray[np.uint64]:
    """The bits of hashes in blocks, uint64 [n, 2, BLOCKS]: of the pictures, and of them transposed.

    To flip a picture inverts whole blocks; the first one, of even frequencies in both directions, stays. The
    hash cuts at the median, which a flip may shift a little: up to 42 of 256 bits of a turned copy differ.
    """
    packed = np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1)
    bits = np.unpackbits(packed, axis=1)[:, ::-1].reshape(-1, SIDE, SIDE)
    both = np.stack([bits, bits.transpose(0, 2, 1)], axis=1)
    cells = both.reshape(-1, 2, SIDE // 2, 2, SIDE // 2, 2)[:, :, :, ::-1, :, ::-1]
    parted = cells.transpose(0, 1, 3, 5, 2, 4).reshape(-1, 2, BLOCKS, BLOCK_BITS)
    return np.packbits(parted, axis=3).view(np.uint64)[..., 0]


def _inverted() -> NDArray[np.int64]:
    """For each flip (none, across, down, both) 1 for the blocks that it inverts, [4, BLOCKS]."""
    flips = ((0, 0), (1, 0), (0, 1), (1, 1))
    return np.array(
        [[(across & odd) ^ (down & low) for low in (0, 1) for odd in (0, 1)] for across, down in flips]
    )


def _form(orientation: Orientation) -> tuple[int, int]:
    """Whether a picture so shown is transposed, and by which row of INVERTED it is flipped then."""
    linear = orientation.linear
    across, down = (int(linear[axis].sum() < 0) for axis in (0, 1))
    return int(orientation.is_sideways), across + 2 * down


INVERTED = _inverted()
SIGNS, LEAST_BITS = 1 - 2 * INVERTED.T, BLOCK_BITS * INVERTED.sum(axis=1)
FORMS = {orientation: _form(orientation) for orientation in ALL}


def turned_distances(
    own: NDArray[np.uint64], others: NDArray[np.uint64], shown: Sequence[Orientation]
) -> NDArray[np.int64]:
    """Bits by which pictures that are shown so differ from others.

    Args:
        own: `hash_blocks` of the picture that is turned, [2, BLOCKS], or of one for each of the others.
        others: first blocks of `hash_blocks` of those that are not, [n, BLOCKS].
        shown: orientations.

    Returns:
        int64 [n, orientations].
    """
    bits = np.bitwise_count(own ^ others[:, None]).astype(np.int64)  # [n, 2, BLOCKS]
    distances = bits @ SIGNS + LEAST_BITS
    transposed, flips = zip(*(FORMS[orientation] for orientation in shown), strict=True)
    found: NDArray[np.int64] = distances[:, transposed, flips]
    return found

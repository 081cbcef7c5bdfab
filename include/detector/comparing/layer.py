"""One plane of a pair of pictures, and what coding and scaling are known to do to it, place by place.

Noise is measured in cells of a few pixels, and wide changes at a fraction of the size: it costs a third of
the time. A few tiles of a plane, cut out and stacked, are a plane as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.coding import coding_noise, resampling_noise
from include.detector.comparing.laying import Numbers, shrunk
from include.detector.comparing.planes import briefly_blurred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

    Sizes = tuple[Plane, Plane, Plane]
    """A plane at its full, half and quarter size."""
    Tiles = Sequence[tuple[int, int]]
    """Row and column of each."""

PLACE = 2  # pixels of brightness of the side of a place: of such squares is told how much they differ
CELL = 4  # pixels of a side of the cells in which noise and variation are measured
OTHER = 2  # rows of which one tells it, of many
SMALL = 64  # pixels of a side below which every pixel is a cell
AROUND, BESIDE = 12, 20  # pixels of the squares in which a picture varies, and in which noise is averaged
RESAMPLED = 0.6  # share of what moving by half a pixel takes away that scaling may take away
TILE, RIM = 64, 16  # pixels of the side of a tile, and around it that tell of its own
WORTH_IT = 0.8  # share of a plane that stacked tiles may have for that to take less time


@dataclass(frozen=True)
class Layer:
    """One plane of a pair; ``coded``: those of the two whose coding tells its noise, and at which quality.

    ``is_colour``: at half the size of the brightness. What is derived from it is kept once derived.
    """

    pair: tuple[Plane, Plane]
    coded: tuple[tuple[NDArray[np.uint8], int], ...]
    is_colour: bool

    @property
    def pixels(self) -> int:
        """Those of the side of a place."""
        return 1 if self.is_colour else PLACE

    @property
    def places(self) -> tuple[int, int]:
        """How many there are, down and across."""
        height, width = self.pair[0].shape
        return height // self.pixels, width // self.pixels

    @cached_property
    def apart(self) -> Sizes:
        """By how much the two differ, levels."""
        return sizes(cast("Plane", cv2.subtract(*self.pair)))

    @cached_property
    def noises(self) -> list[Plane]:
        """What coding does to each pixel, levels."""
        return [coding_noise(*each) for each in self.coded]

    @cached_property
    def varies(self) -> Plane:
        """Standard deviation around each cell of the calmer of the two, levels."""
        squares = []
        for plane in self.pair:
            mean, square = (_cells(each, AROUND) for each in (plane, plane * plane))
            squares.append(square - mean * mean)
        return cast("Plane", np.sqrt(np.maximum(np.minimum(*squares), 0)))

    def noise(self, sigma: float) -> Plane:
        """What coding and scaling do around each cell, smoothed by ``sigma`` pixels: levels."""
        cells = self.varies.shape[::-1]
        coding = _power([smoothed(noise, sigma) for noise in self._noises_by_size], cells)
        scaling = _power([smoothed(self._resampled, sigma)], cells)
        return cast("Plane", np.sqrt(coding + scaling * np.float32(RESAMPLED * RESAMPLED)))

    @cached_property
    def _noises_by_size(self) -> list[Sizes]:
        return [sizes(noise) for noise in self.noises]

    @cached_property
    def _resampled(self) -> Sizes:
        return sizes(resampling_noise(self.pair[1]))

    def tiles(self, asked: NDArray[np.bool_]) -> Tiles:
        """Return those with a place that is asked for; none where all of the plane takes less time."""
        height, width = self.pair[0].shape
        if min(height, width) < SMALL:
            return []
        side = TILE // self.pixels
        starts = [np.arange(0, length, side) for length in asked.shape]
        of_rows = np.logical_or.reduceat(asked, starts[0], axis=0)
        rows, columns = np.nonzero(np.logical_or.reduceat(of_rows, starts[1], axis=1))
        is_worth_it = len(rows) * (TILE + 2 * RIM) ** 2 < WORTH_IT * height * width
        return list(zip(rows.tolist(), columns.tolist(), strict=True)) if is_worth_it else []

    def cut(self, tiles: Tiles) -> Layer:
        """Return a layer of these tiles and what is around each, one below the other."""
        one, two = (_cut(plane, tiles) for plane in self.pair)
        return Layer((one, two), tuple((_cut(plane, tiles), at) for plane, at in self.coded), self.is_colour)

    def paste(self, found: Plane, tiles: Tiles, into: Plane) -> None:
        """Write what was found in the places of tiles that were cut out to where they belong."""
        side, rim = TILE // self.pixels, RIM // self.pixels
        for tile, (row, column) in zip(np.split(found, len(tiles)), tiles, strict=True):
            part = into[row * side : (row + 1) * side, column * side : (column + 1) * side]
            part[:] = tile[rim : rim + part.shape[0], rim : rim + part.shape[1]]


def sizes(plane: Plane) -> Sizes:
    """Return a plane at its full, half and quarter size; three times at its full one where it is small."""
    if min(plane.shape) < SMALL:
        return plane, plane, plane
    half = shrunk(plane, 2)
    return plane, half, shrunk(half, 2)


def smoothed(by_size: Sizes, sigma: float) -> Plane:
    """Blur; widely at a half or a quarter of the size, which is four and sixteen times faster."""
    plane = by_size[0 if sigma < 1.5 else 1 if sigma < 4 else 2]
    step = round(by_size[0].shape[0] / plane.shape[0])
    rest = math.sqrt(sigma * sigma - (step * step - 1) / 12) / step  # scaling down has blurred, too
    return briefly_blurred(plane, rest)


def _cut(plane: NDArray[Numbers], tiles: Tiles) -> NDArray[Numbers]:
    below, beside = (-length % TILE + RIM for length in plane.shape)
    wider = cv2.copyMakeBorder(plane, RIM, below, RIM, beside, cv2.BORDER_REFLECT_101)
    side = TILE + 2 * RIM
    parts = [wider[row * TILE :, column * TILE :][:side, :side] for row, column in tiles]
    return cast("NDArray[Numbers]", np.concatenate(parts))


def _cells(plane: Plane, square: int) -> Plane:
    """Means of cells, averaged over squares of so many pixels."""
    side = CELL if min(plane.shape) >= SMALL else 1
    beside = square // side | 1
    return cast("Plane", cv2.blur(shrunk(plane, side), (beside, beside)))


def _power(smooth: Sequence[Plane], cells: tuple[int, ...]) -> Plane:
    """Mean square of smoothed noises around each cell, square levels; ``cells``: how many across and down."""
    rows = slice(None, None, OTHER if smooth[0].shape[0] > OTHER * cells[1] else 1)
    squares = np.square(smooth[0][rows])
    for plane in smooth[1:]:
        cv2.accumulateSquare(plane[rows], squares)
    power = cv2.resize(squares, cells, interpolation=cv2.INTER_AREA)
    beside = BESIDE // CELL if min(cells) * CELL >= SMALL else BESIDE
    power = cv2.blur(power, (beside | 1, beside | 1))
    return cast("Plane", np.maximum(power, 0) / np.float32(len(smooth)))

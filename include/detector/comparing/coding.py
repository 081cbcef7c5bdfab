"""What coding leaves behind: coded once more as strongly as the pair differs, a picture shows where and how.

Quantisation errs most where a picture is busy, and in any program much alike. So the noise of a place is not
guessed from its contrast: the picture is coded, and what that does there is the measure.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from include.detector.comparing.laying import Planes, at_size, shrunk, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

QUALITIES = (97, 93, 88, 80, 70, 60, 50, 40, 30, 22, 15, 11)
"""Of JPEG, as libjpeg counts them; coding is never stronger than the last."""
GRID = (
    4  # pixels by which the blocks lie elsewhere, for coding a picture on its own grid again changes nothing
)
TILE, TILES = 48, 16  # pixels of a side; tiles in which the strength of coding is found
BUSY = 0.4  # share of the tiles that are calmer than any of these
FINEST = 0.02  # levels that are no difference
FEWEST, MOST = 64, 256  # colours of a palette; fewer are seen in any photograph
MISSED = 1.25  # times as far as the nearest colour of a palette, for programs do not always take it
DITHERED = 2.5  # the same of pictures that show a colour by others in turns
DIFFERS, NEARLY_ALL = 2.0, 0.9  # levels of a difference, and share of the pixels that tell a palette
CELL, FINELY = 4, 16.0  # pixels of the side of a cell of detail; parts of a level that are told apart
GLANCE = 2_000  # pixels of which one in a few is new to any photograph
SAMPLED, FEW_ENOUGH = 40_000, 1_000  # pixels of a picture, and of those that differ, that tell it
ROUGHLY = 3  # bits of a colour that do not tell which of a palette is nearest
COARSEST = 32.0  # levels by which a palette may miss a colour
NEAR = (
    5  # pixels of the square in which a colour is missed alike, for programs do not always take the nearest
)

HALF_PIXEL = np.array([-0.09375, 0.59375, 0.59375, -0.09375])  # cubic, as OpenCV moves
THERE_AND_BACK = np.convolve(HALF_PIXEL, HALF_PIXEL).astype(np.float32)


def quality(plane: NDArray[np.uint8], details: Plane, laid: Sequence[Plane]) -> int:
    """Return the best quality at which coding explains the difference of half the busy tiles; 0 if none does.

    Args:
        plane: brightness, uint8 [height, width].
        details: of the plane, as ``detail`` returns them.
        laid: brightness of the pair, float32 [height, width].
    """
    places, side = _busy_tiles(details)

    def of_tiles(whole: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([whole[top : top + side, left : left + side] for top, left in places])

    def mean(levels: Plane) -> NDArray[np.float32]:
        means: NDArray[np.float32] = np.abs(levels).reshape(len(places), -1).mean(axis=1)
        return means + np.float32(FINEST)

    atlas, differs = of_tiles(plane), mean(np.subtract(*map(of_tiles, laid)))

    def explains(at: int) -> bool:
        return float(np.median(differs / mean(coding_noise(atlas, at)))) <= 1

    found = bisect_left(QUALITIES, True, key=explains)
    return QUALITIES[found] if found < len(QUALITIES) else 0


def coding_noise(plane: NDArray[np.uint8], at: int) -> Plane:
    """Return what coding at a quality does to one plane: float32 [height, width]."""
    wider = cv2.copyMakeBorder(plane, GRID, 0, GRID, 0, cv2.BORDER_REPLICATE)
    _, data = cv2.imencode(".jpg", wider, [cv2.IMWRITE_JPEG_QUALITY, at])
    own = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))  # noqa: TID251 - nobody else's bytes
    return cast("Plane", cv2.subtract(own[GRID:, GRID:], plane, dtype=cv2.CV_32F))


def detail(plane: NDArray[np.uint8]) -> Plane:
    """Return how much each cell changes from pixel to pixel, of which coding takes some away.

    That is float32 [height / CELL, width / CELL].
    """
    changes = cv2.Laplacian(plane, cv2.CV_16S, scale=FINELY)
    return shrunk(np.abs(changes, out=changes), CELL).astype(np.float32)


def resampling_noise(plane: Plane) -> Plane:
    """Return what moving a plane by half a pixel and back takes away: float32 [height, width].

    No program's scaling keeps the finest lines, and each loses them in its own way.
    """
    return cast("Plane", cv2.sepFilter2D(plane, -1, THERE_AND_BACK, THERE_AND_BACK) - plane)


def of_colours(at: int) -> int:
    """Return the quality at which brightness is rounded as coarsely as colours are at this one: by twice."""
    return round(max(1, 100 - 50 * 2 * coarseness(at)) if coarseness(at) <= 0.5 else 25 / coarseness(at))


def coarseness(at: int) -> float:
    """Return how coarsely a quality rounds, against quality 50."""
    return 50 / at if at < 50 else 2 - at / 50


def _busy_tiles(details: Plane) -> tuple[list[tuple[int, int]], int]:
    """Return upper left corners of tiles, from half busy to the busiest, and their side."""
    each = min(TILE // CELL, *details.shape)
    rows, columns = (length // each for length in details.shape)
    size, side = (columns, rows), each * CELL
    cells = cv2.resize(details[: rows * each, : columns * each], size, interpolation=cv2.INTER_AREA)
    order = np.argsort(cells, axis=None)
    empty = int((cells < cells.mean() / 2).sum())  # of a page with few lines, most tiles say nothing
    first = min(max((len(order) - 1) * BUSY, empty), len(order) - 1)
    steps = np.linspace(first, len(order) - 1, min(TILES, len(order))).astype(int)
    chosen = order[np.unique(steps)]
    return [(int(place // columns) * side, int(place % columns) * side) for place in chosen], side


def missed_by(palette_of: NDArray[np.uint8], picture: NDArray[np.uint8]) -> Planes[np.float32] | None:
    """Return by how much the colours of one picture miss those of another; None where it has many.

    Args:
        palette_of: uint8 [height, width, 3] in R, G, B; scaled from a larger one it has no palette.
        picture: the same, of its size or larger.
    """
    if math.prod(picture.shape) < math.prod(palette_of.shape):
        return None
    height, width = palette_of.shape[:2]
    step = max(1, math.isqrt(height * width // SAMPLED))
    sampled = _colours(palette_of[::step, ::step])
    if sampled is None:
        return None
    picture = at_size(picture, (width, height))
    if not _is_coded_in(sampled, palette_of[::step, ::step], picture[::step, ::step]):
        return None
    colours = _colours(palette_of)
    if colours is None or len(colours) < FEWEST:
        return None
    red, green, blue = cv2.split(picture >> ROUGHLY)
    bits = 8 - ROUGHLY
    rough = (red.astype(np.uint16) << 2 * bits) + (green.astype(np.uint16) << bits) + blue
    shown = np.flatnonzero(np.bincount(rough.ravel()))
    middles = np.stack([shown >> 2 * bits, shown >> bits, shown], -1) % (1 << bits) * (1 << ROUGHLY)
    nearest = np.zeros((1 << 3 * bits, 3), np.uint8)
    nearest[shown] = colours[_nearest(colours, middles + (1 << ROUGHLY - 1))[1]]
    found = nearest[rough]
    square = np.ones((NEAR, NEAR), np.uint8)
    missed = (
        cv2.dilate(cv2.absdiff(*both), square)
        for both in zip(split(found, (width, height)), split(picture, (width, height)), strict=True)
    )
    return Planes(*(np.minimum(plane.astype(np.float32), np.float32(COARSEST)) for plane in missed))


def _is_coded_in(colours: NDArray[np.uint8], palette_of: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether a picture differs from another as one does that was brought to these few colours.

    Each pixel has the colour nearest to it, or one not much farther in turns: drawings have few colours, too,
    and coding them moves their pixels past colours that are nearer.
    """
    own, theirs = (pixels.reshape(-1, 3).astype(np.float32) for pixels in (palette_of, other))
    distances = np.linalg.norm(own - theirs, axis=1)
    differing = np.flatnonzero(distances > DIFFERS)
    if not len(differing):
        return False
    differing = differing[:: max(1, len(differing) // FEW_ENOUGH)]
    theirs, distances = theirs[differing], distances[differing]
    least, _ = _nearest(colours, theirs)
    in_turns = float((palette_of[:, 1:] != palette_of[:, :-1]).any(axis=2).mean()) > 0.5
    farther = DITHERED if in_turns else MISSED
    return float((distances <= farther * least + DIFFERS).mean()) > NEARLY_ALL


def _nearest(
    colours: NDArray[np.uint8], wanted: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return how far each wanted colour, [n, 3], is from the nearest of these, and which it is: both [n]."""
    known, sought = colours.astype(np.float32), np.ascontiguousarray(wanted, np.float32)
    distances, places = cv2.batchDistance(sought, known, cv2.CV_32F, K=1)
    return distances.ravel().astype(np.float32), places.ravel().astype(np.int32)


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the colours of a picture that has few, uint8 [n, 3]; None if it has many, or greys alone."""
    pixels = cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA).view(np.uint32).ravel()
    if len(np.unique(pixels[:: 1 + len(pixels) // GLANCE])) > MOST:
        return None
    runs = pixels[1:] != pixels[:-1]
    packed = np.unique(np.append(pixels[:1], pixels[1:][runs]))
    colours = packed.view(np.uint8).reshape(-1, 4)[:, :3]
    is_grey = bool((colours == colours[:, :1]).all())
    return None if len(colours) > MOST or is_grey else colours

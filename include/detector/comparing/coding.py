"""What coding leaves behind: coded once more as strongly as the pair differs, a picture shows where and how.

Quantisation errs most where a picture is busy, and in any program much alike. So the noise of a place is not
guessed from its contrast: the picture is coded, and what that does there is the measure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

QUALITIES = (97, 93, 88, 80, 70, 60, 50, 40, 30, 22, 15, 11)
"""Of JPEG, as libjpeg counts them; coding is never stronger than the last."""
GRID = (
    4  # pixels by which the blocks lie elsewhere, for coding a picture on its own grid again changes nothing
)
TILE, TILES = 48, 20  # pixels of a side; tiles in which the strength of coding is found
BUSY = 0.4  # share of the tiles that are calmer than any of these
FINEST = 0.02  # levels that are no difference
FEWEST, MOST = 64, 256  # colours of a palette; fewer are seen in any photograph
COARSEST = 32.0  # levels by which a palette may miss a colour
NEAR = (
    5  # pixels of the square in which a colour is missed alike, for programs do not always take the nearest
)


def quality(picture: NDArray[np.uint8], difference: Plane) -> int:
    """Return the best quality at which coding explains the difference of half the busy tiles; 0 if none does.

    Args:
        picture: uint8 [height, width, 3] in R, G, B.
        difference: of brightness, float32 [height, width].
    """
    places, side = _busy_tiles(picture)
    atlas = np.concatenate([picture[top : top + side, left : left + side] for top, left in places])
    differs = np.array(
        [float(np.abs(difference[top : top + side, left : left + side]).mean()) for top, left in places]
    )
    for found in QUALITIES:
        noise = np.abs(coding_noise(atlas, found)[..., 0]).reshape(len(places), -1).mean(axis=1)
        if float(np.median((differs + FINEST) / (noise + FINEST))) <= 1:
            return found
    return 0


def coding_noise(picture: NDArray[np.uint8], at: int) -> NDArray[np.float32]:
    """Return what coding at a quality does to a picture: float32 [height, width, 3] in Y, Cr, Cb."""
    wider = cv2.copyMakeBorder(picture, GRID, 0, GRID, 0, cv2.BORDER_REPLICATE)
    options = [cv2.IMWRITE_JPEG_QUALITY, at]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(wider, cv2.COLOR_RGB2BGR), options)
    own = cv2.imdecode(data, cv2.IMREAD_COLOR)  # noqa: TID251 - nobody else's bytes
    coded = np.asarray(own)[GRID:, GRID:]
    before, after = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb), cv2.cvtColor(coded, cv2.COLOR_BGR2YCrCb)
    return cast("NDArray[np.float32]", cv2.subtract(after, before, dtype=cv2.CV_32F))


def coarseness(at: int) -> float:
    """Return how coarsely a quality rounds, against quality 50."""
    return 50 / at if at < 50 else 2 - at / 50


def _busy_tiles(picture: NDArray[np.uint8]) -> tuple[list[tuple[int, int]], int]:
    """Return upper left corners of tiles, from half busy to the busiest, and their side."""
    busy = np.abs(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    height, width = busy.shape
    side = min(TILE, height, width)
    rows, columns = height // side, width // side
    cells = busy[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    order = np.argsort(cells, axis=None)
    empty = int((cells < cells.mean() / 2).sum())  # of a page with few lines, most tiles say nothing
    first = min(max((len(order) - 1) * BUSY, empty), len(order) - 1)
    steps = np.linspace(first, len(order) - 1, min(TILES, len(order))).astype(int)
    chosen = order[np.unique(steps)]
    return [(int(place // columns) * side, int(place % columns) * side) for place in chosen], side


def missed_by(palette_of: NDArray[np.uint8], picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return by how much the colours of one picture miss those of another; nothing where it has many.

    ``picture`` and what is returned are in Y, Cr, Cb.
    """
    colours = _palette(palette_of)
    if colours is None:
        return []
    steps = np.arange(4, 256, 8, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    known = colours.astype(np.float32)
    distances = (grid**2).sum(1)[:, None] - 2 * grid @ known.T + (known**2).sum(1)[None]
    nearest = colours[distances.argmin(axis=1)]
    bright = np.clip(picture, 0, 255).astype(np.uint8)
    rgb = cv2.cvtColor(bright, cv2.COLOR_YCrCb2RGB).astype(np.intp) >> 3
    found = nearest[(rgb[..., 0] << 10) + (rgb[..., 1] << 5) + rgb[..., 2]]
    missed = np.abs(cv2.cvtColor(found, cv2.COLOR_RGB2YCrCb).astype(np.float32) - picture)
    missed = cv2.dilate(missed, np.ones((NEAR, NEAR), np.uint8))
    return [cast("NDArray[np.float32]", np.minimum(missed, np.float32(COARSEST)))]


def _palette(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the colours of a picture that has few, uint8 [n, 3]; None if it has many, very few, or greys."""
    step = max(1, math.isqrt(picture.shape[0] * picture.shape[1] // 4096))
    for part in (picture[::step, ::step], picture):
        if bool((part.max(axis=2) == part.min(axis=2)).all()):
            return None
        wide = part.reshape(-1, 3).astype(np.uint32)
        packed = np.unique((wide[:, 0] << 16) + (wide[:, 1] << 8) + wide[:, 2])
        if len(packed) > MOST:
            return None
    if len(packed) < FEWEST:
        return None
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], -1).astype(np.uint8)

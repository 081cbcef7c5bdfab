"""A stored thumbnail made ready for comparison: colours, local contrast and keypoints.

`Thumb` is what the bounded cache holds. Keypoints cost several times as much as all else of it, so they are
found when a comparison first needs them; pixels are kept for a few hundred thumbnails only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.detector.comparing.backdrop import backdrop_of
from include.detector.comparing.keypoints import keypoints_shown
from include.detector.comparing.orientation import UPRIGHT, Orientation, hash_blocks
from include.detector.comparing.planes import Shades, local_contrast, plain, resize
from include.detector.comparing.windows import PIXELS, windows
from include.detector.imaging.keypoints import MOST_BYTES, find_keypoints
from include.detector.imaging.layout import VALUES, decode_layout
from include.detector.imaging.margins import Box, content_box
from include.detector.imaging.thumbnail import decode_thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor
    from include.detector.imaging.keypoints import Keypoints

FRAME_SIDE = 32  # both sides of a whole frame squeezed for the same-frame check
DETAILED = 4.0  # levels by which a cell of the layout differs from those around it
COLOUR_LEVELS = 32
COLOURS = 256 // COLOUR_LEVELS  # bins of each channel
DECODED = 256  # thumbnails whose pixels are kept


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of the thumbnail with its local contrast squeezed to a square, as a unit vector."""

    box: Box
    contrast: NDArray[np.float32]

    def shown(self, orientation: Orientation, width: int, height: int) -> Frame:
        """The frame in the picture, whose size is given, so shown."""
        left, top, right, bottom = self.box
        matrix = orientation.matrix(width, height)
        corners = np.array([[left, top, 1], [right - 1, bottom - 1, 1]]) @ matrix.T
        (left, top), (right, bottom) = corners.min(axis=0).round(), corners.max(axis=0).round() + 1
        square = self.contrast.reshape(FRAME_SIDE, FRAME_SIDE)
        return Frame((int(left), int(top), int(right), int(bottom)), orientation.grid(square).ravel())


@dataclass(frozen=True)
class Pixels:
    """A decoded thumbnail; uint8 [height, width, 3], `ycc` in Y, Cr, Cb."""

    rgb: NDArray[np.uint8]

    @cached_property
    def ycc(self) -> NDArray[np.uint8]:
        return cv2.cvtColor(self.rgb, cv2.COLOR_RGB2YCrCb).astype(np.uint8, copy=False)

    @cached_property
    def shades(self) -> Shades:
        return Shades(self.ycc[..., 0].astype(np.float32))


@dataclass(frozen=True, eq=False)
class Thumb:
    """One thumbnail of `width` x `height` pixels.

    `frames` are the whole and, where margins were found, the content without them; `plain` is the share of
    the pixels that have nearly the most frequent brightness: paper, a wall, a clear sky. `layout` is uint8
    [32, 32, 3] in Y, Cr, Cb. `original` is the picture of which this one is shown in another `orientation`;
    `retouched` are its pixels where they are no longer the descriptor's. `kept` may have its keypoints.
    """

    width: int
    height: int
    layout: NDArray[np.uint8]
    descriptor: Descriptor
    original: Thumb | None = None
    orientation: Orientation = UPRIGHT
    retouched: Pixels | None = None
    kept: KeptKeypoints | None = None

    @classmethod
    def of(cls, descriptor: Descriptor, kept: KeptKeypoints | None = None) -> Thumb:
        """Decode a descriptor's thumbnail and describe it."""
        rgb = _pixels(descriptor.thumbnail, UPRIGHT).rgb
        return cls(
            width=rgb.shape[1],
            height=rgb.shape[0],
            layout=decode_layout(descriptor.layout, rgb),
            descriptor=descriptor,
            kept=kept,
        )

    @property
    def content_hash(self) -> str:
        return self.descriptor.content_hash

    @property
    def beside(self) -> str:
        return self.descriptor.beside

    @property
    def pixels(self) -> Pixels:
        return self.retouched or _pixels(self.descriptor.thumbnail, self.orientation)

    @cached_property
    def plain(self) -> float:
        """Share of one brightness; see `plain`."""
        return plain(self.pixels.ycc[..., 0])

    @cached_property
    def backdrop(self) -> NDArray[np.float32] | None:
        """The colour behind what it shows, [3] in R, G, B; see `backdrop_of`."""
        return backdrop_of(self.pixels.rgb)

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The whole and, where margins were found, the content without them."""
        if self.original is not None:
            size = self.original.width, self.original.height
            return tuple(frame.shown(self.orientation, *size) for frame in self.original.frames)
        return _frames(self.pixels.ycc[..., 0], content_box(self.pixels.rgb))

    @cached_property
    def windows(self) -> NDArray[np.int8]:
        """What it is held against others by, seen from far; see `windows`."""
        return windows(self.pixels.ycc[..., 0])

    @cached_property
    def keypoints(self) -> Keypoints:
        """Found when first asked for."""
        if self.original is not None:
            size = self.original.width, self.original.height
            return keypoints_shown(self.original.keypoints, self.orientation, *size)
        if self.kept is None:
            return self._found_keypoints()
        return self.kept.keypoints(self.descriptor, self._found_keypoints)

    def _found_keypoints(self) -> Keypoints:
        return find_keypoints(self.pixels.ycc[..., 0])

    @cached_property
    def detailed(self) -> NDArray[np.bool_]:
        """Whether each cell of the layout differs in brightness from those around it, [32, 32]."""
        grey = self.layout[..., 0].astype(np.float32)
        detailed: NDArray[np.bool_] = np.abs(grey - cv2.blur(grey, (3, 3))) > DETAILED
        return detailed

    @cached_property
    def colours(self) -> NDArray[np.float64]:
        """Shares of the layout's cells by colour, in bins of COLOUR_LEVELS, [COLOURS ** 3]."""
        luma, red, blue = (self.layout.astype(np.intp) // COLOUR_LEVELS).reshape(-1, 3).T
        counts = np.bincount((luma * COLOURS + red) * COLOURS + blue, minlength=COLOURS**3)
        return counts / len(luma)

    @cached_property
    def colourful(self) -> float:
        """How far its colours are from grey, mean levels."""
        return float(np.abs(self.layout[..., 1:].astype(np.int16) - 128).mean())

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Hashes of the whole and of the content in blocks, [2, 2, blocks]; see `hash_blocks`."""
        return hash_blocks([self.descriptor.pdq, self.descriptor.pdq_content])

    def shown(self, orientation: Orientation) -> Thumb:
        """The same picture, not shown otherwise before, in another orientation."""
        width, height = orientation.size(self.width, self.height)
        return replace(
            self,
            width=width,
            height=height,
            layout=orientation.grid(self.layout),
            original=self,
            orientation=orientation,
        )

    def bent(self, bending: NDArray[np.float64]) -> Thumb:
        """The same picture with its pixels taken from where `bending` [3, 3] leads; nothing else follows."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.width, self.height)
        rgb = cv2.warpPerspective(
            self.pixels.rgb, bending, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return replace(self, retouched=Pixels(rgb.astype(np.uint8, copy=False)))

    def nbytes(self) -> int:
        """Bytes held at most, pixels not counted."""
        frames = 2 * 4 * FRAME_SIDE**2
        packed = len(self.descriptor.thumbnail) + len(self.descriptor.layout)
        return MOST_BYTES + PIXELS.size + frames + VALUES + packed + 5000


@lru_cache(DECODED)
def _pixels(thumbnail: bytes, orientation: Orientation) -> Pixels:
    return Pixels(np.ascontiguousarray(orientation.grid(decode_thumbnail(thumbnail))))


def _frames(luma: NDArray[np.uint8], content: Box) -> tuple[Frame, ...]:
    whole: Box = (0, 0, luma.shape[1], luma.shape[0])
    boxes = [whole] if content == whole else [whole, content]
    return tuple(Frame(box, _frame_vector(luma, box)) for box in boxes)


def _frame_vector(luma: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    left, top, right, bottom = box
    inside = luma[top:bottom, left:right].astype(np.float32)
    vector = local_contrast(resize(inside, FRAME_SIDE, FRAME_SIDE), 0.7, 4.0, 6.0).ravel()
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return unit

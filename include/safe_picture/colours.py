"""Colours: pixels that can be compared although their files tell colours in different ways.

The same numbers are other colours with another ICC profile, and other numbers may be the same colours. Where
profiles differ, pixels are brought into one space. It is wider than what screens show: a colour that only
some screens can tell from another must not be taken for it.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

from include.safe_picture.contents import take_apart
from include.safe_picture.decode import decode, one_error
from include.safe_picture.errors import UnreadableImageError
from include.safe_picture.frames import opened
from include.safe_picture.limits import MAX_PIXELS
from include.safe_picture.orientation import upright
from include.safe_picture.pixels import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's word for each colour space that a profile may be of."""
ROUNDING = 2  # steps of 255 by which what is meant as sRGB may differ from it
WIDER = 0.6  # than sRGB; Adobe RGB, Display P3 and what is printed lie inside
STEPS = 64
LEAST_TOLD_APART = 2 / 3  # of the steps of each channel
_PRIMARIES = {b"rXYZ": 0.2126, b"gXYZ": 0.7152, b"bXYZ": 0.0722}  # with their shares of the brightness


def comparable(data: bytes, among: Sequence[bytes], max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode a picture so that its pixels, uint8 [height, width, 3], compare with those of others.

    They are those of `decode` where the profiles of all pictures `among` say the same.

    Raises:
        UnreadableImageError: as `decode`; or profiles differ, and the picture's is broken, does not belong to
            pixels of its kind, or makes colours the same that are not.
    """
    with one_error(data):
        own = _profile_of(data)
        if all(_profile_of(other) == own for other in among):
            return decode(data, max_pixels).rgb
        return _widened(data, own, max_pixels)


def _profile_of(data: bytes) -> bytes:
    """The ICC profile of a picture; empty where there is none, or where it says what none would say."""
    profile = b""
    with suppress(Exception):  # who reads that picture is told
        outline = take_apart(data).outline
        with opened(outline, MAX_PIXELS) as first:
            profile = outline.profile or first.image.info.get("icc_profile") or b""
    with suppress(UnreadableImageError):  # it is told where the profile counts
        return b"" if profile and _is_plain(profile) else profile
    return profile


def _is_plain(profile: bytes) -> bool:
    """Whether it changes nothing, as profiles of sRGB do."""
    mode = _mode_of(profile)
    if mode == "CMYK":
        return False
    tried = [_steps(mode), _mixed()] if mode == "RGB" else [_steps(mode)]
    for colours in tried:
        shown = np.asarray(_applied(colours, profile, _srgb()), np.int16)
        if np.abs(shown - np.asarray(colours.convert("RGB"), np.int16)).max() > ROUNDING:
            return False
    return True


def _widened(data: bytes, profile: bytes, max_pixels: int) -> Pixels:
    mode = _mode_of(profile) if profile else "RGB"
    if profile:
        _require_different_colours(profile, mode)
    if mode == "CMYK":
        with opened(take_apart(data).outline, max_pixels) as first:
            load(first.image)
            _require(first.image.mode == mode, "is one of printing colours, which the picture has not")
            wide = np.asarray(_applied(first.image, profile, _wide()))
            return np.ascontiguousarray(upright(wide, first.turn))
    rgb = decode(data, max_pixels).rgb
    if mode == "L":
        _require(bool((rgb == rgb[..., :1]).all()), "is one of grey, and the picture has colours")
        rgb = np.ascontiguousarray(rgb[..., 0])
    return np.asarray(_applied(Image.fromarray(rgb), profile, _wide()))


def _mode_of(profile: bytes) -> str:
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        raise UnreadableImageError(f"its colour profile is broken: {error}") from error
    _require(found in MODES, f"is one of {found!r} colours, which nobody can compare")
    return MODES[found]


def _applied(image: Image.Image, profile: bytes, target: ImageCms.ImageCmsProfile) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else _srgb()
    try:
        found = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        raise UnreadableImageError(f"its colour profile cannot be used: {error}") from error
    assert found is not None, "only a change in place returns nothing"  # noqa: S101
    return found


def _require_different_colours(profile: bytes, mode: str) -> None:
    """A broken profile may make all colours one, and then any two pictures are the same."""
    steps = _steps(mode)
    found = np.asarray(_applied(steps, profile, _wide())).reshape(-1, 3)
    share = len(np.unique(found, axis=0)) / (steps.width * steps.height)
    _require(share >= LEAST_TOLD_APART, "makes different colours the same")


def _require(holds: bool, told: str) -> None:
    if not holds:
        raise UnreadableImageError(f"its colour profile {told}")


@cache
def _steps(mode: str) -> Image.Image:
    """A picture with a row of steps for each channel alone, and one for all of them together."""
    count = len(Image.new(mode, (1, 1)).getbands())
    rows = [[row in (number, count) for number in range(count)] for row in range(count + (count > 1))]
    steps = np.linspace(0, 255, STEPS).astype(np.uint8)
    made = (np.array(rows, np.uint8)[:, None, :] * steps[None, :, None]).astype(np.uint8)
    return Image.frombytes(mode, (STEPS, len(rows)), made.tobytes())


@cache
def _mixed() -> Image.Image:
    """A picture of 512 colours: a profile with a table may leave each channel alone and change these."""
    levels = np.linspace(0, 255, 8).astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(*[levels] * 3), axis=-1).reshape(8, 64, 3))


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _wide() -> ImageCms.ImageCmsProfile:
    """SRGB with its primaries moved away from white, so that the same white and greys stay."""
    data = bytearray(_srgb().tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    tags = [struct.unpack_from(">4sI", data, 132 + 12 * number) for number in range(count)]
    places = {name: offset + 8 for name, offset in tags if name in _PRIMARIES}
    primaries = {name: np.array(struct.unpack_from(">3i", data, place)) for name, place in places.items()}
    white = sum(primaries.values())
    for name, place in places.items():
        moved = (1 + WIDER) * primaries[name] - WIDER * _PRIMARIES[name] * white
        struct.pack_into(">3i", data, place, *(int(one) for one in np.rint(moved)))
    return ImageCms.ImageCmsProfile(io.BytesIO(bytes(data)))

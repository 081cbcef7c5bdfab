"""What a walk over a file finds out about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outline:
    """The picture in a file.

    `picture`: the bytes to decode. `end`: where everything that belongs to the picture ends in the file.
    `exif`: the EXIF block, beginning with its TIFF header. `others`: further pictures that are files of their
    own inside it. `cut`: the decoder hands out less than the file holds of the picture. `profile`: the ICC
    profile where it was taken out of `picture`, as far as it can be unpacked.
    """

    picture: bytes
    end: int
    exif: bytes = b""
    others: tuple[bytes, ...] = ()
    cut: bool = False
    profile: bytes = b""

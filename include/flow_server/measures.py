"""What every analysed picture leaves in the fields of its document, for rules such as "keep the widest"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.detector.imaging import Descriptor

MEASURES = ("width_i", "height_i", "bytes_l", "format_s", "frames_i", "behind_l")


def measures(descriptor: Descriptor) -> dict[str, int | str]:
    """The fields by name.

    Pixels with EXIF orientation applied, bytes of the file, name of its format, how many frames or pages it
    holds, bytes of what lies behind the picture.
    """
    size = descriptor.width, descriptor.height, descriptor.byte_size, descriptor.format
    return dict(zip(MEASURES, (*size, descriptor.frames, descriptor.behind), strict=True))

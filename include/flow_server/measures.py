"""What every analysed picture leaves in the fields of its document, for rules such as "keep the widest"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.detector.imaging import Descriptor

MEASURES = ("width_i", "height_i", "bytes_l", "format_s", "frames_i", "behind_l")
UNREADABLE = "unreadable_s"


def measures(descriptor: Descriptor) -> dict[str, int | str | None]:
    """The fields by name.

    Pixels with EXIF orientation applied, bytes of the file, name of its format, how many frames or pages it
    holds, bytes of what lies behind the picture. None takes the mark away that a document has whose picture
    could not be read.
    """
    size = descriptor.width, descriptor.height, descriptor.byte_size, descriptor.format
    values = (*size, descriptor.frames, descriptor.behind)
    return {**dict(zip(MEASURES, values, strict=True)), UNREADABLE: None}

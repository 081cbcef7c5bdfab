"""Makes pixels of bytes from outside, within limits; nothing else opens pictures."""

from include.safe_picture.apart import PreviewMaker
from include.safe_picture.colours import comparable
from include.safe_picture.decode import Picture, Preview, decode, preview, read_exif, read_format, read_size
from include.safe_picture.errors import UnreadableImageError
from include.safe_picture.frames import FORMATS
from include.safe_picture.limits import (
    DECODING_SECONDS,
    MAX_MEMORY,
    MAX_PIXELS,
    limit_memory,
    process_ends_after,
)

__all__ = [
    "DECODING_SECONDS",
    "FORMATS",
    "MAX_MEMORY",
    "MAX_PIXELS",
    "Picture",
    "Preview",
    "PreviewMaker",
    "UnreadableImageError",
    "comparable",
    "decode",
    "limit_memory",
    "preview",
    "process_ends_after",
    "read_exif",
    "read_format",
    "read_size",
]

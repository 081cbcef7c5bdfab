"""Makes pixels of bytes from outside, within limits; nothing else opens pictures."""

from include.safe_picture.decode import FORMATS, MAX_PIXELS, Picture, decode
from include.safe_picture.errors import UnreadableImageError

__all__ = ["FORMATS", "MAX_PIXELS", "Picture", "UnreadableImageError", "decode"]

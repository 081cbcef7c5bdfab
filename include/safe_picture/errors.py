"""What can be wrong with a picture."""

from __future__ import annotations


class UnreadableImageError(ValueError):
    """The bytes cannot be read as a picture; the message names the cause."""

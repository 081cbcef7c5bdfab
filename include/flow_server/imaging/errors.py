"""What can be wrong with a picture or with a stored description of one."""

from __future__ import annotations


class UnreadableImageError(ValueError):
    """The bytes cannot be read as a picture; the message names the cause."""


class DescriptorVersionError(ValueError):
    """A stored descriptor was made by another version of the analysis and cannot be compared."""

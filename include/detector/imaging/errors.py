"""What can be wrong with a stored description of a picture."""

from __future__ import annotations


class DescriptorVersionError(ValueError):
    """A stored descriptor was made by another version of the analysis and cannot be compared."""

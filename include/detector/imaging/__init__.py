"""Pictures in, descriptors out: hashes, embedding, layout and the stored thumbnail."""

from include.detector.imaging.analyze import analyze
from include.detector.imaging.descriptor import DESCRIPTOR_VERSION, Descriptor
from include.detector.imaging.errors import DescriptorVersionError

__all__ = [
    "DESCRIPTOR_VERSION",
    "Descriptor",
    "DescriptorVersionError",
    "analyze",
]

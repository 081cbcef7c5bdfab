"""Pictures in, descriptors out: decoding, hashing and the stored thumbnail."""

from include.flow_server.imaging.analyze import analyze
from include.flow_server.imaging.descriptor import DESCRIPTOR_VERSION, Descriptor
from include.flow_server.imaging.errors import DescriptorVersionError, UnreadableImageError

__all__ = [
    "DESCRIPTOR_VERSION",
    "Descriptor",
    "DescriptorVersionError",
    "UnreadableImageError",
    "analyze",
]

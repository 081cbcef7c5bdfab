"""Pictures in, descriptors out: hashes, embedding, layout and the stored thumbnail."""

from include.detector.imaging.analyze import Analysis, analyze, analyze_whole
from include.detector.imaging.descriptor import DESCRIPTOR_VERSION, Descriptor
from include.detector.imaging.errors import DescriptorVersionError

__all__ = [
    "DESCRIPTOR_VERSION",
    "Analysis",
    "Descriptor",
    "DescriptorVersionError",
    "analyze",
    "analyze_whole",
]

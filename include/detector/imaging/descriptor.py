"""What the index knows of a picture: a few kilobytes that stand for its pixels.

A descriptor travels as JSON (`/analyze` hands it out, `/update` and `/duplicate` take it back) and lies in
the store as bytes. Both carry the version of the analysis, because descriptors of two versions must never
be compared.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Self

from include.detector.imaging.errors import DescriptorVersionError
from include.detector.imaging.landmarks import read_landmarks
from include.detector.imaging.layout import decode_layout
from include.detector.imaging.thumbnail import decode_thumbnail

if TYPE_CHECKING:
    from collections.abc import Mapping

DESCRIPTOR_VERSION = "lite0-pdq-marks-5"
PDQ_BYTES = 32
EMBEDDING_BYTES = 6 * 256
MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A picture's descriptor; made by `analyze`.

    `width` and `height` are in pixels, EXIF orientation applied; `content_hash` is the SHA-256 of everything
    that the file holds of pictures: equal hashes mean the same, whatever file it came in. The other values
    are of the first frame; `beside` tells the rest apart and is empty where there is none.
    """

    version: str
    width: int
    height: int
    byte_size: int
    format: str
    content_hash: str
    beside: str  # SHA-256 of further frames and of what lies behind the picture
    frames: int  # frames, pages or images in the file
    behind: int  # bytes behind the picture, such as a film
    flat: bool  # one colour all over: matches by content hash only
    pdq: bytes  # 256 bits of the whole picture
    pdq_content: bytes  # 256 bits of the picture without margins
    pdq_quality: int  # 0..100: how much structure the hash rests on
    embedding: bytes  # int8 [6, 256]: the content, its corners, its centre
    landmarks: bytes  # what is to be seen where, 8 bytes each
    layout: bytes  # mean colours of 32 x 32 cells
    thumbnail: bytes  # WebP of about 112 x 112 pixels' area

    def to_outputs(self) -> dict[str, Any]:
        """Return the JSON object of `/analyze`: readable facts and one opaque base64 string."""
        return {
            "version": self.version,
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "descriptor": base64.b64encode(self.to_bytes()).decode("ascii"),
        }

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> Self:
        """Read what `to_outputs` wrote.

        Raises:
            DescriptorVersionError: made by another version of the analysis.
            ValueError: not a descriptor at all.
        """
        check_version(outputs.get("version"))
        packed = outputs.get("descriptor")
        if not isinstance(packed, str) or len(packed) > 2 * MAX_BYTES:
            raise ValueError("outputs hold no descriptor: send the object that /analyze returned, unchanged")
        try:
            descriptor = cls.from_bytes(base64.b64decode(packed, validate=True))
        except binascii.Error as error:
            raise ValueError("the descriptor in outputs is not base64: send it unchanged") from error
        read_landmarks(descriptor.landmarks)
        decode_layout(descriptor.layout, decode_thumbnail(descriptor.thumbnail))
        return descriptor

    def to_bytes(self) -> bytes:
        """Return the compact form for the store: length, JSON head, and the arrays in their order."""
        head = {
            "version": self.version,
            "width": self.width,
            "height": self.height,
            "byte_size": self.byte_size,
            "format": self.format,
            "content_hash": self.content_hash,
            "beside": self.beside,
            "frames": self.frames,
            "behind": self.behind,
            "flat": self.flat,
            "pdq_quality": self.pdq_quality,
            "landmarks_bytes": len(self.landmarks),
            "layout_bytes": len(self.layout),
        }
        packed = json.dumps(head, separators=(",", ":")).encode()
        return struct.pack("<H", len(packed)) + packed + self._arrays()

    def _arrays(self) -> bytes:
        return self.pdq + self.pdq_content + self.embedding + self.landmarks + self.layout + self.thumbnail

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            DescriptorVersionError: made by another version of the analysis.
            ValueError: not a descriptor at all.
        """
        try:
            (length,) = struct.unpack_from("<H", data)
            head = json.loads(data[2 : 2 + length])
            check_version(head.pop("version", None))
            lengths = [int(head.pop(name)) for name in ("landmarks_bytes", "layout_bytes")]
            sizes = (PDQ_BYTES, PDQ_BYTES, EMBEDDING_BYTES, *lengths)
            ends = list(accumulate(sizes, initial=2 + length))
            pdq, pdq_content, embedding, landmarks, layout = (
                data[start:end] for start, end in pairwise(ends)
            )
            thumbnail = data[ends[-1] :]
            if not thumbnail:
                raise ValueError("cut short")
            return cls(
                version=DESCRIPTOR_VERSION,
                pdq=pdq,
                pdq_content=pdq_content,
                embedding=embedding,
                landmarks=landmarks,
                layout=layout,
                thumbnail=thumbnail,
                **head,
            )
        except DescriptorVersionError:
            raise
        except (struct.error, ValueError, TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"not a descriptor ({error}): analyze the picture again") from error


def check_version(version: object) -> None:
    """Refuse a descriptor that another version of the analysis made."""
    if version != DESCRIPTOR_VERSION:
        raise DescriptorVersionError(
            f"the descriptor has version {version!r}, this server compares {DESCRIPTOR_VERSION!r}: "
            "analyze the picture again"
        )

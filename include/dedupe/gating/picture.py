"""Picture: the bytes of an incoming document, read once and within limits, and their measures.

What is read is analysed, and the analysis is what is indexed: a file that changes later changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import fsspec

from include.dedupe.errors import GateError
from include.dedupe.flow import Origin
from include.dedupe.gating.incoming import WEB
from include.dedupe.reporting.pictures import picture_bytes
from include.dedupe.settings.config import CollectionConfig
from include.safe_picture import UnreadableImageError, read_size

LARGEST_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is kept of an incoming picture: what Flow says, its measures by field, its SHA-256, its sketch."""

    outputs: dict[str, Any]
    measures: dict[str, int]
    sha256: str = ""
    sketch: str = ""

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Analysis:
        return cls(**value)


def read_picture(source: str, config: CollectionConfig, flow: Origin) -> bytes:
    """Return the bytes of a picture at an http address or a location of fsspec.

    Args:
        source: where it is.
        config: settings: limits and hosts that are allowed.
        flow: where it is; it is asked for nothing but pictures.

    Raises:
        GateError: it cannot be had, is empty or too large.
    """
    assert config.gate is not None, "only a gate takes pictures in"  # noqa: S101
    most = config.gate.max_picture_bytes
    data = _fetched(source, config, flow, most) if source.startswith(WEB) else _opened(source, most)
    if not data:
        raise GateError(f"{source} is empty (0 bytes)")
    return data


def measure(data: bytes, config: CollectionConfig) -> dict[str, int]:
    """Return the measures that keeper rules may go by, under the names of the collection's fields."""
    assert config.gate is not None, "only a gate takes pictures in"  # noqa: S101
    fields, mapped = config.gate.measures, config.fields
    width, height = _size(data)
    values = ((fields.width, width), (fields.height, height), (fields.bytes, len(data)))
    more = ((mapped.pixels, width * height), (mapped.bytes, len(data)))
    return {name: value for name, value in (*values, *more) if name and value}


def _size(data: bytes) -> tuple[int, int]:
    """Return width and height, upright; zeros where only Flow can read the picture."""
    try:
        return read_size(data)
    except UnreadableImageError:
        return 0, 0


def _fetched(source: str, config: CollectionConfig, flow: Origin, most: int) -> bytes:
    try:
        return picture_bytes(source, config.report.allow_hosts, flow, most)
    except OSError as error:
        raise GateError(str(error)) from error


def _opened(source: str, most: int) -> bytes:
    pieces, size = [], 0
    try:
        with fsspec.open(source, "rb") as file:
            while piece := file.read(LARGEST_PIECE):
                size += len(piece)
                if size > most:
                    raise GateError(f"{source} has more than the {most} bytes that are allowed")
                pieces.append(piece)
    except (OSError, ValueError) as error:
        raise GateError(f"{source} cannot be read: {error}") from error
    return b"".join(pieces)

"""One picture file, read and described in a process of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import ExifTags

from include.detector.imaging import Descriptor
from include.flow_server.analysis import described
from include.flow_server.query.dates import format_date, to_milliseconds
from include.safe_picture import UnreadableImageError, read_exif


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one file: `failure` is why it cannot be read; known bytes get no descriptor."""

    path: str
    content: str = ""
    date: str = ""
    descriptor: Descriptor | None = None
    failure: str = ""


def examine(folder: str, path: str, known_content: str, max_bytes: int) -> Examined:
    """Reads a file; analyses it unless its SHA-256 is `known_content`."""
    file = Path(folder, path)
    try:
        size = file.stat().st_size
        if size > max_bytes:
            return Examined(path, failure=f"it has {size} bytes, more than the {max_bytes} that are allowed")
        data = file.read_bytes()
        content = hashlib.sha256(data).hexdigest()
        if content == known_content:
            return Examined(path, content)
        return Examined(path, content, taken(data, file.stat().st_mtime), described(data))
    except UnreadableImageError as error:
        return Examined(path, failure=str(error))
    except OSError as error:
        return Examined(path, failure=f"it cannot be opened: {error.strerror or error}")


def taken(data: bytes, mtime: float) -> str:
    """When a picture was taken: EXIF DateTimeOriginal (UTC where it has no zone), else the file's mtime."""
    moment = _exif_moment(data) or datetime.fromtimestamp(mtime, UTC)
    return format_date(to_milliseconds(moment.replace(microsecond=0)))


def _exif_moment(data: bytes) -> datetime | None:
    exif = read_exif(data)
    try:
        text = str(exif.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
        zone = str(exif.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ") or "+00:00"
        return datetime.strptime(f"{text}{zone}", "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None

"""What a file is, told from outside: the suffixes of pictures, the names of what is left out."""

from __future__ import annotations

import fnmatch
import mimetypes
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image

from include.safe_picture import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FURTHER = {".mpo": "JPEG", ".jfi": "JPEG", ".jif": "JPEG"}  # which Pillow reads as a JPEG, under other names
SUFFIXES: Mapping[str, str] = {
    suffix: kind for suffix, kind in (Image.registered_extensions() | _FURTHER).items() if kind in FORMATS
}
"""By suffix in lower case, the format that it stands for: all that the decoder reads."""

HIDDEN = ".*"
LEFT_OUT = (
    HIDDEN, "@eaDir", "@__thumb", "@Recycle", "#recycle", "#snapshot", "@Recently-Snapshot", "$RECYCLE.BIN",
    "RECYCLER", "System Volume Information", "lost+found", "Network Trash Folder", "Temporary Items",
)  # fmt: skip
"""Names that devices and desktops give to thumbnails, bins and snapshots beside the originals."""

_SIGNED = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "HEIF", "AVIF", "JPEG2000")
_SIGNATURE_BYTES = 32


def suffix(path: str) -> str:
    """The suffix in lower case, empty where there is none."""
    return PurePosixPath(path).suffix.lower()


def begins_as(file: Path) -> str | None:
    """The format that the first bytes of a file announce.

    Raises:
        OSError: it cannot be read.
    """
    opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        head = os.read(opened, _SIGNATURE_BYTES)
    finally:
        os.close(opened)
    accepts = ((kind, Image.OPEN[kind][1]) for kind in _SIGNED)
    return next((kind for kind, accept in accepts if accept and accept(head) is True), None)


def media_type(file: Path) -> str:
    """What a picture is served as; `application/octet-stream` for all that is none."""
    kind = SUFFIXES.get(suffix(file.name)) if suffix(file.name) else begins_as(file)
    known = Image.MIME.get(kind or "") or mimetypes.guess_type(file.name)[0] or ""
    return known if known.startswith("image/") else "application/octet-stream"


class Patterns:
    """Names with `*` and `?`, upper and lower case alike; one that holds a `/` means the whole path."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [(one, re.compile(fnmatch.translate(one.lower()))) for one in patterns]

    def matching(self, path: str) -> str | None:
        """The first pattern that the last name of a path matches."""
        name = path.rpartition("/")[2].lower()
        for pattern, compiled in self._patterns:
            if compiled.fullmatch(path.lower() if "/" in pattern else name):
                return pattern
        return None


def shown(path: str) -> str:
    """A path as a terminal may print it: line breaks, escape sequences and broken bytes are spelt out."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in path)

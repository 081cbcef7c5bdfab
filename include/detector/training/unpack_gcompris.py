"""Takes the photographs out of the Qt resource files of gcompris-qt-data.

    python -m include.detector.training.unpack_gcompris RCC_FOLDER PICTURES/gcompris

RCC_FOLDER is /usr/share/gcompris-qt/rcc of the Debian package. Resource files store pictures as they are, one
after another, so each is found by the mark it begins with.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from include.safe_picture import UnreadableImageError, decode
from include.safe_text import run_until_unread

MARKS = re.compile(rb"RIFF....WEBP|\xff\xd8\xff", re.DOTALL)
LEAST_SIDE = 200
MOST_BYTES = 3_000_000


def main() -> None:
    """Write each opaque picture of at least 200 pixels a side to a file named by its place."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    count = sum(unpack(path, target) for path in sorted(source.glob("*.rcc")))
    print(f"{count} pictures in {target}")


def unpack(resources: Path, target: Path) -> int:
    """Take the pictures out of one file; returns how many."""
    data, count, end = resources.read_bytes(), 0, 0
    for mark in MARKS.finditer(data):
        start = mark.start()
        if start < end:
            continue
        webp = data[start : start + 4] == b"RIFF"
        size = int.from_bytes(data[start + 4 : start + 8], "little") + 8 if webp else MOST_BYTES
        piece = data[start : start + size]
        try:
            picture = decode(piece)
        except UnreadableImageError:  # the mark was something else's
            continue
        if picture.alpha is None and min(picture.rgb.shape[:2]) >= LEAST_SIDE:
            name = f"{resources.stem}_{start}.{'webp' if webp else 'jpg'}"
            (target / name).write_bytes(piece)
            count += 1
            end = start + (size if webp else 1000)
    return count


if __name__ == "__main__":
    run_until_unread(main)

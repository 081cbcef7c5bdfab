"""Folders of real pictures with planted copies: a scan of them can be held against the truth.

The copies are those of Flow's documentation of its duplicate search: the same bytes, stronger compression,
half the size in another format, other colours, a crop of a tenth, a label with text.
"""

from __future__ import annotations

import csv
import math
import random
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from include.detector.editing.drawing import headline
from include.detector.editing.edits import Edit, brightness, contrast, saturation, scale, trim

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
TRUTH = "truth.csv"
COPIED = 0.565  # copies for each photograph
SAME_BYTES = 0.115  # of the copies
SEED = 7
MARGIN = 0.05  # cut off at each side
SMALLEST_TILE = 24  # pixels
KINDS: dict[str, tuple[tuple[Edit, ...], str, int]] = {
    "jpeg 30": ((), ".jpg", 30),
    "half": ((partial(scale, by=0.5),), ".png", 0),
    "colours": (
        (partial(brightness, by=0.8), partial(saturation, by=0.6), partial(contrast, by=0.9)),
        ".jpg",
        90,
    ),
    "crop": ((partial(trim, left=MARGIN, top=MARGIN, right=MARGIN, bottom=MARGIN),), ".jpg", 90),
    "text": ((headline,), ".jpg", 90),
}


def photographs(folder: Path) -> list[Path]:
    """All pictures below a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def plant(photos: Sequence[Path], out: Path) -> dict[frozenset[str], str]:
    """Fill `out` with the photographs and copies of some of them.

    Returns:
        Each planted pair of ids (paths inside `out`) with the kind of the copy; also in `out`'s truth.csv.
    """
    draw = random.Random(SEED)  # noqa: S311
    out.mkdir(parents=True)
    names = {path: f"{number:06}-{path.name}" for number, path in enumerate(photos)}
    for path, name in names.items():
        shutil.copyfile(path, out / name)
    copied = draw.sample(list(photos), round(COPIED * len(photos)))
    same = round(SAME_BYTES * len(copied))
    kinds = ["same"] * same + [list(KINDS)[number % len(KINDS)] for number in range(len(copied) - same)]
    truth = {
        frozenset((names[path], _copy(path, names[path], kind, out, draw))): kind
        for path, kind in zip(copied, kinds, strict=True)
    }
    with (out.parent / TRUTH).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*sorted(pair), kind] for pair, kind in truth.items())
    return truth


def _copy(path: Path, name: str, kind: str, out: Path, draw: random.Random) -> str:
    stem = name.rpartition(".")[0]
    if kind == "same":
        copy = f"{stem}--same{path.suffix}"
        shutil.copyfile(path, out / copy)
        return copy
    edits, suffix, quality = KINDS[kind]
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    for edit in edits:
        image = edit(image, draw)
    copy = f"{stem}--{kind.replace(' ', '')}{suffix}"
    options: dict[str, Any] = {"quality": quality} if quality else {}
    image.save(out / copy, **options)
    return copy


def tiles(photos: Sequence[Path], count: int, out: Path) -> list[Path]:
    """Cut photographs into so many tiles that do not overlap, and write them as JPEG.

    Tiles of one photograph are alike, and small ones hold little: they are harder to tell apart than
    photographs.

    Raises:
        SystemExit: there are too few photographs for tiles of at least SMALLEST_TILE pixels a side.
    """
    large, grid = _grid(photos, count)
    out.mkdir(parents=True)
    written: list[Path] = []
    for number, tile in zip(range(count), _cut(large, grid), strict=False):
        path = out / f"{number:06}.jpg"
        tile.save(path, quality=92)
        written.append(path)
    return written


def _grid(photos: Sequence[Path], count: int) -> tuple[list[Path], int]:
    """The photographs that are large enough, and into how many rows and columns to cut them."""
    sides = [_shorter_side(path) for path in photos]
    for grid in range(math.ceil(math.sqrt(count / len(photos))), max(sides) // SMALLEST_TILE + 1):
        large = [path for path, side in zip(photos, sides, strict=True) if side // grid >= SMALLEST_TILE]
        if len(large) * grid**2 >= count:
            return large, grid
    raise SystemExit(
        f"{len(photos):,} photographs do not give {count:,} tiles of {SMALLEST_TILE} pixels a side: "
        "name a folder of more or larger ones, or ask for fewer documents"
    )


def _shorter_side(path: Path) -> int:
    with Image.open(path) as opened:
        return min(opened.size)


def _cut(photos: Sequence[Path], grid: int) -> Iterator[Image.Image]:
    """Row by row over all photographs, so that the first tiles are of as many photographs as there are."""
    for place in range(grid * grid):
        row, column = divmod(place, grid)
        for path in photos:
            with Image.open(path) as opened:
                image = opened.convert("RGB")
            width, height = image.width / grid, image.height / grid
            left, top = round(column * width), round(row * height)
            yield image.crop((left, top, round((column + 1) * width), round((row + 1) * height)))

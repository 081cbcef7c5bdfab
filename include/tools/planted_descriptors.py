"""Descriptors of real pictures with planted copies among them, for collections of a given size."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tqdm import tqdm

from include.detector.imaging import Descriptor, analyze
from include.flow_server.analysis import new_pool
from include.safe_picture import UnreadableImageError
from include.tools.mixed_descriptors import mixed
from include.tools.planted import COPIED, SEED, photographs, plant, tiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_PLANTED = 640  # photographs that copies may be planted of
_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Described:
    """`pictures` by id, in no order; `planted` are the ids of those that have, or may be, a copy."""

    pictures: dict[str, Descriptor]
    planted: list[str]

    def fill(self, size: int) -> None:
        """Add descriptors that are mixed of these, until there are `size`."""
        added = mixed(list(self.pictures.values()), size - len(self.pictures))
        self.pictures.update((f"mixed/{number}", one) for number, one in enumerate(added))


def described(photos: Sequence[Path], size: int, work: Path) -> Described:
    """Analyse so many pictures; where there are too few photographs, all are tiles of them.

    Those that cannot be read are left out.
    """
    parts = list(photos) if size <= len(photos) else tiles(photos, size, work / "tiles")
    draw = random.Random(SEED)  # noqa: S311
    draw.shuffle(parts)
    most = min(MOST_PLANTED, int(size / (1 + COPIED)))
    plant(parts[:most], work / "planted")
    planted = photographs(work / "planted")
    files = [*planted, *parts[most : most + size - len(planted)]]
    draw.shuffle(files)
    with new_pool(os.cpu_count() or 1) as pool:
        found = tqdm(pool.map(_analysed, files, chunksize=_CHUNK), total=len(files), leave=False)
        named = zip(map(str, files), found, strict=True)
        pictures = {path.removeprefix(f"{work}/"): one for path, one in named if one is not None}
    return Described(pictures, [name for name in pictures if name.startswith("planted/")])


def _analysed(path: Path) -> Descriptor | None:
    try:
        return analyze(path.read_bytes())
    except (UnreadableImageError, OSError):
        return None

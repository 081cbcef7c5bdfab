"""How time a document, memory and recall change while a collection grows around the same planted copies.

All sizes hold the same pictures with the same planted copies; what comes on top has nothing to do with them.
Those of a smaller size are among those of a larger one. Where there are too few photographs, all are tiles,
which are harder to tell apart than photographs.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from include.tools.planted import COPIED, plant, tiles
from include.tools.real_scan import index, scanned

MOST_PLANTED = 640  # photographs that copies may be planted of
ROW = "{:>12}{:>12}{:>10}{:>12}{:>12}{:>10}{:>10}"


@dataclass(frozen=True, slots=True)
class Grown:
    """One size: seconds a document of a first scan, and the share of the planted pairs that it found."""

    seconds_each: float
    recall: float


def grown(photos: Sequence[Path], sizes: Sequence[int], work: Path) -> dict[int, Grown]:
    """Measure each size, smallest first, and print it."""
    parts = list(photos) if sizes[-1] <= len(photos) else tiles(photos, sizes[-1], work / "tiles")
    planted = min(MOST_PLANTED, int(sizes[0] / (1 + COPIED)))
    pictures, data = work / "pictures", work / "data"
    truth = plant(parts[:planted], pictures)
    others = parts[planted : planted + sizes[-1] - planted - len(truth)]
    print(ROW.format("documents", "scans/s", "CPU ms", "compared", "memory", "recall", "others"))
    found: dict[int, Grown] = {}
    for size in sizes:
        _add(others[: size - planted - len(truth)], pictures)
        index(pictures, data)
        here = scanned(data, work)
        right = len(here.pairs & truth.keys())
        found[size] = Grown(here.seconds / size, right / len(truth))
        print(
            ROW.format(
                f"{size:,}",
                f"{size / here.seconds:,.0f}",
                f"{1000 * here.cpu_s / size:.2f}",
                f"{here.compared / size:.1f}",
                f"{here.memory / 1e6:,.0f} MB",
                f"{found[size].recall:.4f}",
                len(here.pairs) - right,
            )
        )
    return found


def growth_of(large: Grown, small: Grown) -> float:
    """How many times as long a document takes in the larger collection."""
    return round(large.seconds_each / small.seconds_each, 2)


def loss_of(large: Grown, small: Grown) -> float:
    """What the larger collection finds less, as a share of all planted pairs."""
    return round(small.recall - large.recall, 4)


def _add(others: Sequence[Path], pictures: Path) -> None:
    """Copy those that are not there yet."""
    for number, path in enumerate(others):
        copy = pictures / f"other-{number:06}{path.suffix}"
        if not copy.exists():
            shutil.copyfile(path, copy)

"""Measures the last look: which copies it lets go, which changes it lets pass, and what a pair costs.

    make bench-last_look ARGS="--pictures DIR [--pairs 600] [--seed 1] [--part report|fit]"

DIR holds the sources that `python -m include.detector.training.pictures DIR` lists; drawn papers, plans and
pages are added. The constants of the last look were chosen with pictures of the part `fit` and the kinds of
`last_look_edits`. What it does is told by other pictures, other drawings and other kinds, most of them by
other people's code (AugLy: `pip install -r include/detector/training/requirements.txt`). A copy that is
refused costs a person a look; a change that passes costs a picture. Changes that nobody could see are left
out. The last line is one JSON object of the figures.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from include.detector.comparing.last_look import WHOLE, Change, differing
from include.detector.comparing.legible import is_legible
from include.safe_text import run_until_unread
from include.tools.last_look_pairs import Pair, fit_pairs, report_pairs

LOCAL = 0.25  # share of the area up to which a change has a place
MARGIN = 0.01  # share of the sides by which a rectangle may miss
COVERED = 0.9  # share of the changed pixels inside a rectangle that is right
LARGEST = 4.0  # times the area of the change, beside the margins, of a rectangle that is right
WORST = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one pair, and the seconds of CPU that it took; ``placed`` is None without a place."""

    table: str
    kind: str
    picture: str
    accepted: bool
    seconds: float
    megapixels: float
    covered: bool | None
    tight: bool | None


def look(pair: Pair) -> Look:
    began = time.process_time()
    both = pair.original, pair.made
    change = differing(*both) if is_legible(*both) else WHOLE
    seconds = time.process_time() - began
    covered, tight = _placed(pair, change) if change else (None, None)
    size = max(pair.original.shape[0] * pair.original.shape[1], pair.made.shape[0] * pair.made.shape[1]) / 1e6
    return Look(pair.table, pair.kind, pair.picture, change is None, seconds, size, covered, tight)


def _placed(pair: Pair, change: Change) -> tuple[bool | None, bool | None]:
    """Whether a rectangle covers the real change, and is not much larger; None if that has no one place."""
    if pair.changed is None:
        return None, None
    rows, columns = np.nonzero(pair.changed)
    height, width = pair.changed.shape
    left, right = columns.min() / width, (columns.max() + 1) / width
    top, bottom = rows.min() / height, (rows.max() + 1) / height
    if (right - left) * (bottom - top) > LOCAL:
        return None, None
    across = (columns >= (change.left - MARGIN) * width) & (columns < (change.right + MARGIN) * width)
    down = (rows >= (change.top - MARGIN) * height) & (rows < (change.bottom + MARGIN) * height)
    real = (right - left + 2 * MARGIN) * (bottom - top + 2 * MARGIN)
    told = (change.right - change.left) * (change.bottom - change.top)
    return float((across & down).mean()) >= COVERED, told <= LARGEST * real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--pairs", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=("report", "fit"), default="report")
    args = parser.parse_args()
    drawn = (report_pairs if args.part == "report" else fit_pairs)(args.pictures, args.pairs, args.seed)
    looks = [look(pair) for pair in drawn]
    tell(looks)
    print(json.dumps({"part": args.part, "seed": args.seed} | figures(looks)))


def tell(looks: list[Look]) -> None:
    """Print what was accepted, by kind."""
    by_kind: dict[tuple[str, str], list[Look]] = defaultdict(list)
    for one in looks:
        by_kind[one.table, one.kind].append(one)
    for (table, kind), seen in sorted(by_kind.items()):
        odd = [one.picture for one in seen if one.accepted == (table == "change")]
        accepted = sum(one.accepted for one in seen)
        print(f"{table:12}{kind:28}{accepted:4} of {len(seen):4} accepted  {', '.join(odd[:4])}")


def figures(looks: list[Look]) -> dict[str, Any]:
    """Return shares of what was accepted, of the rectangles that are right, and the cost."""
    copies = [one for one in looks if one.table == "copy"]
    changes = [one for one in looks if one.table == "change"]
    places = [one for one in changes if one.covered is not None]
    small = [one.seconds for one in looks if one.megapixels <= 1]
    return {
        "copies": len(copies),
        "copies_accepted": _share([one.accepted for one in copies]),
        "changes": len(changes),
        "changes_accepted": _share([one.accepted for one in changes]),
        "worst_copies": _worst([one for one in copies if not one.accepted]),
        "worst_changes": _worst([one for one in changes if one.accepted]),
        "places": len(places),
        "places_covered": _share([bool(one.covered) for one in places]),
        "places_tight": _share([bool(one.tight) for one in places]),
        "cpu_ms_pair": round(1000 * sum(one.seconds for one in looks) / len(looks), 1),
        "cpu_ms_pair_to_1_megapixel": round(1000 * sum(small) / max(1, len(small)), 1),
        "cpu_ms_megapixel": round(
            1000 * sum(one.seconds for one in looks) / sum(one.megapixels for one in looks), 1
        ),
    }


def _share(verdicts: list[bool]) -> float | None:
    return round(sum(verdicts) / len(verdicts), 4) if verdicts else None


def _worst(wrong: list[Look]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for one in wrong:
        counts[one.kind] += 1
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:WORST])


if __name__ == "__main__":
    run_until_unread(main)

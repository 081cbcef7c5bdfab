"""Measures the last look: which copies it lets go, which changes it lets pass, and what a pair costs.

    python -m include.tools.bench_last_look [--pictures 40] [--folder ~/pictures] [--half tuned|held]

The pictures are the demo's photographs, and pages, charts, forms, plans and wallpapers that are drawn; half
of them are those of a folder, where one is given. A copy that is refused costs a person a look; a change
that passes costs a picture. Changes that nobody could see are left out.

The constants of the last look were chosen on one half of the pictures: what it does is told by the other.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from include.detector.comparing.last_look import Change, differing
from include.detector.editing.edits import scale
from include.detector.editing.manipulations import saved
from include.safe_picture import decode
from include.tools.last_look_edits import CHANGES, COPIES, HARSH
from include.tools.last_look_pictures import form, originals, paper

VISIBLE = 16.0  # levels, smoothed by a pixel; coding alone reaches 10
TABLES = ("copy", "harsh copy", "change")
HALVES = ("tuned", "held")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, uint8 [height, width, 3], and what was done to the second."""

    half: str
    table: str
    kind: str
    picture: str
    original: NDArray[np.uint8]
    made: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one pair, and the seconds of CPU that it took."""

    pair: tuple[str, str, str, str]
    change: Change | None
    seconds: float


def pairs(count: int, folder: Path | None, half: str | None) -> Iterator[Pair]:
    """Yield each copy and each visible change of ``count`` pictures, and as many papers with another word."""
    for place, (name, picture) in enumerate(originals(count, folder).items()):
        if half not in (None, HALVES[place % 2]):
            continue
        original = decode(saved("PNG")(picture, random.Random(0))).rgb  # noqa: S311
        for table, kinds in zip(TABLES, (COPIES, HARSH, CHANGES), strict=True):
            for kind, make in kinds.items():
                made = decode(make(picture, random.Random(f"{name}/{kind}"))).rgb  # noqa: S311
                if table != "change" or _is_visible(original, made):
                    yield Pair(HALVES[place % 2], table, kind, name, original, made)
    for number in range(2 * count):
        if half in (None, HALVES[number % 2]):
            yield from _other_words(number)


def _other_words(number: int) -> Iterator[Pair]:
    """Yield forms of which one has another number, and papers of which one has another letter or digit."""
    rng = random.Random(number)  # noqa: S311
    first = rng.randrange(10_000, 99_999)
    by, quality = rng.choice([1, 0.7, 0.5]), rng.choice([60, 88, 95])
    forms = form(first), form(first + rng.choice([1, 3, 10, 50]))
    papers = paper(number), paper(number, rng.randrange(99))
    kinds = "form with another number", "paper with another letter"
    for kind, (one, two), least in zip(kinds, (forms, papers), (0.5, 0.7), strict=True):
        edit = saved("JPEG", partial(scale, by=max(by, least)), quality=quality)
        original, made = decode(saved("PNG")(one, rng)).rgb, decode(edit(two, rng)).rgb
        if _is_visible(original, decode(saved("PNG")(two, rng)).rgb):
            yield Pair(HALVES[number % 2], "change", kind, str(number), original, made)


def _is_visible(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> bool:
    """Whether a change shows: grey pictures have no saturation, and white on white is nothing."""
    height, width = original.shape[:2]
    planes = (original, cv2.resize(changed, (width, height), interpolation=cv2.INTER_AREA))
    one, two = (cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 1.0) for plane in planes)
    return bool(np.abs(one - two).max() > VISIBLE)


def look(pair: Pair) -> Look:
    began = time.process_time()
    change = differing(pair.original, pair.made)
    seconds = time.process_time() - began
    return Look((pair.half, pair.table, pair.kind, pair.picture), change, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="more photographs")
    parser.add_argument("--half", choices=HALVES, help="one half of the pictures only")
    args = parser.parse_args()
    tell([look(pair) for pair in pairs(args.pictures, args.folder, args.half)])


def tell(looks: list[Look]) -> None:
    """Print what was accepted, by kind and by half."""
    by_kind: dict[tuple[str, str], list[Look]] = defaultdict(list)
    by_half: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in looks:
        half, table, kind, _ = one.pair
        by_kind[table, kind].append(one)
        by_half[table, half].append(one.change is None)
    for (table, kind), seen in sorted(by_kind.items(), key=lambda item: TABLES.index(item[0][0])):
        odd = [one.pair[3] for one in seen if (one.change is None) == (table == "change")]
        accepted = sum(one.change is None for one in seen)
        print(f"{table:12}{kind:28}{accepted:4} of {len(seen):4} accepted  {', '.join(odd[:4])}")
    for (table, half), verdicts in sorted(by_half.items()):
        print(f"{table}, {half}: {sum(verdicts) / len(verdicts):.2%} of {len(verdicts)} accepted")
    print(f"{1000 * sum(one.seconds for one in looks) / len(looks):.0f} ms of CPU a look")


if __name__ == "__main__":
    main()

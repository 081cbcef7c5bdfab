"""Measures the last look: which copies it lets go, which changes it lets pass, and what a pair costs.

    python -m include.tools.bench_last_look [--pictures 20]

The pictures are the demo's photographs, pages of text, charts and forms. A copy that is refused costs a
person a look; a change that passes costs a picture. Changes that nobody could see are left out.
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
from PIL import Image, ImageDraw, ImageFont

from include.detector.comparing.last_look import Change, differing
from include.detector.editing.edits import (
    brightness,
    contrast,
    gamma,
    mirror,
    palette,
    recode,
    saturation,
    scale,
    trim,
)
from include.detector.editing.manipulations import Manipulation, saved
from include.detector.editing.retouching import (
    blurred_part,
    date_stamp,
    emoji,
    moved_part,
    patch,
    signature,
    tiled_watermark,
)
from include.detector.training.pages import pages
from include.safe_picture import decode

VISIBLE = 16.0  # levels, smoothed by a pixel; coding alone reaches 10
PHOTOS = Path(__file__).parents[1] / "demo" / "photos"
COPIES: dict[str, Manipulation] = {
    **{f"jpeg {quality}": saved(quality=quality) for quality in (95, 88, 75, 60, 50, 40, 30)},
    **{f"jpeg 4:4:4 {quality}": saved(quality=quality, subsampling=0) for quality in (75, 30)},
    "twice 70, 60": saved("JPEG", partial(recode, quality=70), quality=60),
    "twice 40, 30": saved("JPEG", partial(recode, quality=40), quality=30),
    **{f"webp {quality}": saved("WEBP", quality=quality) for quality in (80, 40)},
    "heic": saved("HEIF", quality=60),
    "png": saved("PNG"),
    **{f"scale {by}": saved("JPEG", partial(scale, by=by)) for by in (2, 0.9, 0.75, 0.5, 0.33, 0.25)},
    **{f"scale {by} jpeg 60": saved("JPEG", partial(scale, by=by), quality=60) for by in (0.9, 0.5, 0.25)},
}
HARSH: dict[str, Manipulation] = {
    **{f"jpeg {quality}": saved(quality=quality) for quality in (20, 15)},
    "gif": saved("GIF", palette),
}
CHANGES: dict[str, Manipulation] = {
    "patch of 1 %": saved("JPEG", patch),
    "patch of 4 %": saved("JPEG", partial(patch, side=0.04)),
    "moved part of 4 %": saved("JPEG", moved_part),
    "4 % of each side off": saved("JPEG", partial(trim, left=0.04, top=0.04, right=0.04, bottom=0.04)),
    "1 % of each side off": saved("JPEG", partial(trim, left=0.01, top=0.01, right=0.01, bottom=0.01)),
    "watermark of 15 %": saved("JPEG", tiled_watermark),
    "date stamp": saved("JPEG", date_stamp),
    "blurred part": saved("JPEG", blurred_part),
    "emoji": saved("JPEG", emoji),
    "signature": saved("JPEG", signature),
    "signature, half the size": saved("JPEG", signature, partial(scale, by=0.5)),
    **{f"saturation {by}": saved("JPEG", partial(saturation, by=by)) for by in (0.6, 1.5, 0.0)},
    **{f"brightness {by}": saved("JPEG", partial(brightness, by=by)) for by in (1.1, 1.3, 0.85)},
    "contrast 1.2": saved("JPEG", partial(contrast, by=1.2)),
    "gamma 1.2": saved("JPEG", partial(gamma, power=1.2)),
    "mirror": saved("JPEG", mirror),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One pair that was looked at."""

    table: str
    kind: str
    picture: str
    change: Change | None


def looks(count: int) -> Iterator[Look]:
    """Look at each copy and each change of ``count`` pictures."""
    for name, picture in list(originals().items())[:count]:
        original = decode(saved("PNG")(picture, random.Random(0))).rgb  # noqa: S311
        for table, kinds in (("copy", COPIES), ("harsh copy", HARSH), ("change", CHANGES)):
            for kind, make in kinds.items():
                made = decode(make(picture, random.Random(f"{name}/{kind}"))).rgb  # noqa: S311
                if table != "change" or _is_visible(original, made):
                    yield Look(table, kind, name, differing(original, made))
    for number in range(count):
        rng = random.Random(number)  # noqa: S311
        first = rng.randrange(10_000, 99_999)
        one, two = (form(first), form(first + rng.choice([1, 3, 10, 50])))
        edit = saved("JPEG", partial(scale, by=rng.choice([1, 0.7, 0.5])), quality=rng.choice([60, 88, 95]))
        change = differing(decode(saved()(one, rng)).rgb, decode(edit(two, rng)).rgb)
        yield Look("change", "form with another number", str(number), change)


def _is_visible(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> bool:
    """Whether a change shows: grey pictures have no saturation, and white on white is nothing."""
    height, width = original.shape[:2]
    planes = (original, cv2.resize(changed, (width, height), interpolation=cv2.INTER_AREA))
    one, two = (cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 1.0) for plane in planes)
    return bool(np.abs(one - two).max() > VISIBLE)


def originals() -> dict[str, Image.Image]:
    """All pictures by name, the kinds mixed."""
    found = {path.name: Image.open(path).convert("RGB") for path in sorted(PHOTOS.glob("*.jpg"))}
    found |= pages(3, 4) | {f"form {number}": form(48_000 + number) for number in range(3)}
    names = sorted(found)
    random.Random(1).shuffle(names)  # noqa: S311
    return {name: found[name] for name in names}


def form(number: int) -> Image.Image:
    """An invoice that differs from others by its number alone."""
    page, rng = Image.new("RGB", (800, 1100), "white"), random.Random(5)  # noqa: S311
    draw = ImageDraw.Draw(page)
    draw.text((60, 40), "INVOICE", font=ImageFont.load_default(40), fill="black")
    for row in range(22):
        top = 140 + 40 * row
        draw.line([(60, top + 28), (740, top + 28)], fill=(150, 150, 150))
        item = f"Item {row} {rng.choice(['bolts', 'nuts', 'paper', 'ink'])}"
        draw.text((70, top), item, font=ImageFont.load_default(18), fill=(10, 10, 10))
        price = f"{rng.randrange(1000, 9999)}.{rng.randrange(10, 99)}"
        draw.text((600, top), price, font=ImageFont.load_default(18), fill=(10, 10, 10))
    draw.text((60, 1040), f"Invoice number {number}", font=ImageFont.load_default(20), fill="black")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20)
    count = parser.parse_args().pictures
    found: dict[tuple[str, str], list[Look]] = defaultdict(list)
    began = time.process_time()
    for look in looks(count):
        found[look.table, look.kind].append(look)
    spent = time.process_time() - began
    for (table, kind), seen in found.items():
        passed = [look for look in seen if look.change is None]
        odd = passed if table == "change" else [look for look in seen if look.change is not None]
        names = ", ".join(look.picture for look in odd[:4])
        print(f"{table:12}{kind:28}{len(passed):4} of {len(seen):4} accepted  {names}")
    for table in ("copy", "harsh copy", "change"):
        verdicts = [
            look.change is None for (name, _), seen in found.items() if name == table for look in seen
        ]
        print(f"{table}: {sum(verdicts) / len(verdicts):.2%} of {len(verdicts)} accepted")
    print(f"{1000 * spent / sum(map(len, found.values())):.0f} ms a pair, edits and coding included")


if __name__ == "__main__":
    main()

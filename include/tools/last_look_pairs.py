"""Pairs of pictures that the last look is measured on: copies, and changes that a person sees."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from include.detector.editing.edits import scale
from include.detector.editing.manipulations import Manipulation, saved
from include.detector.training.pictures import SOURCES, pictures
from include.safe_picture import UnreadableImageError, decode
from include.tools.last_look_drawings import plan, statement, staves
from include.tools.last_look_edits import CHANGES, COPIES, HARSH
from include.tools.last_look_foreign import changes, codings
from include.tools.last_look_pictures import form, originals, paper

if TYPE_CHECKING:
    from include.detector.training.pictures import Part

Mask = NDArray[np.bool_]
VISIBLE = 16.0  # levels, smoothed by a pixel; coding alone reaches 10
LARGEST = 1600  # pixels of a side of a photograph
DRAWN = 0.4  # share of the originals that are drawn
NUMBERS = 0.2  # share of the changes that are another digit


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, uint8 [height, width, 3], and what was done to the second.

    ``changed`` marks the pixels of the first where a person sees a change; None where all of it has moved.
    """

    table: str
    kind: str
    picture: str
    original: NDArray[np.uint8]
    made: NDArray[np.uint8]
    changed: Mask | None = None


def report_pairs(root: Path, count: int, seed: int) -> Iterator[Pair]:
    """Yield half copies, half visible changes, of ``count / 2`` pictures that nothing was tuned on.

    Args:
        root: folder of the sources.
        count: pairs.
        seed: of the draw.
    """
    rng = random.Random(seed)  # noqa: S311
    coded, edits = codings(), changes()
    copies, kinds = (cycle(rng.sample(list(names), len(names))) for names in (coded, edits))
    drawn, photographs = _drawn(seed), _photographs(root, "report", rng)
    for place in range(count // 2):
        name, picture = next(drawn if rng.random() < DRAWN else photographs)
        kind = next(copies)
        yield _copy(("copy", kind, name), picture, coded[kind])
        if rng.random() < NUMBERS:
            papers = [statement(f"{seed}/{place}", change) for change in ("", "changed")]
            name = f"statement {seed}/{place}"
            tries = iter([("another digit", papers[0], papers[1])])
        else:
            tries = ((kind, picture, edits[kind](picture, rng)) for kind in islice(kinds, len(edits)))
        for kind, original, edited in tries:
            made = _change((kind, name), original, edited, coded[rng.choice(list(coded))])
            if made:
                yield made
                break


def fit_pairs(root: Path, count: int, seed: int) -> Iterator[Pair]:
    """Yield copies and visible changes by the kinds and of the pictures that constants are chosen with."""
    rng = random.Random(seed)  # noqa: S311
    own = list(originals(40).items())
    photographs = _photographs(root, "fit", rng)
    tables = ("copy", COPIES), ("harsh copy", HARSH), ("change", CHANGES)
    cycles = {table: cycle(rng.sample(list(kinds), len(kinds))) for table, kinds in tables}
    for place in range(count // 4):
        name, picture = rng.choice(own) if rng.random() < DRAWN else next(photographs)
        for table, kinds in (tables[0], tables[0] if place % 4 else tables[1], tables[2]):
            kind = next(cycles[table])
            made = _copy((table, kind, name), picture, kinds[kind], f"{name}/{kind}")
            if table != "change" or _visible(made.original, made.made).any():
                yield made
        yield from _other_words(place)


def _other_words(number: int) -> Iterator[Pair]:
    """Yield a form with another number, or a paper with another letter or digit, where that can be seen."""
    rng = random.Random(number)  # noqa: S311
    first = rng.randrange(10_000, 99_999)
    by, quality = rng.choice([1, 0.7, 0.5]), rng.choice([40, 60, 88, 95])
    if number % 2:
        kind, one, two = "form with another number", form(first), form(first + rng.choice([1, 3, 10, 50]))
    else:
        kind, one, two = "paper with another letter", paper(number), paper(number, rng.randrange(99))
        by = max(by, 0.7)
    pair = _change((kind, str(number)), one, two, saved("JPEG", partial(scale, by=by), quality=quality))
    if pair:
        yield pair


def _copy(called: tuple[str, str, str], picture: Image.Image, make: Manipulation, seed: str = "") -> Pair:
    made = decode(make(picture, random.Random(seed))).rgb  # noqa: S311
    return Pair(*called, np.asarray(picture), made)


def _change(
    called: tuple[str, str], picture: Image.Image, edited: Image.Image, coding: Manipulation
) -> Pair | None:
    """Return a picture and its edited self, coded; None where nobody could see the edit."""
    original, after = np.asarray(picture), np.asarray(edited)
    seen = _visible(original, after)
    if not seen.any():
        return None
    made = decode(coding(edited, random.Random(0))).rgb  # noqa: S311
    return Pair("change", *called, original, made, seen if original.shape == after.shape else None)


def _visible(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> Mask:
    """Mark where a change shows: grey pictures have no saturation, and white on white is nothing."""
    height, width = original.shape[:2]
    planes = (original, cv2.resize(changed, (width, height), interpolation=cv2.INTER_AREA))
    one, two = (cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 1.0) for plane in planes)
    seen: Mask = np.abs(one - two).max(axis=2) > VISIBLE
    return seen


def _drawn(seed: int) -> Iterator[tuple[str, Image.Image]]:
    number = 0
    while True:
        for kind in (statement, plan, staves):
            yield f"{kind.__name__} {seed}/{number}", kind(f"{seed}/{number}")
        number += 1


def _photographs(root: Path, part: Part, rng: random.Random) -> Iterator[tuple[str, Image.Image]]:
    """Yield pictures of all sources that have some in this part, in turn, each once.

    Those that cannot be read are told of and left out.

    Raises:
        FileNotFoundError: a source has no pictures under ``root``.
    """
    shuffled = [[path for _, path in pictures(root, part, source.name)] for source in SOURCES]
    for paths in shuffled:
        rng.shuffle(paths)
    for row in zip_longest(*shuffled):
        for path in filter(None, row):
            try:
                picture = Image.fromarray(decode(path.read_bytes()).rgb)
            except UnreadableImageError as error:
                print(f"left out {path}: {error}", file=sys.stderr)
                continue
            picture.thumbnail((LARGEST, LARGEST))
            yield str(path.relative_to(root)), picture

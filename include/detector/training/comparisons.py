"""Compares pictures as the index does and keeps the measurements: what the score is fitted on.

Positives are pictures against edits of themselves. Negatives are the neighbours of each picture in a
collection of other photographs (same studio, same shelf, bursts), the neighbours of edits, and different
pictures that carry the same edit: the same caption, the same frame.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from include.detector.comparing.score import exact_features, same_features, unlike_any_copy
from include.detector.comparing.thumb import Thumb
from include.detector.comparing.verify import compare
from include.detector.editing.edits import encode
from include.detector.editing.manipulations import ALL, make
from include.detector.imaging import Descriptor, analyze
from include.safe_picture import UnreadableImageError, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LONGEST_SIDE = 640
NEIGHBOURS, EDIT_NEIGHBOURS = 12, 2
LEAST_CLOSENESS = 0.35
KEPT_THUMBS = 6000


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: what was compared, whether both are one picture, and what was measured.

    `same` and `exact` are None where no alignment was found or the two are mirrored; `unlike` pairs are
    different whatever is fitted.
    """

    first: str
    second: str
    edit: str
    positive: bool
    closeness: float
    same: NDArray[np.float64] | None
    exact: NDArray[np.float64] | None
    unlike: bool


class Candidate(Protocol):
    """A document close to a query, 1 = the same."""

    @property
    def key(self) -> int: ...
    @property
    def closeness(self) -> float: ...


class Candidates(Protocol):
    """Stage 1 of a search, empty at first: the server's."""

    def add(self, items: Sequence[tuple[int, Descriptor]]) -> None:
        """Take in pictures."""

    def nearest(self, query: Descriptor, most: int, least_closeness: float) -> Sequence[Candidate]:
        """Up to `most` pictures closer than `least_closeness`, closest first."""


class Collection:
    """Named descriptors with their neighbours; prepared thumbnails are kept while there is room."""

    def __init__(self, candidates: Candidates) -> None:
        self.names: list[str] = []
        self.descriptors: list[Descriptor] = []
        self._candidates = candidates
        self._thumbs: OrderedDict[int, Thumb] = OrderedDict()

    def add(self, name: str, descriptor: Descriptor) -> None:
        self._candidates.add([(len(self.names), descriptor)])
        self.names.append(name)
        self.descriptors.append(descriptor)

    def thumb(self, place: int) -> Thumb:
        if place not in self._thumbs:
            self._thumbs[place] = Thumb.of(self.descriptors[place])
            if len(self._thumbs) > KEPT_THUMBS:
                self._thumbs.popitem(last=False)
        return self._thumbs[place]

    def neighbours(self, query: Descriptor, most: int) -> dict[int, float]:
        """Places of the nearest candidates with their closeness."""
        found = self._candidates.nearest(query, most, LEAST_CLOSENESS)
        return {candidate.key: candidate.closeness for candidate in found}


def collect(
    root: Path, paths: Iterable[Path], made: dict[str, Image.Image], candidates: Candidates
) -> Collection:
    """Analyze pictures; those that cannot be read are named and left out."""
    collection = Collection(candidates)
    for path in tqdm(list(paths), desc="analyze", unit="picture"):
        try:
            collection.add(path.relative_to(root).as_posix(), analyze(path.read_bytes()))
        except UnreadableImageError as error:
            print(f"left out {path}: {error}")
    for name, image in made.items():
        collection.add(name, analyze(encode(image, "PNG")))
    return collection


def self_scan(collection: Collection) -> Iterator[Row]:
    """Each picture against its neighbours, each unordered pair once: negatives."""
    seen = set()
    for place, descriptor in enumerate(tqdm(collection.descriptors, desc="self scan", unit="picture")):
        for other, closeness in collection.neighbours(descriptor, NEIGHBOURS + 1).items():
            pair = (min(place, other), max(place, other))
            if place == other or pair in seen or descriptor.flat:
                continue
            seen.add(pair)
            names = collection.names[pair[0]], collection.names[pair[1]]
            yield _row(collection.thumb(place), collection.thumb(other), names, "", closeness, positive=False)


def edited(collection: Collection, images: Sequence[tuple[int, Image.Image]], share: float) -> Iterator[Row]:
    """Edits of some pictures against the pictures themselves, their neighbours, and each other.

    Each edit is applied to a random `share` of the pictures.
    """
    for edit in tqdm(list(ALL), desc="edits", unit="edit"):
        before: list[tuple[int, Thumb]] = []
        drawn = random.Random(edit).sample(images, max(1, round(share * len(images))))  # noqa: S311
        for place, image in drawn:
            name = collection.names[place]
            thumb = Thumb.of(analyze(make(edit, image, name)))
            nearest = collection.neighbours(thumb.descriptor, 64)
            found = nearest.get(place, 0.0)
            yield _row(thumb, collection.thumb(place), (name, name), edit, found, positive=True)
            others = [other for other in nearest if other != place][:EDIT_NEIGHBOURS]
            for other in others:
                names = name, collection.names[other]
                yield _row(thumb, collection.thumb(other), names, edit, nearest[other], positive=False)
            for other, other_thumb in before[-EDIT_NEIGHBOURS:]:
                names = name, collection.names[other]
                yield _row(thumb, other_thumb, names, f"{edit} (both)", 0.0, positive=False)
            before.append((place, thumb))


def load(path: Path) -> Image.Image:
    """A picture as the manipulations take it: RGB, at most 640 pixels a side."""
    image = Image.fromarray(decode(path.read_bytes()).rgb)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return image


def _row(
    first: Thumb, second: Thumb, names: tuple[str, str], edit: str, closeness: float, *, positive: bool
) -> Row:
    if first.descriptor.content_hash > second.descriptor.content_hash:
        first, second = second, first
    found = compare(first, second)
    same = exact = None
    if found is not None:
        same = same_features(found)
        exact = exact_features(found.difference) if found.difference else None
    unlike = found is None or unlike_any_copy(found)
    return Row(*names, edit, positive, closeness, same, exact, unlike)

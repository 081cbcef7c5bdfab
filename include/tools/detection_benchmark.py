"""Measures the detector on pictures that nothing was fitted on: recall by manipulation, wrong pairs, speed.

Every picture of the report part goes into one index. Manipulated copies of some are searched for (recall),
and each picture is searched for among all others (wrong pairs). Pairs that really are one picture are
listed in `true-duplicates.txt`; bursts and other photographs of the same thing count as wrong.
"""

from __future__ import annotations

import io
import itertools
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

from include.detector.comparing.score import NEAR, score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.editing.edits import encode
from include.detector.imaging import Descriptor, analyze
from include.detector.training.comparisons import load
from include.detector.training.pages import bar_chart, form, line_chart, pages, table, text_page
from include.detector.training.pictures import pictures, true_duplicates
from include.flow_server.index import DuplicateIndex, SearchOptions
from include.flow_server.index.options import SMART_FILTERS
from include.safe_picture import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from include.detector.editing.manipulations import Manipulation

COMPARED_SIDE, CELL, VISIBLE = 256, 8, 6.0  # pixels, pixels, levels
VISIBLE_STRETCH = 0.01  # of the ratio of width to height
STUDIO = frozenset({"clothing", "grocery", "avatars"})  # same wall, same shelf, same person
SEED = 11
PAGES = 40
PAGE = 100  # pictures searched for at once


@dataclass
class Library:
    """The report pictures: by key, their group, their name and their descriptor."""

    groups: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    paths: list[Path | None] = field(default_factory=list)
    descriptors: list[Descriptor] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, group: str, name: str, path: Path | None, data: bytes) -> None:
        """Analyze one picture; one that cannot be read is named and left out."""
        began = time.process_time()
        try:
            descriptor = analyze(data)
        except UnreadableImageError as error:
            print(f"left out {name}: {error}")
            return
        self.seconds += time.process_time() - began
        self.groups.append(group)
        self.names.append(name)
        self.paths.append(path)
        self.descriptors.append(descriptor)

    def image(self, key: int) -> Image.Image:
        """The picture itself, at most 800 pixels a side."""
        path = self.paths[key]
        return load(path) if path else drawn_pages()[self.names[key]]

    def edited(self, key: int, image: Image.Image, name: str, edit: Manipulation) -> bytes:
        """A manipulated copy; the same at each call."""
        return edit(image, random.Random(f"{self.names[key]}/{name}"))  # noqa: S311

    def index(self) -> DuplicateIndex:
        """An index of all of them; the key is the place in the lists."""
        index = DuplicateIndex(lambda keys: {key: self.descriptors[key] for key in keys}, cache_bytes=1 << 30)
        index.add(enumerate(self.descriptors))
        return index


@dataclass(frozen=True, slots=True)
class Copy:
    """A manipulated copy: its score against the original (0 if not found), whether one sees the change."""

    score: float
    visible: bool


@dataclass(frozen=True, slots=True)
class WrongPair:
    """Two different pictures with a score of at least 0.70."""

    score: float
    first: int
    second: int


@dataclass
class SelfScan:
    """Every picture against all others."""

    wrong: list[WrongPair]
    milliseconds_per_candidate: float
    candidates_per_picture: float


def read_library(root: Path, most_per_source: int) -> Library:
    """Analyze the report part of all sources, and text pages and charts."""
    by_group: dict[str, list[Path]] = defaultdict(list)
    for source, path in pictures(root, "report"):
        if source.name != "openclipart":  # look-alikes of unknown origin: nobody can say which are copies
            by_group["avatars" if "avatars" in path.parts else source.name].append(path)
    for paths in by_group.values():
        random.Random(SEED).shuffle(paths)  # noqa: S311
    return _read({group: paths[:most_per_source] for group, paths in by_group.items()}, root)


def read_folder(folder: Path, without: Collection[str] = ()) -> Library:
    """Analyze the pictures of one folder as a single group, and text pages and charts."""
    paths = [path for path in sorted(folder.glob("*.jpg")) if path.name not in without]
    return _read({"folder": paths}, folder)


def _read(by_group: Mapping[str, Sequence[Path]], root: Path) -> Library:
    library = Library()
    for group, paths in sorted(by_group.items()):
        for path in tqdm(paths, desc=group, unit="picture"):
            library.add(group, path.relative_to(root).as_posix(), path, path.read_bytes())
    for name, page in drawn_pages().items():
        library.add("pages", name, None, encode(page, "PNG"))
    return library


def drawn_pages() -> dict[str, Image.Image]:
    """Pages by name; those of one kind have one template."""
    return pages(SEED, PAGES, (text_page, bar_chart, line_chart, table, form))


def recall(
    library: Library, index: DuplicateIndex, edits: Mapping[str, Manipulation], per_group: int
) -> tuple[dict[str, list[Copy]], list[tuple[float, str, str, str]]]:
    """Manipulated copies searched for, by manipulation; and wrong hits on the way."""
    copies: dict[str, list[Copy]] = defaultdict(list)
    wrong = []
    same = same_pictures(library)
    for key in tqdm(queries(library, per_group), desc="copies", unit="picture"):
        image = library.image(key)
        for name, edit in edits.items():
            data = library.edited(key, image, name, edit)
            hits = index.search(analyze(data), SearchOptions(threshold=0.5))
            found = {hit.key: hit.score for hit in hits}
            copies[name].append(Copy(found.get(key, 0.0), visibly_changed(image, data)))
            wrong += [
                (score, name, library.names[key], library.names[other])
                for other, score in found.items()
                if score >= 0.7 and other != key and frozenset((key, other)) not in same
            ]
    return copies, wrong


def visibly_changed(original: Image.Image, copy: bytes) -> bool:
    """Whether shape or colours differ by more than coding leaves behind.

    A grey photograph with more saturation is the same photograph. Colours are means of cells of 8 pixels, in
    which the noise of coding averages out.
    """
    changed = Image.open(io.BytesIO(copy)).convert("RGB")
    stretch = changed.width / changed.height * original.height / original.width
    if abs(stretch - 1) > VISIBLE_STRETCH:
        return True
    side = COMPARED_SIDE // CELL
    one, two = (
        np.asarray(image.resize((COMPARED_SIDE, COMPARED_SIDE), Image.Resampling.BOX), np.float32)
        .reshape(side, CELL, side, CELL, 3)
        .mean(axis=(1, 3))
        for image in (original, changed)
    )
    return bool(np.abs(one - two).max() > VISIBLE)


def recall_of_filters(
    library: Library, index: DuplicateIndex, edits: Mapping[str, Manipulation], per_group: int
) -> Iterator[tuple[str, float, float, float]]:
    """How often searches find the original of a copy that scores enough against it, and at what cost.

    Yields:
        name of the setting, share of the originals, candidates and milliseconds per search.
    """
    settings = {"approximate": SearchOptions(approximate=True)}
    settings |= {f"smartfilter {name}": SearchOptions(smartfilter=name) for name in SMART_FILTERS}
    copies = [
        (key, analyze(library.edited(key, library.image(key), name, edit)))
        for number, key in enumerate(queries(library, per_group))
        for name, edit in list(edits.items())[number % 5 :: 5]
    ]
    copies = [
        (key, copy)
        for key, copy in copies
        if score_pair(Thumb.of(copy), Thumb.of(library.descriptors[key]), mirror=True) >= NEAR
    ]
    for title, options in settings.items():
        index.forget_scores()
        before, began = index.compared, time.process_time()
        found = [key in {hit.key for hit in index.search(copy, options)} for key, copy in copies]
        seconds = time.process_time() - began
        yield (
            title,
            sum(found) / max(len(copies), 1),
            (index.compared - before) / len(copies),
            1000 * seconds / len(copies),
        )


def self_scan(library: Library) -> SelfScan:
    """Search for each picture among all others, page by page as the first scan of a fresh server does."""
    index, same = library.index(), same_pictures(library)
    wrong, began = {}, time.process_time()
    for first in tqdm(range(0, len(library.descriptors), PAGE), desc="self scan", unit="page"):
        found = index.search_all(library.descriptors[first : first + PAGE], SearchOptions())
        for key, hits in enumerate(found, first):
            for hit in hits:
                pair = frozenset((key, hit.key))
                if hit.key != key and pair not in same:
                    wrong[pair] = WrongPair(hit.score, min(pair), max(pair))
    seconds = time.process_time() - began
    return SelfScan(
        sorted(wrong.values(), key=lambda pair: -pair.score),
        1000 * seconds / max(index.compared, 1),
        index.compared / max(len(library.descriptors), 1),
    )


def pair_counts(library: Library) -> dict[str, int]:
    """Unordered pairs by kind: within each studio group, and all others (mixed)."""
    sizes: dict[str, int] = defaultdict(int)
    for group in library.groups:
        sizes[group] += 1
    total = len(library.groups) * (len(library.groups) - 1) // 2
    studio = sum(sizes[group] * (sizes[group] - 1) // 2 for group in STUDIO)
    charts = sizes["pages"] * (sizes["pages"] - 1) // 2
    return {"studio": studio, "pages": charts, "mixed": total - studio - charts}


def kind(library: Library, pair: WrongPair) -> str:
    """The kind of a pair, as `pair_counts` names it."""
    groups = {library.groups[pair.first], library.groups[pair.second]}
    if len(groups) == 1 and groups <= STUDIO:
        return "studio"
    return "pages" if groups == {"pages"} else "mixed"


def same_pictures(library: Library) -> set[frozenset[int]]:
    """Pairs that really are one picture: known ones, and pairs of equal pixels."""
    places = {name: place for place, name in enumerate(library.names)}
    named = [[places[name] for name in pair if name in places] for pair in true_duplicates()]
    by_hash: dict[str, list[int]] = defaultdict(list)
    for place, descriptor in enumerate(library.descriptors):
        by_hash[descriptor.content_hash].append(place)
    named += [list(pair) for equal in by_hash.values() for pair in itertools.combinations(equal, 2)]
    return {frozenset(pair) for pair in named if len(pair) == 2}


def upper_bound(count: int) -> float:
    """95 % upper bound of a Poisson mean of which `count` events were seen."""
    means = np.arange(0, 3 * count + 20, 0.01)
    terms = np.arange(count + 1)
    logs = terms * np.log(np.maximum(means, 1e-12))[:, None] - means[:, None]
    logs -= np.array([np.log(np.arange(1, term + 1)).sum() for term in terms])
    return float(means[np.argmax(np.exp(logs).sum(axis=1) < 0.05)])


def queries(library: Library, per_group: int) -> list[int]:
    """Photographs to manipulate: a fixed draw from each group, flat ones left out."""
    by_group: dict[str, list[int]] = defaultdict(list)
    for key, group in enumerate(library.groups):
        if group != "pages" and not library.descriptors[key].flat:
            by_group[group].append(key)
    drawn = []
    for _, keys in sorted(by_group.items()):
        drawn += random.Random(SEED).sample(keys, min(per_group, len(keys)))  # noqa: S311
    return drawn

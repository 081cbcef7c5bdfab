"""Makes the demo collection: all photographs, and manipulated copies of every third, as a folder of pictures.

The same pictures every time. A collection that is there already is left alone unless something it is made
from has changed. It appears as a whole or not at all.
"""

from __future__ import annotations

import csv
import hashlib
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageStat

from include.demo.manipulations import MANIPULATIONS, Manipulation
from include.demo.truth import Copy, Truth

HERE = Path(__file__).parent
PHOTOS = HERE / "photos"
CATALOGUE = HERE / "catalogue.csv"
CODE = [
    *(HERE / name for name in ("make_collection.py", "manipulations.py", "truth.py")),
    *(HERE.parent / "detector" / "editing" / name for name in ("drawing.py", "edits.py")),
]

EVERY = 3
COPIES_OF_ONE = 7
GREY_BELOW = 8
"""Mean saturation, of 255, below which a picture has no colours to change."""
UPLOADS = "uploads"
UPLOADED_EVERY = 6
FIRST_DATE = datetime(2026, 4, 1, tzinfo=UTC)
LAST_DATE = datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DemoCollection:
    """A folder to index (with its `fields.csv`), the truth about it beside it, and how many pictures."""

    pictures: Path
    truth: Path
    documents: int


@dataclass(frozen=True, slots=True)
class Photo:
    """One original: its file in `photos/`, and its name, category and title in the collection."""

    file: str
    name: str
    category: str
    title: str

    @property
    def id(self) -> str:
        return f"{self.category}/{self.name}.jpg"


@dataclass(frozen=True, slots=True)
class Plan:
    """A copy that is to be made."""

    photo: Photo
    manipulation: Manipulation
    id: str


def make_collection(folder: Path) -> DemoCollection:
    """Make the collection in `folder`, which belongs to it alone: `pictures/` and `truth.json`.

    Raises:
        FileExistsError: the folder holds something else.
    """
    made = DemoCollection(folder / "pictures", folder / "truth.json", len(photos()) + len(plans()))
    made_from = fingerprint()
    if _is_complete(made, made_from):
        return made
    if folder.exists() and any(folder.iterdir()) and not made.truth.is_file():
        raise FileExistsError(
            f"{folder} holds other things than the demo collection: name a folder of its own."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        whole = Path(temporary) / "collection"
        _write(whole, made_from)
        if folder.exists():
            folder.rename(Path(temporary) / "previous")
        whole.rename(folder)
    return made


def photos() -> list[Photo]:
    """All originals, in the order of their files."""
    with CATALOGUE.open(encoding="utf-8", newline="") as rows:
        return sorted((Photo(**row) for row in csv.DictReader(rows)), key=lambda photo: photo.file)


def plans() -> list[Plan]:
    """All copies. The manipulations take turns, so that each meets many originals and the other way round."""
    turn = _turns()
    made: list[Plan] = []
    for photo in photos()[::EVERY]:
        is_grey = _is_grey(PHOTOS / photo.file)
        used: set[str] = set()
        while len(used) < COPIES_OF_ONE:
            manipulation = next(turn)
            if manipulation.name not in used and not (is_grey and manipulation.needs_colour):
                used.add(manipulation.name)
                made.append(Plan(photo, manipulation, _copy_id(photo, manipulation, len(made))))
    return made


def fingerprint() -> str:
    """Identifies what the collection is made from: photographs, catalogue and code."""
    digest = hashlib.sha256()
    for path in [*sorted(PHOTOS.glob("*.jpg")), CATALOGUE, *CODE]:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_grey(path: Path) -> bool:
    with Image.open(path) as image:
        return ImageStat.Stat(image.convert("HSV").getchannel("S")).mean[0] < GREY_BELOW


def _turns() -> Iterator[Manipulation]:
    while True:
        yield from MANIPULATIONS


def _copy_id(photo: Photo, manipulation: Manipulation, number: int) -> str:
    ending = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[manipulation.saved["format"]]
    if number % UPLOADED_EVERY == UPLOADED_EVERY - 1:
        return f"{UPLOADS}/IMG_{2000 + number}.{ending}"
    name = manipulation.names[number % len(manipulation.names)].format(photo.name)
    return f"{photo.category}/{name}.{ending}"


def _is_complete(made: DemoCollection, made_from: str) -> bool:
    if not made.truth.is_file():
        return False
    truth = Truth.read(made.truth)
    files = [made.pictures / "fields.csv", *(made.pictures / name for name in truth.original_of())]
    return truth.made_from == made_from and all(path.is_file() for path in files)


def _write(folder: Path, made_from: str) -> None:
    pictures = folder / "pictures"
    originals, copies = photos(), plans()
    for name in [*(photo.id for photo in originals), *(copy.id for copy in copies)]:
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
    for photo in originals:
        shutil.copyfile(PHOTOS / photo.file, pictures / photo.id)
    for copy in copies:
        _make_copy(copy, pictures)
    _write_fields(pictures / "fields.csv", originals, copies)
    Truth(
        made_from,
        tuple(photo.id for photo in originals),
        tuple(
            Copy(copy.id, copy.photo.id, copy.manipulation.name, copy.manipulation.expected)
            for copy in copies
        ),
    ).write(folder / "truth.json")


def _make_copy(plan: Plan, pictures: Path) -> None:
    with Image.open(PHOTOS / plan.photo.file) as opened:
        image = opened.convert("RGB")
    for edit in plan.manipulation.edits:
        image = edit(image, random.Random(plan.id))  # noqa: S311
    image.save(pictures / plan.id, **plan.manipulation.saved)


def _write_fields(path: Path, originals: Sequence[Photo], copies: Sequence[Plan]) -> None:
    rows = [(photo.id, photo.title) for photo in originals]
    rows += [(copy.id, Path(copy.id).stem) for copy in copies]
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(["path", "category", "date_dt", "title"])
        for name, title in sorted(rows):
            table.writerow([name, name.partition("/")[0], _date(name), title])


def _date(name: str) -> str:
    """A date within the six months that follows from the name alone."""
    span_s = round((LAST_DATE - FIRST_DATE).total_seconds())
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return (FIRST_DATE + timedelta(seconds=number % (span_s + 1))).strftime("%Y-%m-%dT%H:%M:%SZ")

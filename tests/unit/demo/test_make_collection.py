"""The demo collection: whole, the same every time, and as the truth about it says."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from include.demo.make_collection import PHOTOS, DemoCollection, make_collection, photos, plans
from include.demo.manipulations import MANIPULATIONS
from include.demo.truth import Truth


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoCollection:
    return make_collection(tmp_path_factory.mktemp("demo") / "collection")


@pytest.fixture(scope="module")
def truth(made: DemoCollection) -> Truth:
    return Truth.read(made.truth)


def pixels(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*.*")):
        if path.name != "fields.csv":
            with Image.open(path) as image:
                found[str(path.relative_to(folder))] = hashlib.sha256(image.tobytes()).hexdigest()
    return found


def fields(made: DemoCollection) -> list[dict[str, str]]:
    with (made.pictures / "fields.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def test_files_truth_and_fields_name_the_same_documents(made: DemoCollection, truth: Truth) -> None:
    files = {str(path.relative_to(made.pictures)) for path in made.pictures.rglob("*") if path.is_file()}
    named = set(truth.original_of())
    assert files - {"fields.csv"} == named == {row["path"] for row in fields(made)}
    assert made.documents == len(named) == len(truth.originals) + len(truth.copies)
    assert 240 <= made.documents <= 260


def test_the_truth_lies_outside_the_pictures(made: DemoCollection) -> None:
    assert made.pictures not in made.truth.parents


def test_all_photographs_are_in_it_byte_for_byte_and_attributed(made: DemoCollection) -> None:
    with (PHOTOS / "ATTRIBUTION.csv").open(encoding="utf-8", newline="") as rows:
        attributed = {row["file"] for row in csv.DictReader(rows) if row["licence"] and row["author"]}
    assert attributed == {path.name for path in PHOTOS.glob("*.jpg")} == {photo.file for photo in photos()}
    assert len({photo.id for photo in photos()}) == len(photos()) == 76
    for photo in photos():
        assert (made.pictures / photo.id).read_bytes() == (PHOTOS / photo.file).read_bytes()


def test_a_third_of_the_originals_has_copies_and_every_manipulation_meets_many(truth: Truth) -> None:
    assert len({copy.original for copy in truth.copies}) == round(len(truth.originals) / 3 + 0.5)
    often = Counter(copy.manipulation for copy in truth.copies)
    assert set(often) == {manipulation.name for manipulation in MANIPULATIONS}
    assert min(often.values()) >= 8
    each = Counter((copy.original, copy.manipulation) for copy in truth.copies)
    assert set(each.values()) == {1}


def test_names_are_as_people_write_them(truth: Truth) -> None:
    names = " ".join(copy.id for copy in truth.copies)
    assert all(
        sign in names for sign in (" ", ",", "'", '"', "ü", "“", "&", "#", "%", "+", "(", "[", ":", ";", "=")
    )
    assert "fishes/fish14-copy-for-web.webp" in names
    assert not any(part.startswith((" ", ".")) for copy in truth.copies for part in copy.id.split("/"))


def test_no_two_names_differ_only_in_case(truth: Truth) -> None:
    names = [name.casefold() for name in truth.original_of()]
    assert len(set(names)) == len(names)


def test_dates_are_spread_over_all_six_months(made: DemoCollection) -> None:
    months = Counter(row["date_dt"][:7] for row in fields(made))
    assert sorted(months) == [f"2026-{month:02}" for month in range(4, 10)]
    assert min(months.values()) >= 20
    assert all(row["date_dt"].endswith("Z") and row["title"] and row["category"] for row in fields(made))


def test_some_copies_are_in_another_category_than_their_original(truth: Truth) -> None:
    assert any(copy.id.split("/")[0] != copy.original.split("/")[0] for copy in truth.copies)


def test_a_whole_collection_is_left_alone(made: DemoCollection) -> None:
    before = made.truth.stat().st_ino
    assert make_collection(made.truth.parent) == made
    assert made.truth.stat().st_ino == before


def test_a_broken_collection_is_made_anew_and_is_the_same_every_time(
    made: DemoCollection, tmp_path: Path
) -> None:
    folder = tmp_path / "collection"
    shutil.copytree(made.truth.parent, folder)
    (folder / "pictures" / photos()[0].id).unlink()
    again = make_collection(folder)
    assert pixels(again.pictures) == pixels(made.pictures)
    assert again.truth.read_bytes() == made.truth.read_bytes()
    assert (again.pictures / "fields.csv").read_bytes() == (made.pictures / "fields.csv").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["collection"]


def test_a_collection_made_from_something_else_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"made_from": "older code", "originals": [], "copies": []}')
    assert len(Truth.read(make_collection(tmp_path).truth).copies) == len(plans())


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    precious = tmp_path / "holiday.jpg"
    precious.write_bytes(b"x")
    with pytest.raises(FileExistsError, match="folder of its own"):
        make_collection(tmp_path)
    assert precious.read_bytes() == b"x"


def test_exact_copies_show_the_same_and_near_ones_do_not(made: DemoCollection, truth: Truth) -> None:
    for copy in truth.copies:
        with Image.open(made.pictures / copy.original) as opened:
            original = opened.convert("RGB").resize((32, 32), Image.Resampling.BOX)
        with Image.open(made.pictures / copy.id) as opened:
            changed = opened.convert("RGB").resize((32, 32), Image.Resampling.BOX)
            size = opened.size
        difference = sum(ImageStat.Stat(ImageChops.difference(original, changed)).mean) / 3
        if copy.expected == "exact":
            assert difference < 3, (copy, difference)
        elif copy.manipulation == "aspect ratio":
            assert abs(size[0] / size[1] - _shape(made.pictures / copy.original)) > 0.04
        else:
            assert difference > 0.5, (copy, difference)


def _shape(path: Path) -> float:
    with Image.open(path) as image:
        return image.width / image.height

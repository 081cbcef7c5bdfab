"""Pictures for measurements: tiles that do not overlap, none too small."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from include.tools.planted import SMALLEST_TILE, plant, tiles
from tests.support.drawn import scene


def photos(folder: Path, *sizes: tuple[int, int]) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        scene(*size, seed=number).save(path)
    return paths


def test_small_photographs_give_no_tiles_and_large_ones_more(tmp_path: Path) -> None:
    given = photos(tmp_path, (4 * SMALLEST_TILE, 6 * SMALLEST_TILE), (30, 30))
    written = tiles(given, 10, tmp_path / "tiles")
    assert len(written) == 10
    for path in written:
        with Image.open(path) as tile:
            assert min(tile.size) >= SMALLEST_TILE


def test_too_few_photographs_are_told(tmp_path: Path) -> None:
    given = photos(tmp_path, (60, 60), (60, 60))
    with pytest.raises(SystemExit, match="2 photographs do not give 9 tiles"):
        tiles(given, 9, tmp_path / "tiles")


def test_planted_pairs_are_files_of_the_folder(tmp_path: Path) -> None:
    truth = plant(photos(tmp_path, *[(120, 90)] * 20), tmp_path / "out" / "pictures")
    assert len(truth) == 11
    names = {path.name for path in (tmp_path / "out" / "pictures").iterdir()}
    assert {name for pair in truth for name in pair} <= names

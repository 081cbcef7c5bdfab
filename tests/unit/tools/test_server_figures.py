"""The benchmark of the server puts its figures into the README, and nothing else changes there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from include.tools import server_figures
from include.tools.server_figures import Measured, short, write

if TYPE_CHECKING:
    from pathlib import Path

NAMES = set(re.findall(r"{(\w+)}", " ".join(server_figures._ROWS.values()))) | {"disk_mb"}
MEASURED = Measured(
    {"pictures_per_s": 61.04, "processes": 2, "median_side": 320},
    {size: dict.fromkeys(NAMES, size / 100) for size in (1_500, 10_000)},
)


def test_the_table_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{server_figures.BEGIN}\nold\n{server_figures.END}\nafter\n")
    for _ in range(2):
        write(MEASURED, readme)
    text = readme.read_text()
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "old" not in text
    assert "| | 1,500 | 10,000 |" in text
    assert "| memory | 15 MB | 100 MB |" in text
    assert (
        "Pictures of 320 pixels are analysed at 61 a second by 2 processes; a document takes about 10.0 kB"
        in text
    )


def test_the_readme_of_the_server_has_the_place() -> None:
    text = server_figures.README.read_text(encoding="utf-8")
    assert -1 < text.find(server_figures.BEGIN) < text.find(server_figures.END)


def test_a_readme_without_the_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match="does not hold"):
        write(MEASURED, tmp_path / "README.md")


def test_the_json_holds_every_figure() -> None:
    told = json.loads(MEASURED.json())
    assert told["analysis"] == {"pictures_per_s": 61.04, "processes": 2, "median_side": 320}
    assert set(told["10000"]) == NAMES


@pytest.mark.parametrize(
    ("value", "text"), [(1.84, "1.8"), (25.4, "25"), (517.0, "520"), (1234.0, "1,200"), (0.02, "0.0")]
)
def test_figures_are_short(value: float, text: str) -> None:
    assert short(value) == text

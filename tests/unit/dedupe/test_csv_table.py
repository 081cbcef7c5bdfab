"""Cells that a spreadsheet would carry out, and ids that come back as they were."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.csv_table import csv_table, neutral, original, read_csv

FORMULAS = [
    "=cmd()",
    "+1",
    "-1+2",
    "@x",
    "\tx",
    "\rx",
    "\nx",
    " =1",
    "\u200b=1",
    "\uff1dcmd()",
    "\uff0b1",
    "\uff0dx",
    "\uff20x",
    "\u2212x",
    "\ufe62x",
    "=",
]
TEXT = st.text(st.one_of(st.sampled_from("=+-@'\t\r\n;,\" \uff1d\u200bx"), st.characters(codec="utf-8")))


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_take_for_a_formula_is_text(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    assert neutral(f"'{cell}") == f"''{cell}"


@pytest.mark.parametrize("cell", ["", "plain", "a=b", "it's", "'quoted'", "1", "ü", "'", "''", "( =1"])
def test_what_is_none_stays_as_it_is(cell: str) -> None:
    assert neutral(cell) == cell
    assert original(cell) == cell


@given(TEXT)
def test_what_was_made_text_becomes_again_what_it_was(cell: str) -> None:
    assert original(neutral(cell)) == cell


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5), st.booleans())
def test_a_table_that_is_read_again_is_what_it_was(rows: list[tuple[str, str]], as_text: bool) -> None:
    data = csv_table(("id", "keeper"), rows, as_text=as_text)
    read = read_csv(data, as_text=as_text)
    assert [(row["id"], row["keeper"]) for row in read] == [row for row in rows if row]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_formula_in_the_middle_of_an_id_begins_no_cell_where_others_split(separator: str) -> None:
    text = csv_table(("id", "n"), [(f"x{separator}=cmd()", 1)]).decode()
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_numbers_stay_numbers_and_the_switch_leaves_ids_as_they_are() -> None:
    assert csv_table(("id", "n"), [("=x", -1.5)]) == b"id,n\r\n'=x,-1.5\r\n"
    assert csv_table(("id", "n"), [("=x", -1.5)], as_text=False) == b"id,n\r\n=x,-1.5\r\n"

"""The demo's check: it counts what was found, missed and wrong, and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from include.demo.check import check
from include.demo.truth import Copy, Truth

TRUTH = Truth(
    "x",
    ("a.jpg", "b.jpg", "c.jpg"),
    (
        Copy("a small.jpg", "a.jpg", "smaller", "exact"),
        Copy("a.png", "a.jpg", "PNG", "exact"),
        Copy("a crop.jpg", "a.jpg", "crop", "near"),
        Copy("b crop.jpg", "b.jpg", "crop", "near"),
    ),
)


def test_a_perfect_run_finds_all_and_nothing_wrong() -> None:
    pairs = [(copy.original, copy.id, 0.99 if copy.expected == "exact" else 0.8) for copy in TRUTH.copies]
    found = check(pairs, TRUTH)
    assert (found.exact_found, found.exact_as_near, found.exact_missed) == (2, 0, 0)
    assert (found.near_found, found.near_missed, found.together, found.wrong) == (2, 0, 4, ())


def test_no_pairs_at_all_is_all_missed() -> None:
    found = check([], TRUTH)
    assert (found.exact_missed, found.near_missed, found.together, found.copies) == (2, 2, 0, 4)
    assert found.missed == TRUTH.copies
    assert "  missed b crop.jpg  b.jpg  crop" in found.table()


def test_an_exact_copy_that_only_looks_near_is_told_apart() -> None:
    found = check([("a.jpg", "a.png", 0.94)], TRUTH)
    assert (found.exact_found, found.exact_as_near, found.exact_missed) == (0, 1, 1)


def test_a_copy_reached_through_another_copy_is_together_but_not_found() -> None:
    found = check([("a.jpg", "a.png", 1.0), ("a crop.jpg", "a.png", 0.8)], TRUTH)
    assert (found.near_found, found.together, found.wrong) == (0, 2, ())


def test_pairs_of_different_originals_are_wrong_and_sorted_by_score() -> None:
    found = check([("c.jpg", "a.png", 0.7), ("b.jpg", "a.jpg", 0.9), ("b.jpg", "c.jpg", 0.69)], TRUTH)
    assert found.wrong == (("a.jpg", "b.jpg", 0.9), ("a.png", "c.jpg", 0.7))


def test_both_directions_of_a_pair_count_once_with_the_better_score() -> None:
    found = check([("a.jpg", "a.png", 0.8), ("a.png", "a.jpg", 0.96), ("a.jpg", "a.jpg", 1.0)], TRUTH)
    assert (found.exact_found, found.exact_as_near, found.wrong) == (1, 0, ())


def test_a_table_of_pairs_is_taken_too_whatever_its_other_columns() -> None:
    table = pd.DataFrame({"seen": [2], "score": [0.97], "id_b": ["a.png"], "id_a": ["a.jpg"]})
    assert check(table, TRUTH).exact_found == 1


def test_a_document_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"stranger\.jpg"):
        check([("a.jpg", "stranger.jpg", 0.1)], TRUTH)


def test_the_table_has_a_line_for_each_manipulation_and_names_wrong_pairs() -> None:
    lines = check([("a.jpg", "a.png", 1.0), ("a.jpg", "b.jpg", 0.9)], TRUTH).table().splitlines()
    assert lines[0].split() == ["manipulation", "expected", "copies", "found", "as", "exact", "in", "cluster"]
    assert "PNG           exact          1      1         1           1" in lines
    assert lines[4].split() == ["all", "4", "1", "1", "1"]
    assert lines[-1] == "  wrong 0.900  a.jpg  b.jpg"


def test_the_truth_reads_back_as_written_and_refuses_other_files(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    TRUTH.write(path)
    assert Truth.read(path) == TRUTH
    for other in ("", "[]", '{"copies": [1]}', '{"made_from": "x"}'):
        path.write_text(other)
        with pytest.raises(ValueError, match="make the collection again"):
            Truth.read(path)

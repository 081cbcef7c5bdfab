"""Two names of one file are one picture already: nothing is done with either, and no bytes are counted."""

from __future__ import annotations

import math

import pytest

from include.dedupe.deciding.linked import own_sizes
from tests.support.deciding import Case, config

EDGES = [("d0", "d1", 1.0), ("d1", "d2", 1.0), ("d0", "d2", 1.0)]
ONE, OTHER = {"hard_link_s": "a/one.jpg"}, {"hard_link_s": "b/other.jpg"}


@pytest.mark.parametrize("do", ["delete", "merge", "tag", "link", "export"])
def test_another_name_of_the_keepers_file_stays_and_a_copy_goes(do: str) -> None:
    case = Case(EDGES, config(policies={"exact": {"do": do}}), {"d0": ONE, "d1": ONE})
    rows = case.decide().set_index("id")
    assert dict(rows["decision"]) == {"d0": "keep", "d1": "keep", "d2": do}
    assert "one file with its keeper already" in rows["reason"]["d1"]


def test_names_of_different_files_are_copies() -> None:
    case = Case(EDGES, config(policies={"exact": {"do": "delete"}}), {"d0": ONE, "d1": OTHER, "d2": OTHER})
    assert case.decided() == {"d0": "keep", "d1": "delete", "d2": "delete"}


def test_the_field_is_the_settings() -> None:
    documents = {"d0": {"inode_s": "7"}, "d1": {"inode_s": "7"}, "d2": ONE}
    settings = config(policies={"exact": {"do": "delete"}})
    settings = settings.model_copy(
        update={"fields": settings.fields.model_copy(update={"hard_link": "inode_s"})}
    )
    assert Case(EDGES, settings, documents).decided() == {"d0": "keep", "d1": "keep", "d2": "delete"}


def test_a_duplicate_with_further_names_frees_nothing() -> None:
    settings = config()
    settings = settings.model_copy(update={"fields": settings.fields.model_copy(update={"bytes": "bytes_l"})})
    found = own_sizes([{"bytes_l": 10}, {"bytes_l": 10, **ONE}, ONE, {}], settings)
    assert found[:3].tolist() == [10.0, 0.0, 0.0]
    assert math.isnan(found[3])

"""Only a file that is its keeper's byte for byte is replaced by a link to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.deciding import Case, config

QUARANTINE = {"library": "/pictures", "folder": "/away"}
EXACT = [("d1", "d2", 1.0), ("d1", "d3", 1.0), ("d2", "d3", 1.0)]


def decided(documents: dict[str, dict[str, Any]], do: str = "replace") -> dict[str, tuple[str, str]]:
    settings = config(
        policies={"exact": {"do": do}}, quarantine=QUARANTINE, keeper={"rules": [{"rule": "oldest"}]}
    )
    rows = Case(EXACT, settings, documents).decide()
    return {row.id: (row.decision, row.keeper_id) for row in rows.itertuples()}


def test_each_document_is_replaced_by_one_of_the_same_bytes() -> None:
    found = decided({one: {"file_sha256_s": value} for one, value in (("d1", "x"), ("d2", "y"), ("d3", "y"))})
    assert found == {"d1": ("report", "d2"), "d2": ("keep", "d2"), "d3": ("replace", "d2")}


def test_where_nothing_tells_the_bytes_a_person_decides() -> None:
    assert decided({"d1": {"file_sha256_s": "x"}})["d2"] == ("review", "d1")


@pytest.mark.parametrize("do", ["replace", "delete", "merge"])
@pytest.mark.parametrize(
    "links", [{"d1": "d1", "d2": "d1"}, {"d2": "d1"}, {"d1": "d2"}], ids=["sync", "apply", "the other way"]
)
def test_what_is_one_file_already_stays(do: str, links: dict[str, str]) -> None:
    documents = {one: {"file_sha256_s": "x", "hard_link_s": links.get(one, "")} for one in ("d1", "d2", "d3")}
    found = decided(documents, do)
    assert (found["d2"], found["d3"]) == (("keep", "d1"), (do, "d1"))

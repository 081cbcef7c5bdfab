from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.dedupe.errors import VerdictError
from include.dedupe.storage import Storage
from include.dedupe.verdicts import FOLDER, give_verdict, read_verdicts, standing_verdicts


@pytest.fixture
def lasting(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


def test_what_was_said_holds_for_later_readers_whatever_the_ids_hold(lasting: Storage) -> None:
    give_verdict(lasting, "not_duplicate", ("b\n🐟", 'a,"'), "me", "why not")
    give_verdict(lasting, "keep", ("x",), "me")
    give_verdict(lasting, "reject", ("c-1", "y"), "me")
    standing = standing_verdicts(read_verdicts(lasting))
    assert standing.not_duplicates == {('a,"', "b\n🐟")}
    assert (standing.keepers, standing.rejected) == ({"x"}, {"c-1", "y"})


def test_of_several_documents_no_two_are_duplicates(lasting: Storage) -> None:
    give_verdict(lasting, "not_duplicate", ("c", "a", "b"), "me")
    pairs = {("a", "b"), ("a", "c"), ("b", "c")}
    assert standing_verdicts(read_verdicts(lasting)).not_duplicates == pairs


def test_an_approval_takes_an_earlier_rejection_back(lasting: Storage) -> None:
    give_verdict(lasting, "reject", ("a", "b"), "me")
    give_verdict(lasting, "approve", ("a",), "you")
    assert standing_verdicts(read_verdicts(lasting)).rejected == {"b"}


def test_undoing_is_undone_in_turn(lasting: Storage) -> None:
    said = give_verdict(lasting, "keep", ("a",), "me")
    undone = give_verdict(lasting, "undo", (said.name,), "me")
    assert not standing_verdicts(read_verdicts(lasting)).keepers
    give_verdict(lasting, "undo", (undone.name,), "me")
    assert standing_verdicts(read_verdicts(lasting)).keepers == {"a"}


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("not_duplicate", ("a",)),
        ("not_duplicate", ("a", "a")),
        ("keep", ("a", "b")),
        ("reject", ()),
        ("reject", ("",)),
        ("undo", ("nothing.json",)),
        ("perhaps", ("a",)),
    ],
)
def test_what_makes_no_sense_is_refused(lasting: Storage, kind: str, ids: tuple[str, ...]) -> None:
    with pytest.raises(VerdictError):
        give_verdict(lasting, kind, ids, "me")


def test_what_is_said_of_a_cluster_is_said_of_the_documents_that_it_has_then(lasting: Storage) -> None:
    members = {"c-1": ("a", "b", "c")}
    give_verdict(lasting, "reject", ("c-1", "x"), "me", members=members)
    give_verdict(lasting, "not_duplicate", ("c-1",), "me", members=members)
    standing = standing_verdicts(read_verdicts(lasting))
    assert standing.rejected == {"c-1", "a", "b", "c", "x"}
    assert standing.not_duplicates == {("a", "b"), ("a", "c"), ("b", "c")}
    give_verdict(lasting, "approve", ("c-2",), "me", members={"c-2": ("a", "b", "y")})
    assert standing_verdicts(read_verdicts(lasting)).rejected == {"c-1", "c", "x"}


def test_not_a_duplicate_of_several_clusters_means_each_on_its_own(lasting: Storage) -> None:
    members = {"c-1": ("a", "b"), "c-2": ("x", "y")}
    give_verdict(lasting, "not_duplicate", ("c-1", "c-2"), "me", members=members)
    assert standing_verdicts(read_verdicts(lasting)).not_duplicates == {("a", "b"), ("x", "y")}
    with pytest.raises(VerdictError, match="clusters or documents"):
        give_verdict(lasting, "not_duplicate", ("c-1", "z"), "me", members={"c-1": ("a", "b")})


def test_what_takes_the_place_of_another_gives_it_back_when_it_is_undone(lasting: Storage) -> None:
    first = give_verdict(lasting, "keep", ("a",), "me")
    second = give_verdict(lasting, "keep", ("b",), "me", instead=(first.name,))
    assert standing_verdicts(read_verdicts(lasting)).keepers == {"b"}
    give_verdict(lasting, "undo", (second.name,), "me")
    assert standing_verdicts(read_verdicts(lasting)).keepers == {"a"}


def test_the_last_word_on_a_judged_pair_counts(lasting: Storage) -> None:
    give_verdict(lasting, "wrong", ("b", "a"), "me", score=0.97, detector="d1")
    assert standing_verdicts(read_verdicts(lasting)).not_duplicates == {("a", "b")}
    give_verdict(lasting, "right", ("a", "b"), "me", score=0.97, detector="d1")
    assert not standing_verdicts(read_verdicts(lasting)).not_duplicates


def test_verdicts_of_an_older_version_are_read(lasting: Storage) -> None:
    old = {"kind": "keep", "ids": ["a"], "by": "me", "at": "2026-01-01T00:00:00", "note": "", "name": "x"}
    lasting.create("verdicts/2026-01-01T00-00-00.json", json.dumps(old).encode())
    assert standing_verdicts(read_verdicts(lasting)).keepers == {"a"}


def test_what_is_said_last_counts_also_where_the_clock_of_another_machine_is_ahead(tmp_path: Path) -> None:
    lasting = Storage(str(tmp_path))
    ahead = give_verdict(lasting, "approve", ("a",), "somebody")
    folder = tmp_path / FOLDER
    (folder / ahead.name).rename(folder / f"2999-12-31T23-59-59.999999-00-00-{'f' * 8}.json")
    rejected = give_verdict(lasting, "reject", ("a",), "me")
    assert standing_verdicts(read_verdicts(lasting)).rejected == {"a"}
    undone = give_verdict(lasting, "undo", (rejected.name,), "me")
    assert standing_verdicts(read_verdicts(lasting)).rejected == set()
    give_verdict(lasting, "undo", (undone.name,), "me")
    assert standing_verdicts(read_verdicts(lasting)).rejected == {"a"}
    assert rejected.at < "2999"


def test_no_two_verdicts_have_one_moment(tmp_path: Path) -> None:
    lasting = Storage(str(tmp_path))
    said = [give_verdict(lasting, "keep", (name,), "me").name for name in ("a", "b", "c")]
    assert said == sorted(said)
    assert said[0][:26] < said[1][:26] < said[2][:26]

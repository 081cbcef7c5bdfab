"""What the last look has refused once is not proposed again, unless a picture changes or a person says so."""

from __future__ import annotations

from typing import Any

import pytest

from include.dedupe.__main__ import main
from include.dedupe.deciding.decide import current_decisions
from include.dedupe.deciding.refused import FOLDER
from include.dedupe.errors import ArtifactError, VerdictError
from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.judging import judge, take_back
from include.dedupe.reviewing.speaking import say
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.support.acting import actions
from tests.support.library import LENIENT, Library, jpeg, library, library_server, photo, stamped

__all__ = ["library", "library_server"]
CAT, STAMPED = jpeg(photo()), jpeg(stamped())


def said_of(library: Library, run_id: str, name: str = "b.jpg") -> tuple[str, str]:
    """Return decision and reason of a document."""
    rows = current_decisions(library.acting.run(run_id)).set_index("id")
    return rows["decision"][name], rows["reason"][name]


def decide(library: Library, run_id: str, **settings: Any) -> str:
    config = library.acting.config(**library.settings(**{**LENIENT, **settings}))
    return library.acting.decide(library.acting.run(run_id), config).hash


@pytest.fixture
def refused(library: Library) -> Library:
    """A library of which a run was to delete one picture with a date stamp, and did not."""
    library.fill({"a.jpg": CAT, "b.jpg": STAMPED})
    assert library.apply(library.decided(**LENIENT)).review == 1
    return library


def test_the_next_run_sends_it_to_a_person_and_says_where_they_differ(refused: Library) -> None:
    decide(refused, "run-2")
    decision, reason = said_of(refused, "run-2")
    assert decision == "review"
    assert reason.startswith("refused by the last look: it differs from its keeper by more than coding")
    row = actions(refused.acting.run()).iloc[0]
    shown = read_cluster(refused.acting.run("run-2"), row["cluster_id"]).refusals
    assert [(one.id, one.keeper_id, one.run_id) for one in shown] == [("b.jpg", "a.jpg", "run-1")]
    assert shown[0].change == tuple(map(float, row["change"].split(",")))


def test_the_run_that_was_refused_decides_as_it_did(refused: Library) -> None:
    assert said_of(refused, "run-1")[0] == "delete"


def test_opposite_rules_do_not_get_around_it(refused: Library) -> None:
    decide(refused, "run-2", keeper={"rules": [{"rule": "prefer", "field": "id", "values": ["b.jpg"]}]})
    assert said_of(refused, "run-2", "a.jpg")[0] == "review"


@pytest.mark.parametrize("name", ["a.jpg", "b.jpg"])
def test_a_changed_picture_is_looked_at_again(refused: Library, name: str) -> None:
    again = jpeg(photo(), 70) if name == "a.jpg" else jpeg(stamped(), 70)
    (refused.folder / name).write_bytes(again)
    refused.index_again(name)
    digest = decide(refused, "run-2")
    assert said_of(refused, "run-2")[0] == "delete"
    assert refused.apply(digest, "run-2").review == 1


def test_another_field_that_changes_is_no_reason_to_look_again(refused: Library) -> None:
    refused.acting.change({"id": "b.jpg", "title_s": {"set": "a cat"}})
    decide(refused, "run-2")
    assert said_of(refused, "run-2")[0] == "review"


def test_its_own_copies_go_for_it_and_not_for_the_other(refused: Library) -> None:
    """What differs from the keeper is no exact copy of it; so it may be the keeper of its own copies."""
    files = {"a.jpg": CAT, "b.jpg": STAMPED, "c.jpg": STAMPED}
    refused.fill(files)
    stats = refused.apply(decide(refused, "run-2"), "run-2")
    assert (stats.done, stats.review) == (1, 1)
    (left,) = set(refused.files()) - {"a.jpg"}
    decide(refused, "run-3")
    assert said_of(refused, "run-3", left)[0] == "review"


def test_a_person_may_say_that_they_are_the_same(refused: Library) -> None:
    digest = decide(refused, "run-2")
    run, cluster = refused.acting.run("run-2"), actions(refused.acting.run())["cluster_id"].iloc[0]
    judge(run, "approve", cluster, "a test")
    assert said_of(refused, "run-2")[0] == "review"
    said = judge(run, "same", cluster, "a test", ids=("b.jpg",)).said
    assert said_of(refused, "run-2")[0] == "delete"
    assert read_cluster(run, cluster).refusals == ()
    take_back(run, [said.name], "a test")
    assert said_of(refused, "run-2")[0] == "review"
    _, stats = say(run, "same", ("b.jpg",), "a test")
    assert stats.hash != digest
    assert refused.apply(stats.hash, "run-2").done == 1
    assert set(refused.files()) == {"a.jpg"}


def test_what_is_said_to_be_the_same_is_said_of_these_pictures_alone(refused: Library) -> None:
    decide(refused, "run-2")
    say(refused.acting.run("run-2"), "same", ("b.jpg",), "a test")
    (refused.folder / "b.jpg").write_bytes(jpeg(stamped(), 70))
    refused.index_again("b.jpg")
    assert refused.apply(decide(refused, "run-3"), "run-3").review == 1


def test_nothing_is_said_of_what_was_not_refused(refused: Library) -> None:
    decide(refused, "run-2")
    run, cluster = refused.acting.run("run-2"), actions(refused.acting.run())["cluster_id"].iloc[0]
    with pytest.raises(VerdictError, match=r"refused nothing of .*a\.jpg"):
        judge(run, "same", cluster, "a test", ids=("a.jpg",))
    with pytest.raises(VerdictError, match="needs its id"):
        judge(run, "same", cluster, "a test")
    for name in ("a.jpg", cluster):
        with pytest.raises(VerdictError, match="refused nothing of"):
            say(run, "same", (name,), "a test")


def test_a_shell_says_it_too(refused: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "flow: {connection: flow_reader, collection: library}\n"
    home = refused.acting.storage.parent
    (home / "pictures.yaml").write_text(settings)
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(home))
    monkeypatch.setenv(STORAGE_VARIABLE, str(refused.acting.storage))
    assert main(["verdict", "pictures", "same", "a.jpg"]) == 2
    assert main(["verdict", "pictures", "same", "b.jpg"]) == 0
    assert refused.apply(decide(refused, "run-2"), "run-2").done == 1


def test_a_dry_run_is_remembered_as_well(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": STAMPED})
    digest = library.decided(**LENIENT)
    assert library.acting.apply(library.acting.run(), digest, dry_run=True).review == 1
    decide(library, "run-2")
    assert said_of(library, "run-2")[0] == "review"


def test_a_damaged_file_of_it_is_said_with_what_to_do(refused: Library) -> None:
    lasting = refused.acting.run().lasting
    (name,) = lasting.names(FOLDER)
    lasting.write(f"{FOLDER}/{name[:-5]}-2.json", b"")
    with pytest.raises(ArtifactError, match=r"is damaged .* put back its copy, or remove it"):
        decide(refused, "run-2")

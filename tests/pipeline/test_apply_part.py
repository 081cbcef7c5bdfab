"""Apply against the live server: a part of the decisions, and what it tells of the rest."""

from __future__ import annotations

import pytest

from include.dedupe.errors import ApprovalError
from include.dedupe.reviewing.speaking import say
from include.dedupe.rundir import Attempt
from tests.pipeline.acting_fixture import acting, policies
from tests.support.acting import Acting, outcomes

__all__ = ["acting"]
MIXED = policies("delete", "tag")


@pytest.fixture
def digest(acting: Acting) -> str:
    config = acting.config(**MIXED)
    acting.check(config)
    return acting.decide(acting.run(), config).hash


@pytest.mark.parametrize(
    ("part", "done"),
    [
        ({"only_decisions": ["tag"]}, {"cat small": ("tag", "done")}),
        ({"only_class": "exact"}, {"cat copy": ("delete", "done")}),
        ({"score_from": 0.9999}, {"cat copy": ("delete", "done")}),
    ],
)
def test_only_the_part_is_done_and_the_rest_stays_open(
    acting: Acting, digest: str, part: dict[str, object], done: dict[str, tuple[str, str]]
) -> None:
    stats = acting.apply(acting.run(), digest, **part)
    assert (stats.done, stats.open) == (1, 1)
    assert outcomes(acting.run()) == done
    later = acting.decide(acting.run("run-2"), acting.config(**MIXED))
    assert later.acts >= 1
    rest = acting.apply(acting.run(), digest, attempt=Attempt(1, 1))
    assert (rest.done, rest.open, rest.unexpected) == (2, 0, 0)


def test_a_retry_keeps_to_the_part(acting: Acting, digest: str) -> None:
    acting.apply(acting.run(), digest, only_decisions=["tag"])
    assert acting.apply(acting.run(), digest, attempt=Attempt(0, 2), only_decisions=["tag"]).done == 1
    assert "cat copy" in acting.documents()


def test_a_part_that_holds_nothing_is_an_error(acting: Acting, digest: str) -> None:
    with pytest.raises(ApprovalError, match="Nothing that was decided is in the part"):
        acting.apply(acting.run(), digest, score_to=0.1)


def test_what_people_took_back_is_expected_and_what_changed_is_not(acting: Acting, digest: str) -> None:
    say(acting.run(), "reject", ("cat small",), "a test")
    acting.change({"id": "cat copy", "image": {"set": f"{acting.server.base}/images/things/coffee.jpg"}})
    stats = acting.apply(acting.run(), digest)
    assert (stats.skipped, stats.unexpected, stats.is_nothing) == (1, 1, True)

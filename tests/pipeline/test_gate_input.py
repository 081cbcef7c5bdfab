"""Bad input to the gate: a row with the cause, and the rest goes on."""

from __future__ import annotations

import contextlib

import pytest

from include.dedupe.errors import GateError
from include.dedupe.gating.report import require_few_failures
from include.flow_client import FlowResponseError, FlowUnavailableError
from tests.pipeline.gating_fixture import gating
from tests.support.gating import CHELSEA, Gating, outcomes

__all__ = ["gating"]


@pytest.mark.parametrize("by_analysis", [True, False])
def test_each_bad_document_is_a_row_with_the_cause_and_the_rest_goes_on(
    gating: Gating, by_analysis: bool
) -> None:
    (gating.folder / "text.jpg").parent.mkdir()
    (gating.folder / "text.jpg").write_text("no picture")
    (gating.folder / "empty.jpg").touch()
    nobody = "http://127.0.0.1:9/x.jpg"
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "text", "image": "text.jpg"},
        {"id": "empty", "image": "empty.jpg"},
        {"id": "gone", "image": "nowhere.jpg"},
        {"id": "private", "image": nobody},
        {"id": "cat", "image": gating.picture("other.png", seed=2)},
        {"id": "refused", "image": gating.picture("refused.png", seed=3), "rating_i": "many"},
        {"id": "new", "image": gating.picture("again.png", seed=4)},
        {"image": "a.jpg"},
        "{broken",
        {"id": "last", "image": gating.picture("last.png", seed=5)},
    ]
    before = gating.acting.documents()
    run = gating.take(gating.manifest(rows), gating.config(), by_analysis=by_analysis)
    assert gating.go_on(run) == {"indexed": 2, "failed": 9}
    assert set(gating.acting.documents()) == {*before, "new", "last"}
    assert gating.acting.documents()["cat"] == before["cat"]
    report = run.storage.read("report/gate.csv").decode()
    for told in (
        "Flow cannot analyse it",
        "is empty (0 bytes)",
        "nowhere.jpg cannot be read",
        "x.jpg cannot be fetched",
        "a document of this id with another picture",
        "Flow refuses it",
        "the id is that of line 1",
        "it has no id",
        "it is no JSON",
    ):
        assert told in report, told
    with pytest.raises(GateError, match="9 of 11 documents failed, more than gate"):
        require_few_failures(run)


def test_an_outage_is_waited_for_and_what_was_analysed_is_not_analysed_again(gating: Gating) -> None:
    rows = [{"id": f"{n}", "image": gating.picture(f"{n}.png", seed=n)} for n in range(3)]
    gating.acting.server.fault("unavailable", handler="analyze", skip=1, times=1, retry_after=0)
    gating.acting.server.fault("malformed", handler="analyze", skip=2, times=1)
    assert set(outcomes(gating.go(rows)).values()) == {"indexed"}
    assert gating.acting.server.counts()["analyze"] == 5


@pytest.mark.parametrize("skip", range(5))
def test_a_write_whose_answer_is_lost_is_gone_on_from(gating: Gating, skip: int) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    gating.acting.server.fault("cut", handler="update", skip=skip, times=1)
    run = gating.take(gating.manifest(rows), gating.config({"exact": "link"}))
    with contextlib.suppress(FlowResponseError, FlowUnavailableError):
        gating.go_on(run)
    assert gating.go_on(run) == {"indexed": 1, "linked": 1}
    documents = gating.acting.documents()
    assert set(documents) == {"cat", "coffee", "moose", "new", "cat 2"}
    assert not [one for one in documents.values() if "gate_pending_s" in one]


def test_pictures_at_addresses_are_fetched_and_the_address_is_kept(gating: Gating) -> None:
    address = f"{gating.acting.server.base}/images/things/rocket.jpg"
    found = gating.go([{"id": "rocket", "image": address}])
    assert outcomes(found) == {"rocket": "indexed"}
    assert gating.acting.documents()["rocket"]["image"] == address


def test_a_folder_is_taken_as_it_is(gating: Gating) -> None:
    gating.picture("deep/new, #1%20 ü.png", seed=1)
    gating.picture("cat 2.jpg", CHELSEA)
    run = gating.take(str(gating.folder), gating.config())
    assert gating.go_on(run) == {"indexed": 1, "rejected": 1}
    assert "deep/new, #1%20 ü.png" in gating.acting.documents()


def test_an_empty_manifest_is_a_run_of_nothing(gating: Gating) -> None:
    run = gating.take(gating.manifest([]), gating.config())
    assert gating.go_on(run) == {}
    require_few_failures(run)

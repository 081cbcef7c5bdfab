from __future__ import annotations

from dataclasses import fields

import pytest

from include.dedupe.deciding.decide import current_decisions
from include.dedupe.deciding.decisions import read_decisions, still_standing
from include.dedupe.errors import UnknownError
from include.dedupe.reviewing.approving import effect
from include.dedupe.reviewing.sampling import SamplePair, draw_sample, judge_pair, read_proof
from include.dedupe.rundir import RunDir
from tests.support.made import Edge, Made

MANY: list[Edge] = [(f"{one:02}-a", f"{one:02}-b", (0.96, 1.0)[one % 2]) for one in range(20)]
HALF = {"max_error_rate": 0.5, "error_bands": [0.95, 0.99], "max_delete_share": 1.0}
"""Five right judgements prove a band."""


def bands(run: RunDir) -> dict[float, tuple[int, int, int | None, int]]:
    proof = read_proof(run).bands
    return {one.lowest: (one.decisions, one.judged, one.more, one.left) for one in proof if one.decisions}


def deleted(run: RunDir) -> set[float]:
    rows = current_decisions(run)
    return set(rows.loc[rows["decision"] == "delete", "score"])


def test_a_sample_is_judged_until_deletion_unlocks_band_by_band(made: Made) -> None:
    run = made.make(MANY, fields={}, guards=HALF)
    assert bands(run) == {0.95: (10, 0, 5, 10), 0.99: (10, 0, 5, 10)}
    assert deleted(run) == set()
    before = effect(run)
    assert (before.deletes, before.held, before.acts) == (0, 20, 0)
    drawn = draw_sample(run, limit=20)
    assert draw_sample(run, limit=20) == drawn
    scores = dict(zip(*(current_decisions(run)[name] for name in ("id", "score")), strict=True))
    high = [pair.key for pair in drawn if scores[pair.document] == 1.0]
    for key in high[:5]:
        judge_pair(run, key, is_right=True, by="me")
    assert bands(run) == {0.95: (10, 0, 5, 10), 0.99: (10, 5, 0, 5)}
    assert deleted(run) == {1.0}
    assert effect(run).held == 10
    assert {scores[pair.document] for pair in draw_sample(run)} == {0.96}


def test_what_is_judged_wrong_is_no_duplicate_and_locks_the_band_again(made: Made) -> None:
    run = made.make(MANY, fields={}, guards=HALF)
    drawn = draw_sample(run, limit=20)
    for pair in drawn:
        judge_pair(run, pair.key, is_right=True, by="me")
    approved = read_decisions(run, effect(run).hash)
    assert len(approved[approved["decision"] == "delete"]) == 20
    for pair in drawn[:14]:
        judge_pair(run, pair.key, is_right=False, by="you")
    standing = still_standing(approved, current_decisions(run))
    assert standing.empty
    rows = current_decisions(run)
    wrong = {pair.document for pair in drawn[:14]}
    assert not wrong & set(rows["id"])


def test_judgements_count_in_later_runs_of_the_same_detector_and_once_for_a_pair(made: Made) -> None:
    run = made.make(MANY, fields={}, guards=HALF)
    drawn = draw_sample(run, limit=20)
    first = judge_pair(run, drawn[0].key, is_right=True, by="me")
    assert judge_pair(run, drawn[0].key, is_right=True, by="you") == first
    for pair in drawn[1:]:
        judge_pair(run, pair.key, is_right=True, by="me")
    later = made.make(MANY, "run-2", "2026-01-02T00:00:00+00:00", {}, guards=HALF)
    assert deleted(later) == {0.96, 1.0}
    assert draw_sample(later) == []
    plan = later.storage.read("plan/plan.json").replace(b'"made-1"', b'"another"')
    later.storage.write("plan/plan.json", plan)
    assert deleted(later) == set()


def test_the_draw_is_fixed_hides_the_score_and_differs_from_run_to_run(made: Made) -> None:
    run = made.make(MANY, fields={}, guards=HALF)
    assert not {"score", "band", "decision"} & {one.name for one in fields(SamplePair)}
    other = made.make(MANY, "run-2", "2026-01-02T00:00:00+00:00", {}, guards=HALF)
    first, second = ([pair.document for pair in draw_sample(one, limit=8)] for one in (run, other))
    assert first != second
    assert len(set(first)) == 8


def test_without_a_rate_asked_for_everything_is_proven_and_may_still_be_judged(made: Made) -> None:
    run = made.make(MANY, fields={})
    proof = read_proof(run)
    assert proof.asked is None
    assert all(band.is_proven and band.more == 0 for band in proof.bands)
    assert len(draw_sample(run, limit=5)) == 5
    with pytest.raises(UnknownError):
        judge_pair(run, "nothing", is_right=True, by="me")

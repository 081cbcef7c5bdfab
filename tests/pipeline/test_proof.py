"""Deletion waits for the proof by sample, when it is decided and again when it is carried out."""

from __future__ import annotations

from include.dedupe.deciding.decide import DecideStats
from include.dedupe.reviewing.approving import effect
from include.dedupe.reviewing.sampling import draw_sample, judge_pair, read_proof
from include.dedupe.rundir import RunDir
from tests.pipeline.acting_fixture import CAT, acting, policies
from tests.support.acting import Acting, outcomes, reasons

__all__ = ["acting"]

GUARDS = {"delete_threshold": 0.7, "max_error_rate": 0.8}
"""Two right judgements prove a band, one wrong among two does not."""


def decided(acting: Acting) -> tuple[RunDir, DecideStats]:
    acting.fill({name: (CAT, {}) for name in ("cat", "copy 1", "copy 2")})
    config = acting.config(**{**policies("delete"), "guards": GUARDS})
    assert not [step for step in acting.check(config) if step.problem]
    run = acting.run()
    return run, acting.decide(run, config)


def test_nothing_is_deleted_before_a_sample_has_proven_the_band(acting: Acting) -> None:
    run, stats = decided(acting)
    assert (stats.counts, stats.held, stats.acts) == ({"keep": 1, "review": 2}, 2, 0)
    acting.apply(run, stats.hash)
    assert len(acting.documents()) == 3


def test_what_is_proven_is_deleted_as_long_as_it_stays_proven(acting: Acting) -> None:
    run, _ = decided(acting)
    drawn = draw_sample(run)
    for pair in drawn:
        judge_pair(run, pair.key, is_right=True, by="a test")
    assert [band.more for band in read_proof(run).bands if band.decisions] == [0]
    approved = effect(run).hash
    judge_pair(run, drawn[0].key, is_right=False, by="a test")
    acting.apply(run, approved)
    assert len(acting.documents()) == 3
    assert not outcomes(run) or set(reasons(run).values()) == {"a verdict after the approval took it away"}


def test_a_proven_band_is_deleted(acting: Acting) -> None:
    run, _ = decided(acting)
    for pair in draw_sample(run):
        judge_pair(run, pair.key, is_right=True, by="a test")
    acting.apply(run, effect(run).hash)
    assert list(acting.documents()) == ["cat"]

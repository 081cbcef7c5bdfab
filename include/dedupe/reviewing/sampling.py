"""Sampling: a person judges pairs drawn at random, and the errors of each score band get an upper bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.dedupe.reviewing.clusters import Said
from include.dedupe.rundir import RunDir


@dataclass(frozen=True, slots=True)
class SamplePair:
    """A document that would be deleted and the one that would stay, in drawn order; the score is hidden.

    ``key`` names the pair in ``judge_pair``. ``cluster`` is for its pictures. ``judged``: right, wrong or
    empty.
    """

    key: str
    cluster: str
    document: str
    document_image: str
    document_fields: Mapping[str, Any]
    keeper: str
    keeper_image: str
    keeper_fields: Mapping[str, Any]
    judged: str


@dataclass(frozen=True, slots=True)
class BandProof:
    """What is known of decisions with scores from ``lowest`` to below ``highest``; the last band holds 1, too.

    ``upper_bound``: the error rate is below it with 95 % confidence; 1.0 where nothing was judged.
    ``more``: so many more right judgements prove the band, if all are right; 0 where it is proven or nothing
    is asked; None where no number would do. ``left``: decisions of this run in it that nobody has judged.
    """

    lowest: float
    highest: float
    decisions: int
    judged: int
    wrong: int
    error_rate: float | None
    upper_bound: float
    is_proven: bool
    more: int | None
    left: int


@dataclass(frozen=True, slots=True)
class Proof:
    """All bands of a run. ``asked``: ``guards.max_error_rate``; None where the settings ask for no proof."""

    detector: str
    asked: float | None
    bands: tuple[BandProof, ...]


def draw_sample(run: RunDir, *, limit: int = 20) -> list[SamplePair]:
    """Return the next pairs to be judged, a few of each band that needs them, in an order that tells nothing.

    The order is fixed for a run: the same pairs come again until they are judged.
    """
    raise NotImplementedError


def judge_pair(run: RunDir, key: str, *, is_right: bool, by: str) -> Said:
    """Say of a drawn pair whether the decision is right; said again, the last word counts.

    A pair that is wrong is said to be no duplicate, too.

    Raises:
        UnknownError: the run has no such pair.
    """
    raise NotImplementedError


def read_proof(run: RunDir) -> Proof:
    """Return what is known of each band by all judgements with the run's detector."""
    raise NotImplementedError

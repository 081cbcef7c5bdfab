"""Sampling: a person judges pairs drawn at random, and the errors of each score band get an upper bound.

The draw of a run is fixed: pairs are ranked by a digest of the run and the pair. So it is the same whoever
looks and whenever, and no one can choose what is drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.compare import LOSING
from include.dedupe.deciding.decide import is_held
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.deciding.proof import bands_of, count_errors, judged_pairs, more_needed
from include.dedupe.errors import UnknownError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.layout import places
from include.dedupe.reviewing.state import State, open_state
from include.dedupe.reviewing.views import Said, show_members, show_verdict
from include.dedupe.rundir import RunDir
from include.dedupe.verdicts import Verdict, give_verdict

_NONE = pd.DataFrame({name: [] for name in ("id", "keeper_id", "score", "band", "key")})


@dataclass(frozen=True, slots=True)
class SamplePair:
    """A document that would be deleted and the one that would stay; score and band are hidden.

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
    judged: str = ""


@dataclass(frozen=True, slots=True)
class BandProof:
    """What is known of decisions with scores from ``lowest`` to below ``highest``; the last holds 1, too.

    ``decisions``: those of this run that delete in it, or would if it were proven. ``upper_bound``: the
    error rate is below it with 95 % confidence; 1.0 where nothing was judged. ``more``: so many more right
    judgements prove the band, if all are right; 0 where it is proven or nothing is asked; None where no
    number would do. ``left``: decisions of this run in it that nobody has judged.
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
    """Return the next pairs to be judged, of all bands that need it in turn, in an order that tells nothing.

    The draw is fixed for a run: the same pairs come again until they are judged.

    Raises:
        UnknownError: the run has no clusters yet.
    """
    state = open_state(run)
    rows = _candidates(state)
    needed = [band.lowest for band in _proof(state, rows).bands if band.more != 0 or not _asked(state)]
    wanted = rows[rows["band"].isin(needed) & ~_is_judged(rows, _judged(state))]
    drawn = wanted.assign(turn=wanted.groupby("band").cumcount()).sort_values(["turn", "key"]).head(limit)
    return _shown(state, drawn.sort_values("key"))


def judge_pair(run: RunDir, key: str, *, is_right: bool, by: str) -> Said:
    """Say of a drawn pair whether the decision is right; said again, the last word counts.

    A pair that is wrong is said to be no duplicate, too.

    Raises:
        UnknownError: the run has no such pair.
    """
    state, kind = open_state(run), "right" if is_right else "wrong"
    judged = {_key(run.run_id, *one.ids): one for one in _judged(state).values()}
    if key in judged and judged[key].kind == kind:
        return show_verdict(judged[key])
    rows = _candidates(state)
    pairs = {name: (one, other, score) for name, one, other, score in _columns(rows[rows["key"] == key])}
    pairs |= {name: (one.ids[0], one.ids[1], one.score or 0.0) for name, one in judged.items() if name == key}
    if key not in pairs:
        raise UnknownError(f"Run {run.run_id} has no pair {key!r:.80} to be judged.")
    document, keeper, score = pairs[key]
    detector = state.plan.detector
    verdict = give_verdict(
        run.lasting, kind, (document, keeper), by, run=run.run_id, score=score, detector=detector
    )
    return show_verdict(verdict)


def read_proof(run: RunDir) -> Proof:
    """Return what is known of each band by all judgements with the run's detector.

    Raises:
        UnknownError: the run has no clusters yet.
    """
    state = open_state(run)
    return _proof(state, _candidates(state))


def _proof(state: State, rows: pd.DataFrame) -> Proof:
    judged, rate = _judged(state), _asked(state)
    is_open = ~_is_judged(rows, judged)
    bands = []
    for one in count_errors(judged.values(), bands_of(state.plan.config)):
        is_own = (rows["band"] == one.band.lowest).to_numpy(bool)
        bands.append(
            BandProof(
                lowest=one.band.lowest,
                highest=one.band.highest,
                decisions=int(is_own.sum()),
                judged=one.judged,
                wrong=one.wrong,
                error_rate=one.wrong / one.judged if one.judged else None,
                upper_bound=one.upper_bound,
                is_proven=rate is None or one.upper_bound < rate,
                more=0 if rate is None else more_needed(one.judged, one.wrong, rate),
                left=int((is_own & is_open).sum()),
            )
        )
    return Proof(state.plan.detector, rate, tuple(bands))


def _asked(state: State) -> float | None:
    return state.plan.config.guards.max_error_rate


def _judged(state: State) -> dict[frozenset[str], Verdict]:
    return judged_pairs(list(state.said.verdicts), state.plan.detector)


def _is_judged(rows: pd.DataFrame, judged: Container[frozenset[str]]) -> npt.NDArray[np.bool_]:
    pairs = zip(rows["id"], rows["keeper_id"], strict=True)
    return np.fromiter((frozenset(pair) in judged for pair in pairs), bool, count=len(rows))


def _candidates(state: State) -> pd.DataFrame:
    """Return the decisions that delete, or would if proven, ranked: id, keeper_id, score, band and key."""
    return _ranked(state.run, state.stats.hash) if state.stats else _NONE


@lru_cache(4)
def _ranked(run: RunDir, digest: str) -> pd.DataFrame:
    decisions = read_decisions(run, digest)
    rows = decisions.loc[
        decisions["decision"].isin(LOSING) | is_held(decisions), ["id", "keeper_id", "score"]
    ]
    scores = rows["score"].to_numpy(np.float64)
    band = np.zeros(len(rows))
    for one in bands_of(read_plan(run).config):
        band[one.holds(scores)] = one.lowest
    ids = zip(rows["id"], rows["keeper_id"], strict=True)
    keys = [_key(run.run_id, document, keeper) for document, keeper in ids]
    return rows.assign(band=band, key=keys).sort_values("key", ignore_index=True)


def _columns(rows: pd.DataFrame) -> Iterator[tuple[str, str, str, float]]:
    return zip(rows["key"], rows["id"], rows["keeper_id"], rows["score"].tolist(), strict=True)


def _key(run_id: str, document: str, keeper: str) -> str:
    """Return the pair's place in the draw; nobody learns anything else from it."""
    return hashlib.sha256(f"{run_id}\n{document}\n{keeper}".encode()).hexdigest()[:32]


def _shown(state: State, drawn: pd.DataFrame) -> list[SamplePair]:
    ids = state.layout.read_members(state.run).column("id").to_pandas()
    both = [places(drawn[name], ids) for name in ("id", "keeper_id")]
    rows = np.unique(np.concatenate(both))
    member = dict(zip(rows.tolist(), show_members(state, rows), strict=True))
    starts = state.clusters["first_member"].to_numpy(np.int64)
    found = []
    for key, document, keeper in zip(drawn["key"], *(rows.tolist() for rows in both), strict=True):
        one, other = member[document], member[keeper]
        cluster = state.name(int(np.searchsorted(starts, document, side="right")) - 1)
        found.append(
            SamplePair(key, cluster, one.id, one.image, one.fields, other.id, other.image, other.fields)
        )
    return found

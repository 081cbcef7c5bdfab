"""Decide: what policy says of each document of each cluster, and why.

Decisions are made from artifacts alone, so that they can be made again when a person gives a verdict. Each
set of decisions is a file named after its hash; what is approved is a hash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.clustering.cluster import hub_ids, to_clusters
from include.dedupe.clustering.facts import read_fields
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.deciding.compare import UNPROVEN, Comparison, loses_keeper, refused_rows, scores_with
from include.dedupe.deciding.decisions import ACTS, EXPORT, UNTAG, write_decisions
from include.dedupe.deciding.files import numbers_of_files
from include.dedupe.deciding.guards import broken_guards, scope_size
from include.dedupe.deciding.keeper import Keepers, PairRows, choose_keepers
from include.dedupe.deciding.pieces import Piece, pieces_of
from include.dedupe.deciding.proof import Band, unproven_bands
from include.dedupe.deciding.refused import Refusals, read_refusals
from include.dedupe.deciding.settled import is_settled, read_settled
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import CLUSTERS, DECISIONS, FACTS, NAMES, PAIRS
from include.dedupe.verdicts import Standing, Verdict, read_verdicts, standing_verdicts

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
NOTHING_REFUSED = Refusals()


@dataclass(frozen=True, slots=True)
class DecideStats:
    """``counts``: documents by decision. ``problems``: the guards that these decisions would break.

    ``held``: documents that would be deleted if a sample had proven their score bands.
    """

    hash: str
    counts: dict[str, int]
    problems: list[str]
    held: int = 0

    @property
    def acts(self) -> int:
        return sum(count for decision, count in self.counts.items() if decision in ACTS)


def decide(run: RunDir, attempt: Attempt) -> DecideStats:
    """Write the decisions that follow from clusters, facts, settings and the verdicts of this moment."""
    stage = run.stage("decide", attempt)
    if finished := stage.finished():
        return DecideStats(**finished.result)
    stats = decide_again(run)
    stage.finish(asdict(stats))
    return stats


def decide_again(run: RunDir, said: SaidSoFar | None = None) -> DecideStats:
    """Decide with the verdicts of this moment, or ``said``, and write the decisions under their hash."""
    return record_decisions(run, read_plan(run), current_decisions(run, said))


def record_decisions(run: RunDir, plan: Plan, decisions: pd.DataFrame) -> DecideStats:
    """Write decisions (columns of DECISIONS) under their hash and return what they come to."""
    digest = write_decisions(run, decisions)
    size = scope_size(run, plan)
    problems = broken_guards(decisions, size, measure_coverage(run, plan), plan.config.guards)
    counts = {str(name): int(count) for name, count in decisions["decision"].value_counts().items()}
    return DecideStats(digest, counts, problems, held=int(is_held(decisions).sum()))


def is_held(decisions: pd.DataFrame) -> pd.Series[bool]:
    """Tell which documents would be deleted if a sample had proven their score bands."""
    return (decisions["decision"] == "review") & decisions["reason"].str.startswith(UNPROVEN)


def current_decisions(run: RunDir, said: SaidSoFar | None = None) -> pd.DataFrame:
    """Return the decisions (columns of DECISIONS) by the verdicts of this moment, or by ``said``."""
    plan = read_plan(run)
    said = said or read_said(run, plan)
    facts = run.read_table("facts", "facts", FACTS)
    clusters = run.read_table("clusters", "clusters", CLUSTERS)
    known = run.read_table("clusters", "pairs", PAIRS)
    pairs = allowed_pairs(known, None, plan.config, said.standing)
    if len(pairs) < len(known):
        exact = plan.config.scan.exact_threshold
        clusters = to_clusters(pairs, exact, clusters[NAMES.names], hub_ids(run)).members
    decided = decide_documents(clusters, pairs, facts, config=plan.config, **said.basis())
    return with_stale(run, plan, decided, facts)


def with_stale(run: RunDir, plan: Plan, decided: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Return decisions together with those of documents that are tagged and in no cluster any more."""
    coverage = measure_coverage(run, plan)
    if coverage.share < 1.0 or plan.scope.is_part:  # absence of a pair proves nothing then
        return decided
    return pd.concat([decided, _stale(facts, decided, plan)], ignore_index=True)


@dataclass(frozen=True, slots=True)
class SaidSoFar:
    """What people said up to a moment, as decisions rest on it; ``now`` is when the run was planned.

    ``refused`` is what the last look had refused by then, without what people say is the same.
    """

    verdicts: tuple[Verdict, ...]
    standing: Standing
    settled: pd.DataFrame
    unproven: tuple[Band, ...]
    now: dt.datetime
    refused: Refusals

    def basis(self) -> dict[str, Any]:
        """Return it as ``decide_documents`` takes it."""
        names = ("standing", "now", "settled", "unproven", "refused")
        return {name: getattr(self, name) for name in names}


def read_said(run: RunDir, plan: Plan, verdicts: Sequence[Verdict] | None = None) -> SaidSoFar:
    """Return what people said up to now, or in ``verdicts``, which were read already."""
    verdicts = read_verdicts(run.lasting) if verdicts is None else list(verdicts)
    standing = standing_verdicts(verdicts)
    refused = read_refusals(run.lasting, plan.sequence)
    return SaidSoFar(
        verdicts=tuple(verdicts),
        standing=standing,
        settled=read_settled(run.lasting, standing.acknowledged),
        unproven=unproven_bands(verdicts, plan.detector, plan.config),
        now=dt.datetime.fromisoformat(plan.created_at),
        refused=Refusals.among([one for one in refused if one.pair not in standing.overruled]),
    )


def decide_documents(
    clusters: pd.DataFrame,
    pairs: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    config: CollectionConfig,
    standing: Standing,
    now: dt.datetime,
    settled: pd.DataFrame | None = None,
    unproven: Collection[Band] = (),
    refused: Refusals = NOTHING_REFUSED,
) -> pd.DataFrame:
    """Return one row for each document of each cluster (columns of DECISIONS), sorted like ``clusters``.

    Args:
        clusters: columns of CLUSTERS, sorted by cluster and document.
        pairs: columns of PAIRS, all of them in ``clusters``.
        facts: columns of FACTS, of all documents in ``clusters``.
        config: settings, with policies.
        standing: what people said.
        now: the moment that grace periods are measured at.
        settled: columns of SETTLED: what was exported before and acknowledged.
        unproven: score bands in which nothing may be deleted.
        refused: pairs in which the last look has seen a change; they are not exact, and for a person.
    """
    decided: list[pd.DataFrame] = []
    for piece in pieces_of(clusters, pairs, facts):
        rows, fields = piece.rows, read_fields(piece.rows)
        found = _pair_rows(piece, fields, config, refused)
        keepers = choose_keepers(rows, fields, config, standing.keepers, found)
        comparison = Comparison(rows, fields, config, standing, now, unproven, refused)
        judged, keeper = _judge(
            rows, keepers, comparison, partial(scores_with, pairs=found, scores=piece.scores)
        )
        pictures = pd.Series([str(document.get(config.fields.image, "")) for document in fields])
        pictured = judged.assign(image=pictures, keeper_image=pictures.take(keeper).array)
        decided.append(_settle(pictured, fields, config, settled)[DECISIONS.names])
    return pd.concat(decided, ignore_index=True)


def _pair_rows(
    piece: Piece, fields: Sequence[Mapping[str, Any]], config: CollectionConfig, refused: Refusals
) -> PairRows:
    """Return which rows make a pair, and which of these pairs are exact."""
    one, other, scores = piece.one, piece.other, piece.scores
    exact = scores >= config.scan.exact_threshold
    exact[refused_rows(piece.rows, one, other, scores, refused)] = False
    if config.replaces_files:  # a file can stand for another one only if both are the same bytes
        number = numbers_of_files(fields, config)
        exact &= number[one] == number[other]
    return PairRows(one, other, exact)


def _judge(
    rows: pd.DataFrame, keepers: Keepers, comparison: Comparison, scores: Callable[[Places], Scores]
) -> tuple[pd.DataFrame, Places]:
    """Return what becomes of each document, and the row of its keeper.

    That is the keeper of its exact duplicates; where that one goes itself, the keeper of the cluster.
    ``scores`` returns the score of each document with its keeper.
    """
    is_alone = keepers.group == np.arange(len(rows))
    keeper = np.where(is_alone, keepers.row, keepers.group)
    judged = comparison.with_keepers(keeper, scores(keeper))
    left = loses_keeper(judged["decision"], keeper) & ~is_alone
    if left.any():
        keeper = np.where(left, keepers.row, keeper)
        judged = comparison.with_keepers(keeper, scores(keeper))
    in_group = keeper != keepers.row
    judged["rule"] = np.where(is_alone | left, keepers.rule, keepers.group_rule)
    judged["reason"] = _with_keepers(judged, in_group, left, keepers.group, rows["id"])
    return judged, keeper


def _with_keepers(
    judged: pd.DataFrame, in_group: Mask, left: Mask, group: npt.NDArray[np.int64], ids: pd.Series[str]
) -> npt.NDArray[Any]:
    """Return the reasons, with the keeper where it is not the cluster's, or might have been another."""
    reason = judged["reason"].to_numpy(dtype=object).copy()
    names, rules = ids.to_numpy(dtype=object)[group], judged["rule"].to_numpy(dtype=object)
    acted = in_group & (judged["decision"] != "keep").to_numpy(bool)
    for place in np.flatnonzero(acted):
        reason[place] += f"; of its exact duplicates {names[place]!r} stays, by {rules[place]}"
    for place in np.flatnonzero(left & ~in_group):
        reason[place] += f"; its exact duplicate {names[place]!r} goes itself"
    return reason


def _settle(
    rows: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    settled: pd.DataFrame | None,
) -> pd.DataFrame:
    """Keep what others have carried out, and untag what is no duplicate any more."""
    decision, reason = (rows[name].to_numpy(dtype=object).copy() for name in ("decision", "reason"))
    if settled is not None and len(settled):
        done = is_settled(rows, settled) & (decision == EXPORT)
        decision[done], reason[done] = "keep", "exported before, and acknowledged"
    stale = _are_tagged(fields, config) & (decision == "keep") & ~rows["is_protected"].to_numpy(bool)
    decision[stale], reason[stale] = UNTAG, "it is tagged as a duplicate and is none"
    return rows.assign(decision=decision, reason=reason)


def _are_tagged(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> Mask:
    role, link = config.tags.role, config.tags.link
    tagged = (bool(one.get(role) or one.get(link)) for one in fields)
    return np.fromiter(tagged, dtype=bool, count=len(fields))


def _stale(facts: pd.DataFrame, decided: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    alone = facts[~facts["id"].isin(decided["id"]) & ~facts["is_protected"]]
    tagged = alone[_are_tagged(read_fields(alone), plan.config)]
    columns: dict[str, Any] = {
        "cluster_id": "",
        "keeper_id": "",
        "decision": UNTAG,
        "duplicates": "none",
        "score": 0.0,
        "rule": "",
        "reason": "it is tagged as a duplicate and is none",
        "keeper_fingerprint": "",
    }
    stale: pd.DataFrame = tagged[["id", "fingerprint"]].assign(**columns)[DECISIONS.names]
    return stale

"""Decide: what policy says of each document of each cluster, and why.

Decisions are made from artifacts alone, so that they can be made again when a person gives a verdict. Each
set of decisions is a file named after its hash; what is approved is a hash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.cluster import hub_ids, to_clusters
from include.dedupe.clustering.facts import read_fields
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.deciding.decisions import ACTS, CONDEMN, EXPORT, UNTAG, write_decisions
from include.dedupe.deciding.grace import apply_grace
from include.dedupe.deciding.guards import broken_guards, scope_size
from include.dedupe.deciding.keeper import choose_keepers, unreadable
from include.dedupe.deciding.proof import Band, unproven_bands
from include.dedupe.deciding.settled import is_settled, read_settled
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import CLUSTERS, DECISIONS, FACTS, NAMES, PAIRS
from include.dedupe.verdicts import Standing, Verdict, read_verdicts, standing_verdicts

Mask = npt.NDArray[np.bool_]
LOSING = (*DELETING, CONDEMN)
UNPROVEN = "no sample has proven decisions with scores from"


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
    plan = read_plan(run)
    decisions = current_decisions(run, said)
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
    coverage = measure_coverage(run, plan)
    if coverage.share < 1.0 or plan.scope.is_part:  # absence of a pair proves nothing then
        return decided
    return pd.concat([decided, _stale(facts, clusters, plan)], ignore_index=True)


@dataclass(frozen=True, slots=True)
class SaidSoFar:
    """What people said up to a moment, as decisions rest on it; ``now`` is when the run was planned."""

    verdicts: tuple[Verdict, ...]
    standing: Standing
    settled: pd.DataFrame
    unproven: tuple[Band, ...]
    now: dt.datetime

    def basis(self) -> dict[str, Any]:
        """Return it as ``decide_documents`` takes it."""
        names = ("standing", "now", "settled", "unproven")
        return {name: getattr(self, name) for name in names}


def read_said(run: RunDir, plan: Plan) -> SaidSoFar:
    verdicts = read_verdicts(run.lasting)
    standing = standing_verdicts(verdicts)
    return SaidSoFar(
        verdicts=tuple(verdicts),
        standing=standing,
        settled=read_settled(run.lasting, standing.acknowledged),
        unproven=unproven_bands(verdicts, plan.detector, plan.config),
        now=dt.datetime.fromisoformat(plan.created_at),
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
    """
    rows = _with_facts(clusters, facts)
    fields = read_fields(rows)
    keepers = choose_keepers(rows, fields, config, standing.keepers)
    is_keeper = keepers.row == np.arange(len(rows))
    scores = _scores_with_keeper(pairs, rows["id"], keepers.row)
    for name in ("id", "fingerprint", "is_protected"):
        rows[f"keeper_{name}"] = rows[name].take(keepers.row).array
    rows["rule"] = keepers.rule
    rows["score"] = np.nan_to_num(scores)
    rows["duplicates"] = _classes(scores, is_keeper, config.scan.exact_threshold)
    decision, reason = _by_policy(rows, config)
    apply_grace(rows, fields, decision, reason, config=config, now=now)
    _require_proof(rows, decision, reason, unproven, config.guards.max_error_rate)
    lost = unreadable(fields, config).take(keepers.row)
    decision[lost], reason[lost] = "review", "its keeper's picture cannot be read"
    _apply_rules(rows, is_keeper, decision, reason, config=config, standing=standing)
    if settled is not None and len(settled):
        pictures = pd.Series([str(document.get(config.fields.image, "")) for document in fields])
        pictured = rows.assign(image=pictures, keeper_image=pictures.take(keepers.row).array)
        done = is_settled(pictured, settled) & (decision == EXPORT)
        decision[done], reason[done] = "keep", "exported before, and acknowledged"
    stale = _are_tagged(fields, config) & (decision == "keep") & ~rows["is_protected"].to_numpy(bool)
    decision[stale], reason[stale] = UNTAG, "it is tagged as a duplicate and is none"
    rows["decision"], rows["reason"] = decision, reason
    decisions: pd.DataFrame = rows[DECISIONS.names]
    return decisions


def _with_facts(clusters: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    place = _places(clusters["id"], facts["id"])
    names = [name for name in FACTS.names if name != "id"]
    return clusters.assign(**{name: facts[name].take(place).array for name in names})


def _places(names: pd.Series[str], among: pd.Series[str]) -> npt.NDArray[np.int64]:
    """Return where each name stands in a column that holds all of them, each once."""
    wanted, known = (pa.array(column, type=pa.large_string()) for column in (names, among))
    whole = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    places: npt.NDArray[np.int64] = pc.index_in(wanted, value_set=whole).to_numpy().astype(np.int64)
    return places


def _scores_with_keeper(
    pairs: pd.DataFrame, ids: pd.Series[str], keeper: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the score of each document's pair with its keeper; NaN where they are no pair."""
    a, b = (_places(pairs[name], ids) for name in ("id_a", "id_b"))
    scores, found = pairs["score"].to_numpy(np.float64), np.full(len(ids), np.nan)
    for one, other in ((a, b), (b, a)):
        direct = keeper[one] == other
        found[one[direct]] = scores[direct]
    return found


def _classes(scores: npt.NDArray[Any], is_keeper: Mask, exact: float) -> npt.NDArray[Any]:
    pairless = np.where(np.isnan(scores), "chained", "near")
    named = np.where(scores >= exact, "exact", pairless).astype(object)
    named[is_keeper] = "keeper"
    return named


def _by_policy(rows: pd.DataFrame, config: CollectionConfig) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    policies = config.policies
    assert policies is not None, "decisions need policies"  # noqa: S101
    exact = (rows["duplicates"] == "exact").to_numpy(bool)
    decision = np.where(exact, policies.exact.do, policies.near.do).astype(object)
    reason = np.where(exact, "policy for exact duplicates", "policy for near duplicates").astype(object)
    return decision, reason


def _require_proof(
    rows: pd.DataFrame,
    decision: npt.NDArray[Any],
    reason: npt.NDArray[Any],
    unproven: Collection[Band],
    rate: float | None,
) -> None:
    """Send to a person what would be deleted in a score band of which no sample has proven enough."""
    loses, scores = np.isin(decision.astype(str), LOSING), rows["score"].to_numpy(np.float64)
    for band in unproven:
        refused = loses & band.holds(scores)
        decision[refused] = "review"
        reason[refused] = f"{UNPROVEN} {band.label} to be wrong in less than {rate:g} of all cases"


def _apply_rules(
    rows: pd.DataFrame,
    is_keeper: Mask,
    decision: npt.NDArray[Any],
    reason: npt.NDArray[Any],
    *,
    config: CollectionConfig,
    standing: Standing,
) -> None:
    """What holds whatever the policies say; the last that applies is the strongest."""
    loses = np.isin(decision.astype(str), LOSING)
    weak = loses & (rows["score"].to_numpy(np.float64) < config.guards.delete_threshold)
    absorbing = (decision == "merge") & rows["keeper_is_protected"].to_numpy(bool) & _merges(rows, config)
    rules: list[tuple[Mask, str, str]] = [
        (absorbing, "review", "its keeper is protected and takes in no fields"),
        (weak, "review", f"its score is below delete_threshold {config.guards.delete_threshold}"),
        ((rows["duplicates"] == "chained").to_numpy(bool), "review", "no pair with the keeper"),
        (rows["hub"].to_numpy(bool), "review", "a document of the cluster has more hits than were read"),
        ((rows["size"] > config.cluster.max_size).to_numpy(bool), "review", "the cluster is too large"),
        (_named(rows, standing.rejected), "keep", "a person rejected the decision"),
        (rows["is_protected"].to_numpy(bool), "keep", "protected"),
        (_named(rows, standing.keepers), "keep", "a person keeps it"),
        (is_keeper, "keep", "keeper"),
    ]
    for applies, what, why in rules:
        decision[applies], reason[applies] = what, why


def _merges(rows: pd.DataFrame, config: CollectionConfig) -> Mask:
    """Rows whose class has fields to merge."""
    assert config.policies is not None, "decisions need policies"  # noqa: S101
    names = [name for name in ("exact", "near") if config.policies.by_class(name).merge_fields]
    return rows["duplicates"].isin(names).to_numpy(bool)


def _named(rows: pd.DataFrame, ids: frozenset[str]) -> Mask:
    """Rows whose document or whose whole cluster is among ``ids``."""
    return (rows["id"].isin(ids) | rows["cluster_id"].isin(ids)).to_numpy(bool)


def _are_tagged(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> Mask:
    role, link = config.tags.role, config.tags.link
    tagged = (bool(one.get(role) or one.get(link)) for one in fields)
    return np.fromiter(tagged, dtype=bool, count=len(fields))


def _stale(facts: pd.DataFrame, clusters: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return decisions for documents that are tagged and in no cluster any more."""
    alone = facts[~facts["id"].isin(clusters["id"]) & ~facts["is_protected"]]
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

"""Decide: what policy says of each document of each cluster, and why.

Decisions are made from artifacts alone, so that they can be made again when a person gives a verdict. Each
set of decisions is a file named after its hash; what is approved is a hash.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.cluster import hub_ids, to_clusters
from include.dedupe.config import CollectionConfig
from include.dedupe.coverage import measure_coverage
from include.dedupe.errors import ApprovalError
from include.dedupe.facts import read_fields
from include.dedupe.guards import broken_guards
from include.dedupe.keeper import choose_keepers
from include.dedupe.pair_rules import allowed_pairs
from include.dedupe.plan import Plan, read_plan
from include.dedupe.policy_settings import WRITING, TagFields
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import CLUSTERS, DECISIONS, FACTS, NAMES, PAIRS, from_parquet, to_parquet
from include.dedupe.verdicts import Standing, read_verdicts, standing_verdicts

UNTAG, CONDEMN = "untag", "condemn"
ACTS = frozenset({*WRITING, UNTAG, CONDEMN})
"""Decisions that write to the collection."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DecideStats:
    """``counts``: documents by decision. ``problems``: the guards that these decisions would break."""

    hash: str
    counts: dict[str, int]
    problems: list[str]

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


def decide_again(run: RunDir) -> DecideStats:
    """Decide with the verdicts of this moment and write the decisions under their hash."""
    plan = read_plan(run)
    decisions = current_decisions(run)
    digest = decisions_hash(run.run_id, decisions)
    run.storage.write(_file(digest), to_parquet(decisions, DECISIONS))
    problems = broken_guards(decisions, plan.documents, measure_coverage(run, plan), plan.config.guards)
    return DecideStats(
        digest, {str(k): int(v) for k, v in decisions["decision"].value_counts().items()}, problems
    )


def current_decisions(run: RunDir) -> pd.DataFrame:
    """Return the decisions (columns of DECISIONS) that follow from the verdicts of this moment."""
    plan = read_plan(run)
    standing = standing_verdicts(read_verdicts(run.lasting))
    facts = run.read_table("facts", "facts", FACTS)
    clusters = run.read_table("clusters", "clusters", CLUSTERS)
    known = run.read_table("clusters", "pairs", PAIRS)
    pairs = allowed_pairs(known, None, plan.config, standing.not_duplicates)
    if len(pairs) < len(known):
        exact = plan.config.scan.exact_threshold
        clusters = to_clusters(pairs, exact, clusters[NAMES.names], hub_ids(run)).members
    now = dt.datetime.fromisoformat(plan.created_at)
    decided = decide_documents(clusters, pairs, facts, config=plan.config, standing=standing, now=now)
    coverage = measure_coverage(run, plan)
    if coverage.share < 1.0 or plan.scope.is_part:  # absence of a pair proves nothing then
        return decided
    return pd.concat([decided, _stale(facts, clusters, plan)], ignore_index=True)


def decide_documents(
    clusters: pd.DataFrame,
    pairs: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    config: CollectionConfig,
    standing: Standing,
    now: dt.datetime,
) -> pd.DataFrame:
    """Return one row for each document of each cluster (columns of DECISIONS), sorted like ``clusters``.

    Args:
        clusters: columns of CLUSTERS.
        pairs: columns of PAIRS, all of them in ``clusters``.
        facts: columns of FACTS, of all documents in ``clusters``.
        config: settings, with policies.
        standing: what people said.
        now: the moment that grace periods are measured at.
    """
    assert config.policies is not None, "decisions need policies"  # noqa: S101
    rows = clusters.merge(facts, on="id", validate="one_to_one")
    fields = read_fields(rows)
    keepers = choose_keepers(rows, fields, config, standing.keepers)
    rows = rows.merge(keepers, on="cluster_id", validate="many_to_one")
    scores = rows["id"].map(_scores_with_keeper(pairs, rows)).to_numpy(np.float64)
    rows["score"] = np.nan_to_num(scores)
    is_keeper = (rows["id"] == rows["keeper_id"]).to_numpy(bool)
    kept_print = rows.loc[is_keeper].set_index("cluster_id")["fingerprint"]
    rows["keeper_fingerprint"] = rows["cluster_id"].map(kept_print)
    rows["duplicates"] = _classes(scores, is_keeper, config.scan.exact_threshold)
    decision, reason = _by_policy(rows, config)
    _apply_grace(rows, fields, decision, reason, config=config, now=now)
    _apply_rules(rows, is_keeper, decision, reason, config=config, standing=standing)
    tagged = np.array([_is_tagged(document, config) for document in fields], dtype=bool)
    stale = tagged & (decision == "keep") & ~rows["is_protected"].to_numpy(bool)
    decision[stale], reason[stale] = UNTAG, "it is tagged as a duplicate and is none"
    rows["decision"], rows["reason"] = decision, reason
    decisions: pd.DataFrame = rows[DECISIONS.names]
    return decisions


def decisions_hash(run_id: str, decisions: pd.DataFrame) -> str:
    """Return what an approval is bound to: it changes with any document, keeper, decision or fingerprint."""
    names = ("id", "decision", "keeper_id", "cluster_id", "fingerprint", "keeper_fingerprint")
    acting = decisions[decisions["decision"].isin(ACTS)]
    scores = acting["score"].map(repr)
    lines = sorted("\x1f".join(row) for row in zip(*(acting[name] for name in names), scores, strict=True))
    return hashlib.sha256("\x1e".join([run_id, *lines]).encode()).hexdigest()[:16]


def read_decisions(run: RunDir, digest: str) -> pd.DataFrame:
    """Return the decisions of that hash.

    Raises:
        ApprovalError: this run never made such decisions, or their file is not what was decided.
    """
    if not digest.isalnum() or not run.storage.exists(_file(digest)):
        raise ApprovalError(f"{run.address} has no decisions {digest!r}; approve the hash of the question.")
    decisions = from_parquet(run.storage.read(_file(digest)), DECISIONS, run.storage.path(_file(digest)))
    if decisions_hash(run.run_id, decisions) != digest:
        raise ApprovalError(
            f"{run.storage.path(_file(digest))} was changed after it was decided; start a new run."
        )
    return decisions


def still_standing(approved: pd.DataFrame, newest: pd.DataFrame) -> pd.DataFrame:
    """Return the acting rows of ``approved`` that ``newest`` says, too: same document, decision, keeper."""
    keys = ["id", "decision", "keeper_id"]
    acting = approved[approved["decision"].isin(ACTS)]
    both = acting.merge(newest[keys], on=keys, how="inner", validate="one_to_one")
    standing: pd.DataFrame = both[DECISIONS.names]
    return standing


def _file(digest: str) -> str:
    return f"decide/decisions-{digest}.parquet"


def _scores_with_keeper(pairs: pd.DataFrame, rows: pd.DataFrame) -> pd.Series[float]:
    keeper_of = rows.set_index("id")["keeper_id"]
    of_a, of_b = pairs["id_a"].map(keeper_of), pairs["id_b"].map(keeper_of)
    from_a = pairs.loc[(of_a == pairs["id_b"]).to_numpy(bool)].set_index("id_a")["score"]
    from_b = pairs.loc[(of_b == pairs["id_a"]).to_numpy(bool)].set_index("id_b")["score"]
    scores: pd.Series[float] = pd.concat([from_a, from_b])
    return scores


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


def _apply_grace(
    rows: pd.DataFrame,
    fields: list[dict[str, Any]],
    decision: npt.NDArray[Any],
    reason: npt.NDArray[Any],
    *,
    config: CollectionConfig,
    now: dt.datetime,
) -> None:
    """Delete what was condemned long enough ago by the same keeper and is unchanged; condemn the others."""
    assert config.policies is not None, "decisions need policies"  # noqa: S101
    if not (config.policies.exact.after_days or config.policies.near.after_days):
        return
    columns = zip(rows["duplicates"], rows["keeper_id"], rows["fingerprint"], strict=True)
    for position, (duplicates, keeper_id, fingerprint) in enumerate(columns):
        policy = config.policies.by_class(duplicates)
        if decision[position] != "delete" or not policy.after_days:
            continue
        due = now - dt.timedelta(days=policy.after_days)
        since = condemned_since(fields[position], keeper_id, fingerprint, config.tags)
        if since is not None and since <= due:
            reason[position] = f"condemned since {since.isoformat(timespec='seconds')}"
        else:
            decision[position] = CONDEMN
            reason[position] = f"to be deleted {policy.after_days} days after it was condemned"


def condemned_since(
    document: Mapping[str, Any], keeper_id: str, fingerprint: str, tags: TagFields
) -> dt.datetime | None:
    """Return since when a document is condemned in favour of this keeper, as it is now; None if it is not."""
    holds = (document.get(tags.role), document.get(tags.of), document.get(tags.fingerprint)) == (
        "condemned",
        keeper_id,
        fingerprint,
    )
    if not holds or not document.get(tags.since):
        return None
    return dt.datetime.fromisoformat(str(document[tags.since]).replace("Z", "+00:00"))


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
    loses = np.isin(decision.astype(str), ("delete", "merge", CONDEMN))
    weak = loses & (rows["score"].to_numpy(np.float64) < config.guards.delete_threshold)
    rules: list[tuple[Mask, str, str]] = [
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


def _named(rows: pd.DataFrame, ids: frozenset[str]) -> Mask:
    """Rows whose document or whose whole cluster is among ``ids``."""
    return (rows["id"].isin(ids) | rows["cluster_id"].isin(ids)).to_numpy(bool)


def _is_tagged(document: Mapping[str, Any], config: CollectionConfig) -> bool:
    return bool(document.get(config.tags.role) or document.get(config.tags.link))


def _stale(facts: pd.DataFrame, clusters: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return decisions for documents that are tagged and in no cluster any more."""
    alone = facts[~facts["id"].isin(clusters["id"]) & ~facts["is_protected"]]
    is_tagged = [_is_tagged(one, plan.config) for one in read_fields(alone)]
    tagged = alone[np.array(is_tagged, dtype=bool)]
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

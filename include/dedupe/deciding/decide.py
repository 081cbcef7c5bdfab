"""Decide: what policy says of each document of each cluster, and why.

Decisions are made from artifacts alone, so that they can be made again when a person gives a verdict. Each
set of decisions is a file named after its hash; what is approved is a hash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from include.dedupe.clustering.cluster import hub_ids, to_clusters
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.deciding.compare import UNPROVEN
from include.dedupe.deciding.decisions import ACTS
from include.dedupe.deciding.documents import decide_documents, decide_pieces, stale_among
from include.dedupe.deciding.guards import guards_broken_by, scope_size
from include.dedupe.deciding.proof import Band, unproven_bands
from include.dedupe.deciding.refused import Refusals, read_refusals
from include.dedupe.deciding.run_pieces import RunPieces
from include.dedupe.deciding.settled import read_settled
from include.dedupe.deciding.writing import DecisionsFile
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import CLUSTERS, DECISIONS, FACTS, NAMES, PAIRS, empty
from include.dedupe.verdicts import Standing, Verdict, read_verdicts, standing_verdicts


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
    """Decide with the verdicts of this moment, or ``said``, and write the decisions under their hash.

    They are written as they are made, unless verdicts make other clusters than the run has.
    """
    plan = read_plan(run)
    said = said or read_said(run, plan)
    with TemporaryDirectory() as name:
        for part in (laid := Path(name) / "pieces", written := Path(name) / "written"):
            part.mkdir()
        pieces = RunPieces.of(run, plan.config, said.standing, laid)
        if pieces is None:
            decided: Iterable[pd.DataFrame] = [current_decisions(run, said)]
        else:
            decided = _with_stale(run, plan, pieces, said)
        return _record(run, plan, decided, written)


def record_decisions(run: RunDir, plan: Plan, decisions: pd.DataFrame) -> DecideStats:
    """Write decisions (columns of DECISIONS) under their hash and return what they come to."""
    with TemporaryDirectory() as folder:
        return _record(run, plan, [decisions], Path(folder))


def _record(run: RunDir, plan: Plan, decided: Iterable[pd.DataFrame], folder: Path) -> DecideStats:
    file, held = DecisionsFile(folder), 0
    for decisions in decided:
        file.append(decisions)
        held += int(is_held(decisions).sum())
    digest, counts = file.keep(run), dict(file.counts.most_common())
    deleted = sum(counts.get(name, 0) for name in DELETING)
    coverage = measure_coverage(run, plan)
    problems = guards_broken_by(deleted, scope_size(run, plan), coverage, plan.config.guards)
    return DecideStats(digest, counts, problems, held)


def _with_stale(run: RunDir, plan: Plan, pieces: RunPieces, said: SaidSoFar) -> Iterator[pd.DataFrame]:
    yield from decide_pieces(pieces, config=plan.config, **said.basis())
    if _tells_stale(run, plan):
        stale = [stale_among(facts.to_pandas(), plan.config) for facts in pieces.alone]
        yield pd.concat([empty(DECISIONS), *stale], ignore_index=True)


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
    if not _tells_stale(run, plan):
        return decided
    alone = facts[~facts["id"].isin(decided["id"]) & ~facts["is_protected"]]
    return pd.concat([decided, stale_among(alone, plan.config)], ignore_index=True)


def _tells_stale(run: RunDir, plan: Plan) -> bool:
    """Whether the absence of a pair proves that documents are no duplicates any more."""
    return measure_coverage(run, plan).share >= 1.0 and not plan.scope.is_part


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

"""Known hubs: documents of which only the best hits were ever read, kept beside the runs as pairs are.

What a hub has to do with is known in part only, also to later runs that take its pairs from earlier ones. It
stays a hub until a later run has searched for it and has read all of its hits.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from include.dedupe.parquet import from_parquet, to_parquet
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import scanned_partitions
from include.dedupe.tables import FAILURES, HUBS, KNOWN_HUBS, LISTED, empty

FOLDER = "hubs"


def settle_hubs(
    run: RunDir, attempt: Attempt, plan: Plan, again: pd.DataFrame, searched: Collection[str]
) -> pd.DataFrame:
    """Keep what this run learned of hubs beside the runs, and return all that count (columns of HUBS).

    Args:
        run: the run.
        attempt: this execution.
        plan: its plan.
        again: hubs (columns of HUBS) among the documents that were searched for again after the scans.
        searched: those documents.
    """
    own = pd.concat([*(run.read_table(name, "hubs", HUBS) for name in scanned_partitions(run, plan)), again])
    own = own.drop_duplicates("id", keep="last")
    name = f"{plan.created_at.replace(':', '-')}--{run.folder}-g{attempt.generation}.parquet"
    before = _standing(run, plan, but=name)
    freed = before[before["id"].isin(_searched(run, plan, searched, before)) & ~before["id"].isin(own["id"])]
    said = pd.concat([own, freed.assign(hits=0)], ignore_index=True).assign(detector=plan.detector)
    if len(said):
        run.lasting.create(f"{FOLDER}/{name}", to_parquet(said, KNOWN_HUBS))
    left = before[~before["id"].isin(said["id"])]
    hubs: pd.DataFrame = pd.concat([own, left], ignore_index=True)[HUBS.names]
    return hubs.sort_values("id", ignore_index=True)


def _standing(run: RunDir, plan: Plan, but: str) -> pd.DataFrame:
    """Return the hubs (columns of HUBS) by what other runs with this detector have said last of each."""
    paths = [f"{FOLDER}/{name}" for name in run.lasting.names(FOLDER) if name != but]
    tables = [from_parquet(run.lasting.read(path), KNOWN_HUBS, run.lasting.path(path)) for path in paths]
    said = pd.concat([empty(KNOWN_HUBS), *tables], ignore_index=True)
    last = said[said["detector"] == plan.detector].drop_duplicates("id", keep="last")
    hubs: pd.DataFrame = last[last["hits"] > 0][HUBS.names]
    return hubs


def _searched(run: RunDir, plan: Plan, again: Collection[str], before: pd.DataFrame) -> set[str]:
    """Return the documents of which this run has had an answer; none are looked up where no hub is known."""
    found: set[str] = set(again)
    for name in scanned_partitions(run, plan) if len(before) else ():
        failed = set(run.read_table(name, "failures", FAILURES)["query_id"])
        found |= set(run.read_table(name, "listed", LISTED)["id"]) - failed
    return found

"""Renewing: all decisions of a run as they are now, without deciding anew what nobody has spoken of."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from include.dedupe.deciding.decide import DecideStats, record_decisions, with_stale
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.reviewing.kept import RECKONED, read_reckoned, write_kept
from include.dedupe.reviewing.state import State, reckoned
from include.dedupe.tables import FACTS


def renewed_decisions(
    state: State, known: Mapping[str, pd.DataFrame] | None = None
) -> tuple[DecideStats, pd.DataFrame]:
    """Return what all decisions of now come to, and the decisions (columns of DECISIONS), under their hash.

    They are those that deciding everything anew would make, in the same order: clusters of which something
    was said since are decided, all others are as they were kept.

    ``known``: decisions of the run that were read already, by their hash.
    """
    assert state.stats is not None, "a run that decides has policies"  # noqa: S101
    stats, known = state.stats, known or {}
    decisions = known[stats.hash] if stats.hash in known else read_decisions(state.run, stats.hash)
    if not state.is_exact:
        decisions = _with_renewed(state, decisions)
        stats = record_decisions(state.run, state.plan, decisions)
    now = reckoned(state.kept, state.clusters, stats)
    if read_reckoned(state.run) != now:
        write_kept(state.run, now, RECKONED)
    return stats, decisions


def _with_renewed(state: State, kept: pd.DataFrame) -> pd.DataFrame:
    run = state.run
    facts = state.layout.read_members(run).read(state.fresh, FACTS.names)
    renewed = with_stale(run, state.plan, state.decided, facts)
    both = pd.concat([kept[~kept["id"].isin(facts["id"])], renewed], ignore_index=True)
    is_alone = both["cluster_id"] == ""
    parts = [both[~is_alone].sort_values(["cluster_id", "id"]), both[is_alone].sort_values("id")]
    return pd.concat(parts, ignore_index=True)

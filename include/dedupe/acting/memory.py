"""Memory: what a person takes back is no duplicate, so that the next run does not do it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from include.dedupe.acting.archive import Entry
from include.dedupe.storage import Storage
from include.dedupe.verdicts import RESTORED_FROM, give_verdict, read_verdicts, standing_verdicts


def clusters_of(entries: Iterable[Entry]) -> dict[tuple[str, str], set[str]]:
    """Return the documents of each cluster of each run, the keepers included."""
    clusters: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in entries:
        if entry.keeper_id:
            clusters[entry.run_id, entry.cluster_id] |= {entry.id, entry.keeper_id}
    return clusters


@dataclass(slots=True)
class Memory:
    """Remembers of what a person takes back that no two documents of a cluster are duplicates."""

    lasting: Storage
    by: str
    clusters: dict[tuple[str, str], set[str]]

    def keep(self, entries: Iterable[Entry]) -> None:
        """Say it once for each cluster, unless it was said before."""
        names = dict.fromkeys((entry.run_id, entry.cluster_id) for entry in entries)
        wanted = [(run_id, self.clusters.pop((run_id, name), set())) for run_id, name in names]
        known = standing_verdicts(read_verdicts(self.lasting)).not_duplicates
        for run_id, ids in wanted:
            ordered = sorted(ids, key=str.encode)
            if not known.holds(ordered):
                why = f"{RESTORED_FROM}{run_id}"
                give_verdict(self.lasting, "not_duplicate", tuple(ordered), self.by, why, restored=run_id)

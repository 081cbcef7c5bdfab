"""Wanted: which of the archived actions a person wants taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from include.dedupe.acting.archive import Entry, archived_runs
from include.dedupe.errors import DedupeError
from include.dedupe.nearest import tell_unknown
from include.dedupe.rundir import folder_name
from include.dedupe.storage import Storage


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken back: everything that fits all that is given. A run goes by its id or its folder.

    A keeper's merged fields fit where all documents that were merged into it are named, or itself.
    """

    runs: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def fits(self, entry: Entry) -> bool:
        at, ids = dt.datetime.fromisoformat(entry.at), set(self.ids)
        all_partners = bool(entry.partners) and ids.issuperset(entry.partners)
        return (
            (not self.runs or folder_name(entry.run_id) in map(folder_name, self.runs))
            and (not ids or entry.id in ids or all_partners)
            and (not self.clusters or entry.cluster_id in self.clusters)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )

    def require_known(self, archived: Sequence[Entry], lasting: Storage) -> None:
        """Raise ``DedupeError`` for a run that never was, a document or a cluster that was never changed."""
        runs = {*lasting.folders("runs"), *archived_runs(lasting)}
        known = {
            "runs": {run_id for run_id in self.runs if folder_name(run_id) in runs},
            "ids": {name for entry in archived for name in (entry.id, *entry.partners)},
            "clusters": {entry.cluster_id for entry in archived},
        }
        for kind, names in known.items():
            if unknown := sorted(set(getattr(self, kind)) - names):
                told = tell_unknown(unknown, runs if kind == "runs" else names)
                raise DedupeError(
                    f"Nothing was ever done with the {kind} {told}; the archive in {lasting.root} knows the "
                    f"runs {', '.join(archived_runs(lasting)[-5:]) or '(none)'}."
                )

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.ids or self.clusters or self.since or self.until)

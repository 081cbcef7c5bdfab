"""Work: what all parts of indexing share, and the words for what became of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.dedupe.acting.archive import Entry
from include.dedupe.acting.lease import Lease
from include.dedupe.acting.seeing import see
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document
from include.dedupe.gating.buried import Buried
from include.dedupe.gating.decide import Row, row_of
from include.dedupe.gating.incoming import Incoming
from include.dedupe.gating.judge import Judgement
from include.dedupe.gating.matches import Search
from include.dedupe.gating.picture import Analysis
from include.dedupe.gating.take import GatePlan
from include.dedupe.rundir import RunDir

DONE = {
    "index": "indexed",
    "link": "linked",
    "overwrite": "overwritten",
    "reject": "rejected",
    "ask": "held",
    "present": "present",
}
"""What became of a document, by the decision about it."""
STAYING = ("index", "link")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A new document with its analysis; ``mark`` is the value of the pending field that it gets."""

    incoming: Incoming
    analysis: Analysis
    mark: str

    @property
    def id(self) -> str:
        return self.incoming.id

    @property
    def number(self) -> int:
        return self.incoming.number


@dataclass(slots=True)
class GateWork:
    """One execution of indexing.

    ``buried`` is None where a person has decided. ``earlier`` are the archive entries of this run's earlier
    tries, by the id of the new document. ``links``: documents that a person links to what they look like,
    with the ids of what the person saw.
    """

    writer: FlowWriter
    run: RunDir
    plan: GatePlan
    search: Search
    lease: Lease
    buried: Buried | None
    earlier: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def document(self, one: Candidate, **more: Any) -> dict[str, Any]:
        """Return the document of a candidate as it is to be written."""
        return {**one.incoming.document(self.plan.config), **more}

    def pending(self, document: Mapping[str, Any]) -> str:
        """Return the mark of a document that is pending, empty for any other."""
        return str(document.get(self.plan.gate.pending_field) or "")

    def refusal(self, error: Exception) -> str:
        """Return what an error of Flow says of one document alone.

        Raises:
            Exception: the error, where it says something of Flow: a retry of the whole may help.
        """
        if getattr(error, "retryable", False) or isinstance(error, self.writer.reader.denial):
            raise error
        return str(error)

    async def see(
        self, ids: Sequence[str], is_so: Callable[[Mapping[str, Document]], bool]
    ) -> dict[str, Document]:
        """Commit, and return the documents as soon as they are as expected, or as they are after a while."""
        return await see(self.writer, ids, is_so)


def done_row(one: Candidate, judgement: Judgement) -> Row:
    """Return the row of a document of which the judgement was carried out."""
    return row_of(one.incoming, judgement, DONE[judgement.decision])

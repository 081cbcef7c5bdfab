"""What searching for the duplicates of some documents has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from include.dedupe.tables import DOCUMENTS, EDGES, FAILURES, HUBS, LISTED

TABLES: dict[str, pa.Schema] = {
    "edges": EDGES,
    "documents": DOCUMENTS,
    "failures": FAILURES,
    "hubs": HUBS,
    "listed": LISTED,
}


@dataclass(slots=True)
class Found:
    """Rows of each table, in any order; ``listed`` are the ids of all documents that were to be searched for.

    ``vanished`` are those among them that were deleted before their turn came, ``unsearchable`` those
    that the server has no picture of.
    """

    listed: list[str] = field(default_factory=list)
    edges: list[tuple[str, str, float]] = field(default_factory=list)
    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    failures: list[tuple[str, str, bool]] = field(default_factory=list)
    hubs: list[tuple[str, int]] = field(default_factory=list)
    vanished: set[str] = field(default_factory=set)
    unsearchable: set[str] = field(default_factory=set)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the rows as tables, sorted, so that the same findings always give the same files."""
        documents = sorted((name, *columns) for name, columns in self.documents.items())
        return {
            "edges": _frame(sorted(self.edges), EDGES),
            "documents": _frame(documents, DOCUMENTS),
            "failures": _frame(sorted(self.failures), FAILURES),
            "hubs": _frame(sorted(self.hubs), HUBS),
            "listed": _frame([(name,) for name in sorted(self.listed)], LISTED),
        }


@dataclass(frozen=True, slots=True)
class FoundPage:
    """What one page of a partition holds, the cursor behind it, and how many documents the partition has."""

    found: Found
    cursor: str | None
    num_found: int


def _frame(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=schema.names)

"""Known state: the documents of known pairs as they are now, and which pairs still hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from include.dedupe.clustering.known_rows import KnownRows
from include.dedupe.clustering.ordering import Codes, Flags, Places
from include.dedupe.clustering.prints import UNKNOWN, Prints, to_numbers
from include.dedupe.flow import FlowReader
from include.dedupe.parquet import rows_of_parquet, to_parquet
from include.dedupe.planning.plan import Plan
from include.dedupe.scanning.search import document_fields, fingerprint
from include.dedupe.tables import DOCUMENTS

AT_ONCE = 100_000
"""Documents that are asked for, and held as Flow tells them, at once."""


@dataclass(frozen=True, slots=True)
class State:
    """Documents by their position among the ids of pairs.

    ``scanned`` and ``found`` tell which are in the scope, and in the one that is searched; ``files`` hold
    what exists of AT_ONCE documents each, as rows of DOCUMENTS in order.
    """

    prints: Prints
    exists: Flags
    scanned: Flags
    found: Flags
    files: list[Path]

    def holds(self, rows: KnownRows) -> Flags:
        """Tell which pairs hold: both documents exist and have the fingerprints that it was found with."""
        return self._is_same(rows.pairs.low, rows.low_print) & self._is_same(rows.pairs.high, rows.high_print)

    def changed(self, rows: KnownRows) -> Places:
        """Return the documents that have changed since they were last seen in a pair."""
        changed, seen_anew = np.zeros((2, len(self.prints)), bool)
        for part in rows.spans():
            for side, prints in ((part.pairs.low, part.low_print), (part.pairs.high, part.high_print)):
                same = self._is_same(side, prints)
                changed[side[self.exists[side] & ~same]] = True
                seen_anew[side[same]] = True
        return np.flatnonzero(changed & ~seen_anew)

    def counts(self, rows: KnownRows) -> Flags:
        """Tell which pairs the scopes let count: one document may be scanned, the other one found."""
        low, high = rows.pairs.low, rows.pairs.high
        counts: Flags = self.scanned[low] & self.found[high] | self.scanned[high] & self.found[low]
        return counts

    def documents(self, chosen: Flags) -> Iterator[pa.Table]:
        """Yield the chosen documents, those that exist, as rows of DOCUMENTS in order."""
        for number, file in enumerate(self.files):
            span = slice(number * AT_ONCE, (number + 1) * AT_ONCE)
            documents = rows_of_parquet(file.read_bytes(), DOCUMENTS, file.name)
            yield documents.filter(pa.array(chosen[span][self.exists[span]]))

    def _is_same(self, side: Codes, prints: Prints) -> Flags:
        same: Flags = self.exists[side] & (self.prints[side] == prints) & (prints != UNKNOWN)
        return same


async def read_state(flow: FlowReader, plan: Plan, ids: pa.Array, folder: Path) -> State:
    """Return how documents are now; ``ids`` are in order, ``folder``: an empty one, with space for them."""
    folder.mkdir(parents=True, exist_ok=True)
    exists, scanned, found = np.zeros((3, len(ids)), bool)
    state = State(np.full(len(ids), UNKNOWN, np.uint64), exists, scanned, found, [])
    for number, first in enumerate(range(0, len(ids), AT_ONCE)):
        part: list[str] = ids[first : first + AT_ONCE].to_pylist()
        place = {name: first + at for at, name in enumerate(part)}
        documents = await _documents(flow, plan, place)
        there = [place[name] for name in documents["id"].to_pylist()]
        exists[there], state.prints[there] = True, to_numbers(documents["fingerprint"])
        for inside, fq in ((scanned, plan.config.scope), (found, plan.search_fq)):
            inside[await _inside(flow, place, fq) if fq else there] = True
        state.files.append(folder / f"{number}.documents")
        state.files[-1].write_bytes(to_parquet(documents, DOCUMENTS))
    return state


async def _documents(flow: FlowReader, plan: Plan, place: Mapping[str, int]) -> pa.Table:
    image = plan.config.fields.image
    there = {
        document["id"]: (str(document.get(image, "")), fingerprint(document, image))
        for document in await flow.existing(list(place), document_fields(plan))
        if document["id"] in place
    }
    rows = pd.DataFrame([(name, *there[name]) for name in sorted(there)], columns=DOCUMENTS.names)
    return pa.Table.from_pandas(rows, schema=DOCUMENTS, preserve_index=False)


async def _inside(flow: FlowReader, place: Mapping[str, int], fq: Sequence[str]) -> list[int]:
    found = await flow.existing(list(place), fq=fq)
    return [place[document["id"]] for document in found if document["id"] in place]

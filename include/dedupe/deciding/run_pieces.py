"""Pieces of a run: its clusters some at a time, with their pairs and facts, and no table is held as a whole.

All three tables are gone through once: ids become numbers, pairs are held as numbers, and facts are laid down
by pieces. Then the clusters are read again, and each piece takes its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.clustering.ordering import Codes, Flags, in_order
from include.dedupe.clustering.pair_rules import PairRules
from include.dedupe.deciding import pieces
from include.dedupe.deciding.pieces import Piece
from include.dedupe.errors import ArtifactError
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import CLUSTERS, FACTS, PAIRS
from include.dedupe.verdicts import Standing

_ROW = pa.field("row", pa.int32())
_LAID = pa.schema([_ROW, *(one for one in FACTS if one.name != "id")])


class _Pairs(NamedTuple):
    """By the rows of their documents in the table of clusters, piece by piece; where each piece ends."""

    one: Codes
    other: Codes
    scores: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64]


class RunPieces:
    """The pieces of a run.

    ``alone``: facts (columns of FACTS) of documents that are in no cluster and not protected.
    """

    def __init__(self, run: RunDir, folder: Path) -> None:
        """``folder``: an empty one, with space for all ids and facts."""
        self._run, self._folder = run, folder
        self._laid: list[Path] = []
        self.alone: list[pa.Table] = []

    @classmethod
    def of(cls, run: RunDir, config: CollectionConfig, standing: Standing, folder: Path) -> Self | None:
        """Return the pieces; None where verdicts leave out pairs, so that the clusters are others now."""
        found = cls(run, folder)
        rules = PairRules.of(run.read_parts("clusters", "pairs", PAIRS), None, config, standing)
        numbering, pairs = Numbering(folder), []
        for rows in run.read_rows("clusters", "pairs", PAIRS):
            if not rules.allow(rows.to_pandas()).all():
                return None
            coded = CodedPairs.of_pairs(rows)
            numbering.add(coded.ids)
            pairs.append((coded.low, coded.high, coded.scores))
        found._read(numbering, pairs)
        return found

    def __iter__(self) -> Iterator[Piece]:
        """Yield all clusters in order, as ``pieces_of`` does."""
        parts = self._run.read_rows("clusters", "clusters", CLUSTERS)
        waiting = CLUSTERS.empty_table()
        for number, begin in enumerate(self._begins):
            end = self._begins[number + 1] if number + 1 < len(self._begins) else self._documents
            while len(waiting) < end - begin:
                waiting = pa.concat_tables([waiting, next(parts)])
            rows, waiting = waiting[: end - begin].to_pandas(), waiting[end - begin :]
            facts = self._facts_of(number, begin, end)
            own = slice(*self._pairs.ends[number : number + 2])
            one, other = (side[own].astype(np.int64) - begin for side in self._pairs[:2])
            yield Piece(rows.assign(**facts), one, other, self._pairs.scores[own])

    def _read(self, numbering: Numbering, pairs: list[tuple[Any, ...]]) -> None:
        clusters, is_first = self._number_clusters(numbering)
        facts = [_number(rows, numbering) for rows in self._run.read_groups("facts", "facts", FACTS)]
        row_of = np.full(len(numbering.finish()), -1, np.int32)
        self._documents = 0
        for part, codes in enumerate(clusters, len(pairs)):
            rows_here = np.arange(self._documents, self._documents + len(codes), dtype=np.int32)
            row_of[numbering.places(part)[codes]] = rows_here
            self._documents += len(codes)
        self._begins = _begins(is_first)
        self._pairs = self._by_pieces(
            [[row_of[numbering.places(part)[side]] for side in each[:2]] for part, each in enumerate(pairs)],
            [scores for *_, scores in pairs],
        )
        at = len(pairs) + len(clusters)
        groups = self._run.read_groups("facts", "facts", FACTS)
        for part, (rows, codes) in enumerate(zip(groups, facts, strict=True), at):
            self._lay_down(rows, row_of[numbering.places(part)[codes]])

    def _number_clusters(self, numbering: Numbering) -> tuple[list[Codes], Flags]:
        """Return the ids of each part as numbers, and which rows begin a cluster."""
        codes, is_first = [], [np.zeros(0, bool)]
        last = None
        for rows in self._run.read_rows("clusters", "clusters", CLUSTERS):
            codes.append(_number(rows, numbering))
            names = rows["cluster_id"].combine_chunks()
            first = np.ones(len(names), bool)
            first[1:] = pc.not_equal(names[1:], names[:-1]).to_numpy(zero_copy_only=False)
            if len(names):
                first[0], last = names[0] != last, names[-1]
            is_first.append(first)
        return codes, np.concatenate(is_first)

    def _by_pieces(self, sides: list[list[Codes]], scores: list[npt.NDArray[np.float64]]) -> _Pairs:
        one, other = (np.concatenate([np.zeros(0, np.int32), *(each[at] for each in sides)]) for at in (0, 1))
        number = (np.searchsorted(self._begins, one, side="right") - 1).astype(np.int32)
        order = np.argsort(number, kind="stable")
        ends = np.searchsorted(number, np.arange(len(self._begins) + 1), sorter=order)
        return _Pairs(one[order], other[order], np.concatenate([np.zeros(0), *scores])[order], ends)

    def _lay_down(self, facts: pa.Table, rows: Codes) -> None:
        """Write facts, a batch for each piece; ``rows`` in the table of clusters, -1 for those in none."""
        protected = facts["is_protected"].to_numpy()
        self.alone.append(facts.filter(pa.array((rows < 0) & ~protected)))
        order = np.argsort(rows)
        ordered = rows[order]
        columns = [facts[name].take(pa.array(order)).combine_chunks() for name in _LAID.names[1:]]
        batch = pa.record_batch([pa.array(ordered), *columns], schema=_LAID)
        cuts = np.searchsorted(ordered, [*self._begins, self._documents])
        file = self._folder / f"{len(self._laid)}.facts"
        with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, _LAID) as written:
            for begin, end in pairwise(cuts.tolist()):
                written.write_batch(batch.slice(begin, end - begin))
        self._laid.append(file)

    def _facts_of(self, number: int, begin: int, end: int) -> dict[str, Any]:
        """Return the columns of FACTS without the id of the documents of a piece, in their order."""
        batches = []
        for file in self._laid:
            with pa.OSFile(str(file)) as data:
                batches.append(pa.ipc.open_file(data).get_batch(number))
        found = pa.Table.from_batches(batches, _LAID)
        if len(found) != end - begin:
            raise ArtifactError(
                f"{self._run.address}: {end - begin - len(found)} documents of clusters have no facts; start "
                f"a new run."
            )
        rows: pd.DataFrame = found.take(pc.sort_indices(found["row"])).to_pandas()
        return {name: rows[name].array for name in _LAID.names[1:]}


def _number(rows: pa.Table, numbering: Numbering) -> Codes:
    ids, codes = in_order(rows["id"].chunks)
    numbering.add(ids)
    return codes


def _begins(is_first: Flags) -> list[int]:
    """Return the rows at which pieces begin, each of them with a cluster."""
    firsts, begins = np.flatnonzero(is_first), [0]
    while (place := np.searchsorted(firsts, begins[-1] + pieces.DOCUMENTS)) < len(firsts):
        begins.append(int(firsts[place]))
    return begins

"""Found pairs: what merge left, read part by part, of which the pairs remain that can be duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from include.dedupe.ahead import made_ahead, read_ahead
from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.facts import needs_facts, read_facts
from include.dedupe.clustering.ordering import Flags
from include.dedupe.clustering.pair_rules import PairRules, by_fields
from include.dedupe.clustering.spilling import number_pairs
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import ADDED, FACTS, PAIRS
from include.dedupe.verdicts import Standing


@dataclass(frozen=True, slots=True)
class FoundPairs:
    """The pairs that verdicts and settings let through, in order; ``is_new``: no earlier run had found it.

    ``apart``: how many a person said to be none.
    """

    pairs: CodedPairs
    is_new: Flags
    apart: int


def read_found(run: RunDir, config: CollectionConfig, standing: Standing, folder: Path) -> FoundPairs:
    """Return the pairs of a run; ``folder``: an empty one, in which their ids will lie."""
    facts = read_facts(run, config) if by_fields(config) else None
    rules = PairRules.of(run.read_parts("pairs", "pairs", PAIRS), facts, config, standing)
    del facts
    new: list[Flags] = [np.zeros(0, bool)]
    apart = 0

    def allowed() -> Iterator[pa.Table]:
        nonlocal apart
        for rows, added in read_ahead(_parts(run)):
            pairs = rows.to_pandas()
            apart += int(rules.say_apart(pairs).sum())
            allow = rules.allow(pairs)
            new.append(_are_in(pairs, added)[allow])
            yield rows if allow.all() else rows.filter(pa.array(allow))

    existing = run.read_rows("facts", "facts", FACTS) if needs_facts(config) else ()
    coded = made_ahead(CodedPairs.of_pairs, allowed())
    found, exists = number_pairs(coded, folder, (rows["id"].combine_chunks() for rows in existing))
    is_new = np.concatenate(new)
    if needs_facts(config):
        there = exists[found.low] & exists[found.high]
        found, is_new = found.take(there), is_new[there]
    return FoundPairs(found.of_ids_in_use(), is_new, apart)


def _parts(run: RunDir) -> Iterator[tuple[pa.Table, pd.DataFrame]]:
    """Yield the parts of the pairs, each with those of its pairs that no earlier run had found."""
    added = run.read_parts("pairs", "added", ADDED)
    return zip(run.read_rows("pairs", "pairs", PAIRS), added, strict=True)


def _are_in(pairs: pd.DataFrame, some: pd.DataFrame) -> Flags:
    """Tell which pairs are among some of them."""
    if len(some) in (0, len(pairs)):
        return np.full(len(pairs), len(some) > 0)
    found = pairs[ADDED.names].merge(some, on=ADDED.names, how="left", indicator=True)
    is_in: Flags = (found["_merge"] == "both").to_numpy(bool)
    return is_in

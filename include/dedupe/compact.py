"""Compact: the files of known pairs, one for each run, become one that says the same.

Runs read all of them; with a run each day they would become slow. What several runs have found alike is kept
once, as it was found last; nothing else is left out. A run that is about to read them may do so meanwhile.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import takewhile

import pandas as pd

from include.dedupe.clustering.known_pairs import FOLDER, read_files, run_of
from include.dedupe.errors import ArtifactError
from include.dedupe.parquet import to_parquet
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.storage import Storage
from include.dedupe.tables import KNOWN_PAIRS
from include.dedupe.under_way import WORKING, why_under_way

_KEY = ["id_a", "id_b", "fingerprint_a", "fingerprint_b", "detector"]


@dataclass(frozen=True, slots=True)
class Compacted:
    """Files and rows before and after, and the run whose file, with all later ones, stays as it is."""

    files: int
    rows: int
    kept_rows: int
    but_from: str = ""


def compact(storage: str, collection: str, *, dry_run: bool) -> Compacted:
    """Put the known pairs of a collection into one file; a dry run only counts.

    The new file is there before the old ones go and says what they say: being killed in between does no harm.

    Raises:
        ArtifactError: a file is damaged or cannot be written; then all stay.
    """
    lasting = Storage.of(storage, collection)
    read = read_files(lasting)
    there = set(lasting.folders("runs"))
    merging = {run for run in there & {*map(run_of, read)} if _is_merging(RunDir(storage, collection, run))}
    names = list(takewhile(lambda name: run_of(name) not in merging, read))
    but_from = "" if len(names) == len(read) else run_of(list(read)[len(names)])
    rows = sum(len(read[name]) for name in names)
    if len(names) < 2:
        return Compacted(len(names), rows, rows, but_from)
    kept = united(pd.concat([read[name] for name in names], ignore_index=True))
    if not dry_run:
        newest = names[-1].removesuffix(".parquet").partition("--compacted")[0]
        made = f"{newest}--compacted-{uuid.uuid4().hex[:8]}.parquet"
        if not lasting.create(f"{FOLDER}/{made}", to_parquet(kept, KNOWN_PAIRS)):
            raise ArtifactError(f"{lasting.path(f'{FOLDER}/{made}')} exists already; nothing was removed.")
        for name in names:
            lasting.remove(f"{FOLDER}/{name}")
    return Compacted(len(names), rows, len(kept), but_from)


def _is_merging(run: RunDir) -> bool:
    """Whether a run has kept its pairs, but not said so: when it goes on, they are still to be its own."""
    return read_manifest(run.storage, "pairs") is None and why_under_way(run) == WORKING


def united(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return each pair (columns of KNOWN_PAIRS, the oldest first) once for each state of its documents.

    The score is that found last, the floor the highest: down to it all were kept.
    """
    groups = pairs.groupby(_KEY, sort=False, dropna=False)
    whole = groups.agg(
        seen_from_a=("seen_from_a", "any"), seen_from_b=("seen_from_b", "any"), floor=("floor", "max")
    )
    last = pairs.drop_duplicates(_KEY, keep="last").set_index(_KEY)
    last[list(whole.columns)] = whole
    found: pd.DataFrame = last.reset_index()[KNOWN_PAIRS.names]
    return found

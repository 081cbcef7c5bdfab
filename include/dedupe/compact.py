"""Compact: the files of known pairs, one for each run, become one that says the same.

Runs read all of them; with a run each day they would become slow. What several runs have found alike is kept
once, as it was found last; nothing else is left out.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pandas as pd

from include.dedupe.clustering.known_pairs import FOLDER
from include.dedupe.errors import ArtifactError
from include.dedupe.rundir import RunDir
from include.dedupe.storage import Storage
from include.dedupe.tables import KNOWN_PAIRS, from_parquet, to_parquet
from include.dedupe.under_way import WORKING, why_under_way

_KEY = ["id_a", "id_b", "fingerprint_a", "fingerprint_b", "detector"]


@dataclass(frozen=True, slots=True)
class Compacted:
    """Files and rows before and after."""

    files: int
    rows: int
    kept_rows: int


def compact(storage: str, collection: str, *, dry_run: bool) -> Compacted:
    """Put the known pairs of a collection into one file; a dry run only counts.

    The new file is there before the old ones go and says what they say: being killed in between does no harm.

    Raises:
        ArtifactError: a run is under way, which may be reading the files.
    """
    lasting = Storage.of(storage, collection)
    for folder in lasting.folders("runs"):
        if why_under_way(RunDir(storage, collection, folder)) == WORKING:
            raise ArtifactError(f"The run {folder} may read the known pairs: {WORKING}. Wait until it ends.")
    names = lasting.names(FOLDER)
    frames = [
        from_parquet(data, KNOWN_PAIRS, lasting.path(f"{FOLDER}/{name}"))
        for name, data in zip(names, lasting.read_many([f"{FOLDER}/{name}" for name in names]), strict=True)
    ]
    rows = sum(map(len, frames))
    if len(frames) < 2:
        return Compacted(len(frames), rows, rows)
    kept = united(pd.concat(frames, ignore_index=True))
    if not dry_run:
        newest = names[-1].removesuffix(".parquet").partition("--compacted")[0]
        made = f"{newest}--compacted-{uuid.uuid4().hex[:8]}.parquet"
        if not lasting.create(f"{FOLDER}/{made}", to_parquet(kept, KNOWN_PAIRS)):
            raise ArtifactError(f"{lasting.path(f'{FOLDER}/{made}')} exists already; nothing was removed.")
        for name in names:
            lasting.remove(f"{FOLDER}/{name}")
    return Compacted(len(frames), rows, len(kept))


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

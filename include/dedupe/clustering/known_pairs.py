"""Known pairs: what all runs of a collection have found, kept beside the runs.

Each run leaves one file, which never changes. A pair counts as long as both documents exist, are as they were
when it was found, and belong to the scope; so that a run over one interval sees clusters across all of them.
Pairs of another detector, or another version of it, are never mixed in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.known_rows import KnownRows
from include.dedupe.errors import ArtifactError
from include.dedupe.parquet import from_parquet, groups_of_parquet, tables_to_parquet
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.storage import Storage
from include.dedupe.tables import KNOWN_PAIRS, empty

log = logging.getLogger(__name__)
FOLDER = "pairs"


def known_tables(run: RunDir, attempt: Attempt, plan: Plan) -> Iterator[pa.Table]:
    """Yield the pairs (rows of KNOWN_PAIRS) that other runs found with this detector, oldest first."""
    floor = 0.0
    for path, data in _read_all(run.lasting, but=_name(run, attempt, plan)).values():
        for rows in groups_of_parquet(data, KNOWN_PAIRS, run.lasting.path(path)):
            own = rows.filter(pc.equal(rows["detector"], plan.detector))
            floor = max(floor, pc.max(own["floor"]).as_py() or 0.0)
            yield own
    if floor > plan.config.scan.threshold:
        log.warning(
            "Some known pairs were kept down to a score of %s only; below it, down to the threshold %s, "
            "pairs are known of this run alone. Scan everything once to know all.",
            floor,
            plan.config.scan.threshold,
        )


def read_files(lasting: Storage, but: str = "") -> dict[str, pd.DataFrame]:
    """Return the files by name, the oldest first, without the one that is called ``but``.

    Raises:
        ArtifactError: a file is damaged, or is listed and cannot be read.
    """
    return {
        name: from_parquet(data, KNOWN_PAIRS, lasting.path(path))
        for name, (path, data) in _read_all(lasting, but).items()
    }


def _read_all(lasting: Storage, but: str) -> dict[str, tuple[str, bytes]]:
    """Return path and bytes of the files by name.

    Files that go while they are read have been compacted into another one, and all are read anew.
    """
    names = [name for name in lasting.names(FOLDER) if name != but]
    paths = [f"{FOLDER}/{name}" for name in names]
    try:
        read = lasting.read_many(paths)
    except ArtifactError:
        if set(names) <= set(lasting.names(FOLDER)):
            raise
        return _read_all(lasting, but)
    return dict(zip(names, zip(paths, read, strict=True), strict=True))


def known_scores(lasting: Storage, detector: str) -> tuple[npt.NDArray[np.float64], float | None]:
    """Return the score of each pair ever found with a detector, as it was found last, and the floor.

    The floor is the score down to which all runs have kept their pairs, None where there are none.
    """
    known = pd.concat([empty(KNOWN_PAIRS), *read_files(lasting).values()], ignore_index=True)
    known = known[known["detector"] == detector]
    pairs = known[known["id_a"] != known["id_b"]].drop_duplicates(["id_a", "id_b"], keep="last")
    floor = float(known["floor"].max()) if len(known) else None
    return pairs["score"].to_numpy(np.float64), floor


def keep_pairs(run: RunDir, attempt: Attempt, plan: Plan, rows: KnownRows) -> int:
    """Put the pairs of a run beside the runs, and return how many of two documents there are.

    A retry that finds them there leaves them.
    """
    of_two = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal of_two
        for part in rows.united():
            of_two += int(np.count_nonzero(part.of_two()))
            yield part.to_table(plan.detector)

    data = tables_to_parquet(tables(), KNOWN_PAIRS)
    run.lasting.create(f"{FOLDER}/{_name(run, attempt, plan)}", data)
    return of_two


def to_known(pairs: pd.DataFrame, fingerprints: pd.Series[str], plan: Plan) -> pa.Table:
    """Return pairs (columns of PAIRS) as rows of KNOWN_PAIRS: with what tells later if they still hold."""
    rows = pairs.assign(
        fingerprint_a=pairs["id_a"].map(fingerprints).fillna(""),
        fingerprint_b=pairs["id_b"].map(fingerprints).fillna(""),
        detector=plan.detector,
        floor=plan.config.scan.lowest_score,
    )
    return pa.Table.from_pandas(rows, schema=KNOWN_PAIRS, preserve_index=False)


def run_of(name: str) -> str:
    """Return the folder of the run that has kept its pairs in the file of this name."""
    return name.partition("--")[2].rpartition("-g")[0]


def _name(run: RunDir, attempt: Attempt, plan: Plan) -> str:
    return f"{plan.created_at.replace(':', '-')}--{run.folder}-g{attempt.generation}.parquet"

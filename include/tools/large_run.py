"""The run of a large collection, made part by part from pairs and clusters: for measurements of any size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.dedupe.parquet import rows_of_parquet
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import ADDED, CLUSTERS, FACTS, PAIRS, empty
from include.tools.made_run import FIRST, SETTINGS, write_plan

CHUNK_DOCUMENTS = 1_000_000


def write_run(storage: Path, pairs: Path, clusters: Path) -> int:
    """Write all that deciding rests on, and return how many documents the run has.

    Each document has an address of 40 letters and one number.

    Args:
        storage: where the run is to be.
        pairs: a folder with the files of its pairs, whose documents are called as in ``large_edges``.
        clusters: one with those of its clusters.
    """
    documents: int = sum(pq.read_metadata(file).num_rows for file in clusters.iterdir())
    run = large_run(storage)
    write_plan(run, CollectionConfig.model_validate(SETTINGS), "2026-01-01T00:00:00+00:00")
    for name, artifacts in (("pairs", ("pairs",)), ("clusters", ("pairs", "clusters"))):
        stage = run.stage(name, FIRST)
        for artifact in artifacts:
            folder, schema = (pairs, PAIRS) if artifact == "pairs" else (clusters, CLUSTERS)
            stage.write_tables(artifact, _tables(folder, schema), schema)
        stage.write_table("added", empty(ADDED), ADDED)
        stage.finish({})
    stage = run.stage("facts", FIRST)
    stage.write_tables("facts", _facts(documents), FACTS)
    stage.finish({"documents": documents, "in_scope": documents})
    return documents


def large_run(storage: Path) -> RunDir:
    """Return the run that ``write_run`` writes."""
    return RunDir(str(storage), "large", "run-1")


def _tables(folder: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    for file in sorted(folder.iterdir()):
        yield rows_of_parquet(file.read_bytes(), schema, file.name)


def _facts(documents: int) -> Iterator[pa.Table]:
    for first in range(0, documents, CHUNK_DOCUMENTS):
        numbers = np.arange(first, min(first + CHUNK_DOCUMENTS, documents))
        digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
        pixels = pa.array(np.random.default_rng(first).integers(1, 9, len(numbers))).cast(pa.string())
        opening = '{"image":"https://pictures.invalid/'
        fields = pc.binary_join_element_wise(opening, digits, '.jpeg","pixels_i":', pixels, "}", "")
        yield pa.table(
            {
                "id": pc.binary_join_element_wise("image-", digits, ""),
                "is_protected": np.zeros(len(numbers), bool),
                "filled": np.full(len(numbers), 2),
                "fields": fields,
                "fingerprint": pc.utf8_lpad(digits, 32, "0"),
            },
            schema=FACTS,
        )

"""Measure which thresholds are right for a collection, on its own pictures. One DAG for each YAML file.

### What
`pick` draws a sample of documents, `ask` edits their pictures (scale, format, quality, crop, text and what
else the settings name) and asks Flow for the duplicates of each edit, one task for each partition, and
`report` says how many copies each threshold finds, how far the scores of other pictures reach, how often
judged pairs were wrong, and which thresholds give what the settings want: `calibrate.recall` and
`calibrate.max_error_rate`. It changes no settings.

Nothing is indexed and nothing is written to the collection: a login that only reads is enough.

### Output
`report/` in the folder of the calibration, below `calibrations/`: `calibration.html` with plots and
pictures, `calibration.json` with all figures, `edits.csv` with a row for each edit. The newest calibration
stands beside the runs, and the report of each run says next to its thresholds what it says of them.

Each report is an event of the asset `calibrate_<collection>`, with the proposals, for other DAGs to follow.

### Triage
A document whose picture cannot be had or searched with is a row with the cause; the others go on. A failed
`ask` is tried again when its cause may pass, and goes on where it stopped. Calibrate again when Flow's
detector changes, or the kind of pictures in the collection.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, Param, task

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig, collection_files, read_collection
from include.orchestration import calibrating, tasks

TAGS = {"dedupe", "calibrate"}

PARAMS = {
    "sample": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        description="Documents to draw, instead of the settings' number.",
    ),
    "seed": Param(
        None,
        type=["null", "integer"],
        description="Another number draws other documents than the settings' one.",
    ),
}


def build(name: str, config: CollectionConfig) -> DAG:
    """Wire the steps for one collection."""
    with DAG(
        dag_id=f"calibrate_{name}",
        description=f"Which thresholds are right in the collection {name}",
        doc_md=__doc__,
        schedule=None,
        start_date=datetime.combine(config.start_date, datetime.min.time(), tzinfo=UTC),
        params=PARAMS,
        tags=TAGS,
        auto_register=False,  # one that Airflow refuses must not take the others with it
        default_args={
            "retries": config.retries,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=30),
            "retry_policy": tasks.RETRY_POLICY,
        },
    ) as dag:
        partitions = task(calibrating.pick)(name)
        ask = task(pool=config.pool, map_index_template="{{ label | default('?') }}", multiple_outputs=False)(
            calibrating.ask
        )
        report = task(multiple_outputs=False, outlets=[calibrating.asset(name)])(calibrating.report)
        ask.partial(collection=name).expand(partition=partitions) >> report(name)
    return dag


def build_broken(name: str, error: Exception) -> DAG:
    """Make a DAG that says what is wrong, so that one wrong file takes down no other DAG."""
    with DAG(
        dag_id=f"calibrate_{re.sub('[^A-Za-z0-9_-]', '_', name)}",
        description=str(error),
        doc_md=f"**This collection cannot be calibrated.** {error}",
        schedule=None,
        tags=TAGS | {"broken"},
    ) as dag:
        task(tasks.settings_error)(str(error))
    return dag


def build_from(path: Path) -> DAG | None:
    """Return the calibration of a collection; None where its file is wrong, as dedupe_<name> says."""
    try:
        config = read_collection(path)
    except ConfigError:
        return None
    try:
        dag = build(path.stem, config)
        dag.validate()  # type: ignore[no-untyped-call]
        return dag
    except Exception as error:  # noqa: BLE001 - whatever Airflow refuses, such as a pool it cannot read
        return build_broken(path.stem, ConfigError(f"{path}: Airflow refuses its calibration: {error}"))


for collection_file in collection_files():
    if collection_dag := build_from(collection_file):
        globals()[collection_dag.dag_id] = collection_dag

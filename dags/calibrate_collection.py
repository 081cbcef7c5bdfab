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

import sys
from pathlib import Path
from pkgutil import extend_path

from airflow.sdk import DAG, Param

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where include/ lies, beside this folder
import include

include.__path__ = extend_path(include.__path__, "include")  # also where another include/ was found first

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig, collection_files, read_collection
from include.dedupe.settings.still_readable import LastSchedule
from include.orchestration.assets import CALIBRATION, asset
from include.orchestration.collection_dags import (
    broken_dag,
    made_or_broken,
    open_dag,
    step,
    step_of_partition,
)

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
    with open_dag(
        f"calibrate_{name}",
        config,
        description=f"Which thresholds are right in the collection {name}",
        doc=__doc__,
        schedule=None,
        params=PARAMS,
        tags=TAGS,
    ) as dag:
        partitions = step(config, "calibrating.pick")(name)
        ask = step_of_partition(config, "calibrating.ask")
        report = step(config, "calibrating.report", outlets=[asset(CALIBRATION, name)])
        ask.partial(collection=name).expand(partition=partitions) >> report(name)
    return dag


def build_from(path: Path) -> DAG | None:
    """Return the calibration of a collection; None where its file is wrong, as dedupe_<name> says."""
    try:
        config = read_collection(path)
    except ConfigError:
        return None

    def broken(error: ConfigError, when: LastSchedule) -> DAG:
        return broken_dag(
            f"calibrate_{path.stem}", error, tags=TAGS, schedule=when.cron, told=when.notifiers, params=PARAMS
        )

    by_hand = LastSchedule(None, notifiers=config.dag.failure_notifiers)
    return made_or_broken(f"{path}: calibrate", lambda: build(path.stem, config), broken, by_hand)


for collection_file in collection_files():
    if collection_dag := build_from(collection_file):
        globals()[collection_dag.dag_id] = collection_dag

"""Keep a collection clean: look at new pictures before they are indexed. One DAG for each YAML with a `gate`.

### What
`take` reads what came and divides it into chunks, `analyze` lets Flow look at each picture, once, `check`
searches the collection with what Flow saw, `decide` says what is to become of each document, `index`
indexes with the same analysis what may be let in, and `report` writes what became of all. Where the
settings say `ask`, the document is held: `ask` asks a person and `settle` does what was answered; no answer
in time holds it on.

A dry run, which is the default, says what would be done and writes nothing to the collection. It does not
compare the new pictures with each other: Flow compares only what is indexed.

### Which documents
Those of a manifest (JSONL, CSV, Parquet) or a folder of pictures: where the parameter `incoming` says, else
the event of the asset that started the run, else `gate.incoming` of the settings. A manifest has the fields
of the documents: `id`, the address of the picture, and any other; `file` names a picture beside the
manifest.

### Output
`report/` in the run's folder: `gate.csv` and `gate.parquet` with a row for each document, `held.jsonl` with
what waits for a person, `orphans.csv` with what a run had left that was killed, `summary.json` with the
counts. Each report is an event of the asset `gate_<collection>`, with the counts, for other DAGs to follow.

### Triage
A document that cannot be taken, read or indexed is a row with the cause; the others go on. More of them
than `gate.max_failed_share` fail `report`, after it has written everything. `index` waits for others who
write to the collection and is tried again. What a run has done is taken back by `dedupe_restore`, under the
run id that `report` names (`gate__` and the DAG run's). `python -m include.dedupe held` decides later of
what is held. A mistake in the YAML shows as a DAG with one task that fails with the reason, by hand and
whenever the gate should have run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from pkgutil import extend_path

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where include/ lies, beside this folder
import include

include.__path__ = extend_path(include.__path__, "include")  # also where another include/ was found first

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig, collection_files, read_collection
from include.dedupe.settings.dry_run import AS_CONFIGURED, DRY_WORDS
from include.dedupe.settings.gate_settings import GateSettings
from include.dedupe.settings.still_readable import LastSchedule, gate_schedule
from include.orchestration.assets import GATE, asset
from include.orchestration.collection_dags import (
    broken_dag,
    made_or_broken,
    open_dag,
    patient,
    step,
)
from include.orchestration.gate_question import gate_question

TAGS = {"dedupe", "gate"}

PARAMS = {
    "incoming": Param(
        None,
        type=["null", "string"],
        description="Manifest or folder with the new documents. Empty: as the event or the settings say.",
    ),
    "dry_run": Param(
        AS_CONFIGURED,
        type="string",
        enum=[*DRY_WORDS],
        description="Only say what would become of them: yes, no, or as the collection's settings say.",
    ),
    "ask": Param(
        None,
        type=["null", "string"],
        enum=[None, "hold"],
        description="hold: ask nobody; what the settings would ask about stays held.",
    ),
}


def build(name: str, config: CollectionConfig, gate: GateSettings) -> DAG:
    """Wire the steps for one collection."""
    with open_dag(
        f"gate_{name}",
        config,
        description=f"New pictures for the collection {name}",
        doc=__doc__,
        schedule=timetable(gate.schedule, gate.asset),
        params=PARAMS,
        tags=TAGS,
    ) as dag:
        chunks = step(config, "gating.take")(name)
        analyzed = step(config, "gating.analyze", "chunk").partial(collection=name).expand(chunk=chunks)
        checked = step(config, "gating.check", "chunk").partial(collection=name).expand(chunk=chunks)
        decided = step(config, "gating.decide")(name)
        in_turn = {**patient(config), "max_active_tis_per_dag": 1}
        indexed = step(config, "gating.index", **in_turn)(name)
        reported = step(config, "gating.report", outlets=[asset(GATE, name)])(name)
        settled = step(config, "gating.settle", **in_turn)(name)
        analyzed >> checked >> decided >> indexed >> reported >> gate_question(name, config) >> settled
    return dag


def timetable(cron: str | None, asset: str | None) -> CronDataIntervalTimetable | list[Asset] | None:
    """Each run follows its schedule, or the events of an asset, or a person."""
    if asset:
        return [Asset(asset)]
    return CronDataIntervalTimetable(cron, timezone="UTC") if cron else None


def build_broken(name: str, error: ConfigError, last: LastSchedule) -> DAG:
    """Make a DAG that says what is wrong, on the schedule of the file."""
    schedule = timetable(last.cron, last.asset)
    return broken_dag(f"gate_{name}", error, tags=TAGS, schedule=schedule, told=last.notifiers, params=PARAMS)


def build_from(path: Path) -> DAG | None:
    """Return the gate of a collection; None where its file names none."""
    last = gate_schedule(path)
    if last is None:
        return None

    def make() -> DAG:
        config = read_collection(path)
        assert config.gate is not None, "the file names a gate"  # noqa: S101
        return build(path.stem, config, config.gate)

    return made_or_broken(
        f"{path}: gate", make, lambda error, last: build_broken(path.stem, error, last), last
    )


for collection_file in collection_files():
    if collection_dag := build_from(collection_file):
        globals()[collection_dag.dag_id] = collection_dag

"""Keep a collection clean: look at new pictures before they are indexed. One DAG for each YAML with a `gate`.

### What
`take` reads what came and divides it into chunks, `analyze` lets Flow look at each picture, once, `check`
searches the collection with what Flow saw, `decide` says what is to become of each document, `index`
indexes with the same analysis what may be let in, and `report` writes what became of all. Where the
settings say `ask`, the document is held: `ask` asks a person, who answers in Airflow or on the page
"Duplicates" of the run, which shows what it looks like; `settle` does what was answered; no answer in time
holds it on.

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
write to the collection and is tried again. What a run has done is taken back by `restore_run`, under the
run id that `report` names (`gate__` and the DAG run's). `python -m include.dedupe held` decides later of
what is held.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, task

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig, collection_files, read_collection
from include.dedupe.settings.gate_settings import GateSettings
from include.orchestration import gating
from include.orchestration.collection_dags import made_or_broken, open_dag, patient
from include.orchestration.gate_question import gate_question

TAGS = {"dedupe", "gate"}

PARAMS = {
    "incoming": Param(
        None,
        type=["null", "string"],
        description="Manifest or folder with the new documents. Empty: as the event or the settings say.",
    ),
    "dry_run": Param(
        None,
        type=["null", "boolean"],
        description="Only say what would become of them. Empty: as the collection's settings say.",
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
        schedule=timetable(gate),
        params=PARAMS,
        tags=TAGS,
    ) as dag:
        chunks = task(gating.take)(name)
        analyzed = task(multiple_outputs=False)(gating.analyze).partial(collection=name).expand(chunk=chunks)
        checked = task(multiple_outputs=False)(gating.check).partial(collection=name).expand(chunk=chunks)
        decided = task(multiple_outputs=False)(gating.decide)(name)
        in_turn = {**patient(config), "max_active_tis_per_dag": 1}
        indexed = task(**in_turn)(gating.index)(name)
        reported = task(multiple_outputs=False, outlets=[gating.asset(name)])(gating.report)(name)
        settled = task(**in_turn)(gating.settle)(name)
        analyzed >> checked >> decided >> indexed >> reported >> gate_question(name, config) >> settled
    return dag


def timetable(gate: GateSettings) -> CronDataIntervalTimetable | list[Asset] | None:
    """Each run follows its schedule, or the events of an asset, or a person."""
    if gate.asset:
        return [Asset(gate.asset)]
    return CronDataIntervalTimetable(gate.schedule, timezone="UTC") if gate.schedule else None


def build_from(path: Path) -> DAG | None:
    """Return the gate of a collection; None where its file has none, or is wrong as dedupe_<name> says."""
    try:
        config = read_collection(path)
    except ConfigError:
        return None
    gate = config.gate
    if gate is None:
        return None
    return made_or_broken(f"gate_{path.stem}", TAGS, f"{path}: gate", lambda: build(path.stem, config, gate))


for collection_file in collection_files():
    if collection_dag := build_from(collection_file):
        globals()[collection_dag.dag_id] = collection_dag

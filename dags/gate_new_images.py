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
write to the collection and is tried again. What a run has done is taken back by `restore_run`, under the
run id that `report` names (`gate__` and the DAG run's). `python -m include.dedupe held` decides later of
what is held.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, task

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig, collection_files, read_collection
from include.dedupe.settings.dry_run import AS_CONFIGURED, DRY_WORDS
from include.dedupe.settings.gate_settings import GateSettings
from include.orchestration import acting, gating, tasks
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
    with DAG(
        dag_id=f"gate_{name}",
        description=f"New pictures for the collection {name}",
        doc_md=__doc__,
        schedule=timetable(gate),
        start_date=datetime.combine(config.start_date, datetime.min.time(), tzinfo=UTC),
        catchup=False,
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
        patient = max(config.retries, acting.TRIES_FOR_THE_LEASE)
        chunks = task(gating.take)(name)
        analyzed = task(multiple_outputs=False)(gating.analyze).partial(collection=name).expand(chunk=chunks)
        checked = task(multiple_outputs=False)(gating.check).partial(collection=name).expand(chunk=chunks)
        decided = task(multiple_outputs=False)(gating.decide)(name)
        in_turn: dict[str, Any] = {"retries": patient, "max_active_tis_per_dag": 1}
        indexed = task(multiple_outputs=False, **in_turn)(gating.index)(name)
        reported = task(multiple_outputs=False, outlets=[gating.asset(name)])(gating.report)(name)
        settled = task(multiple_outputs=False, **in_turn)(gating.settle)(name)
        analyzed >> checked >> decided >> indexed >> reported >> gate_question(name, config) >> settled
    return dag


def timetable(gate: GateSettings) -> CronDataIntervalTimetable | list[Asset] | None:
    """Each run follows its schedule, or the events of an asset, or a person."""
    if gate.asset:
        return [Asset(gate.asset)]
    return CronDataIntervalTimetable(gate.schedule, timezone="UTC") if gate.schedule else None


def build_broken(name: str, error: Exception) -> DAG:
    """Make a DAG that says what is wrong, so that one wrong file takes down no other DAG."""
    with DAG(
        dag_id=f"gate_{re.sub('[^A-Za-z0-9_-]', '_', name)}",
        description=str(error),
        doc_md=f"**This collection's gate cannot be made.** {error}",
        schedule=None,
        tags=TAGS | {"broken"},
    ) as dag:
        task(tasks.settings_error)(str(error))
    return dag


def build_from(path: Path) -> DAG | None:
    """Return the gate of a collection; None where its file has none, or is wrong as dedupe_<name> says."""
    try:
        config = read_collection(path)
    except ConfigError:
        return None
    if config.gate is None:
        return None
    try:
        dag = build(path.stem, config, config.gate)
        dag.validate()  # type: ignore[no-untyped-call]
        return dag
    except Exception as error:  # noqa: BLE001 - whatever Airflow refuses, such as a schedule it cannot read
        return build_broken(path.stem, ConfigError(f"{path}: Airflow refuses its gate: {error}"))


for collection_file in collection_files():
    if collection_dag := build_from(collection_file):
        globals()[collection_dag.dag_id] = collection_dag

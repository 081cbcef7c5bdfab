"""Find the duplicates of an image collection: one DAG for each YAML file of a collection.

### What
`plan` divides the documents of the run into partitions, `scan` searches each document of one partition for
duplicates, `merge` makes pairs of what all partitions found, `cluster` groups the pairs, `report` writes the
result. Without policies that is all: nothing is written to the collection.

With policies, `decide` says of each duplicate what is to become of it, `approve` asks a person, `apply`
carries out what was approved and still stands, and `record` writes down what was done, however the run ended.
A dry run, which is the default, asks nobody and writes nothing to the collection. A question that a newer run
has overtaken closes itself. `dedupe_restore` takes back what a run did.

### Which documents
A scheduled run and a backfill scan the documents of their data interval, or of the period that their
partition key names (`schedule_by: partition`). A run started by hand says so with
the parameter `scope`: `full`, `range` with `from`, `to` and `categories`, or `known`, which scans nothing and
acts on what earlier runs found. `sample` and `limit` take a part of it, to try things out.

### Output
`report/` in the run's folder: `report.html` with pictures, `clusters.csv` with one document a line,
`duplicates.csv` with one cluster a line, `graph.json` in Cytoscape form, `summary.json` with all counts, and
with policies `decisions.csv` and `redirects.csv`. The result of `report` names the folder.

Each report is an event of the asset `dedupe_<collection>`, with the run's counts, of all and of
what is new, for other DAGs to follow.

### Triage
A failed `scan` is tried again when its cause may pass. If a partition stays unscanned, `report` still writes
what the others found, and fails: clear the failed `scan` tasks with what follows them. `apply` fails where
part of what was approved could not be done, or was skipped for a reason that a person should know:
`record/actions.csv` says what and why; clear it to try again. It is skipped where people or a newer run have
said otherwise of all that was approved. What was not approved stays open: clear `approve` to be asked again.
A mistake in a YAML shows as a DAG with one task that fails with the reason, by hand and on schedule (that of
the file where it can be read, else each day); correct the file, the DAG follows. What such runs would have
scanned, a run by hand with the `range` scans.
`scan` tasks that stay scheduled wait for a free slot of their pool, or the pool does not exist, which Airflow
does not say: `python -m include.orchestration.doctor` tells what is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from pkgutil import extend_path

from airflow.sdk import (
    DAG,
    CronDataIntervalTimetable,
    CronPartitionTimetable,
    Param,
    TriggerRule,
    XComArg,
)

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where include/ lies, beside this folder
import include

include.__path__ = extend_path(include.__path__, "include")  # also where another include/ was found first

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import (
    NOT_FOR_COLLECTIONS,
    CollectionConfig,
    collection_files,
    read_collection,
)
from include.dedupe.settings.dry_run import AS_CONFIGURED, DRY_WORDS
from include.dedupe.settings.still_readable import LastSchedule, collection_schedule
from include.orchestration.approval import approval
from include.orchestration.assets import FINDINGS, asset
from include.orchestration.collection_dags import (
    broken_dag,
    made_or_broken,
    open_dag,
    patient,
    step,
    step_of_partition,
)

TAGS = {"dedupe"}

PARAMS = {
    "scope": Param(
        "full",
        type=["null", "string"],
        enum=[None, "full", "range", "known"],
        description="Which documents a run that is started by hand scans: all of them, a range, or none, "
        "only to act on what earlier runs found. Scheduled runs and backfills go by their interval.",
    ),
    "from": Param(None, type=["null", "string"], description="Range: first date, such as 2026-04-01 (UTC)."),
    "to": Param(None, type=["null", "string"], description="Range: date to stop before."),
    "dry_run": Param(
        AS_CONFIGURED,
        type="string",
        enum=[*DRY_WORDS],
        description="Only report what the policies would do: yes, no, or as the collection's settings say.",
    ),
    "categories": Param([], type=["null", "array"], description="Range: only these categories."),
    "threshold": Param(
        None,
        type=["null", "number"],
        minimum=0,
        maximum=1,
        description="Lowest score of a near duplicate, instead of the settings' one.",
    ),
    "mode": Param(
        None,
        type=["null", "string"],
        enum=[None, "balanced", "speed"],
        description="Scan mode, instead of the settings' one.",
    ),
    "sample": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        description="Scan only so many documents, evenly spread. The run only reports.",
    ),
    "limit": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        description="Scan only the first so many documents. The run only reports.",
    ),
}


def build(name: str, config: CollectionConfig) -> DAG:
    """Wire the stages for one collection."""
    with open_dag(
        f"dedupe_{name}",
        config,
        description=config.description or f"Duplicates in the collection {name}",
        doc=__doc__,
        schedule=timetable(config.schedule, config.key_format),
        params=_params(config),
        tags=TAGS,
    ) as dag:
        partitions = step(config, "tasks.plan")(name)
        scan = step_of_partition(config, "tasks.scan")
        merge = step(config, "tasks.merge", trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
        cluster = step(config, "tasks.cluster")
        report = step(config, "tasks.report", outlets=[asset(FINDINGS, name)])
        scanned = scan.partial(collection=name).expand(partition=partitions)
        clustered, reported = cluster(name), report(name)
        scanned >> merge(name) >> clustered
        if config.policies is None:
            clustered >> reported
        else:
            _act(name, config, clustered, reported)
    return dag


def _params(config: CollectionConfig) -> dict[str, Param]:
    """Return the parameters; where a run can be started for a key, that says what is scanned."""
    nothing = Param(None, **PARAMS["scope"].schema, description=PARAMS["scope"].description)
    return {**PARAMS, "scope": nothing} if config.key_format else PARAMS


def timetable(
    cron: str | None, key_format: str | None
) -> CronDataIntervalTimetable | CronPartitionTimetable | None:
    """Each run looks back on the interval, or the partition, that has just ended."""
    if cron is None:
        return None
    if key_format is None:
        return CronDataIntervalTimetable(cron, timezone="UTC")
    return CronPartitionTimetable(cron, timezone="UTC", run_offset=-1, key_format=key_format)


def _act(name: str, config: CollectionConfig, clustered: XComArg, reported: XComArg) -> None:
    """Wire what follows where the settings have policies: decide before the report, apply after a yes."""
    decided = step(config, "acting.decide")(name)
    applied = step(config, "acting.apply", **patient(config))(name)
    approved = approval(name, config)
    recorded = step(config, "acting.record")(name).as_teardown()
    clustered >> decided >> reported >> approved >> applied >> recorded


def build_broken(name: str, error: ConfigError, last: LastSchedule) -> DAG:
    """Make a DAG that says what is wrong, on the schedule of the file."""
    apart = "_collection" if name in NOT_FOR_COLLECTIONS else ""
    schedule = timetable(last.cron, last.key_format)
    dag_id = f"dedupe_{name}{apart}"
    return broken_dag(dag_id, error, tags=TAGS, schedule=schedule, told=last.notifiers, params=PARAMS)


def build_from(path: Path) -> DAG:
    """Return the DAG of a collection's file, or one that says what is wrong with it."""
    return made_or_broken(
        str(path),
        lambda: build(path.stem, read_collection(path)),
        lambda error, last: build_broken(path.stem, error, last),
        collection_schedule(path),
    )


for collection_file in collection_files():
    collection_dag = build_from(collection_file)
    globals()[collection_dag.dag_id] = collection_dag

"""Overview: the collections, their runs, and what each run came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from include.dedupe.errors import ConfigError, UnknownError
from include.dedupe.gating.take import is_gate_run
from include.dedupe.planning.plan import PLAN_FILE
from include.dedupe.reviewing.address import DAG_PREFIX, GATE_PREFIX
from include.dedupe.reviewing.run_pages import RunsPage, page_of
from include.dedupe.reviewing.summary import RunSummary, restored_of, summarise
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import (
    CollectionConfig,
    collection_files,
    find_collection,
    read_collection,
)
from include.dedupe.storage import Storage, default_storage

RUNS, PAIRS = "runs", "pairs"


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """One collection in a list. Of one whose settings are wrong nothing is told but ``problem``.

    ``dag_id``: its DAG in Airflow. ``gate``: the DAG of its gate, empty without one. ``newest``: its newest
    runs, the newest first.
    """

    name: str
    dag_id: str
    description: str = ""
    problem: str = ""
    runs: int = 0
    newest: tuple[RunSummary, ...] = ()
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a series over time: duplicates found, documents deleted, bytes freed."""

    run_id: str
    at: str
    found: int
    deleted: int
    freed: int


def list_collections(airflow_home: str | None = None, newest: int = 1) -> list[CollectionSummary]:
    """Return all collections by name, each with its newest runs; what is broken is told, never raised.

    Raises:
        ConfigError: there is no folder of collections.
    """
    found = []
    for path in collection_files():
        name, dag_id = path.stem, f"{DAG_PREFIX}{path.stem}"
        try:
            config = read_collection(path)
            page = _runs_page(storage_of(config, airflow_home), name, limit=newest)
        except (ConfigError, OSError, ValueError) as error:
            found.append(CollectionSummary(name, dag_id, problem=str(error)))
            continue
        summary = CollectionSummary(name, dag_id, config.description, "", page.total, page.runs)
        found.append(replace(summary, gate=_gate(name, config)))
    return found


def list_runs(
    collection: str,
    airflow_home: str | None = None,
    *,
    after: str = "",
    limit: int = 25,
    failed: Collection[str] = (),
) -> RunsPage[RunSummary]:
    """Return a page of a collection's runs.

    Args:
        collection: name of its YAML file.
        airflow_home: that of the Airflow in which this runs.
        after: ``next`` of the page before.
        limit: runs of a page.
        failed: ids of runs that Airflow says have failed.

    Raises:
        UnknownError: there is no such collection, or ``after`` is no such mark.
        ConfigError: its settings are wrong.
    """
    config = find_settings(collection)
    storage = storage_of(config, airflow_home)
    return _runs_page(storage, collection, after=after, limit=limit, failed=failed)


def series(runs: Sequence[RunSummary]) -> list[Point]:
    """Return what the runs came to, the oldest first, without those that are damaged or scanning."""
    told = [one for one in runs if one.state not in ("damaged", "scanning")]
    points = [Point(one.run_id, one.at, one.duplicates, one.deleted, one.bytes_freed or 0) for one in told]
    return sorted(points, key=lambda point: point.at)


def summarise_run(run: RunDir, *, failed: bool = False) -> RunSummary:
    """Return one run as lists show it; what is broken is told in it, never raised.

    ``failed``: Airflow says that it has failed.
    """
    return summarise(run, restored_of(run.lasting), lambda _: failed)


def open_run(collection: str, run_id: str, airflow_home: str | None = None) -> RunDir:
    """Return the folder of a run.

    Raises:
        UnknownError: there is no such collection or run.
        ConfigError: the collection's settings are wrong.
    """
    config = find_settings(collection)
    run = RunDir(storage_of(config, airflow_home), collection, run_id)
    if not run.storage.exists(f"plan/{PLAN_FILE}"):
        raise UnknownError(f"There is no run {run_id!r:.100} of {collection} that has planned anything.")
    return run


def gate_of(collection: str) -> str:
    """Return the DAG of a collection's gate, empty without one.

    Raises:
        UnknownError: there is no such collection.
        ConfigError: its settings are wrong.
    """
    return _gate(collection, find_settings(collection))


def _gate(collection: str, config: CollectionConfig) -> str:
    return f"{GATE_PREFIX}{collection}" if config.gate else ""


def find_settings(collection: str) -> CollectionConfig:
    """Return the settings of a collection; ``UnknownError`` if there is none of that name."""
    if collection not in [path.stem for path in collection_files()]:
        raise UnknownError(f"There is no collection {collection!r:.100}.")
    return find_collection(collection)


def storage_of(config: CollectionConfig, airflow_home: str | None) -> str:
    """Return where the runs of a collection are kept."""
    return config.storage or default_storage(airflow_home)


def _runs_page(
    storage: str, collection: str, *, limit: int, after: str = "", failed: Collection[str] = ()
) -> RunsPage[RunSummary]:
    lasting = Storage.of(storage, collection)
    folders = _newest_first(lasting)
    restored = restored_of(lasting) if folders else {}

    def told(folder: str) -> RunSummary:
        return summarise(RunDir(storage, collection, folder), restored, failed.__contains__)

    return page_of(folders, after, limit, told)


def _newest_first(lasting: Storage) -> list[str]:
    """Return the runs' folders; the time of a run is in the name of its pairs, of a new one in its plan."""
    begun: dict[str, str] = {}
    for name in lasting.names(PAIRS):
        at, _, rest = name.partition("--")
        begun[rest.rpartition("-g")[0]] = at
    folders = [name for name in lasting.folders(RUNS) if not is_gate_run(name)]
    return sorted(folders, key=lambda folder: (begun.get(folder, "~"), folder), reverse=True)

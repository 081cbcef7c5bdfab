"""Overview: the collections, their runs, and what each run came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from include.dedupe.rundir import RunDir

RunState = Literal[
    "scanning",
    "report_only",
    "dry_run",
    "nothing_to_do",
    "blocked",
    "waiting",
    "superseded",
    "rejected",
    "applying",
    "applied",
    "restored",
    "failed",
    "damaged",
]
"""``scanning``: up to its report. ``blocked``: a guard forbids what was decided. ``waiting``: for a person.
``rejected``: by a person, or nobody answered in time. ``restored``: some or all of it was taken back.
``failed``: part could not be carried out, or Airflow says that the run failed. ``damaged``: its files cannot
be read."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list. Of a damaged run only ids, state and ``problem`` are told.

    ``bytes_to_free``: of the documents that would be deleted; None where no size is known. ``bytes_freed``:
    of those that were. ``bytes_unknown``: how many of them have no known size. ``coverage``: share of the
    documents that were scanned, 1.0 is all. ``cost``: what was reckoned when the run began. ``outcomes``: of
    apply, by outcome.
    """

    collection: str
    run_id: str
    state: RunState
    at: str = ""
    scope: str = ""
    clusters: int = 0
    documents: int = 0
    duplicates: int = 0
    decisions: Mapping[str, int] = field(default_factory=dict)
    coverage: float | None = None
    notes: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    bytes_to_free: int | None = None
    bytes_freed: int | None = None
    bytes_unknown: int = 0
    deleted: int = 0
    restored: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    superseded_by: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """One collection in a list. Of one whose settings are wrong nothing is told but ``problem``.

    ``dag_id``: its DAG in Airflow. ``newest``: its newest runs, the newest first.
    """

    name: str
    dag_id: str
    description: str = ""
    problem: str = ""
    runs: int = 0
    newest: tuple[RunSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs, the newest first. ``after`` of the next page is ``next``; empty at the end."""

    runs: tuple[RunSummary, ...]
    total: int
    next: str


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a series over time: duplicates found, documents deleted, bytes freed."""

    run_id: str
    at: str
    found: int
    deleted: int
    freed: int


def list_collections(airflow_home: str | None = None, newest: int = 1) -> list[CollectionSummary]:
    """Return all collections by name, each with its newest runs; what is broken is told, never raised."""
    raise NotImplementedError


def list_runs(
    collection: str,
    airflow_home: str | None = None,
    *,
    after: str = "",
    limit: int = 25,
    failed: Collection[str] = (),
) -> RunsPage:
    """Return a page of a collection's runs.

    Args:
        collection: name of its YAML file.
        airflow_home: that of the Airflow in which this runs.
        after: ``next`` of the page before.
        limit: runs of a page.
        failed: ids of runs that Airflow says have failed.

    Raises:
        UnknownError: there is no such collection.
        ConfigError: its settings are wrong.
    """
    raise NotImplementedError


def series(runs: Sequence[RunSummary]) -> list[Point]:
    """Return what the runs came to, the oldest first, without those that are damaged or scanning."""
    raise NotImplementedError


def open_run(collection: str, run_id: str, airflow_home: str | None = None) -> RunDir:
    """Return the folder of a run.

    Raises:
        UnknownError: there is no such collection or run.
        ConfigError: the collection's settings are wrong.
    """
    raise NotImplementedError


def summarise_run(run: RunDir, *, failed: bool = False) -> RunSummary:
    """Return one run as lists show it; what is broken is told in it, never raised."""
    raise NotImplementedError

"""Commands that only look: which collections there are, if their settings are right, what runs came to."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from include.dedupe.acting.lease import meeting_place, require_not_stopped
from include.dedupe.airflow_connection import ASKED, has_airflow
from include.dedupe.errors import ConfigError, DedupeError, StoppedError
from include.dedupe.reviewing.overview import list_runs
from include.dedupe.reviewing.summary import RunSummary
from include.dedupe.settings.config import (
    CollectionConfig,
    collection_files,
    find_collection,
    read_collection,
)
from include.dedupe.storage import Storage, default_storage
from include.safe_text import tell, without_login


def add_state_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers; each sets ``command`` to what runs it and returns the exit code."""
    commands.add_parser("list", help="list the collections").set_defaults(command=run_list)
    validate = commands.add_parser("validate", help="check settings; asks no Flow")
    validate.add_argument("collections", nargs="*", metavar="collection", help="only these; without, all")
    validate.set_defaults(command=run_validate)
    status = commands.add_parser("status", help="say what the newest runs of a collection came to")
    status.add_argument("collection", help="name of the collection's YAML file")
    status.add_argument("--limit", type=int, default=10, help="how many runs (10)")
    status.set_defaults(command=run_status)


def run_list(_options: argparse.Namespace) -> int:
    rows = [(path.stem, *_told(path)) for path in collection_files()]
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:3]] if rows else []
    for *cells, last in rows:
        tell("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), last]))
    if not rows:
        tell("There are no collections.")
    return 0


def run_validate(options: argparse.Namespace) -> int:
    files = {path.stem: path for path in collection_files()}
    if unknown := [name for name in options.collections if name not in files]:
        find_collection(unknown[0])  # says which there are
    wrong = 0
    for name in options.collections or files:
        problems = list(_problems(files[name]))
        wrong += bool(problems)
        for problem in problems:
            tell(f"WRONG  {name}: {problem}")
        if not problems:
            tell(f"ok     {name}: {files[name]}")
    return 1 if wrong else 0


def run_status(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)
    storage = config.storage or default_storage()
    page = list_runs(options.collection, limit=max(1, options.limit))
    shown = without_login(storage) if "://" in storage else storage
    tell(f"storage  {shown.rstrip('/')}/{options.collection}")
    writing, is_damaged = _writing(options.collection, config, storage)
    tell(f"writing  {writing}")
    tell(f"runs     {page.total}{', the newest first:' if page.runs else ''}")
    for run in page.runs:
        tell(f"{run.at[:19]:19}  {run.state:13}  {run.run_id}")
        for line in _lines(run):
            tell(f"  {line}")
    return 2 if is_damaged else 0


def _told(path: Path) -> tuple[str, str, str]:
    """Return schedule, what becomes of duplicates, and the description of a collection."""
    try:
        config = read_collection(path)
    except ConfigError as error:
        return "", "WRONG", str(error)
    policies = config.policies
    does = f"exact {policies.exact.do}, near {policies.near.do}" if policies else "report"
    dry = " (dry run)" if policies and config.dry_run else ""
    return config.schedule or "by hand", does + dry, config.description


def _problems(path: Path) -> Iterator[str]:
    try:
        config = read_collection(path)
    except ConfigError as error:
        yield str(error)
        return
    schedules = {"schedule": config.schedule, "gate.schedule": config.gate and config.gate.schedule}
    for where, cron in schedules.items():
        problem = import_module(ASKED).schedule_problem(cron) if cron and has_airflow() else ""
        if problem:
            yield f"{path}: {where}: Airflow refuses {cron!r}: {problem}"


def _writing(name: str, config: CollectionConfig, storage: str) -> tuple[str, bool]:
    """Return whether runs may write, in words, and whether what says so is damaged."""
    if config.flow.write_connection is None:
        return "never: the settings name no flow.write_connection", False
    try:
        require_not_stopped(meeting_place(Storage.of(storage, name), config))
    except StoppedError as error:
        return f"stopped: {error}", False
    except DedupeError as error:
        return f"stopped: {error}", True
    return "only dry runs" if config.dry_run else "allowed", False


def _lines(run: RunSummary) -> Iterator[str]:
    if run.state == "scanning":
        yield "under way, or it has failed before its report: Airflow, or the log of make run, says which"
    if run.problem:
        yield run.problem
    if run.scope:
        clusters = f"{run.clusters} cluster{'' if run.clusters == 1 else 's'}"
        yield f"{run.scope}; {clusters} with {run.documents} documents"
    for title, counts in (("decided", run.decisions), ("outcome", run.outcomes)):
        if told := ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count):
            yield f"{title}: {told}"
    if run.superseded_by:
        yield f"superseded by {run.superseded_by}"
    if run.restored:
        yield f"restored: {run.restored}"
    yield from run.notes

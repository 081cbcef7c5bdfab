"""The command that says what the newest runs of a collection came to, and whether it may be written to."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from include.dedupe.acting.lease import meeting_place, require_not_stopped
from include.dedupe.errors import DedupeError, StoppedError
from include.dedupe.reviewing.overview import list_runs
from include.dedupe.reviewing.summary import RunSummary
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.storage import Storage, default_storage
from include.safe_text import tell, without_login


def add_status_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser; it sets ``command`` to what runs it and returns the exit code."""
    status = commands.add_parser("status", help="say what the newest runs of a collection came to")
    status.add_argument("collection", help="name of the collection's YAML file")
    status.add_argument("--limit", type=int, default=10, help="how many runs (10)")
    status.set_defaults(command=run_status)


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

"""Commands that only look at settings: which collections there are, and whether they are right."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from include.dedupe.airflow_connection import ASKED, has_airflow
from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import collection_files, find_collection, read_collection
from include.safe_text import tell


def add_state_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers; each sets ``command`` to what runs it and returns the exit code."""
    commands.add_parser("list", help="list the collections").set_defaults(command=run_list)
    validate = commands.add_parser("validate", help="check settings; asks no Flow")
    validate.add_argument("collections", nargs="*", metavar="collection", help="only these; without, all")
    validate.set_defaults(command=run_validate)


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

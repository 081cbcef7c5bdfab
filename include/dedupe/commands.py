"""Commands that change something: check, verdict, acknowledge, restore, stop and allow."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import getpass
import sys
from pathlib import Path

from include.dedupe.acting.check import Step, check
from include.dedupe.acting.client_writer import locate_flow, open_writer
from include.dedupe.acting.lease import allow_writing, meeting_place, stop_writing
from include.dedupe.acting.restore import Restored, restore
from include.dedupe.acting.wanted import Wanted
from include.dedupe.clustering.names import last_members
from include.dedupe.csv_table import read_csv
from include.dedupe.errors import VerdictError
from include.dedupe.reviewing.speaking import acknowledge, say, unknown_to, verdicts_on
from include.dedupe.rundir import STORAGE_VARIABLE, RunDir, Storage, default_storage
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.verdicts import SPOKEN, give_verdict, read_verdicts


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers; each sets ``command`` to what runs it and returns the exit code."""
    for name, run, text in (
        ("check", run_check, "try on a scratch document what the policies will do"),
        ("verdict", run_verdict, "say that a pair is no duplicate, keep a document, undo a verdict"),
        ("acknowledge", run_acknowledge, "say that what a run exported is carried out elsewhere"),
        ("restore", run_restore, "take back what runs did; a dry run unless --write is given"),
        ("stop", run_stop, "stop all writing to a collection before the next batch"),
        ("allow", run_allow, "allow writing again"),
    ):
        parser = commands.add_parser(name, help=text)
        parser.add_argument("collection", help="name of the collection's YAML file")
        parser.set_defaults(command=run)
        _ARGUMENTS.get(name, lambda _: None)(parser)


def run_check(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)

    async def ask() -> list[Step]:
        async with open_writer(locate_flow(config, options.flow, writes=True)) as writer:
            return await check(writer, _lasting(options.collection, config), config)

    steps = asyncio.run(ask())
    for step in steps:
        print(
            f"{'FAILED' if step.problem else 'ok':7} {step.name}{': ' if step.problem else ''}{step.problem}"
        )
    return 1 if any(step.problem for step in steps) else 0


def run_verdict(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)
    lasting = _lasting(options.collection, config)
    ids = verdicts_on(lasting, options.ids) if options.kind == "undo" else tuple(options.ids)
    if options.run:
        run = _run(options, config)
        if options.kind != "undo" and (unknown := unknown_to(run, ids)):
            print(
                f"{options.run} found nothing of {', '.join(map(repr, unknown))}: "
                "what is said of that counts for later runs.",
                file=sys.stderr,
            )
        verdict, stats = say(run, options.kind, ids, options.by, options.note)
        print(f"{verdict.name}: the decisions of {options.run} are {stats.hash} now, {stats.counts}")
    else:
        members = last_members(lasting, ids)
        print(give_verdict(lasting, options.kind, ids, options.by, options.note, members=members).name)
    return 0


def run_acknowledge(options: argparse.Namespace) -> int:
    run = _run(options, find_collection(options.collection))
    done = _read_done(options.done) if options.done else None
    found = acknowledge(run, options.by, done, options.note)
    end = "the run is closed" if found.is_closed else "the run stays open"
    print(f"{found.settled} exported documents are settled, {found.open} are open: {end}.")
    return 0


def run_restore(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)
    wanted = Wanted(
        runs=tuple(options.runs),
        ids=tuple(options.ids),
        clusters=tuple(options.clusters),
        since=options.since,
        until=options.until,
    )

    lasting = _lasting(options.collection, config)
    before = read_verdicts(lasting)

    async def ask() -> list[Restored]:
        async with open_writer(locate_flow(config, options.flow, writes=options.write)) as writer:
            return await restore(writer, lasting, config, wanted, options.by, dry_run=not options.write)

    found = asyncio.run(ask())
    for one in found:
        print(f"{one.outcome:9} {one.action:8} {one.id}{': ' if one.reason else ''}{one.reason}")
    if not found:
        print("There is nothing to take back.")
    if given := read_verdicts(lasting)[len(before) :]:
        names = " ".join(verdict.name for verdict in given)
        print(
            f"{len(given)} cluster{'s hold' if len(given) > 1 else ' holds'} no duplicates from now on, as "
            f"you took back what was done. If they are duplicates all the same: "
            f"python -m include.dedupe verdict {options.collection} undo {names}"
        )
    return 1 if any(one.outcome == "failed" for one in found) else 0


def run_stop(options: argparse.Namespace) -> int:
    place, config = _meeting_place(options)
    stop_writing(place, getpass.getuser())
    print(f"Stopped all writing to {config.flow.collection} (in {place.root}).")
    return 0


def run_allow(options: argparse.Namespace) -> int:
    place, config = _meeting_place(options)
    allow_writing(place)
    print(f"Writing to {config.flow.collection} is allowed (in {place.root}).")
    return 0


def _lasting(name: str, config: CollectionConfig) -> Storage:
    return Storage(f"{(config.storage or default_storage()).rstrip('/')}/{name}")


def _meeting_place(options: argparse.Namespace) -> tuple[Storage, CollectionConfig]:
    """Return where the writers of a collection meet; warn where none of its runs have been."""
    config = find_collection(options.collection)
    lasting = _lasting(options.collection, config)
    if not lasting.folders("runs"):
        print(
            f"No run of {options.collection} has left anything in {lasting.root}. If its runs are elsewhere, "
            f"this does not reach them: set {STORAGE_VARIABLE} as they have it.",
            file=sys.stderr,
        )
    return meeting_place(lasting, config), config


def _run(options: argparse.Namespace, config: CollectionConfig) -> RunDir:
    return RunDir(config.storage or default_storage(), options.collection, options.run)


def _read_done(path: Path) -> dict[str, str]:
    """Return what was done with each document, from a CSV with the columns duplicate and, if told, done."""
    try:
        rows = read_csv(path.read_bytes())
    except (OSError, ValueError) as error:
        raise VerdictError(f"{path} cannot be read: {error}.") from error
    if not rows or "duplicate" not in rows[0]:
        raise VerdictError(
            f"{path} needs a header with the column duplicate, and maybe done, and a row for each document; "
            f"take redirects.csv of the run's report."
        )
    done = {row["duplicate"]: row.get("done", "") for row in rows}
    if len(done) < len(rows):
        raise VerdictError(f"{path} names a document more than once.")
    return done


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--flow", metavar="URL", help="where Flow is, instead of AIRFLOW_CONN_<WRITE_CONNECTION>"
    )


def _verdict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=SPOKEN)
    parser.add_argument("ids", nargs="+", help="documents or clusters; to undo: these, or names of verdicts")
    parser.add_argument("--run", help="decide this run anew and print the hash of its decisions")
    _said_arguments(parser)


def _acknowledge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run id")
    parser.add_argument(
        "--done",
        type=Path,
        metavar="CSV",
        help="only these documents: columns duplicate and, if told, done; without it all that was exported",
    )
    _said_arguments(parser)


def _said_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--note", default="", help="why")
    parser.add_argument("--by", default=getpass.getuser(), help="who says so")


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    _check_arguments(parser)
    for name, text in (("runs", "run ids"), ("ids", "documents"), ("clusters", "clusters")):
        parser.add_argument(f"--{name}", nargs="*", default=[], help=f"only these {text}")
    for name in ("since", "until"):
        parser.add_argument(f"--{name}", type=_moment, help="ISO date or time, UTC without an offset")
    parser.add_argument("--write", action="store_true", help="write, instead of saying what would be done")
    parser.add_argument("--by", default=getpass.getuser(), help="who asks")


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no ISO date or time such as 2026-11-25 or 2026-11-25T09:30"
        raise argparse.ArgumentTypeError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


_ARGUMENTS = {
    "check": _check_arguments,
    "verdict": _verdict_arguments,
    "acknowledge": _acknowledge_arguments,
    "restore": _restore_arguments,
}

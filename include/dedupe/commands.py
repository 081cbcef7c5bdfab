"""Commands that change something: check, claim, verdict, acknowledge, prune, stop and allow."""

from __future__ import annotations

import argparse
import asyncio
import getpass
from collections.abc import Sequence
from pathlib import Path

from include.dedupe.acting.check import check
from include.dedupe.acting.client_writer import locate_flow, open_writer
from include.dedupe.acting.lease import allow_writing, hold_lease, meeting_place, stop_writing
from include.dedupe.acting.marker import take_claim
from include.dedupe.acting.scratch import Step
from include.dedupe.clustering.known_ids import require_known, unknown_ids
from include.dedupe.clustering.names import last_members
from include.dedupe.connect import open_flow
from include.dedupe.csv_table import read_csv
from include.dedupe.deciding.refused import pairs_of
from include.dedupe.errors import DedupeError, VerdictError
from include.dedupe.places import require_runs
from include.dedupe.prune import Ages, prune
from include.dedupe.reviewing.speaking import acknowledge, say, verdicts_of, verdicts_on
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.storage import Storage, default_storage
from include.dedupe.verdicts import SPOKEN, give_verdict
from include.flow_client import FlowError
from include.safe_text import tell


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers; each sets ``command`` to what runs it and returns the exit code."""
    for name, run, text in (
        ("check", run_check, "try on a scratch document what the policies will do"),
        ("verdict", run_verdict, "say that a pair is no duplicate, keep a document, undo a verdict"),
        ("acknowledge", run_acknowledge, "say that what a run exported is carried out elsewhere"),
        ("prune", run_prune, "remove what is old, by ages or as retention says; a dry run unless told"),
        ("claim", run_claim, "let this storage write to the collection from now on, and no other"),
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
            return await check(writer, lasting_of(options.collection, config), config)

    steps = asyncio.run(ask())
    for step in steps:
        told = ": ".join(filter(None, (step.name, step.problem, step.note)))
        tell(f"{'FAILED' if step.problem else 'ok':7} {told}")
    return 1 if any(step.problem for step in steps) else 0


def run_claim(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)
    place = meeting_place(lasting_of(options.collection, config), config)

    async def take() -> None:
        async with open_writer(locate_flow(config, options.flow, writes=True)) as writer:
            with hold_lease(place, "The claim"):
                await take_claim(writer, place, config)

    asyncio.run(take())
    tell(f"{config.flow.collection} is written to from {place.root} from now on, and from nowhere else.")
    return 0


def run_verdict(options: argparse.Namespace) -> int:
    lasting, config = runs_of(options.collection)
    is_undo = options.kind == "undo"
    if (options.of_run or options.of_restore) and not is_undo:
        raise VerdictError("--of-run and --of-restore say what to undo; name documents or clusters instead.")
    ids = _to_undo(lasting, options) if is_undo else tuple(options.ids)
    there, told = (set[str](), "") if is_undo else _in_collection(options, config, unknown_ids(lasting, ids))
    if options.run:
        run = _run(options, config)
        verdict, stats = say(run, options.kind, ids, options.by, options.note, in_collection=there)
        tell(f"{verdict.name}: the decisions of {options.run} are {stats.hash} now, {stats.counts}")
    else:
        members = last_members(lasting, ids)
        if not is_undo:
            require_known(lasting, ids, there | members.keys(), told)
        kind, by, note = options.kind, options.by, options.note
        refusals = pairs_of(lasting, ids) if kind == "same" else ()
        tell(give_verdict(lasting, kind, ids, by, note, members=members, refusals=refusals).name)
    return 0


def _to_undo(lasting: Storage, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the verdicts that are to be undone."""
    named = verdicts_on(lasting, options.ids)
    on_run = verdicts_of(lasting, run_id=options.of_run) if options.of_run else ()
    by_restore = verdicts_of(lasting, restored=options.of_restore) if options.of_restore else ()
    return tuple(dict.fromkeys((*named, *on_run, *by_restore)))


def _in_collection(
    options: argparse.Namespace, config: CollectionConfig, ids: Sequence[str]
) -> tuple[set[str], str]:
    """Return those ``ids`` that the collection holds, or why it cannot be asked."""

    async def ask() -> set[str]:
        async with open_flow(locate_flow(config, options.flow), in_flight=1) as flow:
            return {document["id"] for document in await flow.existing(ids)}

    try:
        return (asyncio.run(ask()) if ids else set()), ""
    except (DedupeError, FlowError) as error:
        return set(), f"The collection may hold it, but cannot be asked: {error}"


def run_acknowledge(options: argparse.Namespace) -> int:
    _, config = runs_of(options.collection)
    run = _run(options, config)
    done = _read_done(options.done, as_text=config.report.cells_as_text) if options.done else None
    found = acknowledge(run, options.by, done, options.note)
    end = "the run is closed" if found.is_closed else "the run stays open"
    tell(f"{found.settled} exported documents are settled, {found.open} are open: {end}.")
    return 0


def run_prune(options: argparse.Namespace) -> int:
    _, config = runs_of(options.collection)
    named = Ages(options.runs_days, options.archive_days, options.quarantine_days)
    ages = Ages.of(config.retention) if named.is_empty else named
    dry_run, storage = options.dry_run == "yes", config.storage or default_storage()
    found = prune(storage, options.collection, config, ages, getpass.getuser(), dry_run=dry_run)
    for one in found:
        done = "stays" if one.stays else "would go" if dry_run else "removed"
        tell(f"{done:8}  {one.bytes:>15,} bytes  {one.kind} {one.name}{': ' if one.stays else ''}{one.stays}")
    freed = sum(one.bytes for one in found if not one.stays)
    tell(f"{freed:,} bytes {'would be freed: this was a dry run' if dry_run else 'were freed'}.")
    return 0


def run_stop(options: argparse.Namespace) -> int:
    lasting, config = runs_of(options.collection)
    place = meeting_place(lasting, config)
    stop_writing(place, getpass.getuser())
    tell(f"Stopped all writing to {config.flow.collection} (in {place.root}).")
    return 0


def run_allow(options: argparse.Namespace) -> int:
    lasting, config = runs_of(options.collection)
    place = meeting_place(lasting, config)
    allow_writing(place)
    tell(f"Writing to {config.flow.collection} is allowed (in {place.root}).")
    return 0


def lasting_of(name: str, config: CollectionConfig) -> Storage:
    """Return what outlives the runs of a collection."""
    return Storage.of(config.storage or default_storage(), name)


def runs_of(name: str) -> tuple[Storage, CollectionConfig]:
    """Return what outlives the runs of a collection, and its settings.

    Raises:
        ConfigError: there is no such collection, or none of its runs has been in this storage.
    """
    config = find_collection(name)
    lasting = lasting_of(name, config)
    require_runs(lasting)
    return lasting, config


def _run(options: argparse.Namespace, config: CollectionConfig) -> RunDir:
    return RunDir(config.storage or default_storage(), options.collection, options.run)


def _read_done(path: Path, *, as_text: bool) -> dict[str, str]:
    """Return what was done with each document, from a CSV with the columns duplicate and, if told, done."""
    try:
        rows = read_csv(path.read_bytes(), as_text=as_text)
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
    parser.add_argument("--flow", metavar="URL", help="where Flow is, instead of flow.write_connection")


def _verdict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=SPOKEN)
    parser.add_argument("ids", nargs="*", help="documents or clusters; to undo: these, or names of verdicts")
    parser.add_argument("--of-run", metavar="RUN", help="to undo: all that was said on this run")
    parser.add_argument(
        "--of-restore", metavar="RUN", help="to undo: all that was remembered when this run was restored"
    )
    parser.add_argument("--run", help="decide this run anew and print the hash of its decisions")
    parser.add_argument(
        "--flow", metavar="URL", help="where to look for documents of which no run has found anything"
    )
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


def _prune_arguments(parser: argparse.ArgumentParser) -> None:
    for kind, text in (
        ("runs", "folders of runs; nothing needs them to restore"),
        ("archive", "what restores go by: what is removed cannot be restored"),
        ("quarantine", "files of deleted documents: what is removed is gone"),
    ):
        parser.add_argument(f"--{kind}-days", type=_days, metavar="DAYS", help=f"older than this: {text}")
    parser.add_argument("--dry-run", choices=["yes", "no"], default="yes", help="yes: say what would go")


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, 1 or more")
    return int(text)


_ARGUMENTS = {
    "check": _check_arguments,
    "claim": _check_arguments,
    "verdict": _verdict_arguments,
    "acknowledge": _acknowledge_arguments,
    "prune": _prune_arguments,
}

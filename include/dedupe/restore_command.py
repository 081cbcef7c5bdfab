"""The command that takes back what runs did, and asks what is to come of it afterwards."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import getpass
import shlex
from collections.abc import Sequence

from include.dedupe.acting.client_writer import locate_flow, open_writer
from include.dedupe.acting.restore import AFTERWARDS, REMEMBER, TRY_AGAIN, Restored, restore
from include.dedupe.acting.wanted import Wanted
from include.dedupe.commands import runs_of
from include.dedupe.verdicts import Verdict, read_verdicts
from include.safe_text import tell


def add_restore_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser; it sets ``command`` to what runs it and returns the exit code."""
    text = "take back what runs did; a dry run unless told --dry-run no"
    parser = commands.add_parser("restore", help=text)
    parser.add_argument("collection", help="name of the collection's YAML file")
    parser.add_argument("--flow", metavar="URL", help="where Flow is, instead of flow.write_connection")
    for name, what in (("runs", "run ids"), ("ids", "documents"), ("clusters", "clusters")):
        parser.add_argument(f"--{name}", nargs="*", default=[], help=f"only these {what}")
    for name in ("since", "until"):
        parser.add_argument(f"--{name}", type=_moment, help="ISO date or time, UTC without an offset")
    parser.add_argument("--dry-run", choices=["yes", "no"], default="yes", help="yes: say what would be done")
    parser.add_argument(
        "--afterwards",
        choices=AFTERWARDS,
        default=REMEMBER,
        help="remember: what comes back is no duplicate in later runs; try-again: they judge it anew",
    )
    parser.add_argument("--by", default=getpass.getuser(), help="who asks")
    parser.set_defaults(command=run_restore)


def run_restore(options: argparse.Namespace) -> int:
    lasting, config = runs_of(options.collection)
    names = ("runs", "ids", "clusters")
    lists = {name: tuple(getattr(options, name)) for name in names}
    wanted = Wanted(**lists, since=options.since, until=options.until)
    before, dry_run = read_verdicts(lasting), options.dry_run == "yes"
    remember = options.afterwards == REMEMBER

    async def ask() -> list[Restored]:
        async with open_writer(locate_flow(config, options.flow, writes=not dry_run)) as writer:
            return await restore(
                writer, lasting, config, wanted, options.by, dry_run=dry_run, remember=remember
            )

    found = asyncio.run(ask())
    for one in found:
        tell(f"{one.outcome:9} {one.action:8} {one.id}{': ' if one.reason else ''}{one.reason}")
    if not found:
        tell("There is nothing to take back.")
    elif not dry_run:
        given = read_verdicts(lasting)[len(before) :]
        tell(_remembered(given, options.collection, remember=remember))
    else:
        tell(
            f"Nothing was written. Add --dry-run no, and --afterwards {REMEMBER} (the default: what comes "
            f"back is no duplicate in later runs) or --afterwards {TRY_AGAIN} (later runs judge it anew)."
        )
    return 1 if any(one.outcome == "failed" for one in found) else 0


def _remembered(given: Sequence[Verdict], collection: str, *, remember: bool) -> str:
    """Say what a restore has remembered, and how that is undone."""
    if not given:
        return "Nothing new was remembered of it." if remember else "Later runs judge it anew."
    runs = dict.fromkeys(one.restored for one in given)
    undo = " ".join(f"--of-restore {shlex.quote(one)}" for one in runs)
    return (
        f"{len(given)} cluster{'s hold' if len(given) > 1 else ' holds'} no duplicates from now on, as you "
        f"took back what was done. If they are duplicates all the same: "
        f"python -m include.dedupe verdict {collection} undo {undo}"
    )


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no ISO date or time such as 2026-11-25 or 2026-11-25T09:30"
        raise argparse.ArgumentTypeError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)

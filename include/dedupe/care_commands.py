"""Commands for those who look after a storage: erase what it holds of a document, compact the known pairs."""

from __future__ import annotations

import argparse
import getpass

from include.dedupe.commands import runs_of
from include.dedupe.compact import compact
from include.dedupe.erase import NOT_HERE, erase
from include.dedupe.storage import default_storage
from include.safe_text import tell


def add_care_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers; each sets ``command`` to what runs it and returns the exit code."""
    eraser = commands.add_parser(
        "erase", help="remove what the storage holds of documents; a dry run unless told"
    )
    eraser.add_argument("collection", help="name of the collection's YAML file")
    eraser.add_argument("ids", nargs="+", metavar="ID", help="documents; what was erased cannot be restored")
    eraser.add_argument("--by", default=getpass.getuser(), help="who asks")
    eraser.set_defaults(command=run_erase)
    compacter = commands.add_parser("compact", help="put the known pairs of all runs into one file")
    compacter.add_argument("collection", help="name of the collection's YAML file")
    compacter.set_defaults(command=run_compact)
    for parser in (eraser, compacter):
        parser.add_argument(
            "--dry-run", choices=["yes", "no"], default="yes", help="yes: only say what there is"
        )


def run_erase(options: argparse.Namespace) -> int:
    """Return 1 where something of the documents is left."""
    _, config = runs_of(options.collection)
    dry_run, left = options.dry_run == "yes", 0
    storage = config.storage or default_storage()
    for one in erase(storage, options.collection, config, options.ids, options.by, dry_run=dry_run):
        left += bool(one.stays)
        done = "STAYS" if one.stays else "would be" if dry_run else "is"
        tell(f"{done:8} {one.done or 'not touched':12} {one.name}{': ' if one.stays else ''}{one.stays}")
    tell(f"{left} files could not be erased." if left else "Nothing stays behind in the storage.")
    for place in NOT_HERE:
        tell(f"Not looked at: {place}.")
    if dry_run:
        tell("This was a dry run: add --dry-run no to erase. What was erased cannot be restored.")
    return 1 if left else 0


def run_compact(options: argparse.Namespace) -> int:
    _, config = runs_of(options.collection)
    dry_run = options.dry_run == "yes"
    found = compact(config.storage or default_storage(), options.collection, dry_run=dry_run)
    would = "would become" if dry_run else "are"
    tell(f"{found.files} files with {found.rows:,} known pairs {would} one with {found.kept_rows:,}.")
    if found.but_from:
        tell(f"Later ones stay as they are, for {found.but_from} is about to join its pairs with them.")
    return 0

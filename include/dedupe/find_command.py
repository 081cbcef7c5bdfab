"""The command that finds the duplicates of one picture, for a look before all are scanned."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from include.dedupe.acting.client_writer import locate_flow
from include.dedupe.connect import open_flow
from include.dedupe.find import Duplicate, Picture, find
from include.dedupe.settings.config import find_collection
from include.safe_text import shown, tell


def add_find_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser; it sets ``command`` to what runs it and returns the exit code."""
    finder = commands.add_parser("find", help="print the duplicates of one picture")
    finder.add_argument("collection", help="name of the collection's YAML file")
    finder.add_argument("picture", help="a document's id, an http(s) address or a file")
    finder.add_argument("--flow", metavar="URL", help="where Flow is, instead of flow.connection")
    finder.add_argument(
        "--id", action="store_true", help="PICTURE is an id, also if there is a file of that name"
    )
    finder.add_argument("--threshold", type=float, help="lowest score, instead of the settings' one")
    finder.add_argument("--json", action="store_true", help="print JSON instead of a table")
    finder.set_defaults(command=run_find)


def run_find(options: argparse.Namespace) -> int:
    duplicates = asyncio.run(_find(options))
    if options.json:
        for line in json.dumps([asdict(duplicate) for duplicate in duplicates], indent=2).splitlines():
            tell(line)
    else:
        _print_table(duplicates)
    return 0


async def _find(options: argparse.Namespace) -> list[Duplicate]:
    config = find_collection(options.collection)
    address = locate_flow(config, options.flow)
    picture = Picture(document_id=options.picture) if options.id else Picture.parse(options.picture)
    async with open_flow(address, in_flight=1) as flow:
        return await find(flow, config, picture, options.threshold)


def _print_table(duplicates: Sequence[Duplicate]) -> None:
    if not duplicates:
        tell("No duplicates.")
        return
    width = max(len(shown(duplicate.id)) for duplicate in duplicates)
    tell(f"{'score':5}  {'kind':5}  {'id':{width}}  image")
    for duplicate in duplicates:
        tell(f"{duplicate.score:.3f}  {duplicate.kind:5}  {shown(duplicate.id):{width}}  {duplicate.image}")

"""Commands for a shell: ``python -m include.dedupe find COLLECTION PICTURE``, and those that write."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from include.dedupe.acting.client_writer import locate_flow
from include.dedupe.calibrate_commands import add_calibrate_command
from include.dedupe.care_commands import add_care_commands
from include.dedupe.commands import add_commands
from include.dedupe.connect import open_flow
from include.dedupe.errors import DedupeError
from include.dedupe.find import Duplicate, Picture, find
from include.dedupe.gate_commands import add_gate_commands
from include.dedupe.restore_command import add_restore_command
from include.dedupe.settings.config import find_collection
from include.dedupe.state_commands import add_state_commands
from include.flow_client import FlowError
from include.safe_text import complain, shown, tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 2 when the input is wrong, or Flow or a file cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except (DedupeError, FlowError, OSError) as error:
        complain(error)
        return 2
    return code


def _run_find(options: argparse.Namespace) -> int:
    duplicates = asyncio.run(_find(options))
    if options.json:
        for line in json.dumps([asdict(duplicate) for duplicate in duplicates], indent=2).splitlines():
            tell(line)
    else:
        _print_table(duplicates)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.dedupe")
    parser.set_defaults(command=lambda _: _show_commands(parser))
    commands = parser.add_subparsers(metavar="COMMAND")
    finder = commands.add_parser("find", help="print the duplicates of one picture")
    finder.add_argument("collection", help="name of the collection's YAML file")
    finder.add_argument("picture", help="a document's id, an http(s) address or a file")
    finder.add_argument("--flow", metavar="URL", help="where Flow is, instead of flow.connection")
    finder.add_argument(
        "--id", action="store_true", help="PICTURE is an id, also if there is a file of that name"
    )
    finder.add_argument("--threshold", type=float, help="lowest score, instead of the settings' one")
    finder.add_argument("--json", action="store_true", help="print JSON instead of a table")
    finder.set_defaults(command=_run_find)
    add_commands(commands)
    add_restore_command(commands)
    add_gate_commands(commands)
    add_state_commands(commands)
    add_calibrate_command(commands)
    add_care_commands(commands)
    return parser


def _show_commands(parser: argparse.ArgumentParser) -> int:
    for line in parser.format_help().splitlines():
        tell(line)
    return 2


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


if __name__ == "__main__":
    sys.exit(main())

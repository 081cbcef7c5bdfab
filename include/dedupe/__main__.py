"""Commands for a shell: ``python -m include.dedupe find COLLECTION PICTURE``, and those that write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from include.dedupe.errors import DedupeError
from include.flow_client import FlowError
from include.safe_text import complain, tell

COMMANDS = {
    "find_command": ("find",),
    "commands": ("check", "verdict", "acknowledge", "prune", "claim", "stop", "allow"),
    "restore_command": ("restore",),
    "gate_commands": ("gate", "held"),
    "state_commands": ("list", "validate"),
    "status_command": ("status",),
    "calibrate_command": ("calibrate",),
    "care_commands": ("erase", "compact"),
}
"""Which module adds which commands: only that of the command that was asked for is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 2 when the input is wrong, or Flow or a file cannot be read."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parser_for(given[0] if given else "").parse_args(given)
    try:
        code: int = options.command(options)
    except (DedupeError, FlowError, OSError) as error:
        complain(error)
        return 2
    return code


def parser_for(command: str) -> argparse.ArgumentParser:
    """Return a parser that knows ``command``; all commands where nobody knows that one."""
    parser = argparse.ArgumentParser(prog="python -m include.dedupe")
    parser.set_defaults(command=lambda _: _show_commands(parser))
    commands = parser.add_subparsers(metavar="COMMAND")
    of_command = [module for module, names in COMMANDS.items() if command in names]
    for module in of_command or COMMANDS:
        getattr(import_module(f"include.dedupe.{module}"), f"add_{module}")(commands)
    return parser


def _show_commands(parser: argparse.ArgumentParser) -> int:
    for line in parser.format_help().splitlines():
        tell(line)
    return 2


if __name__ == "__main__":
    sys.exit(main())

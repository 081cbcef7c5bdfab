"""Commands of the gate: ask what would become of one picture, and decide of what a run holds."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
from dataclasses import asdict

from include.dedupe.acting.client_writer import locate_flow, open_writer
from include.dedupe.gate import Outcome, check
from include.dedupe.gating.report import read_held, report
from include.dedupe.gating.settle import Said, ask, settle
from include.dedupe.gating.take import gate_run_id
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.storage import default_storage
from include.safe_text import tell


def add_gate_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers; each sets ``command`` to what runs it and returns the exit code."""
    gate = commands.add_parser("gate", help="say what would become of a new picture; writes nothing")
    gate.add_argument("collection", help="name of the collection's YAML file")
    gate.add_argument("picture", metavar="FILE", help="a file or an http(s) address")
    gate.add_argument("--flow", metavar="URL", help="where Flow is, instead of flow.connection")
    gate.add_argument("--json", action="store_true", help="print JSON instead of text")
    gate.set_defaults(command=run_gate)
    held = commands.add_parser("held", help="list what a run of the gate holds, let it in, link or reject it")
    held.add_argument("collection", help="name of the collection's YAML file")
    held.add_argument("run", help="run id")
    held.add_argument("--let-in", nargs="*", default=[], metavar="ID", help="documents to let in")
    held.add_argument(
        "--link",
        nargs="*",
        default=[],
        metavar="ID",
        help="documents to let in, linked to what they look like",
    )
    held.add_argument("--reject", nargs="*", default=[], metavar="ID", help="documents to reject")
    instead = "where Flow is, instead of flow.write_connection"
    held.add_argument("--flow", metavar="URL", help=instead)
    held.add_argument("--by", default=getpass.getuser(), help="who says so")
    held.set_defaults(command=run_held)


def run_gate(options: argparse.Namespace) -> int:
    outcome = check(options.picture, options.collection, flow=options.flow)
    if options.json:
        for line in json.dumps(asdict(outcome), indent=2, ensure_ascii=False).splitlines():
            tell(line)
        return 0
    _print_outcome(outcome)
    return 0


def run_held(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)
    run = RunDir(config.storage or default_storage(), options.collection, gate_run_id(options.run))
    if options.let_in or options.link or options.reject:
        counts = asyncio.run(_settle(run, config, options))
        report(run, Attempt())
        tell(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
        return 0
    held = read_held(run)
    for _, row in held.values():
        tell(f"{row.id}  {row.reason}")
    if not held:
        tell("Nothing is held.")
    return 0


async def _settle(run: RunDir, config: CollectionConfig, options: argparse.Namespace) -> dict[str, int]:
    async with open_writer(locate_flow(config, options.flow, writes=True)) as writer:
        said = Said(*map(frozenset, (options.let_in, options.reject, options.link)))
        return await settle(writer, run, ask(run), options.by, said)


def _print_outcome(outcome: Outcome) -> None:
    tell(f"{outcome.decision}: {outcome.reason}")
    for one in outcome.matches:
        tell(f"{one.score:.3f}  {one.kind:5}  {one.id}  {one.image}")

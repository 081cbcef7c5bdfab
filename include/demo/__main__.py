"""`make demo`: pictures are indexed, a real Airflow run finds their duplicates, new ones come to the gate."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from include.dedupe.errors import DedupeError
from include.dedupe.tables import PAIRS
from include.demo.check import check
from include.demo.flow import CONNECTION_VARIABLE, index, serving
from include.demo.gate import gate_lines, take_back
from include.demo.library import Library, demo_library, folder_library, own_folder, use_own_settings
from include.demo.processes import DemoError
from include.demo.truth import Truth
from include.demo.uploads import make_uploads
from include.orchestration.result import result_lines
from include.orchestration.run_once import HOME, Outcome, run_once
from include.safe_text import complain

RUN = HOME.parent


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--images", type=own_folder, help="a folder of your own pictures, instead")
    parser.add_argument("--port", type=int, help="port of the server while it runs")
    options = parser.parse_args(arguments)
    use_own_settings()
    try:
        return demo(options.images, options.port)
    except (DemoError, DedupeError) as error:
        complain(error)
        return 2


def demo(images: Path | None, port: int | None) -> int:
    """Index, run, print. Return 0, or 1 when the run failed.

    Raises:
        DemoError: the pictures cannot be indexed or served.
    """
    began = time.monotonic()
    library = folder_library(RUN, images) if images else demo_library(RUN)
    index(library)
    indexed_s = time.monotonic() - began
    with serving(library, RUN / "logs" / "server.log", port) as address:
        os.environ[CONNECTION_VARIABLE] = address
        take_back()  # of a demo that was interrupted
        outcome = run_once("demo", {"scope": "full"})
        if not _succeeded(outcome):
            return 1
        _print_result(library, outcome, {"index": indexed_s, **outcome.seconds}, time.monotonic() - began)
        return _gate() if library.truth else 0


def _gate() -> int:
    """Let a dozen new pictures come to the gate, and say what became of each."""
    manifest = make_uploads(RUN / "uploads")
    outcome = run_once("demo", {"incoming": str(manifest), "dry_run": "no", "ask": "hold"}, is_gate=True)
    if not _succeeded(outcome):
        return 1
    print()
    for line in gate_lines(outcome.run, manifest):
        print(line)
    print(f"taken back   {take_back()} indexed, so that the next demo begins as this one")
    return 0


def _succeeded(outcome: Outcome) -> bool:
    for message in outcome.errors:
        complain(message)
    if not outcome.is_success:
        print(f"The run failed; all details are in {outcome.log_file}.", file=sys.stderr)
    return outcome.is_success


def _print_result(library: Library, outcome: Outcome, seconds: dict[str, float], total_s: float) -> None:
    stages = "  ".join(f"{stage} {spent:.1f}" for stage, spent in seconds.items())
    print()
    for line in result_lines(outcome.run):
        print(line)
    print(f"seconds      {stages}  all {total_s:.1f}")
    if library.truth:
        found = outcome.run.read_table("pairs", "pairs", PAIRS)[["id_a", "id_b", "score"]]
        print()
        print(check(found, Truth.read(library.truth)).table())
    print()
    print(f"report       {outcome.run.address}/report/report.html")


if __name__ == "__main__":
    sys.exit(main())

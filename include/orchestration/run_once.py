"""Run one collection's DAG once, in this process: no scheduler, no web server, one task after the other.

    python -m include.orchestration.run_once NAME [--from 2026-04-01 --to 2026-05-01] [--categories fishes]

For people who have cron and no Airflow, and for the demo. It is a real run of the real DAG, kept in a
metadata database of its own. Without a range it scans everything.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.dedupe.errors import ConfigError
from include.dedupe.gating.take import gate_run_id
from include.dedupe.progress import BARS_VARIABLE
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import find_collection
from include.dedupe.settings.dry_run import DRY_WORDS, is_dry
from include.dedupe.storage import default_storage
from include.orchestration import home
from include.orchestration.result import result_lines
from include.safe_text import complain, tell

if TYPE_CHECKING:
    from airflow.sdk import DAG

HOME = Path(os.environ.get("AIRFLOW_HOME") or home.PROJECT / ".run" / "airflow")


@dataclass(slots=True)
class Outcome:
    """How a run ended: its folder, the seconds of each stage, and the errors of those that failed."""

    is_success: bool
    run: RunDir
    log_file: Path
    seconds: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def run_once(collection: str, params: dict[str, Any], *, is_gate: bool = False) -> Outcome:
    """Run the DAG of ``collection``, or that of its gate, with ``params`` and return how it ended.

    Raises:
        ConfigError: there is no such collection, its settings are wrong, it asks a person, or Airflow cannot
            load it.
    """
    config = find_collection(collection)
    dry = is_dry(params.get("dry_run"), config.dry_run)
    may_ask = params.get("ask") != "hold" if is_gate else config.policies is not None
    if may_ask and not dry and config.approval.mode == "ask":
        raise ConfigError(
            f"{collection} asks a person before it writes, and nobody can answer here: start it in an "
            f"Airflow with a scheduler, or set dry_run: true, or approval: {{mode: none}}."
        )
    home.use(HOME)
    HOME.mkdir(parents=True, exist_ok=True)
    log_file = HOME / f"run-{collection}.log"
    with _output_to(log_file):
        home.migrate(HOME)
        dag = _load(f"{'gate' if is_gate else 'dedupe'}_{collection}")
        errors = _collect_errors(dag)
        ended = dag.test(run_conf=params, logical_date=dt.datetime.now(dt.UTC))
        seconds: dict[str, float] = defaultdict(float)
        never = dt.datetime.max.replace(tzinfo=dt.UTC)
        for ti in sorted(ended.get_task_instances(), key=lambda ti: ti.start_date or never):
            seconds[ti.task_id] += ti.duration or 0.0
    return Outcome(
        is_success=ended.state == "success",
        run=RunDir(
            config.storage or default_storage(),
            collection,
            gate_run_id(ended.run_id) if is_gate else ended.run_id,
        ),
        log_file=log_file,
        seconds=dict(seconds),
        errors=errors,
    )


def _load(dag_id: str) -> DAG:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - after the settings are in place

    bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
    if dag_id not in bag.dags:
        raise ConfigError(f"Airflow cannot load {dag_id}: {'; '.join(bag.import_errors.values())}")
    dag: DAG = bag.dags[dag_id]
    return dag


def _collect_errors(dag: DAG) -> list[str]:
    """Let each task report its error, and fail at once: nobody waits for a retry in an hour."""
    errors: list[str] = []

    def collect(context: Any) -> None:
        errors.append(f"{context['ti'].task_id}: {context.get('exception')}")

    for task in dag.tasks:
        task.retries = 0
        task.on_failure_callback = [collect]
    return errors


@contextmanager
def _output_to(log_file: Path) -> Iterator[None]:
    """Send what Airflow prints into a file; progress stays visible, as bars on standard error."""
    sys.stdout.flush()
    terminal = os.dup(1)
    had_bars = BARS_VARIABLE in os.environ
    with log_file.open("ab") as log:
        os.environ.setdefault(BARS_VARIABLE, "1")
        os.dup2(log.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(terminal, 1)
            os.close(terminal)
            if not had_bars:
                del os.environ[BARS_VARIABLE]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    params = vars(parser.parse_args(arguments))
    collection = params.pop("collection")
    is_range = params["from"] or params["to"] or params["categories"]
    params["scope"] = params["scope"] or ("range" if is_range else "full")
    params = {name: value for name, value in params.items() if value is not None}
    try:
        outcome = run_once(collection, params)
    except ConfigError as error:
        complain(error)
        return 2
    for message in outcome.errors:
        complain(message)
    if not outcome.is_success:
        complain(f"The run failed; all details are in {outcome.log_file}.")
        return 1
    for line in result_lines(outcome.run):
        tell(line)
    tell(f"report       {outcome.run.address}/report/report.html")
    return 0


def _parser() -> argparse.ArgumentParser:
    """Return what reads the parameters of the DAG, by the same names."""
    parser = argparse.ArgumentParser(prog="make run", description="Run one collection's DAG once.")
    parser.add_argument("collection", help="name of a YAML file in the folder of collections")
    parser.add_argument("--scope", choices=["full", "range", "known"], help="without: range if one is named")
    parser.add_argument("--from", help="first date to scan, such as 2026-04-01")
    parser.add_argument("--to", help="date to stop before")
    parser.add_argument("--categories", nargs="*", default=[], help="scan only these categories")
    parser.add_argument("--dry-run", choices=DRY_WORDS, help="without: as configured")
    parser.add_argument("--threshold", type=float, help="lowest score of a near duplicate")
    parser.add_argument("--mode", choices=["balanced", "speed"], help="scan mode")
    parser.add_argument("--sample", type=int, help="scan only so many documents, evenly spread")
    parser.add_argument("--limit", type=int, help="scan only the first so many documents")
    return parser


if __name__ == "__main__":
    sys.exit(main())

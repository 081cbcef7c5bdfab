"""What a run found, decided and did, as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from include.dedupe.deciding.decisions import ACTS
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.storage import named
from include.dedupe.tables import ACTIONS


def result_lines(run: RunDir) -> Iterator[str]:
    """Yield a line for each count of a run that has succeeded, and how to undo what it wrote."""
    summary = run.storage.read_json("report/summary.json", named)
    clusters, pairs, coverage = summary["clusters"], summary["pairs"], summary["coverage"]
    yield f"documents    {coverage['scanned']} of {coverage['expected']} scanned"
    yield f"partitions   {len(coverage['partitions'])}"
    yield f"clusters     {clusters['count']} with {clusters['documents']} documents"
    yield f"pairs        {pairs['exact']} exact, {pairs['near']} near"
    if summary["news"]:
        yield f"news         {summary['news']['told']}"
    if (shown := summary["pictures"])["missing"]:
        yield f"pictures     {shown['missing']} of {shown['count']} could not be shown: {shown['problem']}"
    if summary["decisions"]:
        yield f"decisions    {_listed(summary['decisions']['counts']) or 'none'}"
        yield from (f"guard        {problem}" for problem in summary["decisions"]["problems"])
    if read_manifest(run.storage, "apply"):
        yield from _outcomes(run)


def _outcomes(run: RunDir) -> Iterator[str]:
    actions = run.read_table("apply", "actions", ACTIONS)
    for outcome, rows in actions.groupby("outcome"):
        yield f"{outcome:12} {_listed(Counter(rows['decision']))}"
    if ((actions["outcome"] == "done") & actions["decision"].isin(ACTS)).any():
        yield f"undo         .venv/bin/python -m include.dedupe restore {run.collection} --runs {run.run_id}"
    elif run.storage.read_json("record/record.json", lambda value: bool(value["dry_run"])):
        yield "written      nothing: this was a dry run"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)

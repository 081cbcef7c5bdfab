"""Review: what a person reads of a run and says to it, for a page or a shell.

Every verdict may change the decisions; ``decide_again`` gives them a new hash, and the answer to the run's
question names the hash that the person has seen.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from include.dedupe.decide import DecideStats, decide_again
from include.dedupe.decisions import ACTS, read_decisions
from include.dedupe.errors import ApprovalError
from include.dedupe.rundir import RunDir
from include.dedupe.tables import CLUSTERS
from include.dedupe.verdicts import Verdict, give_verdict

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class ReviewedRun:
    """A run's clusters and newest decisions: columns of CLUSTERS and DECISIONS."""

    clusters: pd.DataFrame
    decisions: pd.DataFrame
    stats: DecideStats


def read_run(run: RunDir) -> ReviewedRun:
    """Return what a run found and what would be done now, all verdicts counted in."""
    stats = decide_again(run)
    clusters = run.read_table("clusters", "clusters", CLUSTERS)
    return ReviewedRun(clusters, read_decisions(run, stats.hash), stats)


def say(run: RunDir, kind: str, ids: tuple[str, ...], by: str, note: str = "") -> tuple[Verdict, DecideStats]:
    """Give a verdict, or undo one, and return it with the decisions that stand now."""
    verdict = give_verdict(run.lasting, kind, ids, by, note)
    return verdict, decide_again(run)


def answer(run: RunDir, digest: str, *, approve: bool) -> dict[str, object]:
    """Return the answer to the run's question that carries this hash.

    Raises:
        ApprovalError: the decisions have changed since the person looked.
    """
    newest = decide_again(run).hash
    if approve and newest != digest:
        raise ApprovalError(f"The decisions are {newest} by now, not {digest}; look at them again.")
    return {"chosen_options": ["Approve" if approve else "Reject"], "params_input": {"decisions": digest}}


def question(run: RunDir, digest: str) -> str:
    """Return, as Markdown, what a person needs to judge the decisions of that hash."""
    decisions = read_decisions(run, digest)
    acting = decisions[decisions["decision"].isin(ACTS)]
    counts = sorted(Counter(zip(decisions["decision"], decisions["duplicates"], strict=True)).items())
    lines = ["| decision | class | documents |", "|---|---|---:|"]
    lines += [f"| {decision} | {kind} | {count:,} |" for (decision, kind), count in counts]
    weakest = acting.sort_values(["score", "id"]).head(EXAMPLES)
    chosen = sorted(random.Random(digest).sample(range(len(acting)), min(EXAMPLES, len(acting))))  # noqa: S311
    return "\n".join(
        [
            *lines,
            "",
            f"Report: `{run.address}/report/report.html`",
            "",
            f"Decisions: `{digest}`. Only what is approved and still stands when it is carried out is done.",
            *_examples("The weakest", weakest),
            *_examples("Some at random", acting.iloc[chosen]),
        ]
    )


def _examples(title: str, rows: pd.DataFrame) -> list[str]:
    lines = ["", f"**{title}**", "", "| score | decision | document | stays |", "|---:|---|---|---|"]
    columns = zip(rows["score"], rows["decision"], rows["id"], rows["keeper_id"], strict=True)
    return lines + [
        f"| {score:.3f} | {decision} | {_code(one)} | {_code(keeper)} |"
        for score, decision, one, keeper in columns
    ]


def _code(text: str) -> str:
    """Show an id as it is, on one line, whatever it holds."""
    plain = " ".join(text.replace("`", "'").replace("|", "¦").split())
    return f"`{plain[:100]}`" if plain else ""

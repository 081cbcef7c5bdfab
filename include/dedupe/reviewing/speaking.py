"""Review: what a person reads of a run and says to it, for a page or a shell.

Every verdict may change the decisions; ``decide_again`` gives them a new hash, and the answer to the run's
question names the hash that the person has seen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from include.dedupe.clustering.names import cluster_names, last_members, members
from include.dedupe.deciding.decide import DecideStats, current_decisions, decide_again
from include.dedupe.deciding.decisions import ACTS, read_decisions
from include.dedupe.deciding.settled import (
    RECORD,
    Acknowledged,
    exported_by,
    record_acknowledgement,
    settled_by,
    to_settle,
    write_settled,
)
from include.dedupe.errors import ApprovalError, VerdictError
from include.dedupe.rundir import RunDir, Storage
from include.dedupe.tables import CLUSTERS
from include.dedupe.verdicts import Verdict, give_verdict, not_undone, read_verdicts

EXAMPLES = 10
QUESTION = "approve/decisions"


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
    verdict = give_verdict(run.lasting, kind, ids, by, note, members=_members(run, ids))
    if kind == "undo" and run.storage.exists(RECORD):
        record_acknowledgement(run)
    return verdict, decide_again(run)


def unknown_to(run: RunDir, ids: Sequence[str]) -> list[str]:
    """Return those ``ids`` that are neither a document of what a run found nor a known cluster."""
    documents = run.read_table("clusters", "clusters", CLUSTERS)["id"]
    known = {*documents, *_members(run, tuple(ids))}
    return [given for given in ids if given not in known]


def _members(run: RunDir, ids: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the documents of those ``ids`` that are clusters: as the run has them, else as last known."""
    named = cluster_names(ids)
    own = members(current_decisions(run), named) if named else {}
    return last_members(run.lasting, named - own.keys()) | own


def verdicts_on(lasting: Storage, ids: Sequence[str]) -> tuple[str, ...]:
    """Return names of verdicts, given such names, or documents and clusters that standing verdicts are on."""
    standing = [one for one in not_undone(read_verdicts(lasting)) if one.kind != "undo"]
    names = {one.name for one in read_verdicts(lasting)}
    found: dict[str, None] = {}
    for given in ids:
        on = [given] if given in names else [one.name for one in standing if given in one.ids]
        found |= dict.fromkeys(on or [given])
    return tuple(found)


def acknowledge(run: RunDir, by: str, done: Mapping[str, str] | None = None, note: str = "") -> Acknowledged:
    """Settle what a run exported, so that later runs do not export it; saying it again changes nothing.

    Args:
        run: the run.
        by: who says so.
        done: what was done with each document; None: all that the run exported was carried out as decided.
        note: why.

    Raises:
        VerdictError: there is no such run, or it did not export these documents.
    """
    exported = exported_by(run)
    unknown = sorted(set(done or ()) - set(exported["id"]))
    if unknown or exported.empty or done == {}:
        told = ", ".join(repr(name) for name in unknown[:EXAMPLES]) or "anything"
        more = f" and {len(unknown) - EXAMPLES} more" if len(unknown) > EXAMPLES else ""
        raise VerdictError(
            f"Run {run.run_id} did not export {told}{more}; name documents whose decision is export in "
            f"{run.address}/report/decisions.csv."
        )
    settled = to_settle(run, exported, done, settled_by(run))
    if len(settled):
        give_verdict(run.lasting, "acknowledge", (run.run_id, write_settled(run, settled)), by, note)
    return record_acknowledgement(run)


def answer(run: RunDir, digest: str, *, approve: bool) -> dict[str, object]:
    """Return the answer to the run's question that carries this hash.

    Raises:
        ApprovalError: the decisions have changed since the person looked.
    """
    newest = decide_again(run).hash
    if approve and newest != digest:
        raise ApprovalError(f"The decisions are {newest} by now, not {digest}; look at them again.")
    return {"chosen_options": ["Approve" if approve else "Reject"], "params_input": {"decisions": digest}}


def shown_hash(run: RunDir, digest: str) -> str:
    """Return the hash of the run's question: that of its first one.

    Airflow keeps the text of a question also when its task is cleared; an answer means what was shown.
    """
    run.storage.create(QUESTION, digest.encode())
    return run.storage.read(QUESTION).decode()


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

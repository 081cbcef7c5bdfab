"""Asking: the question whether decisions are to be carried out, as a person reads it in Airflow."""

from __future__ import annotations

import random
from collections import Counter

import pandas as pd

from include.dedupe.deciding.decisions import ACTS, read_decisions
from include.dedupe.reviewing.layout import UNKNOWN_SIZE
from include.dedupe.reviewing.state import State, open_state
from include.dedupe.rundir import RunDir
from include.dedupe.settings.policy_settings import DELETING

EXAMPLES = 10
QUESTION = "approve/decisions"


def shown_hash(run: RunDir, digest: str) -> str:
    """Return the hash of the run's question: that of its first one.

    Airflow keeps the text of a question also when its task is cleared; an answer means what was shown.
    """
    run.storage.create(QUESTION, digest.encode())
    return asked_hash(run)


def asked_hash(run: RunDir) -> str:
    """Return the hash of the run's question; empty where nothing was asked."""
    return run.storage.read(QUESTION).decode() if run.storage.exists(QUESTION) else ""


def question(run: RunDir, digest: str, page: str = "") -> str:
    """Return, as Markdown, what a person needs to judge the decisions of that hash.

    ``page``: address of the review page of the run, empty if there is none.
    """
    decisions = read_decisions(run, digest)
    acting = decisions[decisions["decision"].isin(ACTS)]
    deleted = acting[acting["decision"].isin(DELETING)]
    counts = sorted(Counter(zip(decisions["decision"], decisions["duplicates"], strict=True)).items())
    lines = ["| decision | class | documents |", "|---|---|---:|"]
    lines += [f"| {decision} | {kind} | {count:,} |" for (decision, kind), count in counts]
    shown = deleted if len(deleted) else acting
    weakest = shown.sort_values(["score", "id"]).head(EXAMPLES)
    chosen = sorted(random.Random(digest).sample(range(len(shown)), min(EXAMPLES, len(shown))))  # noqa: S311
    kind = "deletions" if len(deleted) else "decisions"
    look = [f"**[Look at the clusters, judge them, and answer there]({page})**", ""] if page else []
    return "\n".join(
        [
            *look,
            *lines,
            "",
            *_freed_in_words(run, deleted),
            f"{_report(page)}: `{run.address}/report/report.html`",
            "",
            f"Decisions: `{digest}`. Only what is approved and still stands when it is carried out is done.",
            *_examples(f"The weakest {kind}", weakest),
            *_examples(f"Some {kind} at random", shown.iloc[chosen]),
        ]
    )


def _report(page: str) -> str:
    return f"[Report]({page.removesuffix('approval')}report)" if page else "Report"


def _freed_in_words(run: RunDir, deleted: pd.DataFrame) -> list[str]:
    """Say how much would be freed, where something is deleted."""
    if deleted.empty:
        return []
    state = open_state(run)
    known, unknown = bytes_of(state, deleted["id"])
    untold = f"of unknown size{'' if state.plan.config.fields.bytes else ' (fields.bytes is not set)'}"
    size = f"{known:,} bytes ({known / 1e6:,.1f} MB)" if unknown < len(deleted) else untold
    rest = f"; {unknown:,} of them tell no size" if 0 < unknown < len(deleted) else ""
    count = f"{len(deleted):,} document{'' if len(deleted) == 1 else 's'}"
    return [f"**{count} would be deleted: {size}{rest}.**", ""]


def bytes_of(state: State, ids: pd.Series[str]) -> tuple[int, int]:
    """Return the bytes of documents, and how many of them tell none."""
    members = state.layout.read_members(state.run).read_all(["id", "bytes"])
    sizes = members.loc[members["id"].isin(ids), "bytes"]
    known = sizes[sizes != UNKNOWN_SIZE]
    return int(known.sum()), len(ids) - len(known)


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

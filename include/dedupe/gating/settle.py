"""Settle: carries out what a person has said of documents that the gate held.

A document that is let in is no duplicate of what it was shown with, in this run and all later ones; one
that is linked is. What has come into the collection since, the person has not seen: a document that looks
like that stays held.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import ApprovalError, GateError
from include.dedupe.gating.batch import let_in
from include.dedupe.gating.decide import Row
from include.dedupe.gating.index import gate_lease, open_work, read_rows, write_rows
from include.dedupe.gating.matches import ordered, said_so_far
from include.dedupe.gating.orphans import candidates_of, keep_orphans, mark_of, read_orphans
from include.dedupe.gating.report import SETTLED, read_held, read_outcomes
from include.dedupe.gating.take import read_gate_plan
from include.dedupe.gating.work import DONE, GateWork
from include.dedupe.rundir import RunDir
from include.dedupe.storage import Storage
from include.dedupe.verdicts import give_verdict

QUESTIONS = "ask/questions"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is shown: documents that are held; ``digest`` tells it from other questions."""

    digest: str
    held: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of documents that are held, by id: let in, reject, or link to their matches."""

    let: frozenset[str] = frozenset()
    reject: frozenset[str] = frozenset()
    link: frozenset[str] = frozenset()

    def require_of(self, question: Question) -> None:
        """Raise ``GateError`` where a document is none of the question, or is named twice."""
        counts = Counter(name for names in (self.let, self.reject, self.link) for name in names)
        if unknown := sorted(counts.keys() - {row.id for row in question.held}):
            raise GateError(f"{unknown[0]!r} is not held.")
        if twice := sorted(name for name, count in counts.items() if count > 1):
            raise GateError(f"{twice[0]!r} is named twice: let it in, link it, or reject it.")
        bare = sorted(row.id for row in question.held if row.id in self.link and not row.matched_ids)
        if bare:
            raise GateError(f"{bare[0]!r} looks like nothing that it could be linked to.")


def question_of(run: RunDir) -> Question:
    """Return what there is to decide about now."""
    held = tuple(row for _, row in read_held(run).values())
    shown = [(row.id, row.matched_ids) for row in held]
    return Question(hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16], held)


def ask(run: RunDir) -> Question:
    """Return what there is to decide about, and keep it, so that an answer finds what it is about."""
    question = question_of(run)
    write_rows(run, f"{QUESTIONS}/{question.digest}.json", question.held)
    return question


def read_question(run: RunDir, digest: str) -> Question:
    """Return what a person was shown.

    Raises:
        ApprovalError: nobody was ever shown that.
    """
    name = f"{QUESTIONS}/{digest}.json"
    if not run.storage.exists(name):
        raise ApprovalError(f"{run.address} has never asked the question {digest!r}.")
    return Question(digest, tuple(read_rows(run, name)))


async def settle(writer: FlowWriter, run: RunDir, question: Question, by: str, said: Said) -> dict[str, int]:
    """Let in, link or reject documents that are held; the others stay so. Return the counts of outcomes.

    What an earlier try has done already stays as it is.

    Args:
        writer: the collection.
        run: the run that holds them.
        question: what the person was shown.
        by: who says so.
        said: what became of which.

    Raises:
        GateError: one of them is none of the question, or is named twice.
        LeaseError: somebody else writes to the collection; a retry may help.
    """
    said.require_of(question)
    shown, held = {row.id: row for row in question.held}, read_held(run)
    marks = {name: mark for name, (mark, _) in held.items() if name in shown}
    _keep(run, [(marks[name], _rejected(shown[name], by)) for name in marks if name in said.reject])
    wanted = [shown[name] for name in marks if name in said.let | said.link]
    if wanted:
        plan = read_gate_plan(run)
        with gate_lease(run, plan) as lease:
            _remember(run.lasting, [row for row in wanted if row.id in said.let], by)
            links = {row.id: row.matched_ids for row in wanted if row.id in said.link}
            work = open_work(writer, run, plan, lease, is_settled=True, links=links)
            by_mark: dict[str, list[str]] = defaultdict(list)
            for row in wanted:
                by_mark[marks[row.id]].append(row.id)
            for mark, names in by_mark.items():
                await _let(work, mark, names)
    chosen = said.let | said.reject | said.link
    rows = {name: row for (_, name), row in read_orphans(run).items()}
    rows |= {row.id: row for row in read_outcomes(run)}
    return dict(Counter(rows[name].outcome for name in chosen))


def _rejected(row: Row, by: str) -> Row:
    return replace(row, outcome=DONE["reject"], reason=f"{row.reason}; {by} has rejected it", at=now())


def _remember(lasting: Storage, rows: Sequence[Row], by: str) -> None:
    """Say that the documents are no duplicates of what they were shown with, unless that was said."""
    known = said_so_far(lasting).not_duplicates
    for row in rows:
        for match in row.matched_ids:
            if ordered(row.id, match) not in known:
                give_verdict(lasting, "not_duplicate", (row.id, match), by, "let in at the gate")


async def _let(work: GateWork, mark: str, names: Collection[str]) -> None:
    candidates = candidates_of(work.run, mark, names)
    size = work.plan.gate.batch_documents
    for first in range(0, len(candidates), size):
        batch = candidates[first : first + size]
        done = await let_in(work, f"{mark.replace('/', '-')}-settle-{first:06}", batch)
        _keep(work.run, [(mark, row) for row in done])


def _keep(run: RunDir, found: Iterable[tuple[str, Row]]) -> None:
    """Write down what became of documents, those that other runs had left apart."""
    by_mark: dict[str, list[Row]] = defaultdict(list)
    for mark, row in found:
        by_mark[mark].append(row)
    at = now().replace(":", "-")
    for mark, rows in by_mark.items():
        if mark == mark_of(run):
            write_rows(run, f"{SETTLED}/{at}.json", rows)
        else:
            keep_orphans(run, mark, f"settled-{at}", rows)

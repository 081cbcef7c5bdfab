"""Decide: what is to become of each new document, as far as it is known before anything is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from include.dedupe.clock import now
from include.dedupe.gating.analyze import read_analysis, read_problems
from include.dedupe.gating.buried import Buried, read_buried
from include.dedupe.gating.check import read_matches, read_refused
from include.dedupe.gating.incoming import Incoming
from include.dedupe.gating.judge import Judgement, judge
from include.dedupe.gating.tables import GATED
from include.dedupe.gating.take import GatePlan, read_chunk, read_gate_plan
from include.dedupe.rundir import Attempt, RunDir

UNDECIDED, FAILED = "undecided", "failed"
"""A document that only its comparison as a pending one decides, and one that cannot be decided at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of GATED."""

    number: int
    id: str
    image: str
    outcome: str
    match_id: str = ""
    score: float = 0.0
    matched_ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    reason: str = ""
    at: str = ""

    def columns(self) -> tuple[object, ...]:
        lists = {"matched_ids": json.dumps(self.matched_ids, ensure_ascii=False)}
        return tuple((asdict(self) | lists | {"scores": json.dumps(self.scores)}).values())

    @classmethod
    def from_columns(cls, row: tuple[Any, ...]) -> Row:
        values = dict(zip(GATED.names, row, strict=True))
        lists = {name: tuple(json.loads(values[name])) for name in ("matched_ids", "scores")}
        return cls(**{**values, **lists, "number": int(values["number"]), "score": float(values["score"])})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Row:
        lists = {name: tuple(value[name]) for name in ("matched_ids", "scores")}
        return cls(**{**value, **lists})


def row_of(document: Incoming, judged: Judgement, outcome: str = "") -> Row:
    """Return the row of a judged document; ``outcome`` instead of the decision."""
    return Row(
        number=document.number,
        id=document.id,
        image=document.image,
        outcome=outcome or judged.decision,
        match_id=judged.target,
        score=judged.score,
        matched_ids=tuple(one.id for one in judged.matches),
        scores=tuple(one.score for one in judged.matches),
        reason=judged.reason,
        at=now(),
    )


def failed_row(document: Incoming, reason: str) -> Row:
    return Row(document.number, document.id, document.image, FAILED, reason=reason, at=now())


def decide(run: RunDir, attempt: Attempt) -> dict[str, int]:
    """Decide of all chunks, and return the counts of decisions."""
    stage = run.stage("decide", attempt)
    if finished := stage.finished():
        return finished.result
    plan, buried = read_gate_plan(run), read_buried(run.lasting)
    counts: Counter[str] = Counter()
    for chunk in plan.chunks:
        rows = list(_decided(run, plan, chunk, buried))
        counts.update(row.outcome for row in rows)
        frame = pd.DataFrame([row.columns() for row in rows], columns=GATED.names)
        stage.write_part("decided", f"{chunk}-{attempt.label}", frame, GATED)
    stage.finish(dict(counts))
    return dict(counts)


def read_decided(run: RunDir) -> Iterator[list[Row]]:
    """Yield the decisions chunk by chunk."""
    for frame in run.read_parts("decide", "decided", GATED):
        yield [Row.from_columns(row) for row in frame.itertuples(index=False, name=None)]


def _decided(run: RunDir, plan: GatePlan, chunk: str, buried: Buried) -> Iterator[Row]:
    problems = read_problems(run, chunk)
    matches, refused = read_matches(run, chunk), read_refused(run, chunk)
    for one in read_chunk(run, chunk):
        problem = one.problem or problems.get(one.number) or refused.get(one.number)
        if problem:
            yield failed_row(one, problem)
        elif not plan.by_analysis:
            yield replace(failed_row(one, "its comparison in the collection decides"), outcome=UNDECIDED)
        else:
            analysis = read_analysis(run, chunk, one.number)
            grave = buried.of(one.id, analysis.outputs, analysis.sketch)
            found = matches.get(one.number, ())
            document = one.document(plan.config)
            yield row_of(one, judge(document, analysis.measures, found, grave, plan.config))

"""Canary: before anything is scanned, a few documents show that Flow searches as it should.

A Flow of another version ignores parameters that it does not know, and a wrong detector finds everything or
nothing; both would look like a result.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.dedupe.errors import PlanError
from include.dedupe.flow import Document, FlowReader
from include.dedupe.planning.plan import Plan

SAMPLE = 8
LISTED = 200
SELF_SCORE = 0.95
NOBODY = "canary: there is no document of this id"


async def check_search(flow: FlowReader, plan: Plan) -> None:
    """Make sure that documents find themselves, and that they do not all find each other.

    Raises:
        PlanError: it says what is wrong with the answers.
    """
    image = plan.config.fields.image
    listed = (await flow.select(fl=("id", image), rows=LISTED, sort="id asc")).docs
    sample = listed[:: max(1, len(listed) // SAMPLE)][:SAMPLE]
    if await _hits(flow, plan, NOBODY):
        raise PlanError(
            "Flow finds duplicates of a document that does not exist: it ignores the query image. "
            "Flow 5 or later is needed."
        )
    scores = {document["id"]: await flow.own_score(document["id"]) for document in sample}
    _require_selves(sample, scores, image)
    seeing = [name for name, score in scores.items() if score is not None]
    if len(seeing) == SAMPLE and await _all_match(flow, plan, seeing):
        raise PlanError(
            f"Each of {SAMPLE} documents is a duplicate of all others at the threshold "
            f"{plan.config.scan.threshold}; raise scan.threshold, or look at {', '.join(seeing[:3])}."
        )


def _require_selves(sample: Sequence[Document], scores: dict[str, float | None], image: str) -> None:
    for name, score in scores.items():
        if score is not None and score < SELF_SCORE:
            raise PlanError(
                f"Document {name!r} finds itself with a score of {score} only, not near 1; "
                f"Flow's detector does not work as it should."
            )
    pictured = [document["id"] for document in sample if document.get(image)]
    blind = [name for name in pictured if scores[name] is None]
    if len(blind) > len(pictured) / 2:
        raise PlanError(
            f"{len(blind)} of {len(pictured)} documents with a picture do not find themselves, such as "
            f"{blind[0]!r}; were they indexed with Flow's duplicate module?"
        )


async def _all_match(flow: FlowReader, plan: Plan, ids: Sequence[str]) -> bool:
    only = flow.filters.any_of("id", ids)
    for name in ids:
        if len(await _hits(flow, plan, name, only)) < len(ids) - 1:
            return False
    return True


async def _hits(flow: FlowReader, plan: Plan, name: str, *fq: str) -> Sequence[Document]:
    try:
        found = await flow.hits(
            name,
            fq=fq,
            fl=("id", "score"),
            threshold=plan.config.scan.threshold,
            approximate=False,
            smartfilter="off",
            max_hits=2 * SAMPLE,
        )
    except flow.failure as error:
        if getattr(error, "retryable", True) or isinstance(error, flow.denial) or name != NOBODY:
            raise
        return []  # refusing an id that does not exist is as good as finding nothing
    return found.docs

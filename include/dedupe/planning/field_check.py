"""Field check: the fields that the settings name are those of the collection."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.partition_settings import DatePartitions, FieldPartitions, divisions

SAMPLE = 100
"""So many documents are looked at for names that may have been meant."""


async def check_fields(flow: FlowReader, config: CollectionConfig) -> None:
    """Make sure that the collection knows the fields, and that each is used by some document.

    Raises:
        PlanError: it names each field that is wrong, and one that may have been meant.
    """
    documents = (await flow.select()).num_found
    if not documents:
        return
    wrong = [name for name in dict.fromkeys(_named(config)) if not await _is_used(flow, name)]
    if not wrong:
        return
    page = await flow.select(fl=("*",), rows=SAMPLE)
    known = sorted({name for document in page.docs for name in document})
    told = ", ".join(f"{name}{_suggestion(name, known)}" for name in wrong)
    raise PlanError(
        f"No document of the collection has the field that the settings name: {told}. "
        f"Correct fields or partitions there; documents have {', '.join(known)}."
    )


def _named(config: CollectionConfig) -> Iterator[str]:
    yield from filter(None, (config.fields.date, config.fields.category))
    for each in divisions(config.partitions):
        if isinstance(each, DatePartitions | FieldPartitions) and each.field:
            yield each.field


async def _is_used(flow: FlowReader, field: str) -> bool:
    try:
        answer = await flow.select(fq=(flow.filters.with_any(field),))
    except flow.failure as error:
        if getattr(error, "retryable", True) or isinstance(error, flow.denial):
            raise
        return False  # Flow refuses a field that its schema does not have
    return answer.num_found > 0


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""

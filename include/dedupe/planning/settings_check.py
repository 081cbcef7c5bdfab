"""Settings check: the collection has the fields that its settings name, and Flow takes their filters."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.quarantine_check import check_quarantine
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.partition_settings import DatePartitions, FieldPartitions, divisions
from include.dedupe.settings.policy_settings import MOVING

SAMPLE = 100
"""So many documents are looked at for names that may have been meant."""


async def check_settings(flow: FlowReader, config: CollectionConfig) -> None:
    """Make sure that each named field is used by some document, and that each filter can be asked.

    Of an empty collection nothing is expected.

    Raises:
        PlanError: it names each setting that is wrong, and a field that may have been meant.
    """
    if config.quarantine and config.policies and config.policies.kinds & set(MOVING):
        check_quarantine(config.quarantine)
    if (await flow.select()).num_found:
        await _check_fields(flow, config)
        await _check_filters(flow, config)


async def _check_fields(flow: FlowReader, config: CollectionConfig) -> None:
    used = {name: await is_used(flow, name) for name in {name for _, name in _named(config)}}
    wrong = [(setting, name) for setting, name in dict.fromkeys(_named(config)) if not used[name]]
    if not wrong:
        return
    known = await known_fields(flow)
    told = ", ".join(f"{setting}: {name}{_suggestion(name, known)}" for setting, name in wrong)
    raise PlanError(
        f"No document of the collection has the field that the settings name: {told}. "
        f"Correct it there; documents have {', '.join(known)}."
    )


async def _check_filters(flow: FlowReader, config: CollectionConfig) -> None:
    filters = {
        "scope": config.scope,
        "search_scope": config.search_scope,
        "keeper.protected": config.keeper.protected,
    }
    for setting, queries in filters.items():
        for query in queries:
            try:
                await flow.select(fq=(query,))
            except flow.failure as error:
                if may_pass(flow, error):
                    raise
                raise PlanError(
                    f"{setting}: Flow refuses the filter {query!r}; correct it. {error}"
                ) from error


def _named(config: CollectionConfig) -> Iterator[tuple[str, str]]:
    """Yield each setting that names a field, and the field."""
    for setting in ("date", "category", "camera"):
        if name := getattr(config.fields, setting):
            yield f"fields.{setting}", name
    if config.replaces_files:
        yield "fields.file_hash", config.fields.file_hash
    for each in divisions(config.partitions):
        if isinstance(each, DatePartitions | FieldPartitions) and each.field:
            yield "partitions", each.field
    for rule in config.keeper.rules:
        yield from (("keeper.rules", name) for name in config.rule_fields(rule))
    for setting in ("ignore_pairs", "only_pairs"):
        yield from ((setting, name) for name in getattr(config, setting).fields)
    if config.policies:
        yield from (("policies.merge_fields", name) for name in config.policies.merge_fields)


async def known_fields(flow: FlowReader) -> list[str]:
    """Return the names of fields that documents have, for people who look for one."""
    page = await flow.select(fl=("*",), rows=SAMPLE)
    return sorted({name for document in page.docs for name in document})


async def is_used(flow: FlowReader, field: str) -> bool:
    """Whether some document of the collection has the field."""
    try:
        answer = await flow.select(fq=(flow.filters.with_any(field),))
    except flow.failure as error:
        if may_pass(flow, error):
            raise
        return False  # Flow refuses a field that its schema does not have
    return answer.num_found > 0


def may_pass(flow: FlowReader, error: Exception) -> bool:
    """Whether the error says nothing about the question: an outage, or a login that is refused."""
    return getattr(error, "retryable", True) or isinstance(error, flow.denial)


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""

"""Effects: a rule or a filter of the settings, or a category of a run, that would have none is an error.

Whoever protects masters by a misspelt word has protected nothing, and would learn it from what is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from include.dedupe.errors import PlanError
from include.dedupe.field_values import as_folder, is_value, listed, moments, numbers
from include.dedupe.flow import FlowReader
from include.dedupe.nearest import nearest
from include.dedupe.planning.scope import Scope
from include.dedupe.planning.settings_check import SAMPLE, is_used, known_fields, may_pass
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.partition_settings import QueryPartitions, divisions
from include.dedupe.settings.policy_settings import KeeperRule

VALUES = 1000
"""So many values of a field are looked through for one that may have been meant."""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMED = re.compile(r"(?<![\w\\.])([A-Za-z][\w.\-]*):", re.ASCII)
_ONE_VALUE = re.compile(r'[-+]?([A-Za-z][\w.\-]*):"?([\w .\-]+?)"?', re.ASCII)


async def check_effects(flow: FlowReader, config: CollectionConfig, scope: Scope) -> tuple[str, ...]:
    """Make sure that what the settings and the run name is there; return in words what may be meant so.

    Of an empty collection nothing is expected.

    Raises:
        PlanError: it names what would have no effect, and what may have been meant.
    """
    if not (await flow.select()).num_found:
        return ()
    for setting, query in _filters(config):
        await _require_fields(flow, setting, query)
    for setting, query in _rules(config):
        if not await _matches(flow, query):
            raise PlanError(
                f"{setting}: no document of the collection matches {query!r}, so that it has no effect. "
                f"Correct it or leave it out.{await _meant(flow, query)}"
            )
    for rule in config.keeper.rules:
        await _require_values(flow, config, rule)
    if config.fields.category:
        await _require_categories(flow, config.fields.category, scope.categories)
    empty = [query for setting, query in _filters(config) if setting == "scope"]
    return tuple(
        [f"scope: no document matches {query!r}." for query in empty if not await _matches(flow, query)]
    )


def _filters(config: CollectionConfig) -> Iterator[tuple[str, str]]:
    """Yield each filter query of the settings with the setting's name."""
    yield from (("scope", query) for query in config.scope)
    yield from (("search_scope", query) for query in config.search_scope)
    yield from _rules(config)


def _rules(config: CollectionConfig) -> Iterator[tuple[str, str]]:
    """Yield those that are there for the documents that they match."""
    yield from (("keeper.protected", query) for query in config.keeper.protected)
    for each in divisions(config.partitions):
        if isinstance(each, QueryPartitions):
            yield from ((f"partitions.queries.{name}", query) for name, query in each.queries.items())


async def _require_fields(flow: FlowReader, setting: str, query: str) -> None:
    for name in _fields_in(query):
        if not await is_used(flow, name):
            known = await known_fields(flow)
            meant = " or ".join(nearest(name, known))
            raise PlanError(
                f"{setting}: no document of the collection has the field {name} of {query!r}"
                f"{f' (did you mean {meant}?)' if meant else ''}. Correct it or leave it out; documents have "
                f"{', '.join(known)}."
            )


def _fields_in(query: str) -> list[str]:
    """Return the fields that a query names, as far as it can be seen without parsing it."""
    if query.lstrip().startswith("{!"):
        return []
    return list(dict.fromkeys(_NAMED.findall(_QUOTED.sub('""', query))))


async def _matches(flow: FlowReader, query: str) -> bool:
    return (await flow.select(fq=(query,))).num_found > 0


async def _meant(flow: FlowReader, query: str) -> str:
    found = _ONE_VALUE.fullmatch(query.strip())
    meant = nearest(found[2], await _values(flow, found[1])) if found else []
    return f" Did you mean {' or '.join(map(repr, meant))}?" if meant else ""


async def _values(flow: FlowReader, field: str) -> list[str]:
    """Return the most frequent values of a field; none where Flow does not count them."""
    try:
        answer = await flow.select(facet_fields=(field,), facet_limit=VALUES)
    except flow.failure as error:
        if may_pass(flow, error):
            raise
        return []
    return list(answer.facets[field])


async def _require_values(flow: FlowReader, config: CollectionConfig, rule: KeeperRule) -> None:
    for field in () if rule.rule in ("most_complete", "has") else config.rule_fields(rule):
        page = await flow.select(fq=(flow.filters.with_any(field),), fl=(field,), rows=SAMPLE)
        held = [document[field] for document in page.docs if field in document]
        if rule.rule == "prefer":
            await _require_preferred(flow, rule, field, held)
        elif rule.rule == "path":
            await _require_folders(flow, rule, field, held)
        elif held and not _has_any(rule, held):
            what = "dates" if rule.rule in ("oldest", "newest") else "numbers"
            raise PlanError(
                f"keeper.rules: {rule.rule} {field} goes by {what}, but the field holds {held[0]!r:.60}; it "
                f"would have no effect. Name a field that holds {what}."
            )


def _has_any(rule: KeeperRule, held: Sequence[object]) -> bool:
    read = moments(held, latest=True) if rule.rule in ("oldest", "newest") else numbers(held, highest=True)
    return not bool(np.isnan(read).all())


async def _require_preferred(flow: FlowReader, rule: KeeperRule, field: str, held: Sequence[object]) -> None:
    if any(is_value(one, wanted) for value in held for one in listed(value) for wanted in rule.values):
        return
    if await _has_one_of(flow, field, rule.values):
        return
    known = await _values(flow, field) or [str(one) for value in held for one in listed(value)]
    meant = [near for wanted in rule.values for near in nearest(wanted, known)]
    told = f" Did you mean {' or '.join(map(repr, dict.fromkeys(meant)))}?" if meant else ""
    some = ", ".join(map(repr, dict.fromkeys(known[:5])))
    raise PlanError(
        f"keeper.rules: prefer {field}: no document has one of the values {', '.join(rule.values)}, so that "
        f"the rule has no effect.{told} The field holds {some}."
    )


async def _require_folders(flow: FlowReader, rule: KeeperRule, field: str, held: Sequence[object]) -> None:
    for folder in rule.values:
        if not await _matches(flow, flow.filters.beginning(field, as_folder(folder))):
            known = sorted({str(one).rpartition("/")[0] for value in held for one in listed(value)} - {""})
            meant = nearest(folder.rstrip("/"), known)
            told = f" (did you mean {' or '.join(map(repr, meant))}?)" if meant else ""
            raise PlanError(
                f"keeper.rules: path: no document has a {field} in the folder {folder!r}{told}; paths are "
                f"such as {', '.join(repr(value) for value in held[:3])}. Correct it or leave it out."
            )


async def _has_one_of(flow: FlowReader, field: str, values: Sequence[str]) -> bool:
    for value in values:  # one by one: Flow refuses those that the field's type cannot hold
        try:
            if await _matches(flow, flow.filters.any_of(field, [value])):
                return True
        except flow.failure as error:
            if may_pass(flow, error):
                raise
    return False


async def _require_categories(flow: FlowReader, field: str, categories: Sequence[str]) -> None:
    for category in categories:
        if not await _matches(flow, flow.filters.any_of(field, [category])):
            known = await _values(flow, field)
            meant = nearest(category, known)
            told = f" (did you mean {' or '.join(map(repr, meant))}?)" if meant else ""
            raise PlanError(
                f"categories: no document has the category {category!r}{told}; {field} holds "
                f"{', '.join(map(repr, known[:10]))}."
            )

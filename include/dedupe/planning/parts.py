"""Parts of a scope by the values of a field or by named queries, and how many documents parts hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader


@dataclass(frozen=True, slots=True)
class Part:
    """A partition before it is counted."""

    label: str
    fq: tuple[str, ...]


async def count_parts(flow: FlowReader, parts: Sequence[Part], fq: Sequence[str]) -> tuple[int, list[int]]:
    """Return how many documents ``fq`` names, and how many of them each part holds, from one answer."""
    queries = [
        " AND ".join(f"({one})" for one in part.fq) if len(part.fq) > 1 else part.fq[0] for part in parts
    ]
    answer = await flow.select(fq=fq, rows=0, facet_queries=queries)
    return answer.num_found, [answer.facet_queries[query] for query in queries]


async def field_values(flow: FlowReader, field: str, most: int, fq: Sequence[str]) -> list[Part]:
    """Return a part for each of the most frequent values, and one for all others.

    A document with several values belongs to the most frequent of them only.
    """
    answer = await flow.select(fq=fq, rows=0, facet_fields=(field,), facet_limit=max(1, most - 1))
    values = list(answer.facets[field])[: most - 1]
    others = Part(f"{field}: any other or none", (flow.filters.none_of(field, values),))
    alone = [Part(f"{field}: {value}", (flow.filters.any_of(field, [value]),)) for value in values]
    total, counts = await count_parts(flow, [*alone, others], fq)
    if sum(counts) == total:
        return [*alone, others]
    earlier = [values[:position] for position in range(len(values))]
    once = [
        Part(part.label, (*part.fq, flow.filters.none_of(field, before)))
        for part, before in zip(alone, earlier, strict=True)
    ]
    return [*once, others]


def first_match(flow: FlowReader, queries: Sequence[tuple[str, str]]) -> list[Part]:
    """Return a part for each named query, without what those before it find, and one for the rest.

    Raises:
        PlanError: a query cannot be part of a larger one.
    """
    try:
        others = [flow.filters.but_not(query) for _, query in queries]
    except ValueError as error:
        raise PlanError(f"partitions.queries: {error}") from error
    named = [Part(name, (query, *others[:position])) for position, (name, query) in enumerate(queries)]
    return [*named, Part("any other", tuple(others))]

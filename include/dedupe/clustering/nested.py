"""Nested documents: those that Solr keeps in one block with others, a parent and its children.

Deleting or changing one of them may take the whole block along, and an archive holds single documents only.
So they are left alone, as protected ones are.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.dedupe.flow import FlowReader

ROOT = "_root_"
"""Solr's own field: the id of the outermost document of a block."""


async def nested_among(flow: FlowReader, ids: Sequence[str]) -> frozenset[str]:
    """Return those of ``ids`` that have documents in them, or lie in one."""
    if not await _has_blocks(flow):
        return frozenset()
    queries = {_in_a_block(flow, one): one for one in ids}
    answer = await flow.select(fq=(flow.filters.with_any(ROOT),), facet_queries=list(queries))
    return frozenset(one for query, one in queries.items() if answer.facet_queries[query])


def _in_a_block(flow: FlowReader, one: str) -> str:
    """Return a query for the children of a document, and for itself where it is a child."""
    is_it, of_it = flow.filters.any_of("id", [one]), flow.filters.any_of(ROOT, [one])
    not_it, not_of_it = flow.filters.none_of("id", [one]), flow.filters.none_of(ROOT, [one])
    return f"({of_it} AND {not_it}) OR ({is_it} AND {not_of_it})"


async def _has_blocks(flow: FlowReader) -> bool:
    try:
        return (await flow.select(fq=(flow.filters.with_any(ROOT),))).num_found > 0
    except flow.failure as error:
        if getattr(error, "retryable", True) or isinstance(error, flow.denial):
            raise
        return False  # a schema without the field knows no nested documents

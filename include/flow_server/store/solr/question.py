"""The question for candidates: which documents may be searched, and those that are closest to a picture.

An exact search ranks all of them by one function. An approximate one asks the graphs of the vectors for
neighbours, and ranks those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.detector.comparing.closeness import codes
from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.store.solr import closeness
from include.flow_server.store.solr.documents import (
    CONTENT_HASH,
    EMBEDDING,
    HASHES,
    PDQ,
    PDQ_CONTENT,
    VERSION,
    id_of,
    key_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Set

    from include.detector.comparing.orientation import Orientation
    from include.detector.imaging import Descriptor
    from include.flow_server.store.solr.cores import SolrCollection

OUTDATED = (f"{CONTENT_HASH}:*", f'-{VERSION}:"{DESCRIPTOR_VERSION}"')
"""Filters that only pictures of another version of the analysis pass."""
_TURNED = 8  # neighbours in each other orientation that an approximate search asks for
_FIRST = 1000.0  # what documents with the same pixels score more than all others
_BEFORE_ALL = f'(filter(*:* -{VERSION}:"{DESCRIPTOR_VERSION}"))^={2 * _FIRST}'


@dataclass(frozen=True)
class SolrScope:
    """Implements Scope: filters, which every question takes along."""

    solr: SolrCollection
    filters: tuple[str, ...]
    df: str | None

    def parameters(self) -> dict[str, Any]:
        return {"fq": self.filters, **({"df": self.df} if self.df else {})}

    def among(self, keys: Iterable[int]) -> Set[int]:
        wanted = list(keys)
        if not self.filters or not wanted:
            return set(wanted)
        found = self.solr.by_ids([id_of(key) for key in wanted], ["id"], **self.parameters())
        return {key_of(one["id"]) for one in found}


def question(
    query: Descriptor, limit: int, scope: SolrScope, shown: Sequence[Orientation], *, approximate: bool
) -> dict[str, Any]:
    """The parameters of /select: documents with the same pixels come first, then the closest ones.

    Before all of them come pictures of another version of the analysis: who meets one cannot answer in full.
    `shown` are the orientations beside upright in which copies are searched for. With a `limit` of 0 only
    those with the same pixels are asked for; else an approximate search looks at about as many neighbours.
    """
    asked = {
        **scope.parameters(),
        "fq": _pictures(scope),
        "outdated": _BEFORE_ALL,
        "same": f'{CONTENT_HASH}:"{query.content_hash}"^={_FIRST}',
        "fl": f"id,{VERSION},{CONTENT_HASH},{HASHES}",
        "sort": "score desc,id asc",
        "distrib.singlePass": "true",  # the fields are short, and each pass reads all vectors anew
    }
    if not limit:
        return {**asked, "q": "{!bool should=$outdated should=$same}"}
    hashes = closeness.by_hash((PDQ, PDQ_CONTENT), query, shown)
    asked |= {
        "q": "{!bool should=$outdated should=$same should=$near}",
        "near": f"{{!func}}{closeness.ranked_by(['$product', *hashes])}",
        "product": closeness.by_embedding(EMBEDDING, query, parts=not approximate),
    }
    asked["fl"] += ",product:$product"
    return asked | (_neighbours(query, limit, scope, shown) if approximate else {})


def _pictures(scope: SolrScope) -> tuple[str, ...]:
    return (*scope.filters, f"{CONTENT_HASH}:*")


def _neighbours(
    query: Descriptor, limit: int, scope: SolrScope, shown: Sequence[Orientation]
) -> dict[str, Any]:
    """Nothing but neighbours in the graphs; they pass the filters before they count."""
    wanted = [
        (EMBEDDING, 2 * limit, codes(query)[0]),
        (PDQ, limit, closeness.hash_signs(query.pdq)),
        (PDQ_CONTENT, limit, closeness.hash_signs(query.pdq_content)),
        *((PDQ_CONTENT, _TURNED, one) for one in closeness.turned_signs(query.pdq_content, shown)),
    ]
    filters = {f"filter{number}": one for number, one in enumerate(scope.filters)}
    before = "".join(f" preFilter=${name}" for name in filters)
    graphs = {
        f"graph{number}": f"{{!knn f={field} topK={most}{before} v=$vector{number}}}"
        for number, (field, most, _) in enumerate(wanted)
    }
    vectors = {f"vector{number}": closeness.vector(one) for number, (_, _, one) in enumerate(wanted)}
    clauses = "".join(f" should=${name}" for name in ("outdated", "same", *graphs))
    return {**filters, **vectors, **graphs, "fq": (*_pictures(scope), f"{{!bool cache=false{clauses}}}")}

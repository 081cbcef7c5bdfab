"""One collection of a SolrCloud: the questions that the store and the search by picture ask."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.flow_server.store.solr.client import SolrClient

_CHUNK = 1000
_SEPARATORS = 0xFDD0  # from here on code points that are no characters


class SolrCollection:
    """Thread-safe."""

    def __init__(self, client: SolrClient, name: str) -> None:
        self.client, self.name = client, name
        self.path = f"/{quote(name, safe='')}"

    def select(self, **parameters: Any) -> dict[str, Any]:
        """The answer to /select."""
        return self.client.ask(f"{self.path}/select", {**parameters, "echoParams": "none"})

    def count(self, query: str, **parameters: Any) -> int:
        """How many documents a query finds."""
        return int(self.select(q=query, rows=0, **parameters)["response"]["numFound"])

    def by_ids(self, ids: Sequence[str], names: Sequence[str], **parameters: Any) -> list[dict[str, Any]]:
        """Visible documents by id with these fields, in no order; missing ones are left out."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            sign = next(one for one in map(chr, count(_SEPARATORS)) if not any(one in name for name in chunk))
            asked = {"q": f'{{!terms f=id separator="{sign}" v=$wanted}}', "wanted": sign.join(chunk)}
            asked["distrib.singlePass"] = "true"  # each shard has but those that are wanted
            answer = self.select(**asked, fl=",".join(names), rows=len(chunk), **parameters)
            found += answer["response"]["docs"]
        return found

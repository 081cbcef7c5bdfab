"""Two servers asked the same: what may differ, and how answers are compared.

Real Solr is right. What differs on purpose stands in DELIBERATE, with the reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

DELIBERATE = {
    "missing q": "all documents, as Flow's own tools rely on; stock Solr without defaults finds nothing",
    "regular expressions, ~, functions, _query_, edismax, comments, transformers in fl": "400 that names it",
    "local parameters in facets, in the middle of a query, of parsers but lucene, term, terms": "400",
    "wildcards on booleans": "400, as on numbers; Solr finds nothing",
    "NOW, TZ, shards, expand, facet.range.include but lower": "400; none is ever ignored",
    "score": "1.0 for every document of a text query, in order of first indexing; Solr computes BM25",
    "sort on words": "400; Solr sorts by some word of the text",
    "empty id": "400; Solr indexes a document without a name",
    "whole numbers out of range, or with a fraction in text": "400; Solr wraps them round or cuts them off",
    "_version_ with a fraction": "400; Solr cuts it off",
    "dates before year 1, 24:00:00, months of one digit": "400; Solr reads them its own way",
    "a date without a time in an atomic update": "taken, as in an add; Solr answers 400 there",
    "inc of null, a boolean or a list": "400; Solr takes some of them where the field was empty",
    "removeregex on dates": "400; Solr matches the way Java prints a date",
    "remove, removeregex and set null on a field that nothing defines": "400 as for set; Solr does nothing",
    "_text_ in a document": "400; Solr indexes it but forgets it at the next atomic update",
    "a parameter that is empty, or commitWithin below 0": "as if absent, or 400; Solr differs by parameter",
    "timeAllowed": "ignored: an answer is never partial",
    "',n_i desc' in sort": "400; Solr ignores the sort",
    "rows above 100,000": "400",
    "lists in lists": "400; Solr stores '[a]'",
    "guessing '1,000' or 'NaN'": "text; Solr makes them 1000 and 0 (a locale's number format)",
    "an unguessable empty string": "text; Solr answers 500",
    "JSON that is a bare string or number, has comments, single quotes, bare names": "400; Solr takes it",
    "stats count of a number that a document has twice": "counted once; Solr counts it twice",
    "facet values with count 0": "those that documents have; Solr also lists leftovers of deleted documents",
    "rollback, delete null, a negative boost, a wrong removeregex": "400; SolrCloud answers 500",
    "overwrite=false for an id that exists": "400; Solr keeps two documents of one id",
    "nextCursorMark": "URL-safe Base64, so that clients that do not encode it work",
    "responseHeader, versions, stats beyond min, max, count, missing": "not compared",
}
SECONDS = 30


@dataclass(frozen=True)
class Pair:
    """The addresses of the same collection on real Solr and on the embedded server."""

    solr: str
    ours: str

    @property
    def urls(self) -> tuple[str, str]:
        return self.solr, self.ours

    def select(self, parameters: dict[str, Any]) -> tuple[Any, Any]:
        """Both answers to /select, reduced to what must be the same."""
        solr, ours = (
            requests.get(f"{url}/select", parameters, timeout=SECONDS) for url in (self.solr, self.ours)
        )
        return reduced(solr), reduced(ours)

    def update(self, body: Any, **parameters: str) -> tuple[Any, Any]:
        """Both answers to /update, with a commit."""
        solr, ours = (
            requests.post(
                f"{url}/update", json=body, params={"commit": "true", **parameters}, timeout=SECONDS
            )
            for url in (self.solr, self.ours)
        )
        return reduced(solr), reduced(ours)

    def stored(self) -> tuple[Any, Any]:
        """All documents of both."""
        return self.select({"q": "*:*", "sort": "id asc", "rows": "1000", "fl": "*"})

    def empty(self) -> None:
        self.update({"delete": {"query": "*:*"}})

    def versions(self, document_id: str) -> tuple[int, int]:
        """The `_version_` that each of the two gives a document; 0 where it is not there."""
        query = {"q": f'id:"{document_id}"', "fl": "_version_"}
        found = []
        for url in (self.solr, self.ours):
            documents = requests.get(f"{url}/select", query, timeout=SECONDS).json()["response"]["docs"]
            found.append(documents[0]["_version_"] if documents else 0)
        return found[0], found[1]


def reduced(answer: requests.Response) -> Any:
    """The status of a failure; of a success all but what DELIBERATE says may differ."""
    if answer.status_code != requests.codes.ok:
        assert answer.json()["error"]["code"] == answer.status_code
        return answer.status_code
    body = answer.json()
    for name in ("responseHeader", "nextCursorMark"):
        body.pop(name, None)
    for document in body.get("response", {}).get("docs", []):
        document.pop("_version_", None)
        document.pop("score", None)
    body.get("response", {}).pop("maxScore", None)
    for name in ("adds", "deletes", "deleteByQuery"):
        if name in body:
            body[name] = [part if place % 2 == 0 else part > 0 for place, part in enumerate(body[name])]
    for stats in (body.get("stats", {}).get("stats_fields") or {}).values():
        for name in stats.keys() - {"min", "max", "count", "missing"}:
            del stats[name]
    return json.loads(json.dumps(body))

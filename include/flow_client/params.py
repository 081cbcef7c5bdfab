"""Flow's names, verbatim, and how its parameters are put together. No other file knows them.

Documented by Flow or shown by the vendor's own code: everything but the three names marked *inferred*. They
follow the pattern of `rank.by.id`, `input.data` and `tagging.input.preprocessed`, but no Flow document shows
them: a Flow that does not know them would ignore them, so probe before you rely on them.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypedDict
from urllib.parse import quote_plus, urlencode

SmartFilter = Literal["off", "low", "medium", "high", "extreme"]
Json = dict[str, Any]
Pairs = list[tuple[str, str]]

SELECT, DUPLICATE, ANALYZE, UPDATE = "select", "duplicate", "analyze", "update"
JOIN = "duplicates"
"""Not Flow's: the collection against itself. A server that has it lists the name among its capabilities."""
ALL = "*:*"
FIRST_CURSOR_MARK = "*"
ID, SCORE, VERSION = "id", "score", "_version_"

_BASE64 = re.compile(r"[A-Za-z0-9+/=:;,]*")
_QUOTED = {sign: quote_plus(sign) for sign in "+/=:;,"}
_PICTURE_TYPES = {b"\xff\xd8\xff": "jpeg", b"\x89PNG": "png", b"GIF8": "gif", b"RIFF": "webp"}


@dataclass(frozen=True, slots=True)
class FacetRange:
    """Count documents in steps of `gap` from `start` to `end`, such as `+1MONTH` over a date field."""

    field: str
    start: str
    end: str
    gap: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question to `/select`. `fl` is always sent: leave nothing to a server's defaults.

    `rows` and `start` count documents; Flow documents at most 1000 rows. `facet_limit` -1 counts every value.
    """

    fl: Sequence[str] = (ID,)
    q: str = ALL
    fq: Sequence[str] = ()
    rows: int = 10
    start: int = 0
    sort: str | None = None
    cursor_mark: str | None = None
    facet_queries: Sequence[str] = ()
    facet_fields: Sequence[str] = ()
    facet_ranges: Sequence[FacetRange] = ()
    facet_limit: int = -1
    stats_fields: Sequence[str] = ()

    def pairs(self) -> Pairs:
        """The parameters in Flow's words."""
        pairs = [("q", self.q), ("fl", fields(self.fl)), ("rows", str(self.rows))]
        pairs += filters(self.fq)
        if self.start:
            pairs.append(("start", str(self.start)))
        if self.sort is not None:
            pairs.append(("sort", self.sort))
        if self.cursor_mark is not None:
            pairs.append(("cursorMark", self.cursor_mark))
        return pairs + self._facets() + self._stats()

    def _facets(self) -> Pairs:
        pairs: Pairs = [("facet.query", text) for text in self.facet_queries]
        pairs += [("facet.field", name) for name in self.facet_fields]
        for facet in self.facet_ranges:
            prefix = f"f.{facet.field}.facet.range"
            pairs += [
                ("facet.range", facet.field),
                (f"{prefix}.start", facet.start),
                (f"{prefix}.end", facet.end),
                (f"{prefix}.gap", facet.gap),
            ]
        if not pairs:
            return []
        return [("facet", "true"), ("facet.limit", str(self.facet_limit)), ("facet.mincount", "1"), *pairs]

    def _stats(self) -> Pairs:
        return (
            [("stats", "true"), *(("stats.field", name) for name in self.stats_fields)]
            if self.stats_fields
            else []
        )


class JoinSearch(TypedDict):
    """What a self-join is told; see `FlowClient.join`."""

    fq: Sequence[str]
    search_fq: Sequence[str]
    fl: Sequence[str]
    approximate: bool
    smartfilter: SmartFilter


class PictureSearch(TypedDict, total=False):
    """What a duplicate search may be told; see `FlowClient.duplicates_of`."""

    url: str
    data: bytes
    preprocessed: Mapping[str, Any]
    fq: Sequence[str]
    fl: Sequence[str]
    threshold: float
    approximate: bool
    smartfilter: SmartFilter


@lru_cache(maxsize=64)
def search_settings(
    *,
    fq: tuple[str, ...],
    fl: tuple[str, ...],
    threshold: float,
    approximate: bool,
    smartfilter: SmartFilter,
    start: int,
    rows: int,
) -> str:
    """The part of a duplicate search that all documents of a scan share, percent-encoded once."""
    wanted = fields([*fl, *(name for name in (ID, SCORE) if name not in fl)])
    return urlencode(
        [
            ("q", ALL),
            ("fl", wanted),
            *filters(fq),
            ("rank.threshold", repr(threshold)),
            ("rank.approximate", "true" if approximate else "false"),
            ("rank.smartfilter", smartfilter),
            ("start", str(start)),
            ("rows", str(rows)),
        ]
    )


def join(
    *,
    fq: Sequence[str],
    search_fq: Sequence[str],
    fl: Sequence[str],
    threshold: float,
    approximate: bool,
    smartfilter: SmartFilter,
    rows: int,
    cursor_mark: str,
) -> Pairs:
    """One page of a self-join: `fq` says which documents are scanned, `search_fq` which are searched."""
    return [
        ("fl", fields([*fl, *(name for name in (ID, SCORE) if name not in fl)])),
        *filters(fq),
        *(("search.fq", clause) for clause in listed(search_fq)),
        ("rank.threshold", repr(threshold)),
        ("rank.approximate", "true" if approximate else "false"),
        ("rank.smartfilter", smartfilter),
        ("rows", str(rows)),
        ("cursorMark", cursor_mark),
    ]


def rank_by(
    doc_id: str | None, url: str | None, data: bytes | None, preprocessed: Mapping[str, Any] | None
) -> tuple[str, str]:
    """The one picture to search with.

    Raises:
        ValueError: none or several are given.
    """
    if doc_id is not None and url is None and data is None and preprocessed is None:
        return "rank.by.id", doc_id
    given = [
        ("rank.by.id", doc_id),
        ("rank.by.url", url),  # inferred
        ("rank.by.data", None if data is None else data_uri(data)),  # inferred
        ("rank.by.preprocessed", None if preprocessed is None else json.dumps(preprocessed)),  # inferred
    ]
    chosen = [(name, value) for name, value in given if value is not None]
    if len(chosen) != 1:
        raise ValueError(f"A search takes one picture, not {len(chosen)}: doc_id, url, data or preprocessed.")
    return chosen[0]


def analyze(url: str | None, data: bytes | None, modules: Sequence[str]) -> Pairs:
    """What `/analyze` needs for one picture; without `modules` Flow applies all it has.

    Raises:
        ValueError: none or both are given.
    """
    if (url is None) == (data is None):
        raise ValueError("An analysis takes one picture: either url or data.")
    picture = ("input.url", url) if url is not None else ("input.data", data_uri(data or b""))
    return [picture, *([("modules.apply", ",".join(modules))] if modules else [])]


def form(pairs: Pairs) -> str:
    """Pairs as a form. Pictures are large and in few letters, which takes a library ten times as long."""
    return "&".join(f"{quote_plus(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(value: str) -> str:
    if not _BASE64.fullmatch(value):
        return quote_plus(value)
    for sign, quoted in _QUOTED.items():
        value = value.replace(sign, quoted)
    return value


UNLOGGED = ("logParamsList", "")
SHOWN_DEFAULTS = ("showDefaults", "true")
"""Keeps large parameters out of Flow's request log."""


def data_uri(data: bytes) -> str:
    """A picture's bytes as Flow's own tools send them."""
    kind = next((name for sign, name in _PICTURE_TYPES.items() if data.startswith(sign)), "png")
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def listed(values: Sequence[str]) -> tuple[str, ...]:
    """Filters or fields as a tuple; a bare text, which would become a list of letters, is refused."""
    if isinstance(values, str):
        raise ValueError(f"{values!r} is one text where a list belongs: write [{values!r}].")
    return tuple(values)


def filters(fq: Sequence[str]) -> Pairs:
    """All of them must hold."""
    return [("fq", clause) for clause in listed(fq)]


def fields(fl: Sequence[str]) -> str:
    """The field list; an empty one would mean everything, which nobody should ask for by accident."""
    if not fl:
        raise ValueError("fl is empty: name the fields, such as ['id', 'image'], or ['*'] for all.")
    return ",".join(listed(fl))


def cursor_sort(sort: str) -> str:
    """A sort that a cursor can use: it has to end in the unique key."""
    keys = [key.split()[0] for key in sort.split(",") if key.strip()]
    return sort if ID in keys else f"{sort},{ID} asc"


def update_pairs(commit: bool, commit_within_ms: int | None, modules: Sequence[str]) -> Pairs:
    """How documents are to be written; the new versions are asked for."""
    pairs: Pairs = [("versions", "true")]
    if commit:
        pairs.append(("commit", "true"))
    if commit_within_ms is not None:
        pairs.append(("commitWithin", str(commit_within_ms)))
    if modules:
        pairs.append(("modules.apply", ",".join(modules)))
    return pairs


def commit_pairs(soft: bool) -> Pairs:
    """Make what was written visible; a soft commit does not wait for the disk."""
    return [("softCommit" if soft else "commit", "true"), ("openSearcher", "true"), ("waitSearcher", "true")]


def delete_ids(ids: Sequence[str]) -> Json:
    """The command that deletes documents by id."""
    return {"delete": list(ids)}


def delete_version(doc_id: str, version: int) -> Json:
    """The command that deletes a document only as it was read."""
    return {"delete": {ID: doc_id, VERSION: version}}


def delete_query(query: str) -> Json:
    """The command that deletes all documents a query finds."""
    return {"delete": {"query": query}}

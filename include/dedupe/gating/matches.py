"""Matches: the documents of the collection that a new picture looks like."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from include.dedupe.clustering.facts import fields_to_read, protected_among
from include.dedupe.clustering.pair_rules import MADE
from include.dedupe.errors import GateError
from include.dedupe.flow import Document, FlowReader
from include.dedupe.gating.take import require_gate
from include.dedupe.planning.effort import Effort
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage
from include.dedupe.verdicts import Standing, read_verdicts, standing_verdicts

CONDEMNED = "condemned"


class HubError(GateError):
    """A picture looks like more documents than are read, so that nothing can be said of it."""


@dataclass(frozen=True, slots=True)
class Match:
    """A document of the collection that a new picture looks like, with the fields that outcomes go by."""

    id: str
    score: float
    fields: Mapping[str, Any]
    is_protected: bool = False

    def columns(self, number: int) -> tuple[object, ...]:
        return (number, self.id, self.score, self.is_protected, json.dumps(self.fields, ensure_ascii=False))

    @classmethod
    def from_columns(cls, row: tuple[Any, ...]) -> tuple[int, Match]:
        number, name, score, is_protected, fields = row
        return int(number), cls(name, float(score), json.loads(fields), bool(is_protected))


@dataclass(slots=True)
class Search:
    """Searches the collection for what new pictures look like.

    What a person called no duplicate is left out, and so are documents that a check made for itself or that
    are about to be deleted for another one. ``standing`` is what people have said.
    """

    reader: FlowReader
    config: CollectionConfig
    effort: Effort
    standing: Standing = field(default_factory=Standing)

    async def by_analysis(self, document_id: str, analysis: Mapping[str, Any]) -> list[Match]:
        """Return the matches of an analysed picture, best first; pending documents are none of them.

        The document of that id itself is among them, if it is there and shows the picture.

        Raises:
            HubError: there are more than are read.
        """
        without_pending = self.reader.filters.without(require_gate(self.config).pending_field)
        fq = (*self.config.search_scope, without_pending)
        found = {one.id: one for one in await self._hits(fq, analysis=analysis)}
        if self.config.search_scope and document_id not in found:
            own = self.reader.filters.any_of("id", [document_id])
            found |= {one.id: one for one in await self._hits((own,), analysis=analysis)}
        return await self._relevant(document_id, found.values())

    async def by_id(self, document_id: str, mark: str) -> list[Match]:
        """Return the matches of a document of the collection: pending ones only if they have ``mark``.

        Raises:
            HubError: there are more than are read.
        """
        filters, pending = self.reader.filters, require_gate(self.config).pending_field
        scopes = [(*self.config.search_scope, filters.without(pending)), (filters.any_of(pending, [mark]),)]
        hits = [one for fq in scopes for one in await self._hits(fq, document_id=document_id)]
        return await self._relevant(document_id, sorted(hits, key=lambda one: -one.score))

    async def _hits(
        self, fq: Sequence[str], *, document_id: str | None = None, analysis: Mapping[str, Any] | None = None
    ) -> list[Match]:
        page = await self.reader.hits(
            document_id,
            analysis=analysis,
            fq=fq,
            fl=("score", *fields_of_matches(self.config)),
            threshold=self.config.scan.threshold,
            approximate=self.effort.approximate,
            smartfilter=self.effort.smartfilter,
            max_hits=self.config.scan.max_hits,
        )
        if page.has_more:
            most = self.config.scan.max_hits
            raise HubError(f"it looks like more than {most} documents, and no more are read (scan.max_hits)")
        return [Match(hit["id"], hit["score"], _without_score(hit)) for hit in page.docs]

    async def _relevant(self, document_id: str, found: Iterable[Match]) -> list[Match]:
        kept = [one for one in found if self._counts(document_id, one)]
        if any(self._repeats(one) and one.score >= self.config.scan.exact_threshold for one in kept):
            return []
        kept = [one for one in kept if not self._repeats(one)]
        if not require_gate(self.config).overwrites or not kept:
            return kept
        protected = await protected_among(self.reader, self.config, [one.id for one in kept])
        return [replace(one, is_protected=one.id in protected) for one in kept]

    def _repeats(self, match: Match) -> bool:
        """Whether it shows a picture that may repeat, such as a placeholder: it makes no pair."""
        return match.id in self.standing.repeating

    def _counts(self, document_id: str, match: Match) -> bool:
        is_apart = ordered(document_id, match.id) in self.standing.not_duplicates
        is_condemned = match.fields.get(self.config.tags.role) == CONDEMNED
        return not (is_apart or is_condemned or MADE.fullmatch(match.id))


def fields_of_matches(config: CollectionConfig) -> tuple[str, ...]:
    """Return the fields that are read of matches: what outcomes, keeper rules and pending marks go by."""
    gate = require_gate(config)
    names = [*fields_to_read(config), gate.pending_field, *(rule.field for rule in gate.by_field)]
    return ("*", "_version_") if "*" in names else tuple(dict.fromkeys(names))


def ordered(one: str, other: str) -> tuple[str, str]:
    """Return a pair of ids as verdicts have it."""
    return (one, other) if one.encode() < other.encode() else (other, one)


def said_so_far(lasting: Storage) -> Standing:
    """Return what people have said of pairs and of pictures."""
    return standing_verdicts(read_verdicts(lasting))


def _without_score(hit: Document) -> dict[str, Any]:
    return {name: value for name, value in hit.items() if name != "score"}

"""Looking: the documents and pictures of a batch as they are at this moment, and what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from include.dedupe.acting.archive import Entry
from include.dedupe.acting.judge import Moment, objection_to_pair
from include.dedupe.acting.outcome import Objection
from include.dedupe.acting.pictures import Pictures
from include.dedupe.acting.seeing import FIELDS
from include.dedupe.acting.sight import Sight, Sights
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clustering.facts import protected_among
from include.dedupe.deciding.changes import Order, missing_from
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING, FOR_TWO


@dataclass(slots=True)
class Looking:
    """Looks at what the orders of a batch are about; ``seen`` is what it saw of their pictures.

    ``earlier`` is what this run has archived so far, by id, ``overruled`` are pairs of which a
    person says that they show the same, whatever the last look sees.
    """

    writer: FlowWriter
    config: CollectionConfig
    earlier: Mapping[str, Sequence[Entry]]
    overruled: frozenset[str]
    seen: dict[Order, Sight] = field(default_factory=dict)
    sights: Sights = field(init=False)

    def __post_init__(self) -> None:
        self.sights = Sights(Pictures(self.writer, self.config), self.overruled)

    async def moment(self, orders: Sequence[Order]) -> Moment:
        """Return all documents that the orders are about, as they are now."""
        ids = sorted({one for order in orders for one in (order.id, order.keeper_id) if one})
        documents = await self.read(ids)
        protected = await protected_among(self.writer.reader, self.config, ids) if ids else frozenset()
        linked = await self._linked([order.id for order in orders if order.decision in DELETING])
        return Moment(self.config, documents, protected, linked, self.earlier)

    async def read(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return those of ``ids`` that exist, with their versions and, where Flow tells it, their content."""
        return await self.writer.read(ids, self.fields) if ids else {}

    @property
    def fields(self) -> tuple[str, ...]:
        """What is read of documents: all, and their content where Flow tells it."""
        return (*FIELDS, *self.writer.reader.content)

    async def objection(self, order: Order, moment: Moment) -> Objection | None:
        """Judge the documents, then the pictures behind them."""
        reason = moment.objection(order)
        reason = reason or await objection_to_pair(self.writer.reader, order, self.config)
        if order.decision not in FOR_TWO or reason:
            return Objection(reason) if reason else None
        if reason := moment.objection_to_content(order):
            return Objection(reason)
        documents = moment.documents
        seen = await self.sights.see(order, documents[order.id], documents[order.keeper_id])
        if isinstance(seen, Objection):
            return seen
        self.seen[order] = seen
        return None

    async def late_moment(self, orders: Sequence[Order], moment: Moment) -> Moment:
        """Return the moment with the keepers as they are by now.

        The commit shows what others have written and not committed, such as a run that was killed.
        """
        await self.writer.commit()
        ids = {order.keeper_id for order in orders if order.keeper_id}
        keepers = await self.read(sorted(ids))
        others = {name: document for name, document in moment.documents.items() if name not in ids}
        return replace(moment, documents={**others, **keepers})

    async def change(self, order: Order, moment: Moment) -> str:
        """Return what has become of the order's pictures since they were seen; empty if nothing."""
        if order not in self.seen:
            return ""
        own, keeper = moment.documents[order.id], moment.documents[order.keeper_id]
        return await self.sights.change(self.seen[order], own, keeper)

    async def _linked(self, ids: Sequence[str]) -> dict[str, str]:
        """Return those of ``ids`` that other documents link to, with one that does."""
        link = self.config.tags.link
        if not ids:
            return {}
        only = self.writer.reader.filters.any_of(link, ids)
        pages = self.writer.reader.iterate(fq=(only,), fl=("id", link))
        return {str(one[link]): str(one["id"]) async for page in pages for one in page.docs}


def is_visible(entry: Entry, documents: Mapping[str, Document]) -> bool:
    """Whether the collection is as the entry wants it."""
    document = documents.get(entry.id)
    if entry.action in DELETING:
        return document is None
    return document is not None and not missing_from(document, entry.set)

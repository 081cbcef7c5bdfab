"""Judge: whether an order may be carried out on the documents as they are at this moment.

Between a decision and its action lie hours or days. Whatever does not hold any more is a reason to leave the
document alone, in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.dedupe.acting.archive import ABSORB, Entry
from include.dedupe.clustering.facts import content_of, fields_of, fingerprint
from include.dedupe.deciding.changes import Order
from include.dedupe.deciding.decisions import UNTAG
from include.dedupe.deciding.grace import condemned_since
from include.dedupe.flow import Document, FlowReader
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING, FOR_TWO

GONE = "it no longer exists"
SAME_SCORE = 0.005
"""Where Flow tells nothing of a picture's content, its score with its keeper may differ by so much."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The documents of a batch as they are now, and what this run has archived so far, oldest first.

    ``linked`` names, for each document that others link to, one of them.
    """

    config: CollectionConfig
    documents: Mapping[str, Document]
    protected: frozenset[str]
    linked: Mapping[str, str]
    earlier: Mapping[str, Sequence[Entry]]

    def objection(self, order: Order) -> str:
        """Return why the order must not be carried out; empty if nothing speaks against it."""
        document = self.documents.get(order.id)
        if document is None:
            return GONE
        if order.id in self.protected:
            return "it is protected by now"
        if order.decision in DELETING and order.id in self.linked:
            return f"{self.linked[order.id]!r} links to it"
        if order.decision == UNTAG:
            return ""
        if fields_of(fingerprint(document, self.config)) != fields_of(order.fingerprint):
            return "its picture or a field that the decision rests on has changed"
        return self.objection_to_keeper(order) or self._objection_to_grace(order, document)

    def was_done(self, order: Order) -> Entry | None:
        """Return the entry of a deletion that this run carried out before it was interrupted."""
        entries = self.earlier.get(order.id)
        entry = entries[-1] if entries else None
        gone = order.id not in self.documents
        return entry if entry and gone and entry.action in DELETING and order.decision in DELETING else None

    def objection_to_keeper(self, order: Order) -> str:
        """Return why its keeper forbids to carry out the order; empty if it does not."""
        if order.decision == UNTAG:
            return ""
        keeper = self.documents.get(order.keeper_id)
        if keeper is None:
            return "its keeper no longer exists"
        if order.keeper_id == order.id:
            return "it is its own keeper"
        if self._is_marked(keeper, order):
            return "its keeper is condemned or marked as a duplicate itself"
        if order.keeper_id in self.protected and self._merges_fields(order):
            return "its keeper is protected by now, and takes in no fields"
        now = fields_of(fingerprint(keeper, self.config))
        known = {state for entry in self._absorbed(order.keeper_id) for state in self._known_states(entry)}
        return "" if now in known | {fields_of(order.keeper_fingerprint)} else "its keeper has changed"

    def _absorbed(self, keeper_id: str) -> list[Entry]:
        """Return all that this run meant to write into a keeper; any of it may have been carried out."""
        return [entry for entry in self.earlier.get(keeper_id, ()) if entry.action == ABSORB]

    def _is_marked(self, keeper: Document, order: Order) -> bool:
        """Whether the mark of a keeper speaks against it.

        The keeper of exact duplicates may be marked as a near one of another: it stays, and so does what
        they showed.
        """
        tags = self.config.tags
        role, link = keeper.get(tags.role), keeper.get(tags.link)
        if order.duplicates != "exact" or order.decision == "link" or role == "condemned":
            return bool(role or link)
        return order.id in (keeper.get(tags.of), link)

    def _merges_fields(self, order: Order) -> bool:
        policies = self.config.policies
        return order.decision == "merge" and bool(
            policies and policies.by_class(order.duplicates).merge_fields
        )

    def _known_states(self, entry: Entry) -> tuple[str, str]:
        """Return the fingerprints that a document has before and after what the entry is about."""
        after = {k: v for k, v in (entry.before | entry.set).items() if v is not None}
        before, done = (fields_of(fingerprint(one, self.config)) for one in (entry.before, after))
        return before, done

    def objection_to_content(self, order: Order) -> str:
        """Return which of the two documents was indexed with another picture since it was judged."""
        own = order.id, order.fingerprint, "the"
        keeper = order.keeper_id, order.keeper_fingerprint, "its keeper's"
        for name, then, whose in (own, keeper):
            document = self.documents.get(name, {})
            if content_of(then) and content_of(fingerprint(document, self.config)) != content_of(then):
                return f"{whose} picture is another one by now"
        return ""

    def _objection_to_grace(self, order: Order, document: Document) -> str:
        policies = self.config.policies
        if (
            order.decision != "delete"
            or policies is None
            or not policies.by_class(order.duplicates).after_days
        ):
            return ""
        holds = condemned_since(document, order.keeper_id, order.fingerprint, self.config.tags)
        return "" if holds else "it is not condemned any more"


def objection_to_class(order: Order, score: float, config: CollectionConfig) -> str:
    """Return why a pair of this score is not of the class any more that the policy rests on."""
    least = config.guards.delete_threshold if order.decision in DELETING else config.scan.threshold
    if score < least:
        return f"it does not look like its keeper any more (score below {least})"
    found = "exact" if score >= config.scan.exact_threshold else "near"
    if found != order.duplicates:
        return f"they are no {order.duplicates} duplicates any more but {found} ones (score {score:.4f})"
    is_told = content_of(order.fingerprint) and content_of(order.keeper_fingerprint)
    if not is_told and abs(score - order.score) > SAME_SCORE:
        return f"they are not as they were judged: their score is {score:.4f} by now, not {order.score:.4f}"
    return ""


async def objection_to_pair(reader: FlowReader, order: Order, config: CollectionConfig) -> str:
    """Search once more whether document and keeper look alike; return what speaks against it."""
    if order.decision not in FOR_TWO:
        return ""
    threshold = config.guards.delete_threshold if order.decision in DELETING else config.scan.threshold
    best = 0.0
    for one, other in ((order.id, order.keeper_id), (order.keeper_id, order.id)):
        try:
            found = await reader.hits(
                one,
                fq=(reader.filters.any_of("id", [other]),),
                fl=("id", "score"),
                threshold=threshold,
                approximate=False,
                smartfilter="off",
                max_hits=1,
            )
            best = max([best, *(float(hit["score"]) for hit in found.docs if hit["id"] == other)])
        except reader.failure as error:
            if getattr(error, "retryable", False):
                raise
            return f"it cannot be compared with its keeper: {error}"
    return objection_to_class(order, best, config)

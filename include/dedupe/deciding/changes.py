"""Changes: which fields a decision writes, as values that a document has afterwards; None is a field removed.

A document that has them already needs no writing: so an action can be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from include.dedupe.deciding.decisions import CONDEMN, UNTAG
from include.dedupe.deciding.grace import condemned_since
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import MergeRule

JOINED_BY = "\n"


class Order(NamedTuple):
    """One row of DECISIONS that is to be carried out."""

    cluster_id: str
    id: str
    keeper_id: str
    decision: str
    duplicates: str
    score: float
    rule: str
    reason: str
    fingerprint: str
    keeper_fingerprint: str


def changes(order: Order, document: Document, config: CollectionConfig, at: str) -> dict[str, Any]:
    """Return the fields that an order which deletes nothing still has to write; ``at``: the time, in UTC."""
    tags = config.tags
    wanted: dict[str, Any] = dict.fromkeys(tags.names)
    if order.decision == "link":
        wanted[tags.link] = order.keeper_id
    elif order.decision == "replace":
        wanted |= dict.fromkeys(filter(None, (config.fields.hard_link,)), order.keeper_id)
    elif order.decision != UNTAG:
        wanted |= {tags.cluster: order.cluster_id, tags.of: order.keeper_id, tags.score: order.score}
        wanted[tags.role] = "duplicate"
    if order.decision == CONDEMN:
        holds = condemned_since(document, order.keeper_id, order.fingerprint, tags)
        since = document[tags.since] if holds else at
        wanted |= {tags.role: "condemned", tags.fingerprint: order.fingerprint, tags.since: since}
    return missing_from(document, wanted)


def missing_from(document: Document, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the wanted values that the document does not have."""
    return {name: value for name, value in wanted.items() if document.get(name) != value}


def merged(
    keeper: Document, duplicates: Sequence[Document], rules: Mapping[str, MergeRule]
) -> dict[str, Any]:
    """Return the fields of the keeper that change when the duplicates' fields are brought into it."""
    found = {}
    for name, rule in rules.items():
        value = _merge_values(keeper.get(name), [one.get(name) for one in duplicates], rule)
        if value != keeper.get(name):
            found[name] = value
    return found


def _merge_values(kept: Any, others: Sequence[Any], rule: MergeRule) -> Any:
    filled = [value for value in (kept, *others) if value not in (None, "", [])]
    if rule == "keep" or not filled:
        return kept
    if rule == "fill":
        return filled[0]
    flat = [one for value in filled for one in (value if isinstance(value, list) else [value])]
    distinct = list(dict.fromkeys(flat))
    if rule == "max":
        return max(distinct)
    if rule == "join":
        parts = (part for text in distinct for part in str(text).split(JOINED_BY))
        return JOINED_BY.join(dict.fromkeys(parts))  # so that joining again adds nothing
    is_single = not any(isinstance(value, list) for value in filled)
    return distinct[0] if is_single and len(distinct) == 1 else distinct

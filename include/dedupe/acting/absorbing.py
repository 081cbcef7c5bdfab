"""Absorbing: a keeper takes in fields of documents that are merged into it, and gives back what is not due.

The fields are written before the documents go, so that nothing is lost. A document that stays after all was
not merged: then the keeper holds only what came from the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from include.dedupe.acting.archive import ABSORB, Entry
from include.dedupe.clock import now
from include.dedupe.deciding.changes import Order, merged
from include.dedupe.flow import CONTENT, Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import MergeRule


def absorbing(
    entries: Mapping[Order, Entry], documents: Mapping[str, Document], config: CollectionConfig
) -> dict[str, Entry]:
    """Return an entry for each keeper whose fields change by merging."""
    merges: dict[str, list[Order]] = defaultdict(list)
    for order in entries:
        if order.decision == "merge":
            merges[order.keeper_id].append(order)
    keepers = {}
    for keeper_id, orders in merges.items():
        first = entries[orders[0]]
        values = _taken_in(documents[keeper_id], orders, documents, config)
        keepers[keeper_id] = replace(
            first,
            id=keeper_id,
            action=ABSORB,
            keeper_id="",
            fingerprint=orders[0].keeper_fingerprint,
            before=stored(documents[keeper_id]),
            analysis=None,
            sketch="",
            file=None,
            set=values,
            partners=tuple(order.id for order in orders),
        )
    return {keeper_id: entry for keeper_id, entry in keepers.items() if entry.set}


def given_back(
    entry: Entry,
    orders: Collection[Order],
    gone: Collection[Order],
    documents: Mapping[str, Document],
    config: CollectionConfig,
) -> Entry | None:
    """Return what a keeper has to write so that it holds only fields of documents that are gone.

    Args:
        entry: what it has taken in.
        orders: the merges into it.
        gone: those of them that were carried out.
        documents: the keeper and all documents of ``orders``, as they were before.
        config: settings.
    """
    merges = [order for order in orders if order in gone]
    due = _taken_in(documents[entry.id], merges, documents, config)
    if due == entry.set:
        return None
    values = {name: due.get(name, entry.before.get(name)) for name in entry.set}
    return replace(entry, at=now(), set=values, partners=tuple(order.id for order in merges))


def stored(document: Document) -> dict[str, Any]:
    """Return the fields that the collection stores, without what it told beside them."""
    return {name: value for name, value in document.items() if name != CONTENT}


def _taken_in(
    keeper: Document,
    orders: Collection[Order],
    documents: Mapping[str, Document],
    config: CollectionConfig,
) -> dict[str, Any]:
    assert config.policies is not None, "orders come from policies"  # noqa: S101
    rules: dict[str, MergeRule] = {}
    for order in orders:
        rules |= config.policies.by_class(order.duplicates).merge_fields
    return merged(keeper, [documents[order.id] for order in orders], rules)

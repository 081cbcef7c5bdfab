"""Keeper: which document of a cluster stays, by the ordered rules of the settings.

Each rule becomes a column of numbers of which the lowest wins. The first rule that tells the winner from the
next best made the choice; where none does, the lowest id stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.field_values import moments, numbers, places
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import MEASURING, KeeperRule

Keys = npt.NDArray[np.float64]
MISSING = np.inf
BY_VERDICT, BY_PROTECTION, BY_ID = "verdict", "protected", "id"


@dataclass(frozen=True, slots=True)
class Keepers:
    """For each row: which row is its cluster's keeper, and the rule that chose it."""

    row: npt.NDArray[np.int64]
    rule: npt.NDArray[np.object_]


def choose_keepers(
    members: pd.DataFrame, fields: Sequence[Mapping[str, Any]], config: CollectionConfig, kept: frozenset[str]
) -> Keepers:
    """Choose the keeper of each cluster.

    Args:
        members: columns cluster_id, id, is_protected and filled; sorted by cluster and id.
        fields: the facts' fields of each row.
        config: settings: ``keeper``.
        kept: documents of which a person said: keep this one.
    """
    columns = _keys(members, fields, config, kept)
    names = members["cluster_id"].to_numpy()
    begins = np.r_[True, names[1:] != names[:-1]] if len(names) else np.zeros(0, bool)
    cluster = np.cumsum(begins) - 1
    order = np.lexsort((*reversed(columns.values()), cluster))
    starts = np.flatnonzero(begins)
    winner, second = order[starts], order[np.minimum(starts + 1, len(order) - 1)]
    rule_of = np.full(len(winner), BY_ID, dtype=object)
    for name, key in reversed(columns.items()):
        rule_of[key[winner] != key[second]] = name
    return Keepers(winner[cluster], rule_of[cluster])


def rank_documents(
    documents: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    kept: frozenset[str],
) -> npt.NDArray[np.int64]:
    """Return the rank of each document among all, as if they were one cluster: the lower one stays.

    Args:
        documents: columns id, is_protected and filled; sorted by id.
        fields: the facts' fields of each row.
        config: settings: ``keeper``.
        kept: documents of which a person said: keep this one.
    """
    order = np.lexsort(tuple(reversed(_keys(documents, fields, config, kept).values())))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _keys(
    members: pd.DataFrame, fields: Sequence[Mapping[str, Any]], config: CollectionConfig, kept: frozenset[str]
) -> dict[str, Keys]:
    columns: dict[str, Keys] = {
        BY_VERDICT: np.where(members["id"].isin(kept), 0.0, 1.0),
        BY_PROTECTION: np.where(members["is_protected"], 0.0, 1.0),
    }
    for rule in config.keeper.rules:
        columns[describe(rule)] = rule_keys(rule, members, fields, config)
    return columns


def describe(rule: KeeperRule) -> str:
    """Return the rule's name for people."""
    by = rule.field or (" x ".join(rule.fields) if rule.rule in MEASURING else "")
    return f"{rule.rule} {by}".strip()


def rule_keys(
    rule: KeeperRule, members: pd.DataFrame, fields: Sequence[Mapping[str, Any]], config: CollectionConfig
) -> Keys:
    """Return one number for each document, the lowest for the best; a missing value is worst."""
    if rule.rule == "most_complete" and not rule.fields:
        return -members["filled"].to_numpy(np.float64)
    if rule.rule == "most_complete":
        counts = (
            sum(document.get(name) not in (None, "", []) for name in rule.fields) for document in fields
        )
        return -np.fromiter(counts, np.float64, count=len(fields))
    columns = [[document.get(name) for document in fields] for name in config.rule_fields(rule)]
    if rule.rule == "prefer":
        return np.array(places(columns[0], rule.values), dtype=np.float64)
    is_highest = rule.rule in ("highest", "newest")
    if rule.rule in ("oldest", "newest"):
        return _signed(moments(columns[0], latest=is_highest), highest=is_highest)
    return _signed(np.prod([numbers(one, highest=is_highest) for one in columns], axis=0), highest=is_highest)


def _signed(found: Keys, *, highest: bool) -> Keys:
    return np.where(np.isnan(found), MISSING, -found if highest else found)

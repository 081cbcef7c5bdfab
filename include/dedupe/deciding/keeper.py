"""Keeper: which document stays, by the ordered rules of the settings.

It is asked twice: which stays of each group of exact duplicates, and which of those stays of a cluster. Each
rule becomes a column of numbers of which the lowest wins. The first rule that tells the winner from the next
best made the choice; where none does, the lowest id stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.groups import Rows, settle_groups
from include.dedupe.field_values import NOTHING, folder_places, moments, numbers, places
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import COUNTING, MEASURING, KeeperRule

Keys = npt.NDArray[np.float64]
Columns = dict[str, Keys]
MISSING = np.inf
BY_VERDICT, BY_READING, BY_PROTECTION, BY_ID = "verdict", "readable", "protected", "id"
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class PairRows:
    """Pairs by the rows of their documents; ``exact``: those of them whose score is."""

    one: Rows
    other: Rows
    exact: npt.NDArray[np.bool_]


NO_PAIRS = PairRows(_NONE, _NONE, np.zeros(0, bool))


RANKING: Mapping[str, Callable[[Sequence[Any], Sequence[str]], Sequence[float]]] = {
    "prefer": places,
    "path": folder_places,
}
"""Rules by which a value has a place, the lowest for the best."""


@dataclass(frozen=True, slots=True)
class Keepers:
    """For each row: the keeper of its cluster, and that of its exact group, as rows, with their rules."""

    row: Rows
    rule: npt.NDArray[np.object_]
    group: Rows
    group_rule: npt.NDArray[np.object_]


def choose_keepers(
    members: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    kept: frozenset[str],
    pairs: PairRows = NO_PAIRS,
) -> Keepers:
    """Choose the keeper of each group of exact duplicates, and of these that of each cluster.

    Args:
        members: columns cluster_id, id, is_protected and filled; sorted by cluster and id.
        fields: the facts' fields of each row.
        config: settings: ``keeper``.
        kept: documents of which a person said: keep this one.
        pairs: the pairs of all clusters.
    """
    cluster = _parts(members["cluster_id"])
    ranking = _Ranking(members, fields, config, kept, pairs)
    columns = ranking.columns(cluster, "exact")
    group = settle_groups(pairs.one[pairs.exact], pairs.other[pairs.exact], _rank(columns, cluster))
    group_rule = _best(columns, group)[1]
    stays = np.flatnonzero(group == np.arange(len(group)))
    between = {name: key[stays] for name, key in ranking.columns(cluster, "near", stays).items()}
    winner, rule = _best(between, cluster[stays])
    place = np.searchsorted(stays, group)
    is_one_group = np.bincount(cluster[stays], minlength=len(cluster))[cluster] == 1
    return Keepers(stays[winner[place]], np.where(is_one_group, group_rule, rule[place]), group, group_rule)


def choose_one(
    members: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    among: Literal["exact", "near"],
) -> tuple[int, str]:
    """Return which of some exact or near duplicates stays, of which no pairs are known, and by which rule."""
    one = np.zeros(len(members), np.int64)
    columns = _Ranking(members, fields, config, frozenset(), NO_PAIRS).columns(one, among)
    winner, rule = _best(columns, one)
    return int(winner[0]), str(rule[0])


@dataclass(frozen=True, slots=True)
class _Ranking:
    """What documents are ranked by: arguments as of ``choose_keepers``."""

    members: pd.DataFrame
    fields: Sequence[Mapping[str, Any]]
    config: CollectionConfig
    kept: frozenset[str]
    pairs: PairRows

    def columns(
        self, cluster: Rows, among: Literal["exact", "near"] | None = None, of: Rows | None = None
    ) -> Columns:
        """Return a column of keys for each rule that counts among exact or near ones.

        ``cluster``: the number of each row's cluster. ``of``: the rows that are compared; None is all.
        """
        found: Columns = {
            BY_VERDICT: np.where(self.members["id"].isin(self.kept), 0.0, 1.0),
            BY_READING: np.where(unreadable(self.fields, self.config), 1.0, 0.0),
            BY_PROTECTION: np.where(self.members["is_protected"], 0.0, 1.0),
        }
        for rule in self._rules():
            if among is None or rule.among in (None, among):
                key = rule_keys(rule, self.members, self.fields, self.config, self.pairs)
                found[describe(rule)] = _outdone(key, rule.times, cluster, of)
        return found

    def _rules(self) -> Sequence[KeeperRule]:
        """Return the rules of the settings, and those that decide where they are silent."""
        named = {rule.rule for rule in self.config.keeper.rules}
        silent = [KeeperRule(rule=rule) for rule in COUNTING if rule not in named]
        return [*self.config.keeper.rules, *silent]


def unreadable(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> npt.NDArray[np.bool_]:
    """Tell of each row whether its picture is known to be unreadable: nothing may rest on it."""
    name = config.fields.unreadable
    marked = (bool(name and document.get(name)) for document in fields)
    return np.fromiter(marked, dtype=bool, count=len(fields))


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
    one = np.zeros(len(documents), np.int64)
    return _rank(_Ranking(documents, fields, config, kept, NO_PAIRS).columns(one), one)


def describe(rule: KeeperRule) -> str:
    """Return the rule's name for people."""
    by = rule.field or (" x ".join(rule.fields) if rule.rule in MEASURING else "")
    limits = f"by {rule.times:g} times" if rule.times > 1.0 else ""
    return " ".join(filter(None, (rule.rule, by, limits)))


def rule_keys(
    rule: KeeperRule,
    members: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    pairs: PairRows,
) -> Keys:
    """Return one number for each document, the lowest for the best; a missing value is worst."""
    if rule.rule in COUNTING:
        counted = pairs.exact if rule.rule == "most_copies" else np.ones(len(pairs.one), bool)
        ends = np.concatenate([pairs.one[counted], pairs.other[counted]])
        return -np.bincount(ends, minlength=len(members)).astype(np.float64)
    if rule.rule == "most_complete" and not rule.fields:
        return -members["filled"].to_numpy(np.float64)
    if rule.rule in ("most_complete", "has"):
        names = rule.fields or config.rule_fields(rule)
        counts = (sum(document.get(name) not in NOTHING for name in names) for document in fields)
        return -np.fromiter(counts, np.float64, count=len(fields))
    columns = [
        members["id"].tolist() if name == "id" else [document.get(name) for document in fields]
        for name in config.rule_fields(rule)
    ]
    if rule.rule in RANKING:
        return np.array(RANKING[rule.rule](columns[0], rule.values), dtype=np.float64)
    is_highest = rule.rule in ("highest", "newest")
    if rule.rule in ("oldest", "newest"):
        return _signed(moments(columns[0], latest=is_highest), highest=is_highest)
    return _signed(np.prod([numbers(one, highest=is_highest) for one in columns], axis=0), highest=is_highest)


def _parts(names: pd.Series[str]) -> Rows:
    """Return the number of each row's cluster; rows of a cluster follow each other."""
    values = names.to_numpy()
    begins = values[1:] != values[:-1]
    return np.concatenate([np.zeros(min(len(values), 1), np.int64), np.cumsum(begins)])


def _rank(columns: Columns, part: Rows) -> Rows:
    """Return the place of each row when those of each part are sorted by the columns, then as they are."""
    order = np.lexsort((*reversed(columns.values()), part))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _best(columns: Columns, part: Rows) -> tuple[Rows, npt.NDArray[np.object_]]:
    """Return for each row the best row of its part, and the rule that told it from the next best."""
    order = np.lexsort((*reversed(columns.values()), part))
    sorted_parts = part[order]
    begins = np.r_[True, sorted_parts[1:] != sorted_parts[:-1]] if len(order) else np.zeros(0, bool)
    starts = np.flatnonzero(begins)
    is_followed = np.diff(np.r_[starts, len(order)]) > 1
    winner, second = order[starts], order[starts + is_followed]
    rule_of = np.full(len(winner), BY_ID, dtype=object)
    for name, key in reversed(columns.items()):
        rule_of[key[winner] != key[second]] = name
    number = np.empty(len(part), np.int64)
    number[order] = np.cumsum(begins) - 1
    return winner[number], rule_of[number]


def _outdone(key: Keys, times: float, cluster: Rows, of: Rows | None) -> Keys:
    """Return a key; with ``times``, only whether another one of the cluster has so many times as much."""
    if times == 1.0:
        return key
    rows = np.arange(len(key)) if of is None else of
    most = np.full(len(key), MISSING)
    np.minimum.at(most, cluster[rows], key[rows])
    return np.where(key * times >= most[cluster], 1.0, 0.0)


def _signed(found: Keys, *, highest: bool) -> Keys:
    return np.where(np.isnan(found), MISSING, -found if highest else found)

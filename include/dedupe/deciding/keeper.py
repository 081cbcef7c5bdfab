"""Keeper: which document stays, by the ordered rules of the settings.

It is asked twice: which stays of each group of exact duplicates, and which of those stays of a cluster. Each
rule becomes a column of numbers of which the lowest wins. The first rule that tells the winner from the next
best made the choice; where none does, the shortest id stays, and of these the lowest: a copy's name is
mostly longer.
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
    ranking = ranking_columns(members, fields, config, kept)
    columns = ranked_by(ranking, pairs, cluster, "exact")
    group = settle_groups(pairs.one[pairs.exact], pairs.other[pairs.exact], _rank(columns, cluster))
    group_rule = _best(columns, group)[1]
    stays = np.flatnonzero(group == np.arange(len(group)))
    between = {name: key[stays] for name, key in ranked_by(ranking, pairs, cluster, "near", stays).items()}
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
    """Return which of some exact or near duplicates stays, of which no pairs are known, and by which rule.

    Where no rule tells them apart, the first one stays.
    """
    one = np.zeros(len(members), np.int64)
    columns = ranked_by(ranking_columns(members, fields, config, frozenset()), NO_PAIRS, one, among)
    del columns[BY_ID]
    winner, rule = _best(columns, one)
    return int(winner[0]), str(rule[0])


@dataclass(frozen=True, slots=True)
class Column:
    """What documents are ranked by: a rule's numbers, the lowest for the best.

    ``keys`` are None where pairs are counted instead: exact ones, or all. ``among``: exact or near ones that
    it counts among, None for both. ``times``: only whether another of its cluster has so many times as much.
    """

    name: str
    keys: Keys | None
    among: Literal["exact", "near"] | None = None
    times: float = 1.0
    counts_exact: bool = False


def ranking_columns(
    members: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    kept: frozenset[str],
) -> list[Column]:
    """Return what documents are ranked by, the strongest first; arguments as of ``choose_keepers``.

    Behind the rules of the settings stand those that decide where these are silent, and last the id's length.
    """
    columns = [
        Column(BY_VERDICT, np.where(members["id"].isin(kept), 0.0, 1.0)),
        Column(BY_READING, np.where(unreadable(fields, config), 1.0, 0.0)),
        Column(BY_PROTECTION, np.where(members["is_protected"], 0.0, 1.0)),
    ]
    named = {rule.rule for rule in config.keeper.rules}
    silent = [KeeperRule(rule=rule) for rule in COUNTING if rule not in named]
    for rule in [*config.keeper.rules, *silent]:
        keys = None if rule.rule in COUNTING else rule_keys(rule, members, fields, config)
        counts_exact = rule.rule == "most_copies"
        columns.append(Column(describe(rule), keys, rule.among, rule.times, counts_exact))
    columns.append(Column(BY_ID, np.array(members["id"].str.len(), np.float64)))
    return columns


def ranked_by(
    columns: Sequence[Column], pairs: PairRows, cluster: Rows, among: str, of: Rows | None = None
) -> Columns:
    """Return the keys of each column that counts among exact or near ones.

    ``cluster``: the number of each row's cluster. ``of``: the rows that are compared; None is all.
    """
    found: Columns = {}
    for column in columns:
        if column.among in (None, among):
            key = counted(column, pairs, len(cluster)) if column.keys is None else column.keys
            found[column.name] = _outdone(key, column.times, cluster, of)
    return found


def counted(column: Column, pairs: PairRows, documents: int) -> Keys:
    """Return how many pairs each document has, negative."""
    ones = pairs.exact if column.counts_exact else slice(None)
    ends = np.concatenate([pairs.one[ones], pairs.other[ones]])
    return -np.bincount(ends, minlength=documents).astype(np.float64)


def unreadable(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> npt.NDArray[np.bool_]:
    """Tell of each row whether its picture is known to be unreadable: nothing may rest on it."""
    name = config.fields.unreadable
    marked = (bool(name and document.get(name)) for document in fields)
    return np.fromiter(marked, dtype=bool, count=len(fields))


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
) -> Keys:
    """Return one number for each document, the lowest for the best; a missing value is worst."""
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

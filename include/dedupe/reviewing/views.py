"""Views: clusters, documents and verdicts as people see them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from include.dedupe.clustering.facts import read_fields
from include.dedupe.deciding.keeper import BY_ID, BY_PROTECTION, BY_READING, BY_VERDICT, describe
from include.dedupe.deciding.linked import file_sizes
from include.dedupe.reviewing.state import State
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import KeeperRule
from include.dedupe.tables import DECIDED
from include.dedupe.verdicts import Verdict

MEMBERS_SHOWN = 12
_AS_THEY_ARE = ("id", "image", "decision", "reason", "rule", "score", "duplicates", "is_protected")
WHY = {
    "": "",
    BY_VERDICT: "a person said: keep this one",
    BY_READING: "the picture of the next best cannot be read",
    BY_PROTECTION: "it is protected",
    BY_ID: "no rule told it from the next best, so the shortest id stays",
}
WORDS = {
    "highest": "it has the highest {field}",
    "times": "it has {times} times the {field} of the others, or more",
    "lowest": "it has the lowest {field}",
    "oldest": "it is the oldest by {field}",
    "newest": "it is the newest by {field}",
    "prefer": "its {field} comes first among those that are preferred",
    "most_complete": "most of its fields are filled",
    "path": "it lies in a folder that is preferred",
    "has": "it has {field}, and the next best has not",
    "most_copies": "it has the most exact duplicates, as an original does",
    "most_pairs": "it is a pair with the most others, as an original is with its edits",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One document of a cluster. ``decision`` is empty where the run has no policies.

    ``fields`` are what rules go by and what the settings let the page show. ``score``: with the keeper, 0
    where it is no pair of it. ``duplicates``: exact, near, chained, keeper or none. ``bytes``: None where no
    size is known. ``rule`` chose the keeper.
    """

    id: str
    image: str
    fields: Mapping[str, Any]
    decision: str
    reason: str
    rule: str
    score: float
    duplicates: str
    is_keeper: bool
    is_protected: bool
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict on a cluster or some of it. ``name`` is what undoes it; ``is_undone`` if somebody has."""

    name: str
    kind: str
    by: str
    at: str
    ids: tuple[str, ...]
    note: str
    run_id: str
    is_undone: bool = False


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One cluster of a page.

    ``duplicates``, ``bridges``, ``chained`` and ``hub`` as in the table CLUSTERS. ``decisions``: documents by
    decision. ``rule`` chose the keeper, ``why`` says so in words. ``bytes_to_free``: of what would go, None
    where no size is known. ``members``: the first of its ``size`` documents, the keeper first.
    ``state``: changes with every verdict on it; what is said of the cluster names it, so that two people do
    not talk past each other.
    """

    name: str
    size: int
    duplicates: str
    weakest_score: float
    strongest_score: float
    pairs: int
    bridges: int
    chained: bool
    hub: bool
    decisions: Mapping[str, int]
    keeper: str
    rule: str
    why: str
    bytes_to_free: int | None
    bytes_unknown: int
    judged: bool
    said: tuple[Said, ...]
    state: str
    members: tuple[Member, ...]


def show_clusters(state: State, places: Sequence[int]) -> list[ClusterRow]:
    """Return the clusters of these rows, in this order, with their first documents."""
    table = state.clusters.iloc[list(places)]
    wanted = [_first_rows(row) for row in table.itertuples()]
    every = np.unique(np.concatenate(wanted)) if wanted else np.zeros(0, np.int64)
    members = dict(zip(every.tolist(), show_members(state, every), strict=True))
    said = said_of(state, places)
    return [
        _cluster_row(row, [members[int(one)] for one in rows], verdicts, state.plan.config)
        for row, rows, verdicts in zip(table.itertuples(), wanted, said, strict=True)
    ]


def show_members(state: State, rows: Any) -> list[Member]:
    """Return the documents of these rows, in this order."""
    if not len(rows):
        return []
    frame = state.members(rows)
    fields = read_fields(frame)
    sizes = file_sizes(fields, state.plan.config)
    hidden = {state.plan.config.fields.image, *state.plan.config.tags.names}
    return [
        Member(
            fields={name: value for name, value in values.items() if name not in hidden},
            is_keeper=row["keeper_id"] == row["id"],
            bytes=None if np.isnan(size) else int(size),
            **{name: row[name] for name in _AS_THEY_ARE},
        )
        for row, values, size in zip(frame.to_dict("records"), fields, sizes, strict=True)
    ]


def said_of(state: State, places: Sequence[int]) -> list[tuple[Said, ...]]:
    """Return the standing verdicts on each of these clusters, the oldest first."""
    if not state.by_document:
        return [()] * len(places)
    ids = state.layout.read_members(state.run).read(state.member_rows(places), ["id"])["id"]
    sizes = state.clusters["size"].to_numpy()[list(places)]
    ends = np.cumsum(sizes)
    found = []
    for place, start, end in zip(places, ends - sizes, ends, strict=True):
        documents = {state.clusters["cluster_id"].iat[place], *ids.iloc[start:end]}
        numbers = sorted({one for name in documents for one in state.by_document.get(name, ())})
        found.append(tuple(show_verdict(state.standing[one], documents) for one in numbers))
    return found


def show_verdict(verdict: Verdict, documents: set[str] | None = None, *, is_undone: bool = False) -> Said:
    """Return a verdict; of its ids only those among ``documents``, where given."""
    ids = tuple(one for one in verdict.ids if documents is None or one in documents)
    return Said(verdict.name, verdict.kind, verdict.by, verdict.at, ids, verdict.note, verdict.run, is_undone)


def state_of(name: str, said: Sequence[Said]) -> str:
    """Return what changes with every verdict on a cluster."""
    text = "\n".join([name, *(one.name for one in said)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def why_keeper(rule: str, config: CollectionConfig) -> str:
    """Say in words why a rule's keeper stays."""
    known = {describe(one): one for one in config.keeper.rules}
    return _in_words(known[rule], config) if rule in known else WHY.get(rule) or WORDS.get(rule, rule)


def _in_words(rule: KeeperRule, config: CollectionConfig) -> str:
    named = {"field": ", ".join(config.rule_fields(rule)), "times": f"{rule.times:g}"}
    return WORDS["times" if rule.times > 1.0 else rule.rule].format(**named)


def _first_rows(row: Any) -> Any:
    """Return the rows of a cluster's first documents, the keeper first."""
    first = np.arange(row.first_member, row.first_member + min(row.size, MEMBERS_SHOWN))
    if row.keeper < 0:
        return first
    return np.concatenate([[row.keeper], first[first != row.keeper]])[:MEMBERS_SHOWN]


def _cluster_row(
    row: Any, members: list[Member], said: tuple[Said, ...], config: CollectionConfig
) -> ClusterRow:
    counts = {name: int(getattr(row, name)) for name in DECIDED if getattr(row, name)}
    deleted = counts.get("delete", 0) + counts.get("merge", 0)
    keeper = members[0] if members and row.keeper >= 0 else None
    rule = keeper.rule if keeper else ""
    return ClusterRow(
        name=row.cluster_id,
        size=int(row.size),
        duplicates=row.duplicates,
        weakest_score=row.weakest_score,
        strongest_score=row.strongest_score,
        pairs=int(row.pairs),
        bridges=int(row.bridges),
        chained=bool(row.chained),
        hub=bool(row.hub),
        decisions=counts,
        keeper=keeper.id if keeper else "",
        rule=rule,
        why=why_keeper(rule, config),
        bytes_to_free=None if deleted and deleted == row.bytes_unknown else int(row.bytes),
        bytes_unknown=int(row.bytes_unknown),
        judged=bool(row.judged),
        said=said,
        state=state_of(row.cluster_id, said),
        members=tuple(members),
    )

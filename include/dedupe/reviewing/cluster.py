"""One cluster in full: its documents, pairs and bridges, what is to become of them, why, and what became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from include.dedupe.acting.apply import read_outcomes
from include.dedupe.clustering.pair_rules import said_apart
from include.dedupe.connect import address_from_connection, address_from_environment, ask_flow
from include.dedupe.errors import UnknownError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.refusing import RefusalView, show_refusals, sides
from include.dedupe.reviewing.rows import RowFile
from include.dedupe.reviewing.state import State, open_state
from include.dedupe.reviewing.views import ClusterRow, Member, show_clusters, show_members
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import ACTIONS

DOCUMENTS_SHOWN, PAIRS_SHOWN = 200, 1000


@dataclass(frozen=True, slots=True)
class PairView:
    """One pair. ``bridge``: without it the cluster would fall apart.

    ``found``: seen from one document, from the other, or from both. ``said_apart``: a person said that it is
    no pair of duplicates.
    """

    id_a: str
    id_b: str
    score: float
    duplicates: str
    found: str
    bridge: bool
    said_apart: bool


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What became of a decision: done, skipped, review, failed or planned (a dry run), and why.

    ``keeper_id``: the keeper then. ``change``: left, top, right and bottom of where the last look saw that
    the pictures of both differ, as shares of the picture; empty where it saw nothing.
    """

    id: str
    keeper_id: str
    decision: str
    outcome: str
    reason: str
    at: str
    change: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClusterDetail:
    """A cluster with documents and pairs, both in part where there are very many.

    ``first``: number of the first of ``documents`` among ``row.size``. ``pairs``: the strongest first, of
    ``row.pairs``. ``differing``: fields in which the shown documents differ. ``rule_fields``: fields that the
    keeper rules go by, in their order. ``measures``: the fields that hold pixels, bytes, date and category,
    by these words. ``graph``: Cytoscape JSON of what is shown; nodes have ``image``, ``cluster`` and
    ``decision``, edges ``weight`` (the score), ``width``, ``opacity`` and ``bridge``.
    """

    row: ClusterRow
    first: int
    documents: tuple[Member, ...]
    pairs: tuple[PairView, ...]
    differing: tuple[str, ...]
    rule_fields: tuple[str, ...]
    measures: Mapping[str, str]
    graph: Mapping[str, Any]
    outcomes: tuple[OutcomeView, ...]
    refusals: tuple[RefusalView, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pair has its score, as the server puts it; ``details`` as they came."""

    score: float
    reason: str
    details: Mapping[str, Any]


def read_cluster(run: RunDir, name: str, *, first: int = 0) -> ClusterDetail:
    """Return a cluster with its documents from number ``first`` (0-based) on, by id but the keeper first.

    Raises:
        UnknownError: the run has no such cluster.
    """
    state = open_state(run)
    place = state.place(name)
    if place < 0:
        raise UnknownError(f"Run {run.run_id} has no cluster {name!r:.80}.")
    config = state.plan.config
    row = show_clusters(state, [place])[0]
    documents = show_members(state, _rows_from(state, place, max(first, 0)))
    pairs = _pairs(state, place)
    return ClusterDetail(
        row=row,
        first=max(first, 0),
        documents=tuple(documents),
        pairs=tuple(pairs),
        differing=_differing(documents),
        rule_fields=rule_fields(config),
        measures=_measures(config),
        graph=_graph(row, documents, pairs),
        outcomes=_outcomes(state, place),
        refusals=show_refusals(state, place),
    )


def rule_fields(config: CollectionConfig) -> tuple[str, ...]:
    """Return the fields that the keeper rules go by, in their order."""
    return tuple(dict.fromkeys(name for rule in config.keeper.rules for name in config.rule_fields(rule)))


def explain(
    run: RunDir, one: str, other: str, connection: Mapping[str, Any] | None = None
) -> Explanation | None:
    """Ask the server why two documents have their score; None where it does not explain. Takes one request.

    Args:
        run: the run, for its settings.
        one: a document of a cluster.
        other: another one of it.
        connection: fields of the Airflow connection ``flow.connection``; None: from the environment.

    Raises:
        DedupeError: Flow cannot be asked.
    """
    config = read_plan(run).config
    flow_settings = config.flow
    if connection is None:
        address = address_from_environment(flow_settings.connection, flow_settings.collection)
    else:
        address = address_from_connection(connection, flow_settings.collection)

    async def ask(flow: FlowReader) -> Sequence[Mapping[str, Any]]:
        page = await flow.hits(
            one,
            fq=(flow.filters.any_of("id", [other]),),
            fl=("id", "score", "explain"),
            threshold=config.scan.lowest_score,
            approximate=False,
            smartfilter="off",
            max_hits=1,
        )
        return page.docs

    hits = ask_flow(address, ask)
    found = next((hit for hit in hits if hit["id"] == other and isinstance(hit.get("explain"), dict)), None)
    if found is None:
        return None
    return Explanation(float(found["score"]), str(found["explain"].get("reason", "")), found["explain"])


def _rows_from(state: State, place: int, first: int) -> Any:
    rows = state.member_rows([place])
    keeper = int(state.clusters["keeper"].to_numpy()[place])
    ordered = rows if keeper < 0 else np.concatenate([[keeper], rows[rows != keeper]])
    return ordered[first : first + DOCUMENTS_SHOWN]


def _pairs(state: State, place: int) -> list[PairView]:
    config = state.plan.config
    rows = state.pairs(state.pair_rows([place])[:PAIRS_SHOWN])
    apart = said_apart(rows, state.said.standing, config.scan.exact_threshold)
    exact = config.scan.exact_threshold
    return [
        PairView(
            id_a=row["id_a"],
            id_b=row["id_b"],
            score=row["score"],
            duplicates="exact" if row["score"] >= exact else "near",
            found="both" if row["seen_from_a"] and row["seen_from_b"] else "one",
            bridge=row["bridge"],
            said_apart=bool(is_apart),
        )
        for row, is_apart in zip(rows.to_dict("records"), apart, strict=True)
    ]


def _differing(documents: Sequence[Member]) -> tuple[str, ...]:
    names = dict.fromkeys(name for one in documents for name in one.fields)
    texts = {name: {repr(one.fields.get(name)) for one in documents} for name in names}
    return tuple(name for name in names if len(texts[name]) > 1)


def _measures(config: CollectionConfig) -> dict[str, str]:
    words = ("pixels", "bytes", "date", "category")
    return {word: name for word in words if (name := getattr(config.fields, word))}


def _graph(row: ClusterRow, documents: Sequence[Member], pairs: Sequence[PairView]) -> dict[str, Any]:
    graph: nx.Graph[str] = nx.Graph()
    for one in documents:
        graph.add_node(one.id, image=one.image, cluster=row.name, decision=one.decision)
    for pair in pairs:
        if pair.id_a in graph and pair.id_b in graph:
            opacity = max(0.1, pair.score - 0.5)
            graph.add_edge(
                pair.id_a,
                pair.id_b,
                weight=pair.score,
                opacity=opacity,
                width=opacity * 20,
                bridge=pair.bridge,
            )
    found: dict[str, Any] = nx.cytoscape_data(graph)
    return found


def _outcomes(state: State, place: int) -> tuple[OutcomeView, ...]:
    """Return what became of a cluster's documents, also of an apply that has not ended."""
    run = state.run
    ids = set(state.layout.read_members(run).read(state.member_rows([place]), ["id"])["id"])
    finished = read_manifest(run.storage, "apply")
    if finished is None:
        found = [one.columns() for one in read_outcomes(run) if one.order.id in ids]
        rows = pd.DataFrame(found, columns=ACTIONS.names)
    else:
        tables = [RowFile(run.storage, name, ACTIONS) for name in finished.parts["actions"]]
        rows = pd.concat([table.read_where("id", ids) for table in tables])
    names = ("id", "keeper_id", "decision", "outcome", "reason", "at")
    return tuple(
        OutcomeView(**{name: row[name] for name in names}, change=sides(row["change"]))
        for row in rows.to_dict("records")
    )

"""State: a run's clusters with all verdicts counted in, quickly.

The decisions of one moment are kept beside the layout. Verdicts given since are laid over them by deciding
only the clusters that they touch; where they touch very many, or may change any, all is decided anew.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.deciding.decide import DecideStats, SaidSoFar, decide_again, read_said
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.parquet import from_parquet, to_parquet
from include.dedupe.planning.plan import PLAN_FILE, Plan, read_plan
from include.dedupe.reviewing.kept import NEWEST, Kept, basis_of, kept_of, write_kept
from include.dedupe.reviewing.layout import STAGE, Layout, Rows, open_layout, order_of_clusters
from include.dedupe.reviewing.rows import GROUP_ROWS, RowFile
from include.dedupe.reviewing.standing import align, are_judged, decide_some, summarise
from include.dedupe.rundir import RunDir, manifest_name
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import CLUSTERS, DECISIONS, SHOWN_CLUSTERS, SHOWN_DECISIONS, empty
from include.dedupe.verdicts import Verdict, not_undone, read_verdicts

MOST_TOUCHED = 2000
"""Clusters that are decided one by one; above it all are."""
READ_FIRST = (
    manifest_name("plan"),
    f"plan/{PLAN_FILE}",
    manifest_name("clusters"),
    manifest_name("facts"),
    manifest_name(STAGE),
    NEWEST,
)
_STATES_KEPT = 8
_building = threading.Lock()
_states: OrderedDict[tuple[object, ...], State] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Spoken:
    """The verdicts that hold, and which of them are on a document or a cluster."""

    standing: tuple[Verdict, ...]
    by_document: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, verdicts: Sequence[Verdict]) -> Spoken:
        standing = tuple(one for one in not_undone(list(verdicts)) if one.kind not in ("undo", "acknowledge"))
        by_document: dict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(standing):
            for name in one.documents.union(one.ids, one.seen):
                by_document[name].append(number)
        return cls(standing, by_document)


@dataclass(frozen=True, slots=True)
class State:
    """A run's clusters as they are now.

    ``clusters`` has the columns of SHOWN_CLUSTERS. ``stats`` is None without policies, and of the moment of
    ``kept``: with ``is_exact`` that is now. ``fresh`` are rows of members that were decided since, and
    ``decided`` what of those still in a cluster (columns of DECISIONS).
    """

    run: RunDir
    plan: Plan
    layout: Layout
    kept: Kept
    said: SaidSoFar
    spoken: Spoken
    clusters: pd.DataFrame
    fresh: Rows
    decided: pd.DataFrame
    is_exact: bool

    @property
    def stats(self) -> DecideStats | None:
        return self.kept.stats

    @property
    def standing(self) -> tuple[Verdict, ...]:
        """The verdicts that hold and that are on documents or clusters, the oldest first."""
        return self.spoken.standing

    @property
    def by_document(self) -> Mapping[str, Sequence[int]]:
        """By id of a document or name of a cluster: which of the standing verdicts are on it."""
        return self.spoken.by_document

    def members(self, rows: Rows) -> pd.DataFrame:
        """Return members with what is decided of them: columns of SHOWN_MEMBERS and SHOWN_DECISIONS."""
        with ThreadPoolExecutor(2) as pool:  # an object storage is waited for once
            reading = pool.submit(lambda: self.layout.read_members(self.run).read(rows))
            decided = RowFile(self.run.storage, self.kept.decisions, SHOWN_DECISIONS).read(rows)
            shown = reading.result()
        is_fresh = np.isin(rows, self.fresh)
        fresh = align(shown.loc[is_fresh, "id"], self.decided)
        for name in SHOWN_DECISIONS.names if is_fresh.any() else ():
            values = decided[name].to_numpy(dtype=object)
            values[is_fresh] = fresh[name].to_numpy(dtype=object)
            decided[name] = values
        return pd.concat([shown, decided], axis=1)

    def pairs(self, rows: Rows) -> pd.DataFrame:
        return self.layout.read_pairs(self.run).read(rows)

    def member_rows(self, clusters: Sequence[int]) -> Rows:
        return _ranges(self.clusters, clusters, "first_member", "size")

    def pair_rows(self, clusters: Sequence[int]) -> Rows:
        return _ranges(self.clusters, clusters, "first_pair", "pairs")

    def name(self, place: int) -> str:
        """Return the name of the cluster in a row."""
        return str(self.clusters["cluster_id"].iat[place])

    def place(self, name: str) -> int:
        """Return the row of a cluster; -1 if the run has none of that name."""
        found = np.flatnonzero((self.clusters["cluster_id"] == name).to_numpy(bool))
        return int(found[0]) if len(found) else -1


def open_state(run: RunDir) -> State:
    """Return a run's clusters as they are now.

    Raises:
        UnknownError: the run has no clusters yet.
        ArtifactError: a file of the run is missing or damaged.
    """
    with ThreadPoolExecutor(1) as pool:  # an object storage is waited for once
        verdicts = pool.submit(read_verdicts, run.lasting)
        now = run.reading_ahead(READ_FIRST)
    plan = read_plan(now)
    layout = open_layout(now, plan)
    said = read_said(run, plan, verdicts.result())
    kept = kept_of(now, layout)
    state = _laid_over(run, plan, layout, kept, said) if kept else None
    if state is None:
        with _building:
            kept = kept_of(run, layout)
            state = _laid_over(run, plan, layout, kept, said) if kept else None
            if state is None:
                kept = _build(run, plan, layout, said)
                state = _with_clusters(run, plan, layout, kept, said)
    return state


def _build(run: RunDir, plan: Plan, layout: Layout, said: SaidSoFar) -> Kept:
    """Decide everything and keep it; remove the files of the moment before the last."""
    members = layout.read_members(run).read_all()
    stats = None
    if plan.config.policies is None:
        some = decide_some(members, layout.read_pairs(run).read_all(), said, plan.config)
        decided = align(members["id"], some)
    else:
        stats = decide_again(run, said)
        decided = align(members["id"], read_decisions(run, stats.hash))
    clusters = _clusters(run, members, decided, said)
    label = f"{uuid.uuid4().hex[:12]}.parquet"
    old = kept_of(run, layout)
    kept = Kept(
        source=layout.source,
        clusters=f"{STAGE}/clusters-{label}",
        decisions=f"{STAGE}/decisions-{label}",
        stats=stats,
        counted=frozenset(verdict.name for verdict in said.verdicts),
        basis=basis_of(said),
        before=(old.clusters, old.decisions) if old else (),
    )
    kept = reckoned(kept, clusters, stats)
    run.storage.write(kept.clusters, to_parquet(clusters, SHOWN_CLUSTERS))
    run.storage.write(kept.decisions, to_parquet(decided, SHOWN_DECISIONS, GROUP_ROWS))
    write_kept(run, kept)
    for name in old.before if old else ():
        run.storage.remove(name)
    return kept


def reckoned(kept: Kept, clusters: pd.DataFrame, stats: DecideStats | None) -> Kept:
    """Return what was kept with the figures of clusters (columns of SHOWN_CLUSTERS) as they are now."""
    return replace(
        kept,
        stats=stats,
        deletes=int(clusters[list(DELETING)].to_numpy().sum()),
        bytes=int(clusters["bytes"].sum()),
        bytes_unknown=int(clusters["bytes_unknown"].sum()),
    )


def _clusters(run: RunDir, members: pd.DataFrame, decided: pd.DataFrame, said: SaidSoFar) -> pd.DataFrame:
    found = order_of_clusters(run.read_table("clusters", "clusters", CLUSTERS))
    for name, counted in (("first_member", "size"), ("first_pair", "pairs")):
        found[name] = found[counted].cumsum() - found[counted]
    starts = found["first_member"].to_numpy(np.int64)
    sums = summarise(members, decided, starts, starts)
    judged = are_judged(members, decided, starts, said.verdicts)
    return pd.concat([found, sums.assign(judged=judged)], axis=1)


def _with_clusters(run: RunDir, plan: Plan, layout: Layout, kept: Kept, said: SaidSoFar) -> State:
    data = run.storage.read(kept.clusters)
    clusters = from_parquet(data, SHOWN_CLUSTERS, run.storage.path(kept.clusters))
    nothing = empty(DECISIONS)
    fresh = np.zeros(0, np.int64)
    spoken = Spoken.of(said.verdicts)
    return State(run, plan, layout, kept, said, spoken, clusters, fresh, nothing, is_exact=True)


def _laid_over(run: RunDir, plan: Plan, layout: Layout, kept: Kept, said: SaidSoFar) -> State | None:
    """Return the kept state with newer verdicts counted in; None where all is to be decided anew."""
    names = frozenset(verdict.name for verdict in said.verdicts)
    if basis_of(said) != kept.basis:
        return None
    key = (run.storage, kept.clusters, names)
    if (known := _states.get(key)) is not None:
        return known
    state = _with_clusters(run, plan, layout, kept, said)
    if names != kept.counted:
        touched = _touched(state, names ^ kept.counted)
        if len(touched) > MOST_TOUCHED:
            return None
        state = _decided_anew(state, touched)
    _states[key] = state
    if len(_states) > _STATES_KEPT:
        _states.popitem(last=False)
    return state


def _touched(state: State, names: Iterable[str]) -> Rows:
    """Return the rows of clusters that these verdicts bear on."""
    by_name = {verdict.name: verdict for verdict in state.said.verdicts}
    meant: set[str] = set()
    left = list(names)
    while left:
        verdict: Verdict | None = by_name.get(left.pop())
        if verdict and verdict.kind == "undo":
            left += verdict.ids
        elif verdict:
            meant |= verdict.documents.union(verdict.ids, verdict.seen)
    ids = state.layout.read_members(state.run).column("id")
    rows = np.flatnonzero(pc.is_in(ids, value_set=pa.array(sorted(meant), pa.string())).to_numpy())
    starts = state.clusters["first_member"].to_numpy(np.int64)
    named = np.flatnonzero(state.clusters["cluster_id"].isin(meant).to_numpy(bool))
    found: Rows = np.union1d(np.searchsorted(starts, rows, side="right") - 1, named).astype(np.int64)
    return found


def _decided_anew(state: State, touched: Rows) -> State:
    """Decide some clusters with all verdicts counted in."""
    places = [int(place) for place in touched]
    rows = state.member_rows(places)
    members = state.layout.read_members(state.run).read(rows) if len(rows) else pd.DataFrame()
    if members.empty:
        return replace(state, is_exact=False)
    found = decide_some(members, state.pairs(state.pair_rows(places)), state.said, state.plan.config)
    decided = align(members["id"], found)
    first = state.clusters["first_member"].to_numpy(np.int64)[touched]
    size = state.clusters["size"].to_numpy(np.int64)[touched]
    starts = np.cumsum(size) - size
    sums = summarise(members, decided, starts, first)
    sums["judged"] = are_judged(members, decided, starts, state.said.verdicts)
    clusters = state.clusters.copy()
    for name in sums.columns:
        clusters.loc[touched, name] = sums[name].to_numpy()
    return replace(state, clusters=clusters, fresh=rows, decided=found, is_exact=False)


def _ranges(clusters: pd.DataFrame, places: Sequence[int], first: str, count: str) -> Rows:
    starts, counts = (clusters[name].to_numpy(np.int64)[list(places)] for name in (first, count))
    ranges = [np.arange(start, start + size) for start, size in zip(starts, counts, strict=True)]
    return np.concatenate(ranges) if ranges else np.zeros(0, np.int64)

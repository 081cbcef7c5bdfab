"""Judging: verdicts on clusters and documents as a run has them, one or many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from include.dedupe.acting.apply import read_outcomes
from include.dedupe.deciding.settled import RECORD, record_acknowledgement
from include.dedupe.errors import UnknownError, VerdictConflictError, VerdictError
from include.dedupe.reviewing.filtering import Filters, arrange
from include.dedupe.reviewing.refusing import refused_pairs
from include.dedupe.reviewing.standing import picture_digest
from include.dedupe.reviewing.state import State, open_state
from include.dedupe.reviewing.views import Said, said_of, show_verdict, state_of
from include.dedupe.rundir import RunDir
from include.dedupe.tables import DECIDED
from include.dedupe.verdicts import Verdict, give_verdict, not_undone, read_verdicts

Judgement = Literal["approve", "reject", "skip", "keep", "not_duplicate", "may_repeat", "same"]
FOR_MANY = ("approve", "reject", "skip", "not_duplicate")


@dataclass(frozen=True, slots=True)
class Selection:
    """Clusters that are meant: those named, or, with ``filters``, all that fit except those named."""

    names: tuple[str, ...] = ()
    filters: Filters | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection comes to now; ``state`` changes when it does, or when something is said of it."""

    clusters: int
    documents: int
    decisions: Mapping[str, int] = field(default_factory=dict)
    state: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of how many clusters. ``is_new``: False where it stood already; nothing was written."""

    said: Said
    is_new: bool
    clusters: int


def count_selection(run: RunDir, selection: Selection) -> Selected:
    """Return what the selection comes to, to be shown before something is said of it.

    Raises:
        UnknownError: the run has no cluster of that name.
    """
    state = open_state(run)
    return _count(state, _places(state, selection))


def judge_many(
    run: RunDir, kind: Judgement, selection: Selection, by: str, *, state: str, note: str = ""
) -> Judged:
    """Say approve, reject, skip or not_duplicate of all clusters of a selection, all or none.

    ``state``: that of ``count_selection``, which the person saw.

    Raises:
        UnknownError: the run has no cluster of that name.
        VerdictConflictError: the selection, or what was said of it, is not what the person saw.
        VerdictError: the verdict makes no sense for many clusters, or there are none.
    """
    if kind not in FOR_MANY:
        raise VerdictError(f"{kind} is not said of many clusters at once; choose {', '.join(FOR_MANY)}.")
    now = open_state(run)
    places = _places(now, selection)
    if not places:
        raise VerdictError("No cluster is selected; nothing was said.")
    words = _Words(now, kind, tuple(now.name(place) for place in places), places, by, note, True)
    selected = _count(now, places)
    if selected.state != state and words.standing() is None:
        raise VerdictConflictError(
            f"The selection has changed since you saw it: {selected.clusters} clusters with "
            f"{selected.documents} documents now. Nothing was said; look at it again."
        )
    return words.say()


def judge(
    run: RunDir,
    kind: Judgement,
    cluster: str,
    by: str,
    *,
    ids: Sequence[str] = (),
    state: str = "",
    note: str = "",
) -> Judged:
    """Say something of one cluster, or of documents in it.

    ``keep`` takes one id: this one stays, instead of what the person saw kept in the cluster before.
    ``not_duplicate`` takes two ids or more, or none: the whole cluster. ``may_repeat`` takes one, whose
    picture never makes a pair again, ``same`` those that the last look has refused. The others take any.

    Args:
        run: the run of the cluster.
        kind: what is said.
        cluster: name of the cluster that the person has before them.
        by: who says so.
        ids: documents of it.
        state: that of the cluster as the person saw it; empty: whatever was said since.
        note: why.

    Raises:
        UnknownError: the run has no such cluster, or it has no such document.
        VerdictConflictError: something else was said of the cluster since.
        VerdictError: the verdict makes no sense.
    """
    _require_sense(kind, ids)
    now = open_state(run)
    place = _place(now, cluster)
    if unknown := sorted(set(ids) - set(_documents(now, [place])["id"])):
        raise UnknownError(f"The cluster {cluster} has no document {unknown[0]!r:.100}.")
    words = _Words(now, kind, tuple(ids) or (cluster,), [place], by, note, not ids)
    said = said_of(now, [place])[0]
    if state and state != state_of(cluster, said) and words.standing() is None:
        raise VerdictConflictError(_in_between(said))
    return words.say()


def _require_sense(kind: str, ids: Sequence[str]) -> None:
    if kind not in get_args(Judgement):
        raise VerdictError(f"{kind!r} is no verdict; choose one of {', '.join(get_args(Judgement))}.")
    if kind in ("keep", "may_repeat", "same") and not ids:
        raise VerdictError(f"Say of which document: the verdict {kind} needs its id.")


def take_back(run: RunDir, names: Sequence[str], by: str, note: str = "") -> Said:
    """Undo verdicts by their names, unless this run has carried out what rests on them.

    Raises:
        UnknownError: there is no such verdict.
        VerdictConflictError: it was carried out since: only a restore takes that back; or somebody has
            undone it.
    """
    verdicts = {one.name: one for one in read_verdicts(run.lasting)}
    if unknown := sorted(set(names) - verdicts.keys()):
        raise UnknownError(f"There is no verdict {unknown[0]!r:.100}.")
    standing = {one.name for one in not_undone(list(verdicts.values()))}
    if gone := [name for name in names if name not in standing]:
        later = next(one for one in reversed(verdicts.values()) if gone[0] in (*one.ids, *one.instead))
        raise VerdictConflictError(f"{later.by} has undone or replaced this at {later.at} already.")
    for name in names:
        _require_not_done(run, verdicts[name])
    undone = give_verdict(run.lasting, "undo", tuple(names), by, note, run=run.run_id)
    if any(verdicts[name].kind == "acknowledge" for name in names) and run.storage.exists(RECORD):
        record_acknowledgement(run)
    return show_verdict(undone)


def history(run: RunDir, *, limit: int = 100) -> list[Said]:
    """Return what was said last in the collection, the newest first, also what was undone."""
    verdicts = read_verdicts(run.lasting)
    standing = {one.name for one in not_undone(verdicts)}
    newest = verdicts[::-1][:limit]
    return [show_verdict(one, is_undone=one.name not in standing) for one in newest]


def _places(state: State, selection: Selection) -> list[int]:
    named = [_place(state, name) for name in dict.fromkeys(selection.names)]
    if selection.filters is None:
        return sorted(named)
    fit = np.sort(arrange(state, selection.filters, "size").rows)
    return [int(row) for row in fit[~np.isin(fit, named)]]


def _place(state: State, name: str) -> int:
    place = state.place(name)
    if place < 0:
        raise UnknownError(f"Run {state.run.run_id} has no cluster {name!r:.80}.")
    return place


def _count(state: State, places: Sequence[int]) -> Selected:
    rows = state.clusters.iloc[list(places)]
    counts = {name: int(rows[name].sum()) for name in DECIDED}
    said = [one.name for one in _verdicts_on(state, _documents(state, places)["id"])]
    text = "\n".join([*rows["cluster_id"], *said])
    return Selected(
        clusters=len(rows),
        documents=int(rows["size"].sum()),
        decisions={name: count for name, count in counts.items() if count},
        state=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _documents(state: State, places: Sequence[int]) -> pd.DataFrame:
    rows = state.member_rows(places)
    return state.layout.read_members(state.run).read(rows, ["cluster_id", "id", "image"])


def _verdicts_on(state: State, ids: Iterable[str]) -> list[Verdict]:
    """Return the standing verdicts on these documents, the oldest first."""
    numbers = {one for name in ids for one in state.by_document.get(name, ())}
    return [state.standing[one] for one in sorted(numbers)]


@dataclass(frozen=True, slots=True)
class _Words:
    """What a person says of documents or clusters, with the clusters that they have before them."""

    state: State
    kind: str
    ids: tuple[str, ...]
    places: Sequence[int]
    by: str
    note: str
    of_clusters: bool
    """Whether the ids are the names of all these clusters."""

    def standing(self) -> Verdict | None:
        """Return the verdict by which the same person said just this last, of all that is there now.

        With another note it is another verdict, so that no note is lost.
        """
        documents = _documents(self.state, self.places)["id"]
        said = _verdicts_on(self.state, documents)
        if not said:
            return None
        last = said[-1]
        is_same = (last.kind, set(last.ids), last.by) == (self.kind, set(self.ids), self.by)
        is_same &= self.note in ("", last.note)
        return last if is_same and documents.isin(last.seen.keys()).all() else None

    def say(self) -> Judged:
        """Write it down, unless it stands already."""
        if (standing := self.standing()) is not None:
            return Judged(show_verdict(standing), False, len(self.places))
        shown, run = _documents(self.state, self.places), self.state.run
        named = shown.groupby("cluster_id", sort=False)["id"] if self.of_clusters else ()
        members = {str(name): tuple(documents) for name, documents in named}
        verdict = give_verdict(
            run.lasting,
            self.kind,
            self.ids,
            self.by,
            self.note,
            members=_showing(self.state, self.ids, self.places) if self.kind == "may_repeat" else members,
            run=run.run_id,
            seen={name: picture_digest(one) for name, one in zip(shown["id"], shown["image"], strict=True)},
            instead=self._kept_before(shown["id"]) if self.kind == "keep" else (),
            refusals=refused_pairs(self.state, self.ids, self.places) if self.kind == "same" else (),
        )
        return Judged(show_verdict(verdict), True, len(self.places))

    def _kept_before(self, ids: pd.Series[str]) -> tuple[str, ...]:
        documents = set(ids)
        said = _verdicts_on(self.state, ids)
        return tuple(one.name for one in said if one.kind == "keep" and documents.issuperset(one.ids))


def _showing(state: State, ids: Sequence[str], places: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Return, by document, those that show exactly its picture, itself first."""
    pairs = state.pairs(state.pair_rows(places))
    exact = pairs[pairs["score"] >= state.plan.config.scan.exact_threshold]
    sides = [(exact["id_a"], exact["id_b"]), (exact["id_b"], exact["id_a"])]
    return {
        name: tuple(dict.fromkeys([name, *(one for own, other in sides for one in other[own == name])]))
        for name in ids
    }


def _in_between(said: Sequence[Said]) -> str:
    if not said:
        return "What was said of this cluster has been undone since you saw it. Nothing was said; look again."
    last = said[-1]
    return (
        f"{last.by} said {last.kind} of this cluster at {last.at}, since you saw it. Nothing was said; look "
        f"again."
    )


def _require_not_done(run: RunDir, verdict: Verdict) -> None:
    """Raise ``VerdictConflictError`` if this run has written to documents after the verdict on them."""
    concerned = verdict.documents.union(verdict.seen)
    done = (one for one in read_outcomes(run) if one.outcome == "done" and one.at > verdict.at)
    if (first := next((one for one in done if one.order.id in concerned), None)) is not None:
        raise VerdictConflictError(
            f"Run {run.run_id} has carried this out ({first.order.decision} of {first.order.id!r:.100} at "
            f"{first.at}); restore the run, or that document, to take it back."
        )

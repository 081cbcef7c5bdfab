"""Held: the pictures that a run of the gate holds beside what they look like, and the answer about them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.dedupe.clustering.facts import fields_to_read
from include.dedupe.connect import address_from_connection, ask_flow
from include.dedupe.errors import ApprovalError, DedupeError, GateError, UnknownError
from include.dedupe.flow import Document, FlowReader, Origin
from include.dedupe.gating.decide import Row
from include.dedupe.gating.options import HOLD, LET_IN, NAMED, REJECT
from include.dedupe.gating.orphans import candidates_of, mark_of
from include.dedupe.gating.picture import read_picture
from include.dedupe.gating.report import read_held
from include.dedupe.gating.settle import Said, question_of
from include.dedupe.gating.take import read_gate_plan
from include.dedupe.gating.work import Candidate
from include.dedupe.reviewing.pictures import Pictures, Shown, View, flow_origin
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig

HELD_SHOWN, MATCHES_SHOWN = 30, 12
KNOWN_FOR_S = 60.0
RUNS_KNOWN = 20
CHOICES = (LET_IN, REJECT, HOLD)
CHANGED = "{name} is another picture than the one that was analysed; what would be indexed is not shown"


@dataclass(frozen=True, slots=True)
class ShownMatch:
    """A document that a held picture looks like. ``score`` is None where it is another cause that names it.

    ``duplicates``: exact or near, empty without a score. ``is_there``: whether the collection has it.
    """

    id: str
    score: float | None
    duplicates: str
    is_there: bool
    image: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShownHeld:
    """A held document: as it would be indexed, why it is held, and the first of its ``like`` matches.

    ``left_by`` names the run that has left it, empty if this one holds it.
    """

    id: str
    image: str
    reason: str
    fields: Mapping[str, Any]
    matches: tuple[ShownMatch, ...]
    like: int
    left_by: str


@dataclass(frozen=True, slots=True)
class HeldPage:
    """Some of what is held. ``digest`` tells all that is held from what was held at another time.

    ``problem``: why the documents of the collection are not shown, empty if they are.
    """

    digest: str
    total: int
    held: tuple[ShownHeld, ...]
    next: str
    problem: str


@dataclass(slots=True)
class _Known:
    """What is known of a run for a while: its held rows, and what was read of candidates and documents."""

    config: CollectionConfig
    flow: Origin
    since: float
    candidates: dict[str, Candidate] = field(default_factory=dict)
    documents: dict[str, Document | None] = field(default_factory=dict)


class HeldPictures:
    """Shows what runs of gates hold; one for a process. Safe in many threads."""

    def __init__(self, pictures: Pictures, connection: Callable[[str], Mapping[str, Any]]) -> None:
        """Take the pictures of this process, and what returns the fields of an Airflow connection."""
        self._pictures, self._connection = pictures, connection
        self._known: OrderedDict[RunDir, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, run: RunDir, *, after: str = "", limit: int = HELD_SHOWN) -> HeldPage:
        """Return some of what is held; ``after`` is ``next`` of the page before.

        Raises:
            UnknownError: ``after`` is held no more.
        """
        held = read_held(run)
        names = list(held)
        if after and after not in held:
            raise UnknownError(f"{after!r:.80} is not held any more; load the page again.")
        start = names.index(after) + 1 if after else 0
        part = {name: held[name] for name in names[start : start + limit]}
        known = self._of(run)
        self._read_candidates(run, known, part)
        problem = self._read_documents(known, [row for _, row in part.values()])
        shown = tuple(self._shown(run, known, mark, row) for mark, row in part.values())
        end = names[start + limit - 1] if start + limit < len(names) else ""
        return HeldPage(question_of(run).digest, len(names), shown, end, problem)

    def show(self, run: RunDir, document: str, match: str = "", view: View = "small") -> Shown:
        """Return the picture of a held document, or of one that it looks like.

        Raises:
            UnknownError: nothing of that id is held, or it looks like no such document.
        """
        found = read_held(run).get(document)
        if found is None:
            raise UnknownError(f"{document!r:.100} is not held.")
        mark, row = found
        known = self._of(run)
        if match:
            return self._show_match(run, known, row, match, view)
        self._read_candidates(run, known, {document: (mark, row)})
        one = known.candidates.get(document)
        if one is None:
            raise UnknownError(f"The run that took {document!r:.100} in is not in this storage any more.")

        def read() -> bytes:
            data = read_picture(one.incoming.source, known.config, known.flow)
            if hashlib.sha256(data).hexdigest() != one.analysis.sha256:
                raise GateError(CHANGED.format(name=one.incoming.source))
            return data

        name = f"{one.incoming.source}\n{one.analysis.sha256}"
        return self._pictures.show_bytes(run.collection, known.config, name, read, view)

    def _show_match(self, run: RunDir, known: _Known, row: Row, match: str, view: View) -> Shown:
        if match not in _matches(row):
            raise UnknownError(f"{row.id!r:.100} looks like no document {match!r:.100}.")
        if match not in known.documents and (problem := self._read_documents(known, [row])):
            return Shown(b"", "", problem=problem)
        image = str((known.documents.get(match) or {}).get(known.config.fields.image) or "")
        return self._pictures.show_document(run.collection, known.config, known.flow, match, image, view=view)

    def _of(self, run: RunDir) -> _Known:
        with self._lock:
            known = self._known.get(run)
            if known and time.monotonic() - known.since < KNOWN_FOR_S:
                return known
        config = read_gate_plan(run).config
        known = _Known(config, flow_origin(config, self._connection), time.monotonic())
        with self._lock:
            self._known[run] = known
            if len(self._known) > RUNS_KNOWN:
                self._known.popitem(last=False)
        return known

    def _read_candidates(self, run: RunDir, known: _Known, held: Mapping[str, tuple[str, Row]]) -> None:
        wanted: dict[str, list[str]] = defaultdict(list)
        for name, (mark, _) in held.items():
            if name not in known.candidates:
                wanted[mark].append(name)
        for mark, names in wanted.items():
            known.candidates.update({one.id: one for one in candidates_of(run, mark, names)})

    def _read_documents(self, known: _Known, rows: Sequence[Row]) -> str:
        """Read what held documents look like, as it is in the collection now, with the fields that they have.

        Returns:
            why it cannot be had; empty if it can.
        """
        ids = sorted({name for row in rows for name in list(_matches(row))[:MATCHES_SHOWN]})
        config = known.config
        new = [known.candidates[row.id].incoming for row in rows if row.id in known.candidates]
        told = [name for one in new for name in one.fields]
        names = tuple(dict.fromkeys([*fields_to_read(config), *config.shown_fields, *told]))

        async def read(flow: FlowReader) -> Sequence[Document]:
            return await flow.existing(ids, fl=names)

        try:
            fields = self._connection(config.flow.connection)
            address = address_from_connection(fields, config.flow.collection)
            found = ask_flow(address, read) if ids else ()
        except DedupeError as error:
            return str(error)
        there = {str(document["id"]): document for document in found}
        known.documents = {**known.documents, **dict.fromkeys(ids), **there}
        return ""

    def _shown(self, run: RunDir, known: _Known, mark: str, row: Row) -> ShownHeld:
        one = known.candidates.get(row.id)
        measures = one.analysis.measures if one else {}
        matches = _matches(row)
        return ShownHeld(
            id=row.id,
            image=row.image,
            reason=row.reason,
            fields={**measures, **(one.incoming.fields if one else {})},
            matches=tuple(
                _shown_match(known, name, score) for name, score in list(matches.items())[:MATCHES_SHOWN]
            ),
            like=len(matches),
            left_by="" if mark == mark_of(run) else mark,
        )


def answer(run: RunDir, digest: str, rest: str, said: Said) -> Mapping[str, object]:
    """Return the answer to the question of the run, as Airflow takes it.

    Args:
        run: the run that holds the documents.
        digest: that of what the person has seen.
        rest: one of ``CHOICES``, for the documents that are not named.
        said: what the person said of those that are.

    Raises:
        ApprovalError: other documents are held by now than the person has seen.
        GateError: one of them is not held, or is named twice.
    """
    if rest not in CHOICES:
        raise GateError(f"{rest!r:.20} is none of {', '.join(CHOICES)}.")
    question = question_of(run)
    if question.digest != digest:
        raise ApprovalError("Other documents are held by now than you saw. Nothing was answered; look again.")
    said.require_of(question)
    named = zip(NAMED, (said.let, said.reject, said.link), strict=True)
    return {"chosen_options": [rest], "params_input": {name: sorted(ids) for name, ids in named}}


def _matches(row: Row) -> dict[str, float | None]:
    """Return what a held document looks like with its scores, best first, and what else decided about it."""
    found: dict[str, float | None] = dict(zip(row.matched_ids, row.scores, strict=True))
    return found if not row.match_id or row.match_id in found else {**found, row.match_id: None}


def _shown_match(known: _Known, name: str, score: float | None) -> ShownMatch:
    document = known.documents.get(name)
    fields = {key: value for key, value in (document or {}).items() if key not in ("id", "_version_")}
    kind = "exact" if score and score >= known.config.scan.exact_threshold else "near"
    return ShownMatch(
        id=name,
        score=score,
        duplicates=kind if score is not None else "",
        is_there=document is not None,
        image=str(fields.pop(known.config.fields.image, "") or ""),
        fields=fields,
    )

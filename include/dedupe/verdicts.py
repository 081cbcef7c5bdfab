"""Verdicts: what people said of pairs, documents and clusters. One file each, never changed.

They lie beside the runs and hold in all later ones. Undoing a verdict is a further verdict that names it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from include.dedupe.apart import Apart, Pair
from include.dedupe.errors import VerdictError
from include.dedupe.storage import Storage

VerdictKind = Literal[
    "not_duplicate",
    "keep",
    "reject",
    "approve",
    "skip",
    "may_repeat",
    "same",
    "right",
    "wrong",
    "acknowledge",
    "undo",
]
FOLDER = "verdicts"
SPOKEN: tuple[VerdictKind, ...] = (
    "not_duplicate",
    "keep",
    "reject",
    "approve",
    "skip",
    "may_repeat",
    "same",
    "undo",
)
"""Verdicts that a person gives as they are; the others come with what they rest on."""
RESTORED_FROM = "restored from run "
"""So begins the note of what a restore remembers, and nothing else told of it in former times."""
SETTLING: tuple[VerdictKind, ...] = ("not_duplicate", "keep", "reject", "approve", "skip")
"""Verdicts after which a cluster need not be looked at again."""

_IDS: dict[str, int] = {"keep": 1, "acknowledge": 2, "right": 2, "wrong": 2}
_LEAST: dict[str, int] = {"not_duplicate": 2}
_KEPT_IN_MEMORY = 20_000
_STAMP = "%Y-%m-%dT%H-%M-%S.%f"
_known: dict[tuple[Storage, str], Verdict] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a person said.

    ``ids``: documents of which no two are duplicates (not_duplicate), one (keep), any number of documents
    (reject, approve, skip), documents whose pictures never make a pair again (may_repeat), documents that
    show the same as their keepers though the last look refused them (same), a document and its keeper
    (right, wrong: whether the decision is), a run and the table of what it settles (acknowledge), or the
    names of verdicts (undo). ``name`` is the verdict's file.

    ``members``: by an id that stands for several documents, a cluster or a picture that may repeat, those
    that it stood for then; so what was said of them holds when the cluster merges into another.
    ``run``: the run that the person had before them. ``seen``: the documents of the clusters that it showed,
    each with a digest of its picture's address. ``instead``: verdicts that the person saw and whose place
    this one takes while it stands. ``score`` and ``detector``: those of a judged pair. ``restored``: the run
    that was taken back when this was remembered. ``refusals``: the pairs that are the same all the same.
    """

    kind: VerdictKind
    ids: tuple[str, ...]
    by: str
    at: str
    note: str = ""
    name: str = ""
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    run: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    instead: tuple[str, ...] = ()
    score: float | None = None
    detector: str = ""
    restored: str = ""
    refusals: tuple[str, ...] = ()

    @property
    def documents(self) -> frozenset[str]:
        """The documents that are meant, those of named clusters among them."""
        return frozenset(document for one in self.ids for document in self.members.get(one, (one,)))

    @property
    def groups(self) -> Iterator[frozenset[str]]:
        """Each named cluster, and the documents that are named themselves, as one group each."""
        yield from (frozenset(self.members[one]) for one in self.ids if one in self.members)
        if single := frozenset(one for one in self.ids if one not in self.members):
            yield single


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdicts that hold, by what they say.

    ``acknowledged`` are tables of what is settled, as given. ``repeating`` are documents whose pictures make
    no pair. ``overruled`` are refused pairs, of which the last look does not count.
    """

    not_duplicates: Apart = field(default_factory=Apart)
    keepers: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    acknowledged: tuple[str, ...] = ()
    repeating: frozenset[str] = frozenset()
    overruled: frozenset[str] = frozenset()


def give_verdict(
    lasting: Storage,
    kind: str,
    ids: tuple[str, ...],
    by: str,
    note: str = "",
    *,
    members: Mapping[str, tuple[str, ...]] | None = None,
    **rests_on: Any,
) -> Verdict:
    """Write down what a person said; ``members`` are the documents of those ``ids`` that are clusters.

    ``rests_on``: run, seen, instead, score, detector, restored and refusals, as in ``Verdict``.

    Raises:
        VerdictError: it does not make sense.
    """
    if kind not in get_args(VerdictKind):
        raise VerdictError(f"{kind!r} is no verdict; choose one of {', '.join(get_args(VerdictKind))}.")
    moment = dt.datetime.now(dt.UTC)
    at, name = moment.isoformat(timespec="microseconds"), _name_behind_all(lasting, moment)
    verdict = Verdict(kind, ids, by, at, note, name, dict(members or {}), **rests_on)  # type: ignore[arg-type]
    _require_sense(verdict)
    if kind == "undo" and (unknown := set(ids) - set(lasting.names(FOLDER))):
        raise VerdictError(f"There is no verdict {', '.join(sorted(unknown))} to undo.")
    lasting.create(f"{FOLDER}/{name}", json.dumps(asdict(verdict), ensure_ascii=False).encode())
    return verdict


def _name_behind_all(lasting: Storage, moment: dt.datetime) -> str:
    """Return a name that sorts behind all others: what is said last counts, also where a clock was ahead."""
    own = moment.strftime(_STAMP)
    last = max((name[: len(own)] for name in lasting.names(FOLDER)), default="")
    if last >= own:
        with contextlib.suppress(ValueError, OverflowError):  # no verdict's, or the end of the calendar
            own = (dt.datetime.strptime(last, _STAMP) + dt.timedelta(microseconds=1)).strftime(_STAMP)  # noqa: DTZ007
    return f"{own}-00-00-{uuid.uuid4().hex[:8]}.json"


def read_verdicts(lasting: Storage) -> list[Verdict]:
    """Return all verdicts, the oldest first. Their files never change, so each is read once in a process."""
    names = lasting.names(FOLDER)
    found = {name: one for name in names if (one := _known.get((lasting, name)))}
    missing = [name for name in names if name not in found]
    read = lasting.read_many([f"{FOLDER}/{name}" for name in missing])
    for name, data in zip(missing, read, strict=True):
        found[name] = lasting.parsed(f"{FOLDER}/{name}", data, partial(_parse, name))
    if len(_known) + len(missing) > _KEPT_IN_MEMORY:
        _known.clear()
    _known.update({(lasting, name): found[name] for name in missing})
    return [found[name] for name in names]


def not_undone(verdicts: list[Verdict]) -> list[Verdict]:
    """Return the verdicts that none has undone or taken the place of; undoing can be undone in turn."""
    undone: set[str] = set()
    for verdict in reversed(verdicts):
        if verdict.name not in undone:
            undone.update(verdict.instead, verdict.ids if verdict.kind == "undo" else ())
    return [verdict for verdict in verdicts if verdict.name not in undone]


def standing_verdicts(verdicts: list[Verdict]) -> Standing:
    """Return what holds after all undoing.

    An approval takes back an earlier rejection; the last word on a judged pair counts.
    """
    groups: dict[Pair | str, frozenset[str]] = {}
    keepers: set[str] = set()
    rejected: set[str] = set()
    acknowledged: list[str] = []
    repeating: set[str] = set()
    overruled: set[str] = set()
    for verdict in not_undone(verdicts):
        meant = verdict.documents.union(verdict.ids)
        if verdict.kind == "not_duplicate":
            groups |= {f"{verdict.name} {number}": group for number, group in enumerate(verdict.groups)}
        elif verdict.kind in ("right", "wrong"):
            pair = (min(verdict.ids), max(verdict.ids))
            groups[pair] = frozenset(pair if verdict.kind == "wrong" else ())
        elif verdict.kind == "keep":
            keepers |= meant
        elif verdict.kind == "reject":
            rejected |= meant
        elif verdict.kind == "approve":
            rejected -= meant
        elif verdict.kind == "may_repeat":
            repeating |= verdict.documents
        elif verdict.kind == "same":
            overruled.update(verdict.refusals)
        elif verdict.kind == "acknowledge":
            acknowledged.append(verdict.ids[1])
    return Standing(
        not_duplicates=Apart(groups.values()),
        keepers=frozenset(keepers),
        rejected=frozenset(rejected),
        acknowledged=tuple(acknowledged),
        repeating=frozenset(repeating),
        overruled=frozenset(overruled),
    )


def makes_sense(data: bytes) -> bool:
    """Tell whether a verdict's file, from which documents were taken out, still says something."""
    try:
        _require_sense(_parse("", json.loads(data)))
    except VerdictError:
        return False
    return True


def _require_sense(verdict: Verdict) -> None:
    ids, expected, least = verdict.ids, _IDS.get(verdict.kind), _LEAST.get(verdict.kind, 1)
    if verdict.kind == "not_duplicate" and 0 < len(verdict.members) < len(ids):
        raise VerdictError("The verdict not_duplicate takes clusters or documents, not both at once.")
    groups = list(verdict.groups)
    is_short = any(len(group) < least for group in groups) or not groups
    if len(set(ids)) != len(ids) or not all(ids) or is_short or (expected and len(ids) != expected):
        words = expected or f"{least} or more"
        raise VerdictError(f"The verdict {verdict.kind} needs {words} different ids, not {ids!r:.200}.")


def _parse(name: str, value: Any) -> Verdict:
    members = {one: tuple(ids) for one, ids in value.get("members", {}).items()}
    lists = {field: tuple(value.get(field, ())) for field in ("ids", "instead", "refusals")}
    return Verdict(**{**value, **lists, "name": name, "members": members})

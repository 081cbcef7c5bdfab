"""Refused: pairs in which the last look has seen a change, kept beside the runs.

Later runs send them to a person without looking again, as long as both documents have the pictures that were
looked at then. A person may say that they show the same all the same.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from include.dedupe.clustering.facts import content_of, fields_of
from include.dedupe.deciding.changes import Order
from include.dedupe.errors import VerdictError
from include.dedupe.nearest import tell_unknown
from include.dedupe.rundir import RunDir
from include.dedupe.sequence import next_number
from include.dedupe.storage import Storage, filled

FOLDER = "refused"
REFUSED = "refused by the last look"
"""So begins the reason of what a person has to decide about because of it."""
REMEDY = "put back its copy, or remove it: then its pairs are looked at once more"
_KEPT_IN_MEMORY = 20_000
_known: dict[tuple[Storage, str], tuple[Refusal, ...]] = {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that did not go, because its picture differs from its keeper's.

    ``pair`` is what ``pair_of`` returns of both. ``change`` is where they differ, as in ACTIONS.
    """

    pair: str
    id: str
    keeper_id: str
    reason: str
    change: str
    run_id: str
    at: str

    @classmethod
    def of(cls, order: Order, reason: str, change: str, run_id: str, at: str) -> Refusal:
        one, other = (order.id, order.fingerprint), (order.keeper_id, order.keeper_fingerprint)
        return cls(pair_of(one, other, order.score), order.id, order.keeper_id, reason, change, run_id, at)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Those that count, by pair; ``ids`` are all documents in them."""

    by_pair: Mapping[str, Refusal] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()

    @classmethod
    def among(cls, refusals: Collection[Refusal]) -> Refusals:
        ids = (name for one in refusals for name in (one.id, one.keeper_id))
        return cls({one.pair: one for one in refusals}, frozenset(ids))

    def find(self, one: tuple[str, str], other: tuple[str, str], score: float) -> Refusal | None:
        """Return that of two documents, each an id and a fingerprint, in either order; None if none is."""
        if one[0] not in self.ids or other[0] not in self.ids:
            return None
        return self.by_pair.get(pair_of(one, other, score))


def pair_of(one: tuple[str, str], other: tuple[str, str], score: float) -> str:
    """Return what tells two documents with their pictures from all others, in either order.

    Where Flow tells nothing of a picture's content, its fields and the score stand for it.
    """
    pictures = sorted(
        (name, content_of(fingerprint) or f"{fields_of(fingerprint)} {score:.2f}")
        for name, fingerprint in (one, other)
    )
    return hashlib.sha256(json.dumps(pictures).encode()).hexdigest()[:32]


def keep_refusals(run: RunDir, refusals: Sequence[Refusal]) -> None:
    """Put what the last look has refused beside the runs; those that are planned from now on know of it."""
    if refusals:
        name = f"{next_number(run.lasting):012}-{run.folder}-{uuid.uuid4().hex[:8]}.json"
        data = json.dumps([asdict(one) for one in refusals], ensure_ascii=False).encode()
        run.lasting.create(f"{FOLDER}/{name}", data)


def read_refusals(lasting: Storage, before: int | None = None) -> list[Refusal]:
    """Return all of them, or those that were kept before a number of the sequence, the oldest first.

    Their files never change, so each is read once in a process.
    """
    names = [name for name in lasting.names(FOLDER) if before is None or _number(name) < before]
    missing = [name for name in names if (lasting, name) not in _known]
    if len(_known) + len(missing) > _KEPT_IN_MEMORY:
        _known.clear()
        missing = names
    data = lasting.read_many([f"{FOLDER}/{name}" for name in missing])
    for name, one in zip(missing, data, strict=True):
        _known[lasting, name] = lasting.parsed(f"{FOLDER}/{name}", one, _refusals, REMEDY)
    return [one for name in names for one in _known[lasting, name]]


def pairs_of(lasting: Storage, ids: Sequence[str]) -> tuple[str, ...]:
    """Return the pairs in which the last look has refused to let one of these documents go.

    Raises:
        VerdictError: there is none of one of them.
    """
    refusals = read_refusals(lasting)
    known = {one.id for one in refusals}
    if unknown := [name for name in ids if name not in known]:
        raise VerdictError(f"The last look has refused nothing of {tell_unknown(unknown, known)}.")
    return tuple(dict.fromkeys(one.pair for one in refusals if one.id in ids))


def _refusals(value: Any) -> tuple[Refusal, ...]:
    return tuple(Refusal(**one) for one in filled(value))


def _number(name: str) -> int:
    number = name.partition("-")[0]
    return int(number) if number.isdecimal() else 0

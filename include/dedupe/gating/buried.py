"""Buried: what was deleted as a duplicate does not come back unnoticed.

A new document is known again by its id, by what Flow says of its picture, for the same file is analysed
alike, and by the sketch of its picture, which stays when it is saved anew. The archive holds both of each;
they are kept beside it, and stay when it is removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.dedupe.acting.archive import FOLDER, TOMBSTONES, Tombstone, read_entries, read_tombstones
from include.dedupe.acting.sketch import Sketches, closest, read_sketches
from include.dedupe.clustering.facts import canonical
from include.dedupe.rundir import folder_name
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.storage import Storage, named

CACHE = "gate/deleted"
READ_ANEW = "put back its copy; where the archive of the run is there, remove it, and the archive is read"


@dataclass(frozen=True, slots=True)
class Grave:
    """The tombstone that a new document comes to; ``is_sure``: by its id or its file, not by its looks."""

    stone: Tombstone
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Buried:
    """The tombstones that stand, by the document's id and by the digest of its picture's analysis.

    ``sketched`` are those of which there is a sketch, in the order of the rows of ``sketches``. ``files`` of
    tombstones were read: others make another reading necessary.
    """

    by_id: Mapping[str, Tombstone]
    by_digest: Mapping[str, Tombstone]
    sketched: tuple[Tombstone, ...] = ()
    sketches: Sketches = field(default_factory=lambda: read_sketches(()))
    files: tuple[str, ...] = ()

    def of(self, document_id: str, analysis: Mapping[str, Any], sketch: str) -> Grave | None:
        """Return the tombstone of this file, else of this id, else of a picture that looks the same."""
        if stone := self.by_digest.get(_digest(analysis)) or self.by_id.get(document_id):
            return Grave(stone)
        row = closest(sketch, self.sketches)
        return Grave(self.sketched[row], is_sure=False) if row >= 0 else None


def read_buried(lasting: Storage, known: Buried | None = None) -> Buried:
    """Return the tombstones of documents that were not restored; ``known`` itself if nothing was added."""
    files = tuple(lasting.names(TOMBSTONES))
    if known and known.files == files:
        return known
    stones = {name: one for name, one in read_tombstones(lasting).items() if not one.restored_at}
    traces = {
        (run_id, name): trace
        for run_id in {one.run_id for one in stones.values()}
        for name, trace in _traces(lasting, folder_name(run_id)).items()
    }
    found = [(one, traces[one.run_id, name]) for name, one in stones.items() if (one.run_id, name) in traces]
    sketched = [(one, trace["sketch"]) for one, trace in found if trace["sketch"]]
    return Buried(
        by_id=stones,
        by_digest={trace["digest"]: one for one, trace in found if trace["digest"]},
        sketched=tuple(one for one, _ in sketched),
        sketches=read_sketches([text for _, text in sketched]),
        files=files,
    )


def keep_traces(lasting: Storage, run_folder: str) -> None:
    """Keep what the deletions of a run are known again by, before its archive is removed."""
    _traces(lasting, run_folder)


def _traces(lasting: Storage, run_folder: str) -> dict[str, dict[str, str]]:
    """Return digest and sketch of what a run deleted, by id; archives are large, so they are read once."""
    files = len(lasting.names(f"{FOLDER}/{run_folder}")) or _files_last_read(lasting, run_folder)
    cached = f"{CACHE}/{run_folder}-{files}.json"
    if lasting.exists(cached):
        return lasting.read_json(cached, named, READ_ANEW)
    made = {
        one.id: {"digest": _digest(one.analysis) if one.analysis else "", "sketch": one.sketch}
        for one in read_entries(lasting, run_folder)
        if one.action in DELETING
    }
    lasting.write(cached, json.dumps(made).encode())
    return made


def _files_last_read(lasting: Storage, run_folder: str) -> int:
    """Return of how many files the archive of a run consisted when it was read last; 0 if never."""
    kept = (name.removesuffix(".json").rpartition("-") for name in lasting.names(CACHE))
    return max((int(files) for folder, _, files in kept if folder == run_folder), default=0)


def _digest(analysis: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(dict(analysis)).encode()).hexdigest()

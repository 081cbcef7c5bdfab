"""Buried: what was deleted as a duplicate does not come back unnoticed.

A new document is known again by its id, and by what Flow says of its picture: the archive holds the analysis
of every deleted one, and the same file is analysed alike. A changed copy looks like the keeper anyway.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.dedupe.acting.archive import FOLDER, TOMBSTONES, Tombstone, read_entries, read_tombstones
from include.dedupe.clustering.facts import canonical
from include.dedupe.rundir import folder_name
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.storage import Storage

CACHE = "gate/buried"


@dataclass(frozen=True, slots=True)
class Buried:
    """The tombstones that stand, by the document's id and by the digest of its picture's analysis."""

    by_id: Mapping[str, Tombstone]
    by_digest: Mapping[str, Tombstone]
    files: tuple[str, ...] = ()
    """The files of tombstones that were read: others make another reading necessary."""

    def of(self, document_id: str, analysis: Mapping[str, Any]) -> Tombstone | None:
        """Return the tombstone of this picture, else of this id."""
        return self.by_digest.get(_digest(analysis)) or self.by_id.get(document_id)


def read_buried(lasting: Storage, known: Buried | None = None) -> Buried:
    """Return the tombstones of documents that were not restored; ``known`` itself if nothing was added."""
    files = tuple(lasting.names(TOMBSTONES))
    if known and known.files == files:
        return known
    stones = {name: one for name, one in read_tombstones(lasting).items() if not one.restored_at}
    digests = {
        (run_id, name): digest
        for run_id in {one.run_id for one in stones.values()}
        for name, digest in _digests(lasting, folder_name(run_id)).items()
    }
    by_digest = {
        digests[one.run_id, name]: one for name, one in stones.items() if (one.run_id, name) in digests
    }
    return Buried(stones, by_digest, files)


def _digests(lasting: Storage, run_folder: str) -> dict[str, str]:
    """Return the digests of what a run deleted, by id; archives are large, so they are read once."""
    files = len(lasting.names(f"{FOLDER}/{run_folder}"))
    cached = f"{CACHE}/{run_folder}-{files}.json"
    if lasting.exists(cached):
        found: dict[str, str] = json.loads(lasting.read(cached))
        return found
    deleted = [one for one in read_entries(lasting, run_folder) if one.action in DELETING and one.analysis]
    made = {one.id: _digest(one.analysis or {}) for one in deleted}
    lasting.write(cached, json.dumps(made).encode())
    return made


def _digest(analysis: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(dict(analysis)).encode()).hexdigest()

"""Archive: what documents were before they were changed, and what was about to be done to them.

An entry is written before its action. So it is the journal from which a killed apply goes on, and what a
restore goes by. Archives stand beside the runs and are never changed. A tombstone says of a deleted document
who went, why, and which document stays.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from include.dedupe.rundir import RunDir
from include.dedupe.sequence import next_number
from include.dedupe.storage import Storage, filled

FOLDER, TOMBSTONES = "archive", "tombstones"
COPY = "put back its copy: nothing else knows what it held"
"""What to do where a file is damaged that stands beside the runs."""
ABSORB = "absorb"
"""The action of a keeper that takes in the fields of documents that are merged into it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document before one action.

    ``before`` are all its stored fields. ``analysis`` is what Flow says of its picture, for a deletion.
    ``set`` are the fields that the action writes, None for one that it removes. ``partners`` are those whose
    fields a merge brings into this one. ``file`` is the picture's file where it is moved: its path in the
    library, its path in the quarantine and the SHA-256 of its bytes; ``sides`` in it are the same of its side
    files, and ``keeper`` the file to which a hard link took its place, with the ``mtime_ns`` and ``mode``
    that it had and a ``note`` on what differs. ``picture`` is the name of the copy that the storage has of a
    picture which was replaced. ``sequence`` tells what came first of all that is archived, and no clock does;
    0 where nobody counted yet.
    """

    run_id: str
    id: str
    action: str
    cluster_id: str
    keeper_id: str
    fingerprint: str
    at: str
    before: dict[str, Any]
    analysis: Mapping[str, Any] | None = None
    set: dict[str, Any] = field(default_factory=dict)
    partners: tuple[str, ...] = ()
    file: dict[str, Any] | None = None
    sequence: int = 0
    picture: str = ""
    sketch: str = ""

    @property
    def key(self) -> str:
        """Tells it from all other entries."""
        return f"{self.run_id}\n{self.id}\n{self.at}"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One document that was deleted; ``restored_at`` is empty while it is. ``sequence`` as of an entry."""

    id: str
    fingerprint: str
    keeper_id: str
    run_id: str
    reason: str
    at: str
    restored_at: str = ""
    sequence: int = 0

    def is_after(self, entry: Entry) -> bool:
        """Whether it was written after the entry, whatever the clocks of both writers said."""
        return (self.sequence, self.restored_at or self.at) >= (entry.sequence, entry.at)


def write_entries(run: RunDir, batch: str, entries: Sequence[Entry]) -> None:
    """Archive what a batch is about to change, in a file of its own; ``batch`` is how people find it."""
    number = next_number(run.lasting)
    rows = [{**asdict(entry), "sequence": number} for entry in entries]
    data = json.dumps(rows, ensure_ascii=False).encode()
    run.lasting.create(f"{FOLDER}/{run.folder}/{_unique(batch)}", data)


def read_entries(lasting: Storage, run_folder: str) -> list[Entry]:
    """Return the entries of a run, in the order in which they were written."""
    names = lasting.names(f"{FOLDER}/{run_folder}")
    files = [f"{FOLDER}/{run_folder}/{name}" for name in names]
    entries = [entry for file in files for entry in lasting.read_json(file, _entries, COPY)]
    return sorted(entries, key=by_sequence)


def _entries(values: Any) -> list[Entry]:
    return [Entry(**{**value, "partners": tuple(value["partners"])}) for value in filled(values)]


def by_sequence(entry: Entry) -> tuple[int, str]:
    """Return what entries are sorted by: their sequence, then their time."""
    return entry.sequence, entry.at


def archived_runs(lasting: Storage) -> list[str]:
    """Return the folder names of all runs that changed anything."""
    return lasting.folders(FOLDER)


def write_tombstones(lasting: Storage, batch: str, stones: Sequence[Tombstone]) -> None:
    """Record deletions, or with ``restored_at`` that they were taken back."""
    if stones:
        number = next_number(lasting)
        rows = [{**asdict(stone), "sequence": number} for stone in stones]
        data = json.dumps(rows, ensure_ascii=False).encode()
        lasting.create(f"{TOMBSTONES}/{_unique(batch)}", data)


def read_tombstones(lasting: Storage) -> dict[str, Tombstone]:
    """Return the newest tombstone of each document; those taken back have ``restored_at``."""
    stones: dict[str, Tombstone] = {}
    for name in lasting.names(TOMBSTONES):
        for stone in lasting.read_json(f"{TOMBSTONES}/{name}", _tombstones, COPY):
            known = stones.get(stone.id)
            if known is None or _place(stone) >= _place(known):
                stones[stone.id] = stone
    return stones


def _tombstones(values: Any) -> list[Tombstone]:
    return [Tombstone(**value) for value in filled(values)]


def _place(stone: Tombstone) -> tuple[int, str]:
    return stone.sequence, stone.restored_at or stone.at


def _unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}.json"

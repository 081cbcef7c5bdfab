"""Known: what stands beside the runs about documents that are to be restored."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from include.dedupe.acting.again import Copy
from include.dedupe.acting.archive import (
    Entry,
    Tombstone,
    archived_runs,
    by_sequence,
    read_entries,
    read_tombstones,
)
from include.dedupe.acting.gated import indexed_documents
from include.dedupe.flow import Document
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.storage import Storage


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a restore begins.

    ``stones`` by id; ``copies``: which fields Flow fills from others; ``newest``: run and label of the last
    deletion of each document; ``indexed``: what the gate indexed, by run and id; ``own_fields``: our tags.
    """

    stones: Mapping[str, Tombstone]
    copies: Sequence[Copy]
    newest: Mapping[str, tuple[str, str]]
    indexed: Mapping[tuple[str, str], Document]
    own_fields: Sequence[str]

    @classmethod
    def of(
        cls, lasting: Storage, entries: Sequence[Entry], copies: Sequence[Copy], own_fields: Sequence[str]
    ) -> Self:
        newest = _newest_deletions(lasting, {entry.id for entry in entries})
        return cls(read_tombstones(lasting), copies, newest, indexed_documents(lasting, entries), own_fields)


def _newest_deletions(lasting: Storage, ids: Container[str]) -> dict[str, tuple[str, str]]:
    """Return run and key of the last deletion that was archived of each document: it has its last state."""
    found: dict[str, Entry] = {}
    for folder in archived_runs(lasting):
        for entry in read_entries(lasting, folder):
            known = found.get(entry.id)
            if (
                entry.action in DELETING
                and entry.id in ids
                and (known is None or by_sequence(known) <= by_sequence(entry))
            ):
                found[entry.id] = replace(entry, before={}, analysis=None)
    return {name: (entry.run_id, entry.key) for name, entry in found.items()}

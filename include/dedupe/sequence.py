"""Sequence: numbers that tell what came first, also between machines whose clocks differ."""

from __future__ import annotations

from include.dedupe.storage import Storage

FOLDER = "sequence"
KEPT_NUMBERS = 1000
"""So many numbers stay, for writers that have looked for the last one and not taken the next."""


def next_number(lasting: Storage) -> int:
    """Return a number above all that were given before in this storage, on whatever machine."""
    while True:
        names = [name for name in lasting.names(FOLDER) if name.isdecimal()]
        number = int(names[-1]) + 1 if names else 1
        if lasting.create(f"{FOLDER}/{number:012}", b""):
            for name in names[:-KEPT_NUMBERS]:
                lasting.remove(f"{FOLDER}/{name}")
            return number

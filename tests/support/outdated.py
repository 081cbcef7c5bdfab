"""A collection that another version of the detector analysed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from include.detector.imaging import DESCRIPTOR_VERSION

OTHER_VERSION = "0" * len(DESCRIPTOR_VERSION)


def make_outdated(data: Path, where: str = "1") -> None:
    """What a collection looks like to a server that compares another version."""
    with closing(sqlite3.connect(data / "my-collection" / "documents.sqlite")) as connection, connection:
        sql = f"SELECT key, descriptor FROM descriptors JOIN documents USING (key) WHERE {where}"  # noqa: S608
        rows = connection.execute(sql).fetchall()
        changed = [
            (blob.replace(DESCRIPTOR_VERSION.encode(), OTHER_VERSION.encode()), key) for key, blob in rows
        ]
        connection.executemany("UPDATE descriptors SET descriptor = ? WHERE key = ?", changed)

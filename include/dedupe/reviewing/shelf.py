"""Shelf: small pictures kept in a folder on disk, never more than a bound of bytes, none for long."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEPT_S = 3600.0
"""After it a picture is fetched anew: the approver is to see what is there now."""
LEFT_SHARE = 0.9
LOOKS_EVERY = 200


class Shelf:
    """Safe in many threads and processes: a file is put in place whole, and one that is gone is no harm."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._written = 0
        self._bytes: int | None = None

    def get(self, key: str) -> tuple[Mapping[str, Any], bytes] | None:
        """Return what is told of a picture and its bytes; None if it is not kept whole, or for too long."""
        path = self._path(key)
        try:
            made = path.stat().st_mtime
            data = path.read_bytes()
        except OSError:
            return None
        if not 0 <= time.time() - made < KEPT_S:
            return None
        head, _, body = data.partition(b"\n")
        try:
            return json.loads(head), body
        except ValueError:
            return None

    def put(self, key: str, about: Mapping[str, Any], data: bytes) -> None:
        """Keep a picture; the oldest go where it would be too much. A full disk is no error."""
        path = self._path(key)
        whole = json.dumps(dict(about)).encode() + b"\n" + data
        unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.write_bytes(whole)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            return
        with self._lock:
            self._written += 1
            if self._bytes is None or self._written % LOOKS_EVERY == 0:
                self._bytes = sum(size for _, size, _ in self._files())
            else:
                self._bytes += len(whole)
            if self._bytes > self._max_bytes:
                self._bytes = self._make_room()

    def _make_room(self) -> int:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total <= LEFT_SHARE * self._max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield time, size and path of all files, also of those that a process has left unfinished."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = Path(folder) / name
                try:
                    found = path.stat()
                except OSError:
                    continue
                yield found.st_mtime, found.st_size, path

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key

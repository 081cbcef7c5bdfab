"""Prepared thumbnails by key, kept while there is room: the least recently used go first.

They are prepared by several threads, since that happens outside Python's lock. Comparing them consists of
calls so short that threads would only wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from include.detector.comparing.thumb import Thumb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from include.detector.imaging.descriptor import Descriptor

_THREADS = ThreadPoolExecutor(os.cpu_count(), "thumbnails")


class ThumbCache:
    """Thread-safe; loads what it lacks."""

    def __init__(self, load: Callable[[Sequence[int]], Mapping[int, Descriptor]], most_bytes: int) -> None:
        self._load, self._most_bytes = load, most_bytes
        self._thumbs: OrderedDict[int, Thumb] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def nbytes(self) -> int:
        """Bytes held."""
        return self._held

    def get(self, wanted: Mapping[int, str]) -> dict[int, Thumb]:
        """Prepared thumbnails of keys with the content hashes they must have.

        A key that `load` does not know, or knows with another picture by now, is missing from the answer.
        """
        with self._lock:
            found = {key: thumb for key in wanted if (thumb := self._thumbs.get(key)) is not None}
            found = {key: thumb for key, thumb in found.items() if thumb.content_hash == wanted[key]}
            for key in found:
                self._thumbs.move_to_end(key)
        missing = [key for key in wanted if key not in found]
        loaded = self._load(missing) if missing else {}
        known = {key: found for key, found in loaded.items() if found.content_hash == wanted[key]}
        fresh = dict(zip(known, _THREADS.map(Thumb.of, known.values()), strict=True))
        with self._lock:
            for key, thumb in fresh.items():
                self._keep(key, thumb)
        return found | fresh

    def made_of(self, key: int, descriptor: Descriptor) -> Thumb:
        """The prepared thumbnail of a document whose descriptor is at hand."""
        with self._lock:
            thumb = self._thumbs.get(key)
            if thumb is not None and thumb.content_hash == descriptor.content_hash:
                self._thumbs.move_to_end(key)
                return thumb
        thumb = Thumb.of(descriptor)
        with self._lock:
            self._keep(key, thumb)
        return thumb

    def forget(self, keys: Iterable[int]) -> None:
        """Drop documents that were removed or replaced."""
        with self._lock:
            for key in keys:
                if key in self._thumbs:
                    self._held -= self._thumbs.pop(key).nbytes()

    def _keep(self, key: int, thumb: Thumb) -> None:
        if (old := self._thumbs.pop(key, None)) is not None:
            self._held -= old.nbytes()
        self._thumbs[key] = thumb
        self._held += thumb.nbytes()
        while self._held > self._most_bytes:
            _, oldest = self._thumbs.popitem(last=False)
            self._held -= oldest.nbytes()

"""Prepared thumbnails by content hash, kept while there is room: the least recently used go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from include.detector.comparing.thumb import Thumb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor


class ThumbCache:
    """Thread-safe; loads what it lacks."""

    def __init__(
        self,
        load: Callable[[Sequence[int]], Mapping[int, Descriptor]],
        most_bytes: int,
        kept: KeptKeypoints | None = None,
    ) -> None:
        """`kept` may have keypoints."""
        self._load, self._most_bytes, self._kept = load, most_bytes, kept
        self._thumbs: OrderedDict[str, Thumb] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def nbytes(self) -> int:
        """Bytes held."""
        return self._held

    def get(self, wanted: Mapping[int, str], own: Iterable[Descriptor] = ()) -> dict[str, Thumb]:
        """Prepared thumbnails, by content hash, of documents and of pictures at hand.

        Args:
            wanted: by key, the content hash that a document must have. One that `load` does not know, or
                knows with another picture by now, is missing from the answer.
            own: further pictures.
        """
        at_hand = {descriptor.content_hash: descriptor for descriptor in own}
        with self._lock:
            hashes = {*wanted.values(), *at_hand}
            found = {one: thumb for one in hashes if (thumb := self._thumbs.get(one)) is not None}
            for content_hash in found:
                self._thumbs.move_to_end(content_hash)
        known = {one: descriptor for one, descriptor in at_hand.items() if one not in found}
        missing = [key for key, one in wanted.items() if one not in found and one not in known]
        for key, descriptor in (self._load(missing) if missing else {}).items():
            if descriptor.content_hash == wanted[key]:
                known[descriptor.content_hash] = descriptor
        fresh = {one: Thumb.of(descriptor, self._kept) for one, descriptor in known.items()}
        with self._lock:
            for content_hash, thumb in fresh.items():
                self._keep(content_hash, thumb)
        return found | fresh

    def _keep(self, content_hash: str, thumb: Thumb) -> None:
        if (old := self._thumbs.pop(content_hash, None)) is not None:
            self._held -= old.nbytes()
        self._thumbs[content_hash] = thumb
        self._held += thumb.nbytes()
        while self._held > self._most_bytes:
            _, oldest = self._thumbs.popitem(last=False)
            self._held -= oldest.nbytes()

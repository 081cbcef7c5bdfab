"""Processes that compare pictures side by side, so that a scan uses all cores and keeps no search waiting."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import pairwise
from multiprocessing import forkserver
from typing import TYPE_CHECKING

from include.detector.comparing.batch import score_pairs
from include.flow_server.analysis import attend_parent
from include.flow_server.index.keypoint_file import KeypointFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging import Descriptor

SHARES, LEAST_SHARE = 4, 10  # of a process, pairs of one


class Comparers:
    """A pool of processes, made with the first pairs, and anew after one of them died."""

    def __init__(self, workers: int) -> None:
        """With one worker, pictures are compared in this process."""
        self._workers = workers
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            needed = (score_pairs, attend_parent, KeypointFile)
            multiprocessing.set_forkserver_preload([one.__module__ for one in needed])
            forkserver.ensure_running()  # imports while the server opens its collections

    def scores(
        self,
        pairs: Sequence[tuple[Descriptor, Descriptor]],
        *,
        mirror: bool,
        turn: bool = True,
        kept: KeptKeypoints | None = None,
    ) -> list[float]:
        """The score of each pair. What a process leaves undone that dies is done here.

        Pairs take unlike long, so each process gets several shares of them, one after another. `kept`, which
        may have the pictures' keypoints, goes to each process and opens its own files there.
        """
        compare = partial(score_pairs, mirror=mirror, turn=turn, kept=kept)
        if self._workers == 1:
            return compare(*_packed(pairs))
        count = self._workers * min(SHARES, max(1, len(pairs) // (self._workers * LEAST_SHARE)))
        ends = [len(pairs) * number // count for number in range(count + 1)]
        parts = [pairs[start:end] for start, end in pairwise(ends) if start < end]
        pool = self._running()
        try:
            futures = [pool.submit(compare, *_packed(part)) for part in parts]
        except BrokenProcessPool:
            self._forget(pool)
            return compare(*_packed(pairs))
        found: list[float] = []
        for part, future in zip(parts, futures, strict=True):
            try:
                found += future.result()
            except BrokenProcessPool:
                self._forget(pool)
                found += compare(*_packed(part))
        return found

    def close(self) -> None:
        """Ends the processes."""
        with self._lock:
            if self._pool:
                self._pool.shutdown(wait=True, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._workers,
                    mp_context=multiprocessing.get_context("forkserver"),
                    initializer=attend_parent,
                )
            return self._pool

    def _forget(self, pool: ProcessPoolExecutor) -> None:
        """A broken pool makes way for a new one."""
        with self._lock:
            self._pool = None if self._pool is pool else self._pool


def _packed(
    pairs: Sequence[tuple[Descriptor, Descriptor]],
) -> tuple[list[Descriptor], list[tuple[int, int]]]:
    """Each picture once, and the pairs by their places."""
    places: dict[str, int] = {}
    pictures: list[Descriptor] = []
    for pair in pairs:
        for picture in pair:
            if places.setdefault(picture.content_hash, len(pictures)) == len(pictures):
                pictures.append(picture)
    return pictures, [(places[one.content_hash], places[other.content_hash]) for one, other in pairs]

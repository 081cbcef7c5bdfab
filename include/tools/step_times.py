"""CPU time by step: which module of ours every thread is in, looked at some hundred times a second."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from include.detector.imaging import Descriptor, analyze_whole
from include.flow_server.index import DuplicateIndex, SearchOptions
from include.flow_server.index.keypoint_file import KeypointFile
from include.flow_server.store.protocol import Add
from include.flow_server.store.sqlite import SqliteStore

INTERVAL_S = 0.002
LEAST_SHARE = 0.01  # of a step that is shown by itself
PAGE = 100
_INCLUDE = Path(__file__).parents[1]
_OWN = Path(__file__).name
_WAITING = ("threading.py", "queue.py", "selectors.py", "connection.py")


def index_steps(pictures: Sequence[Path], store: Path) -> tuple[dict[str, float], list[Descriptor]]:
    """CPU milliseconds a picture of analysing and storing, by module; and the descriptors."""
    analyze_whole(pictures[0].read_bytes())  # starts the network
    with sampled(len(pictures)) as steps:
        found = [analyze_whole(path.read_bytes()) for path in pictures]
        opened = SqliteStore(store)
        opened.update(
            [
                Add(path.name, {"image": path.name}, one.descriptor.to_bytes())
                for path, one in zip(pictures, found, strict=True)
            ]
        )
        opened.keep(found)
        opened.commit()
        opened.close()
    return steps, [one.descriptor for one in found]


def scan_steps(descriptors: Sequence[Descriptor], store: Path) -> dict[str, float]:
    """CPU milliseconds a document of searching for each among all others, by module.

    `store` is the one that they were put into.
    """
    kept = KeypointFile(store.with_name("keypoints.sqlite"))
    index = DuplicateIndex(lambda keys: {key: descriptors[key] for key in keys}, kept=kept)
    index.add(enumerate(descriptors))
    with sampled(len(descriptors)) as steps:
        for first in range(0, len(descriptors), PAGE):
            index.search_all(descriptors[first : first + PAGE], SearchOptions())
    kept.close()
    return steps


@contextmanager
def sampled(count: int) -> Iterator[dict[str, float]]:
    """CPU milliseconds of each of `count` things that the block does, by module; filled in when it ends."""
    steps: dict[str, float] = {}
    seen: Counter[str] = Counter()
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(over, seen), daemon=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(INTERVAL_S / 10)
    before = time.process_time()
    sampler.start()
    try:
        yield steps
    finally:
        over.set()
        sampler.join()
        sys.setswitchinterval(interval)
    milliseconds = 1000 * (time.process_time() - before) / count
    steps |= {step: milliseconds * share for step, share in _shares(seen)}


def _shares(seen: Counter[str]) -> Iterator[tuple[str, float]]:
    """The steps that take long, and all others as one, which is all where nothing was seen."""
    rest = 1.0
    for step, times in seen.most_common():
        share = times / seen.total()
        if share >= LEAST_SHARE:
            yield step, share
            rest -= share
    yield "all others", max(0.0, rest)


def _sample(over: threading.Event, seen: Counter[str]) -> None:
    while not over.wait(INTERVAL_S):
        frames: Mapping[int, FrameType] = sys._current_frames()
        seen.update(filter(None, map(_step, frames.values())))


def _step(frame: FrameType) -> str:
    """The innermost module of ours; empty where a thread waits or has nothing to do with us."""
    at: FrameType | None = frame
    if frame.f_code.co_filename.endswith(_WAITING):
        return ""
    while at is not None:
        path = Path(at.f_code.co_filename)
        if path.is_relative_to(_INCLUDE) and path.name != _OWN:
            return path.relative_to(_INCLUDE).with_suffix("").as_posix()
        at = at.f_back
    return ""

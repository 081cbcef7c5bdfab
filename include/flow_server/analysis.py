"""From where a picture is to what describes it: fetched here, analysed in a pool of processes."""

from __future__ import annotations

import base64
import binascii
import json
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from include.detector.imaging import Analysis, Descriptor, analyze_whole
from include.flow_server.errors import BadRequestError, TooLargeError
from include.safe_fetch import AddressRefusedError, FetchError, fetch
from include.safe_picture import (
    DECODING_SECONDS,
    MAX_MEMORY,
    UnreadableImageError,
    limit_memory,
    process_ends_after,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from include.flow_server.settings import ServerSettings


_FACTS = {
    "width": int,
    "height": int,
    "byte_size": int,
    "format": str,
    "content_hash": str,
    "flat": bool,
    "pdq_quality": int,
}
CRASHES = f"makes the analysis crash, or takes more than {DECODING_SECONDS:g} s of it"


class Analyser:
    """Describes pictures. The pool starts with the first one, and anew after one that killed a process.

    A picture is refused as one that crashes the analysis only if it does so when nothing else is at work.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._workers = settings.workers
        self._limits = settings.limits
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._one_at_a_time = threading.Lock()
        self._lone: ProcessPoolExecutor | None = None

    def of_image(self, image: str, own: Path | None, allow_hosts: Collection[str]) -> Analysis:
        """Describes what the `image` of a document names: the file `own`, a data URI or an address."""
        if own is not None:
            return self.of_file(own, image)
        if image.startswith("data:"):
            return self.of_base64(image)
        return self.of_url(image, allow_hosts)

    def of_url(self, url: str, allow_hosts: Collection[str]) -> Analysis:
        """Downloads and describes the picture at an http(s) address; only `allow_hosts` may be private."""
        limits = self._limits
        try:
            data = fetch(
                url,
                max_bytes=limits.picture_bytes,
                seconds=limits.download_seconds,
                allow_hosts=allow_hosts,
            )
        except AddressRefusedError as error:
            raise BadRequestError(
                f"the picture cannot be downloaded: {error}; the server's option is --allow-host"
            ) from None
        except FetchError as error:
            raise BadRequestError(f"the picture cannot be downloaded: {error}") from None
        return self.of_bytes(data, url)

    def of_base64(self, text: str) -> Analysis:
        """Describes a picture given as base64 or data URI; what it really is, its bytes tell."""
        return self.of_bytes(decode_base64(text), "the given data")

    def of_file(self, file: Path, name: str) -> Analysis:
        """Describes a picture on disk; `name` stands in error messages."""
        try:
            size = file.stat().st_size
            if size > self._limits.picture_bytes:
                raise TooLargeError(
                    f"{name} has {size} bytes, more than the {self._limits.picture_bytes} allowed"
                )
            data = file.read_bytes()
        except OSError as error:
            raise BadRequestError(f"{name} cannot be opened: {error.strerror or error}") from None
        return self.of_bytes(data, name)

    def of_bytes(self, data: bytes, name: str) -> Analysis:
        """Describes the picture in `data`."""
        if len(data) > self._limits.picture_bytes:
            raise TooLargeError(
                f"{name} has {len(data)} bytes, more than the {self._limits.picture_bytes} allowed"
            )
        try:
            return self._described(data)
        except UnreadableImageError as error:
            raise BadRequestError(f"{name} cannot be read as a picture: {error}") from None
        except BrokenProcessPool:
            raise BadRequestError(f"{name} {CRASHES}") from None

    def _described(self, data: bytes) -> Analysis:
        """Where a process dies, perhaps through another picture, each one at work goes on alone."""
        pool = self._running()
        try:
            return pool.submit(described, data).result()
        except BrokenProcessPool:
            with self._lock:
                self._pool = None if self._pool is pool else self._pool
        with self._one_at_a_time:
            try:
                return self._alone(data)
            except BrokenProcessPool:  # a second time, as something else may have ended the first one
                return self._alone(data)

    def _alone(self, data: bytes) -> Analysis:
        """By a process that works on nothing else."""
        pool = self._lone = self._lone or new_pool(1)
        try:
            return pool.submit(described, data).result()
        except BrokenProcessPool:
            self._lone = None
            raise

    def close(self) -> None:
        """Ends the processes."""
        with self._lock, self._one_at_a_time:
            for pool in (self._pool, self._lone):
                if pool:
                    pool.shutdown(wait=True, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = new_pool(self._workers)
            return self._pool


def described(data: bytes) -> Analysis:
    """Describes a picture in a process of the pool, which ends where that takes too long."""
    with process_ends_after(DECODING_SECONDS):
        return analyze_whole(data)


def new_pool(workers: int) -> ProcessPoolExecutor:
    """Processes that share nothing with the server's threads."""
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )


def _start_worker() -> None:
    attend_parent()
    limit_memory(2 * MAX_MEMORY)


def attend_parent() -> None:
    """A Ctrl-C reaches the whole group of processes, but the parent decides; without it there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def decode_base64(text: str) -> bytes:
    """The bytes of base64, with or without `data:…;base64,`; spaces are what `+` became in a form."""
    payload = text.partition(",")[2] if text.startswith("data:") else text
    payload = "".join(payload.replace(" ", "+").split())
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError("the picture is not valid base64") from None


def preprocessed(outputs: Any) -> Descriptor:
    """The descriptor in an /analyze result, given as an object or as JSON text."""
    if isinstance(outputs, str):
        try:
            outputs = json.loads(outputs)
        except (ValueError, RecursionError) as error:
            raise BadRequestError(f"the preprocessed result is not JSON: {error}") from None
    if not isinstance(outputs, dict):
        raise BadRequestError("the preprocessed result must be the object that /analyze returns as outputs")
    inner = outputs.get("outputs", outputs)
    try:
        descriptor = Descriptor.from_outputs(inner)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequestError(f"the preprocessed result cannot be used: {error}") from None
    for name, kind in _FACTS.items():
        value = getattr(descriptor, name)
        if type(value) is not kind or (isinstance(value, int) and not 0 <= value < 2**31):
            raise BadRequestError(f"the preprocessed result cannot be used: {name} is {value!r}")
    return descriptor

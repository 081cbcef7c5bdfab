"""Progress of long work: a bar in a terminal, log lines with rate and time left elsewhere."""

from __future__ import annotations

import logging
import os
import sys
import time
from types import TracebackType
from typing import Protocol, Self

from tqdm import tqdm

from include.safe_text import shown

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 5.0
BARS_VARIABLE = "FLOW_DEDUPE_BARS"


class Progress(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def advance(self, done: int = 1) -> None: ...
    def note(self, text: str) -> None:
        """Show counts beside the progress."""


class Bar:
    """A bar on standard error."""

    def __init__(self, label: str, total: int, unit: str, done: int) -> None:
        every_s = 0.1 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES
        self._bar = tqdm(
            desc=label,
            total=total,
            initial=done,
            unit=f" {unit}",
            dynamic_ncols=True,
            mininterval=every_s,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def advance(self, done: int = 1) -> None:
        self._bar.update(done)

    def note(self, text: str) -> None:
        self._bar.set_postfix_str(text, refresh=False)


class LogLines:
    """A line in the log every few seconds, and one at the end."""

    def __init__(self, label: str, total: int, unit: str, done: int) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._done, self._done_before, self._note = done, done, ""
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell()

    def advance(self, done: int = 1) -> None:
        self._done += done
        if time.monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            self._tell()

    def note(self, text: str) -> None:
        self._note = text

    def _tell(self) -> None:
        self._told = time.monotonic()
        rate = (self._done - self._done_before) / max(self._told - self._began, 1e-3)
        left = max(0, self._total - self._done) / rate if rate else 0.0
        log.info(
            "%s: %d of %d %s, %.0f/s, %.0f s left%s",
            self._label,
            self._done,
            self._total,
            self._unit,
            rate,
            left,
            f", {self._note}" if self._note else "",
        )


def show_progress(label: str, total: int, unit: str, done: int = 0) -> Progress:
    """Return what shows progress where people look; ``done`` was done before and says nothing of the rate."""
    wants_bars = sys.stderr.isatty() or os.environ.get(BARS_VARIABLE)
    return (Bar if wants_bars else LogLines)(shown(label), total, unit, done)

from __future__ import annotations

import logging

import pytest

from include.dedupe import progress
from include.dedupe.progress import LogLines


def test_lines_say_how_much_is_done_how_fast_and_how_long_it_will_take(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 10.0, 20.0, 20.0, 20.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO), LogLines("scan may", 1000, "documents", 400) as lines:
        lines.note("7 hits, 0 errors")
        lines.advance(100)
        lines.advance(100)
    assert caplog.messages[:2] == [
        "scan may: 500 of 1000 documents, 10/s, 50 s left, 7 hits, 0 errors",
        "scan may: 600 of 1000 documents, 10/s, 40 s left, 7 hits, 0 errors",
    ]

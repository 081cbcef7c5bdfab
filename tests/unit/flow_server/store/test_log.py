"""The log beside the file stays short, whoever reads and writes, and after a kill."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from include.flow_server.query.request import SelectRequest
from include.flow_server.store.log import LOG_BYTES
from include.flow_server.store.protocol import Add
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPDATES = int(os.environ.get("UPDATES", "2000"))
DOCUMENTS = 200
GIVING_UP = 2.0
"""Seconds in which a server has noticed that the log is long, tried, and been kept from it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as opened:
        yield opened


def log_bytes(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log.exists() else 0


def changed(number: int) -> Add:
    words = [f"word{(number * 31 + place * 977) % 50_000}" for place in range(40)]
    return Add(f"d{number % DOCUMENTS}", {"n_i": number, "labels": words})


class Watched:
    """A thread that does something again and again until it is told to end, and what went wrong in it."""

    def __init__(self, work: object) -> None:
        self._work = work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failures: list[BaseException] = []

    def _run(self) -> None:
        while not self._ended.wait(0.01):
            try:
                self._work()  # type: ignore[operator]
            except BaseException as error:  # noqa: BLE001
                self.failures.append(error)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("committed", [False, True])
def test_many_updates_leave_a_short_log_beside_readers(
    store: SqliteStore, path: Path, committed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    updates = UPDATES // 2 if committed else UPDATES
    longest = 0
    with Watched(lambda: store.select(SelectRequest(q="n_i:[0 TO *]", rows=20))) as reader:
        for number in range(updates):
            store.update([changed(number)])
            if committed:
                store.commit()
            longest = max(longest, log_bytes(path))
    with capsys.disabled():
        print(f"\n{updates} updates: the log had at most {longest / 2**20:.1f} MiB")
    assert reader.failures == []
    assert longest < 2 * LOG_BYTES
    store.commit()
    assert store.select(SelectRequest(q=f"n_i:{updates - 1}")).found == 1


def test_a_server_that_nobody_asks_lets_the_log_of_another_begin_anew(store: SqliteStore, path: Path) -> None:
    """The second one stands at a state of its own, and is never told to move on."""
    store.update([changed(number) for number in range(DOCUMENTS)])
    store.commit()
    with closing(SqliteStore(path)) as idle:
        assert idle.count() == DOCUMENTS
        number, restarts = DOCUMENTS, 0
        deadline = time.monotonic() + 240
        while restarts < 3:
            assert time.monotonic() < deadline, f"the log has {log_bytes(path)} bytes"
            before = log_bytes(path)
            store.update([changed(number + place) for place in range(50)])
            number += 50
            restarts += log_bytes(path) < before


def test_servers_that_gave_up_at_different_moments_try_again_together(store: SqliteStore, path: Path) -> None:
    """A third program reads the file; the second server comes when the first has given up already."""
    store.update([changed(number) for number in range(DOCUMENTS)])
    number = DOCUMENTS
    with closing(sqlite3.connect(path)) as third:
        third.execute("BEGIN")
        third.execute("SELECT count(*) FROM documents").fetchone()
        while log_bytes(path) <= LOG_BYTES:
            store.update([changed(number + place) for place in range(50)])
            number += 50
        time.sleep(GIVING_UP + 3)
        idle = SqliteStore(path)
        time.sleep(GIVING_UP + 2)
    with closing(idle):
        assert idle.count() == DOCUMENTS
        deadline = time.monotonic() + 60
        while log_bytes(path) > LOG_BYTES:
            assert time.monotonic() < deadline, f"the log has {log_bytes(path)} bytes"
            store.update([changed(number)])
            number += 1
            time.sleep(0.05)


def test_what_a_long_log_made_visible_is_told_to_who_asks(store: SqliteStore, path: Path) -> None:
    number = 0
    while not store.count():
        store.update([changed(number + place) for place in range(50)])
        number += 50
    assert store.refresh()
    assert not store.refresh()


def test_opening_after_a_kill_takes_the_log_in_and_empties_it(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    for number in range(DOCUMENTS):
        store.update([changed(number)])
    assert log_bytes(path) > 0
    copied = tmp_path / "copied" / path.name
    copied.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copied}{suffix}")  # as a kill leaves them
    with closing(SqliteStore(copied)) as opened:
        assert log_bytes(copied) < 100_000
        assert opened.count() == DOCUMENTS

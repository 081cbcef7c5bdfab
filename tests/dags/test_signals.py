"""What those who watch learn of a run: metrics, log lines and alerts."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.acting import Acting
from tests.support.acting_dag import DOCUMENTS, load_dag, run
from tests.support.notifier import FILE_VARIABLE

ALERTS = "alerts: {notifiers: [tests.support.notifier.Alerted], surge_share: 0.1}\n"


@pytest.fixture
def statsd(airflow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A StatsD server that Airflow sends its metrics to."""
    from airflow.sdk.observability import stats  # noqa: PLC0415 - after the settings are in place
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory  # noqa: PLC0415

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.5)
        for name, value in (("ON", "True"), ("HOST", "127.0.0.1"), ("PORT", str(server.getsockname()[1]))):
            monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", value)
        stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
        yield server
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "False")
        stats.initialize(factory=get_stats_factory(), export_legacy_names=False)


def received(server: socket.socket) -> dict[str, float]:
    """Return all that has come and is ours, by its name."""
    found = {}
    try:
        while True:
            name, _, rest = server.recv(65_536).decode().partition(":")
            if ".flow_dedupe." in name:
                found[name.partition(".")[2]] = float(rest.partition("|")[0])
    except TimeoutError:
        return found


def test_a_run_sets_gauges_writes_log_lines_and_tells_of_a_surge(
    acting: Acting,
    statsd: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "told"))
    dag = load_dag(acting, ALERTS)
    assert run(dag, scope="full").state == "success"
    assert not (tmp_path / "told").exists(), "all is new in the first run of a collection"
    first = received(statsd)
    acting.fill({**DOCUMENTS, "moose copy": ("animals/moose.jpg", {})})
    with caplog.at_level(logging.INFO, "flow_dedupe"):
        assert run(dag, scope="full").state == "success"
    metrics = received(statsd)
    place = "flow_dedupe.pictures"
    assert (first[f"{place}.report.clusters"], metrics[f"{place}.report.clusters"]) == (1, 2)
    assert (metrics[f"{place}.report.coverage"], metrics[f"{place}.report.new_documents"]) == (1, 2)
    assert (metrics[f"{place}.decide.delete"], metrics[f"{place}.decide.keep"]) == (2, 2)
    assert metrics[f"{place}.apply.planned"] == 2
    assert metrics[f"{place}.alert.surge"] == 1
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "flow_dedupe"]
    assert any(line.startswith("flow_dedupe.report collection=pictures ") for line in lines)
    told = (tmp_path / "told").read_text()
    assert told.startswith("dedupe_pictures\tpictures, run ")
    assert "2 of 4 scanned documents are in clusters and were in none before" in told

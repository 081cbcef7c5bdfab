"""Whole runs of a collection's DAG against the live server."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.support.collection_dags import load_dags, report_folder, run, states
from tests.support.embedded_server import EmbeddedServer
from tests.support.small_collection import CLUSTERS

pytestmark = pytest.mark.airflow


class TestRuns:
    @pytest.fixture(autouse=True)
    def connection(
        self, airflow: Path, flow_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> EmbeddedServer:
        monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", flow_server.base)
        return flow_server

    def test_a_whole_run_finds_the_clusters_and_writes_nothing_to_flow(
        self, collections: Path, tmp_path: Path, connection: EmbeddedServer
    ) -> None:
        dag_run = run(load_dags()["dedupe_demo"], scope="full")
        assert dag_run.state == "success"
        labels = {ti.rendered_map_index for ti in dag_run.get_task_instances() if ti.task_id == "scan"}
        assert labels == {"2026-04", "2026-05", "2026-06"}
        with (report_folder(tmp_path) / "duplicates.csv").open(newline="") as lines:
            assert {frozenset(row) for row in csv.reader(lines)} == CLUSTERS
        assert connection.counts().get("update", 0) == 0

    def test_a_partition_that_cannot_be_scanned_fails_the_run_after_the_report(
        self, collections: Path, tmp_path: Path, connection: EmbeddedServer
    ) -> None:
        connection.fault("malformed", handler="duplicates", skip=1, times=3)
        dag_run = run(load_dags()["dedupe_demo"], scope="full")
        assert dag_run.state == "failed"
        assert states(dag_run)["scan"] == {"failed", "success"}
        assert states(dag_run)["report"] == {"failed"}
        coverage = json.loads((report_folder(tmp_path) / "summary.json").read_text())["coverage"]
        assert len(coverage["problems"]) == 1

    def test_a_run_that_does_not_say_what_to_scan_fails(self, collections: Path) -> None:
        dag_run = run(load_dags()["dedupe_demo"], scope=None)
        assert states(dag_run)["plan"] == {"failed"}
        assert dag_run.state == "failed"

    def test_a_form_that_nobody_touched_scans_everything_as_configured(
        self, collections: Path, tmp_path: Path
    ) -> None:
        dag = load_dags()["dedupe_demo"]
        untouched = {name: dag.params[name] for name in dag.params}
        assert (untouched["scope"], untouched["dry_run"]) == ("full", "as configured")
        assert run(dag, **untouched).state == "success"
        summary = json.loads((report_folder(tmp_path) / "summary.json").read_text())
        assert (summary["scope"]["documents"], summary["coverage"]["scanned"]) == ("all documents", 9)
        assert summary["acts"] is False

    def test_a_run_with_a_misspelt_parameter_fails_and_names_it(
        self, collections: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        dag_run = run(load_dags()["dedupe_demo"], scope="full", dryrun=False)
        assert states(dag_run)["plan"] == {"failed"}
        assert "triggered with dryrun, which is no parameter of dedupe_demo" in "".join(capfd.readouterr())

    def test_a_run_emits_an_event_of_the_collections_asset_with_its_counts(self, collections: Path) -> None:
        from airflow.models.asset import AssetEvent  # noqa: PLC0415 - after the settings are in place
        from airflow.utils.session import create_session  # noqa: PLC0415

        dag_run = run(load_dags()["dedupe_demo"], scope="full")
        with create_session() as session:
            (event,) = session.query(AssetEvent).filter_by(source_run_id=dag_run.run_id).all()
        assert (event.source_dag_id, event.source_task_id) == ("dedupe_demo", "report")
        expected = {"scanned": 9, "failed": 0, "clusters": len(CLUSTERS), "coverage": 1.0}
        expected |= {"new_clusters": len(CLUSTERS), "changed_clusters": 0, "known_clusters": 0}
        assert {name: event.extra[name] for name in expected} == expected

    def test_a_sample_is_scanned_at_another_threshold_and_only_reported(
        self, collections: Path, tmp_path: Path
    ) -> None:
        dag_run = run(load_dags()["dedupe_demo"], scope="full", sample=4, threshold=0.8, mode="speed")
        assert dag_run.state == "success"
        summary = json.loads((report_folder(tmp_path) / "summary.json").read_text())
        assert summary["coverage"]["scanned"] == 4
        assert summary["cost"]["documents"] == 4
        assert (summary["settings"]["threshold"], summary["settings"]["smartfilter"]) == (0.8, "high")

    def test_secrets_are_neither_in_logs_nor_in_xcom(
        self,
        collections: Path,
        connection: EmbeddedServer,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        from airflow.models.xcom import XComModel  # noqa: PLC0415 - after the settings are in place
        from airflow.utils.session import create_session  # noqa: PLC0415

        secret = "s3cret-p4ssphrase"
        base = connection.base.removeprefix("http://")
        monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", f"http://robot:{secret}@{base}")
        monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "DEBUG")
        connection.fault("malformed", handler="duplicates", skip=1, times=3)
        dag_run = run(load_dags()["dedupe_demo"], scope="full")
        assert dag_run.state == "failed"
        with create_session() as session:
            rows = session.query(XComModel).filter_by(run_id=dag_run.run_id).all()
            assert rows
            assert secret not in " ".join(str(row.value) for row in rows)
        assert secret not in "".join(capfd.readouterr())

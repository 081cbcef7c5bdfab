"""The DAGs of the collections: how they are wired, and what their settings say of them."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.orchestration import home
from tests.support.collection_dags import DEMO, load_dags, run, states
from tests.support.notifier import FILE_VARIABLE

STAGES = ["plan", "scan", "merge", "cluster", "decide", "report", "approve", "apply", "record"]

pytestmark = pytest.mark.airflow


class TestWiring:
    def test_each_collection_has_one_dag_with_the_stages_in_order(self, collections: Path) -> None:
        dags = load_dags()
        assert set(dags) == {"calibrate_demo", "dedupe_demo", "gate_demo", "dedupe_restore"}
        dag = dags["dedupe_demo"]
        assert dag.doc_md
        assert dag.tags == {"dedupe"}
        assert sorted(dag.task_ids) == sorted(STAGES)
        for before, after in itertools.pairwise(STAGES):
            assert after in dag.get_task(before).downstream_task_ids

    def test_without_settings_of_ones_own_only_the_restore_is_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(COLLECTIONS_VARIABLE, raising=False)
        dags = load_dags()
        assert set(dags) == {"dedupe_restore"}
        form = dags["dedupe_restore"].params.get_param("dry_run")
        assert (form.value, form.schema["enum"]) == ("yes", ["yes", "no"])

    def test_a_collection_that_has_the_name_of_the_restore_is_refused_beside_it(
        self, collections: Path
    ) -> None:
        shutil.copy(DEMO, collections / "restore.yaml")
        dags = load_dags()
        assert dags["dedupe_restore"].task_ids == ["restore"]
        assert "rename the file" in dags["dedupe_restore_collection"].description

    def test_a_schedule_gives_real_data_intervals(self, collections: Path) -> None:
        text = DEMO.read_text() + "\nschedule: '@daily'\n"
        (collections / "nightly.yaml").write_text(text)
        assert type(load_dags()["dedupe_nightly"].timetable).__name__ == "CronDataIntervalTimetable"

    def test_a_schedule_by_partition_gives_keys_that_name_the_period_that_has_ended(
        self, collections: Path
    ) -> None:
        text = DEMO.read_text() + "\nschedule: '@monthly'\nschedule_by: partition\n"
        (collections / "monthly.yaml").write_text(text)
        timetable = load_dags()["dedupe_monthly"].timetable
        assert (timetable.key_format, timetable.run_offset) == ("%Y-%m", -1)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("flow: {connection: c, collection: p}\nscan: {treshold: 1}", "did you mean threshold?"),
            ("flow: [", "is no valid YAML"),
            ("flow: {connection: c, collection: p}\nfields: {date: d}\nschedule: often", "Airflow refuses"),
        ],
    )
    def test_a_broken_file_takes_down_only_its_own_dag(
        self, collections: Path, text: str, message: str
    ) -> None:
        (collections / "broken.yaml").write_text(text)
        dags = load_dags()
        assert dags["dedupe_demo"].task_ids
        assert dags["dedupe_broken"].task_ids == ["settings_error"]
        assert message in dags["dedupe_broken"].description
        assert "broken" in dags["dedupe_broken"].tags

    @pytest.mark.parametrize(
        ("text", "kind", "cron"),
        [
            ("schedule: '0 4 * * *'\nscan: {treshold: 1}", "CronDataIntervalTimetable", "0 4 * * *"),
            ("schedule: '@monthly'\nschedule_by: partition\nx: 1", "CronPartitionTimetable", "0 0 1 * *"),
            ("scan: [\nschedule: '@weekly'", "CronDataIntervalTimetable", "0 0 * * 0"),
            ("shedule: '@weekly'", "CronDataIntervalTimetable", "0 0 * * *"),
            ("schedule: often\nfields: {date: d}", "CronDataIntervalTimetable", "0 0 * * *"),
        ],
    )
    def test_a_broken_file_keeps_its_schedule_and_each_run_fails_with_the_reason(
        self, airflow: Path, collections: Path, text: str, kind: str, cron: str
    ) -> None:
        (collections / "broken.yaml").write_text(f"flow: {{connection: c, collection: p}}\n{text}\n")
        dag = load_dags()["dedupe_broken"]
        timetable = dag.timetable
        assert (type(timetable).__name__, getattr(timetable, "expression", None)) == (kind, cron)
        assert timetable.can_be_scheduled
        assert states(run(dag, scope="full")) == {"settings_error": {"failed"}}

    def test_a_broken_file_without_a_schedule_is_started_by_hand_as_before(self, collections: Path) -> None:
        (collections / "broken.yaml").write_text("flow: {connection: c, collection: p}\nscan: 1\n")
        assert type(load_dags()["dedupe_broken"].timetable).__name__ == "NullTimetable"

    def test_a_file_name_that_cannot_name_a_dag_takes_down_no_other(self, collections: Path) -> None:
        shutil.copy(DEMO, collections / "my photos.yaml")
        dags = load_dags()
        assert dags["dedupe_demo"].task_ids
        assert "rename the file" in dags["dedupe_my_photos"].description


class TestSettingsOfTheDag:
    TEXT = """
retries: 5
dag:
  owner: photo team
  tags: [photos]
  queue: dedupe
  execution_timeout_hours: {scan: 12, others: 0.5}
  failure_notifiers: [tests.support.notifier.Failed]
"""

    def test_they_reach_each_task_but_limit_no_question(self, collections: Path) -> None:
        (collections / "photos.yaml").write_text(DEMO.read_text() + self.TEXT)
        dags = load_dags()
        for dag_id, waiting in (
            ("dedupe_photos", "approve"),
            ("gate_photos", "ask"),
            ("calibrate_photos", None),
        ):
            dag = dags[dag_id]
            assert "photos" in dag.tags
            assert dag.default_args["retries"] == 5
            limits = {task.task_id: task.execution_timeout for task in dag.tasks}
            assert waiting is None or limits.pop(waiting) is None
            assert limits.pop("scan", dt.timedelta(hours=12)) == dt.timedelta(hours=12)
            assert set(limits.values()) == {dt.timedelta(minutes=30)}
            assert {(task.owner, task.queue) for task in dag.tasks} == {("photo team", "dedupe")}

    def test_a_run_that_fails_is_told_as_airflows_dag_processor_does_it(
        self, airflow: Path, collections: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import structlog  # noqa: PLC0415 - after the settings are in place
        from airflow.callbacks.callback_requests import DagCallbackRequest  # noqa: PLC0415
        from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415
        from airflow.dag_processing.processor import _execute_dag_callbacks  # noqa: PLC0415

        monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "told"))
        (collections / "photos.yaml").write_text(DEMO.read_text() + self.TEXT)
        bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
        dag = bag.dags["dedupe_photos"]
        assert dag.has_on_failure_callback
        place = {"filepath": dag.fileloc, "bundle_name": "dags", "bundle_version": None, "msg": "failed"}
        request = DagCallbackRequest(dag_id=dag.dag_id, run_id="manual__1", **place)
        _execute_dag_callbacks(bag, request, structlog.get_logger())
        assert (tmp_path / "told").read_text() == "dedupe_photos failed\n"

    def test_a_broken_file_tells_those_who_can_be_told(self, collections: Path) -> None:
        names = "[nobody.there, tests.support.notifier.Failed]"
        (collections / "wrong.yaml").write_text(f"flow: 3\ndag: {{failure_notifiers: {names}}}\n")
        (told,) = load_dags()["dedupe_wrong"].on_failure_callback
        assert type(told).__name__ == "Failed"

    @pytest.mark.parametrize(
        ("setting", "told"),
        [
            ("failure_notifiers: [tests.support.notifier.nothing]", "dag.failure_notifiers: tests.support"),
            ("execution_timeout_hours: {scna: 1}", "there is no task scna; tasks are plan, scan"),
        ],
    )
    def test_what_cannot_be_used_is_said_in_the_dag(self, collections: Path, setting: str, told: str) -> None:
        (collections / "photos.yaml").write_text(f"{DEMO.read_text()}dag: {{{setting}}}\n")
        assert told in load_dags()["dedupe_photos"].description


def test_reading_the_dag_files_imports_nothing_that_only_tasks_need(collections: Path) -> None:
    """Airflow reads them again and again, and once for each task."""
    script = f"""
import runpy, sys
import airflow.sdk, airflow.providers.standard.operators.hitl
known = set(sys.modules)
for name in ("dedupe_collection", "gate_new_images", "calibrate_collection", "restore_collection"):
    runpy.run_path("{home.PROJECT}/dags/" + name + ".py")
print("new:", *sorted({{name.partition(".")[0] for name in set(sys.modules) - known}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    new = done.stdout.splitlines()[-1].split()
    assert "include" in new
    assert not {"aiohttp", "cv2", "networkx", "numpy", "pandas", "PIL", "pyarrow", "scipy"} & set(new)

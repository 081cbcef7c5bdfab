from __future__ import annotations

import traceback
import uuid
from pathlib import Path

import pandas as pd
import pytest

from include.dedupe import storage
from include.dedupe.errors import ArtifactError, ConfigError
from include.dedupe.parquet import to_parquet
from include.dedupe.rundir import Attempt, RunDir, folder_name
from include.dedupe.storage import STORAGE_VARIABLE, Storage, default_storage
from include.dedupe.tables import EDGES, PAIRS

ROWS = pd.DataFrame([("a", "b", 0.9)], columns=EDGES.names)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(str(tmp_path / "with space"), "pictures", "manual__2026-04-01T00:00:00+00:00")


def test_a_stage_is_done_when_its_manifest_is_there(run: RunDir) -> None:
    stage = run.stage("edges/p0", Attempt())
    stage.write_table("edges", ROWS, EDGES)
    assert stage.finished() is None
    with pytest.raises(ArtifactError, match="has not finished"):
        run.read_table("edges/p0", "edges", EDGES)
    stage.finish({"edges": 1})
    assert stage.finished() is not None
    assert run.read_table("edges/p0", "edges", EDGES).to_dict("list") == ROWS.to_dict("list")


def test_a_retry_goes_on_with_what_is_finished_and_a_cleared_task_starts_anew(run: RunDir) -> None:
    run.stage("pairs", Attempt(generation=0, number=1)).finish({"pairs": 1})
    assert run.stage("pairs", Attempt(generation=0, number=2)).finished() is not None
    assert run.stage("pairs", Attempt(generation=1, number=2)).finished() is None


def test_two_attempts_that_live_at_once_cannot_mix_their_parts(run: RunDir) -> None:
    zombie, retry = run.stage("edges/p0", Attempt(0, 1)), run.stage("edges/p0", Attempt(0, 2))
    retry.write_table("edges", ROWS, EDGES)
    retry.finish({})
    zombie.write_table("edges", ROWS.iloc[:0], EDGES)
    assert len(run.read_table("edges/p0", "edges", EDGES)) == 1


def test_nothing_half_written_is_left_when_writing_fails(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    storage.write("report.csv", b"whole")
    with pytest.raises(TypeError):
        storage.write("report.csv", "not bytes")  # type: ignore[arg-type]
    assert storage.read("report.csv") == b"whole"


def test_a_damaged_table_and_one_of_another_format_are_refused(run: RunDir) -> None:
    stage = run.stage("pairs", Attempt())
    stage.write_table("pairs", ROWS, EDGES)
    stage.finish({})
    with pytest.raises(ArtifactError, match="has columns"):
        run.read_table("pairs", "pairs", PAIRS)
    run.storage.write(run.result("pairs").parts["pairs"][0], to_parquet(ROWS, EDGES)[:-20])
    with pytest.raises(ArtifactError, match="is damaged"):
        run.read_table("pairs", "pairs", EDGES)


def test_a_run_id_becomes_one_folder() -> None:
    assert folder_name("manual__2026-04-01T00:00:00+00:00") == "manual__2026-04-01T00-00-00-00-00"
    assert folder_name("../x y") == "-x-y"


def test_storage_that_nobody_can_open_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        Storage("nowhere://bucket")


class TestDefaultStorage:
    @pytest.fixture(autouse=True)
    def nothing_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(STORAGE_VARIABLE, raising=False)
        monkeypatch.delenv("AIRFLOW_HOME", raising=False)

    def test_in_a_checkout_it_is_where_make_run_writes(self) -> None:
        makefile = (storage.CHECKOUT / "Makefile").read_text()
        assert "AIRFLOW_HOME := $(CURDIR)/.run/airflow\n" in makefile
        assert default_storage() == f"{storage.CHECKOUT}/.run/airflow/flow_dedupe"

    def test_elsewhere_it_has_to_be_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(storage, "CHECKOUT", tmp_path)
        with pytest.raises(ConfigError, match="Say where the runs are: set FLOW_DEDUPE_STORAGE"):
            default_storage()
        assert default_storage("/home/airflow") == "/home/airflow/flow_dedupe"
        monkeypatch.setenv("AIRFLOW_HOME", "/opt/airflow")
        assert default_storage() == "/opt/airflow/flow_dedupe"
        monkeypatch.setenv(STORAGE_VARIABLE, "s3://bucket/runs")
        assert default_storage() == "s3://bucket/runs"


@pytest.mark.parametrize("address", ["nosuch://key:s3cr3t@bucket/x", "nosuch://key:s3/cr3t@bucket/x"])
def test_a_password_in_the_address_of_a_storage_is_never_told(address: str) -> None:
    with pytest.raises(ConfigError) as error:
        Storage(address)
    assert "cr3t" not in "".join(traceback.format_exception(error.value))
    assert "nosuch://bucket/x" in str(error.value)


def test_many_files_of_an_object_storage_are_read_in_order() -> None:
    storage = Storage(f"memory://many-{uuid.uuid4().hex}")
    for name in ("b", "a b", "c*[d]"):
        storage.write(f"deep/{name}", name.encode())
    assert storage.read_many(["deep/c*[d]", "deep/b", "deep/a b"]) == [b"c*[d]", b"b", b"a b"]
    assert storage.read_many([]) == []
    assert storage.read_ranges("deep/a b", [(0, 1), (2, 3)]) == [b"a", b"b"]
    for read in (storage.size, lambda name: storage.read_ranges(name, [(0, 1)])):
        with pytest.raises(ArtifactError, match="deep/gone"):
            read("deep/gone")


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_what_is_read_ahead_is_as_it_was_but_for_what_is_written(kind: str, tmp_path: Path) -> None:
    storage = Storage(f"memory://ahead-{uuid.uuid4().hex}" if kind == "memory" else str(tmp_path))
    for name in ("a", "b", "removed"):
        storage.write(name, b"before")
    ahead = storage.reading_ahead(["a", "b", "removed", "missing", "made"])
    for name in ("a", "missing"):
        storage.write(name, b"by others")
    assert (ahead.read("a"), ahead.exists("missing")) == (b"before", False)
    with pytest.raises(ArtifactError, match="missing"):
        ahead.read("missing")
    ahead.write("b", b"after")
    ahead.remove("removed")
    assert ahead.create("made", b"new")
    assert (ahead.read("b"), ahead.exists("removed"), ahead.read("made")) == (b"after", False, b"new")
    assert ahead == storage


def test_damaged_json_names_its_file_and_what_to_do(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    for data in (b"", b"{", b"[]", b"3", b"\xff", b'{"a": 1}'):
        storage.write("deep/plan.json", data)
        with pytest.raises(ArtifactError, match=r"deep/plan\.json is damaged .+; clear the task"):
            storage.read_json("deep/plan.json", lambda value: value["run_id"])

"""What a person typed counts, or is refused with what may have been meant."""

from __future__ import annotations

import json
import logging
import unicodedata
from pathlib import Path

import pytest

from include.dedupe.__main__ import main
from include.dedupe.errors import DedupeError, VerdictError
from include.dedupe.reviewing.speaking import acknowledge, say
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.dedupe.verdicts import FOLDER as VERDICTS
from tests.pipeline.acting_fixture import CAT, acting, policies
from tests.support.acting import Acting

__all__ = ["acting"]
SETTINGS = (
    "flow: {connection: flow_any, collection: plain, write_connection: flow_any}\n"
    "policies: {exact: {do: delete}}\n"
)
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD"))
RED = "red\x1b[31m\u202e"


@pytest.fixture(autouse=True)
def shell(acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures.yaml").write_text(SETTINGS)
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(STORAGE_VARIABLE, str(acting.storage))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_ANY", acting.server.base)
    acting.fill({DECOMPOSED: (CAT, {}), "z copy.jpg": (CAT, {}), RED: (CAT, {}), "alone": ("", {})})


@pytest.fixture
def decided(acting: Acting) -> Acting:
    acting.decide(acting.run(), acting.config(**policies("delete")))
    return acting


class TestVerdict:
    @pytest.mark.parametrize("more", [(), ("--run", "run-1")])
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            (COMPOSED, DECOMPOSED),
            ("z coyp.jpg", "z copy.jpg"),
            ("Z COPY.JPG", "z copy.jpg"),
            (" z copy.jpg", "z copy.jpg"),
        ],
    )
    def test_on_an_id_that_nobody_knows_is_refused_and_the_nearest_is_named(
        self,
        decided: Acting,
        capsys: pytest.CaptureFixture[str],
        typed: str,
        meant: str,
        more: tuple[str, ...],
    ) -> None:
        assert main(["verdict", "pictures", "keep", typed, *more]) == 2
        told = capsys.readouterr().err
        assert f"{typed!a} (did you mean {meant!a}" in told
        assert not decided.run().lasting.names(VERDICTS)

    def test_on_the_id_as_it_is_counts(self, decided: Acting) -> None:
        assert main(["verdict", "pictures", "keep", DECOMPOSED, "--run", "run-1"]) == 0
        assert len(decided.run().lasting.names(VERDICTS)) == 1

    def test_one_unknown_id_among_several_refuses_all(self, decided: Acting) -> None:
        assert main(["verdict", "pictures", "not_duplicate", DECOMPOSED, "z cpy.jpg"]) == 2
        assert not decided.run().lasting.names(VERDICTS)

    def test_on_a_document_that_the_collection_holds_counts_before_any_run_finds_it(
        self, decided: Acting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["verdict", "pictures", "keep", "alone"]) == 0
        monkeypatch.setenv("AIRFLOW_CONN_FLOW_ANY", "http://127.0.0.1:9")
        assert main(["verdict", "pictures", "keep", "also alone"]) == 2
        assert "cannot be asked" in capsys.readouterr().err

    def test_to_undo_must_be_there(self, decided: Acting, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verdict", "pictures", "keep", DECOMPOSED]) == 0
        assert main(["verdict", "pictures", "undo", COMPOSED]) == 2
        assert f"There is no verdict {COMPOSED!a} (did you mean {DECOMPOSED!a}" in capsys.readouterr().err

    @pytest.mark.parametrize("kind", ["keep", "reject", "approve"])
    def test_of_a_program_is_refused_too(self, decided: Acting, kind: str) -> None:
        with pytest.raises(VerdictError, match=r"'caf\\xe9.jpg' \(did you mean 'cafe\\u0301.jpg'"):
            say(decided.run(), kind, (COMPOSED,), "a program")

    def test_an_acknowledgement_names_what_was_meant(self, acting: Acting) -> None:
        acting.decide(acting.run(), acting.config(policies={"exact": {"do": "export"}}))
        with pytest.raises(VerdictError, match=r"'Z copy.jpg' \(did you mean 'z copy.jpg'"):
            acknowledge(acting.run(), "a program", {"Z copy.jpg": ""})


class TestRestore:
    @pytest.mark.parametrize(
        ("typed", "meant"), [(("--ids", "z cpy.jpg"), "'z copy.jpg'"), (("--runs", "run1"), "'run-1'")]
    )
    def test_what_was_never_changed_is_named_with_the_nearest(
        self, acting: Acting, capsys: pytest.CaptureFixture[str], typed: tuple[str, str], meant: str
    ) -> None:
        acting.act(**policies("delete"))
        assert main(["restore", "pictures", *typed, "--dry-run", "no"]) == 2
        assert f"(did you mean {meant}" in capsys.readouterr().err


class TestAnotherStorage:
    COMMANDS = (
        ("stop", "pictures"),
        ("allow", "pictures"),
        ("acknowledge", "pictures", "run-1"),
        ("restore", "pictures", "--since", "2020-01-01"),
        ("restore", "pictures", "--runs", "run-1", "--dry-run", "no"),
        ("verdict", "pictures", "keep", "z copy.jpg"),
        ("verdict", "pictures", "undo", "z copy.jpg"),
    )

    @pytest.mark.parametrize("command", COMMANDS)
    def test_than_that_of_the_runs_is_refused_and_nothing_is_written_there(
        self,
        decided: Acting,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        command: tuple[str, ...],
    ) -> None:
        home = tmp_path / "airflow"
        home.mkdir()
        decided.storage.rename(home / "flow_dedupe")
        monkeypatch.setenv("AIRFLOW_HOME", str(home))
        monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "elsewhere"))
        assert main(command) == 2
        told = capsys.readouterr().err
        assert f"No run of pictures has left anything in {tmp_path}/elsewhere/pictures" in told
        assert f"there are some in {home}/flow_dedupe" in told
        assert not (tmp_path / "elsewhere").exists()

    def test_a_check_before_the_first_run_shows_that_the_storage_is_meant(self) -> None:
        assert main(["stop", "pictures"]) == 2
        assert main(["check", "pictures"]) == 0
        assert main(["stop", "pictures"]) == 0


class TestTerminal:
    @pytest.mark.parametrize(
        "command",
        [
            ("find", "pictures", "z copy.jpg"),
            ("find", "pictures", "z copy.jpg", "--json"),
            ("find", "pictures", RED + "?"),
            ("restore", "pictures", "--runs", "run-1"),
            ("restore", "pictures", "--ids", RED + "?"),
            ("verdict", "pictures", "keep", RED + "?"),
        ],
    )
    def test_nothing_of_an_id_steers_it(
        self,
        acting: Acting,
        capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
        command: tuple[str, ...],
    ) -> None:
        caplog.set_level(logging.WARNING)  # Airflow, where it was imported before, writes logs in colours
        acting.act(**policies("delete"))
        acting.fill({"z copy.jpg": (CAT, {}), RED: (CAT, {})})
        capsys.readouterr()
        main(command)
        told = "".join(capsys.readouterr())
        assert "red" in told
        assert [line for line in told.split("\n") if not line.isprintable()] == []

    def test_json_is_still_exact(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["find", "pictures", "z copy.jpg", "--json"]) == 0
        assert {one["id"] for one in json.loads(capsys.readouterr().out)} == {DECOMPOSED, RED}

    def test_nor_of_what_flow_says_or_an_error_quotes(self, acting: Acting) -> None:
        told = str(DedupeError(f"{RED}\nforged line"))
        assert told == "red\\x1b[31m\\u202e\\nforged line"

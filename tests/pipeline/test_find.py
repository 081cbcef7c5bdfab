"""The duplicates of one picture, from the command line, against the live server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.dedupe.__main__ import main
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from tests.support.embedded_server import EmbeddedServer
from tests.support.small_collection import PHOTOS

COLLECTIONS = Path(__file__).parents[2] / "include" / "demo" / "collections"
CHINA = {"places/china.jpg", "places/chîna: two.jpg", "places/china three.jpg"}


@pytest.fixture(autouse=True)
def collections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(COLLECTIONS))


def find(server: EmbeddedServer, *arguments: str) -> int:
    return main(["find", "demo", *arguments, "--flow", server.base])


def test_by_id_the_document_itself_is_left_out(
    flow_server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(flow_server, "places/chîna: two.jpg", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {duplicate["id"] for duplicate in found} == CHINA - {"places/chîna: two.jpg"}
    assert all(duplicate["kind"] == "exact" and duplicate["score"] >= 0.95 for duplicate in found)


@pytest.mark.parametrize("how", ["file", "address"])
def test_by_a_picture_from_outside_all_are_found(
    flow_server: EmbeddedServer, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    address = f"{flow_server.base}/images/places/china%20three.jpg"
    picture = str(PHOTOS / "sklearn-china.jpg") if how == "file" else address
    assert find(flow_server, picture) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in CHINA)
    assert table.startswith("score  kind   id")


def test_a_picture_without_duplicates_has_none(
    flow_server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(flow_server, "things/rocket.jpg") == 0
    assert capsys.readouterr().out == "No duplicates.\n"


def test_wrong_input_ends_in_one_sentence(
    flow_server: EmbeddedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    for picture, words in [
        ("nobody.jpg", "no document 'nobody.jpg'"),
        (str(text), "format"),
        (f"{flow_server.base}/images/nobody.jpg", "404"),
    ]:
        assert find(flow_server, picture) == 2
        error = capsys.readouterr().err
        assert words in error
        assert "Traceback" not in error


def test_an_unreachable_flow_and_an_unknown_collection_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_FLOW_DEMO", raising=False)
    monkeypatch.setattr("include.dedupe.acting.client_writer.has_airflow", lambda: False)
    assert main(["find", "demo", "x"]) == 2
    assert "Set AIRFLOW_CONN_FLOW_DEMO" in capsys.readouterr().err
    assert main(["find", "nobody", "x"]) == 2
    assert "known collections" in capsys.readouterr().err

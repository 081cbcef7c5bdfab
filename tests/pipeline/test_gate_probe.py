"""Whether a Flow searches with an analysis is found out, whatever its collection holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.dedupe.errors import GateError
from include.dedupe.gate import check
from include.dedupe.gating.probe import searches_by_analysis
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.pipeline.acting_fixture import CAT, COFFEE
from tests.pipeline.gating_fixture import gating
from tests.support.acting import Document
from tests.support.gating import CHELSEA, Gating, outcomes
from tests.support.small_collection import PHOTOS

__all__ = ["gating"]
GONE = "http://127.0.0.1:9/gone.jpg"
COLLECTIONS = pytest.mark.parametrize(
    "documents",
    [
        {},
        {"cat": (CAT, {})},
        {"cat": (CAT, {}), "coffee": (COFFEE, {})},
        {"cat": (CAT, {"image": GONE}), "coffee": (COFFEE, {"image": GONE})},
        {"no picture": ("", {"title_s": "words"})},
    ],
    ids=["empty", "one", "two", "pictures are gone", "no pictures"],
)
Documents = dict[str, tuple[str, Document]]


def asked(gating: Gating) -> bool:
    lasting, config = gating.run_dir().lasting, gating.config()
    return gating.acting.ask(lambda writer: searches_by_analysis(writer, lasting, config))


@COLLECTIONS
def test_a_flow_that_searches_with_an_analysis_is_known(gating: Gating, documents: Documents) -> None:
    gating.acting.fill(documents)
    assert asked(gating)
    gating.acting.server.clear_counts()
    assert asked(gating)
    assert gating.acting.server.counts()["duplicate"] == 0


@COLLECTIONS
def test_a_flow_that_ignores_the_analysis_is_found_out(gating: Gating, documents: Documents) -> None:
    """It answers with all documents, as if each were the very same picture."""
    gating.acting.fill(documents)
    gating.acting.server.fault("unranked", handler="duplicate")
    assert not asked(gating)


@pytest.fixture
def pictures(gating: Gating, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gating:
    """The settings of an empty collection as a YAML file, and Flow in the environment."""
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "pictures.yaml").write_text(
        "flow: {connection: flow_test, collection: plain}\ngate: {}\n"
    )
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_TEST", gating.acting.server.base)
    gating.acting.fill({})
    return gating


def test_an_empty_collection_can_be_asked_about_one_picture_and_filled(pictures: Gating) -> None:
    assert check(PHOTOS / CHELSEA, "pictures").decision == "index"
    rows = [{"id": "cat", "image": pictures.picture("cat.jpg", CHELSEA)}]
    assert outcomes(pictures.go(rows)) == {"cat": "indexed"}
    assert check(PHOTOS / CHELSEA, "pictures").match_id == "cat"


def test_a_flow_that_ignores_the_analysis_is_not_asked_about_one_picture(pictures: Gating) -> None:
    pictures.acting.server.fault("unranked", handler="duplicate")
    with pytest.raises(GateError, match="does not search with an analysis"):
        check(PHOTOS / CHELSEA, "pictures")

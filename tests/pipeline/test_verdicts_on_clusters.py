"""What a person says of a cluster by its name holds for its documents, also when the name is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.dedupe.__main__ import main
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.reviewing.speaking import say
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.dedupe.tables import CLUSTERS, PAIRS
from include.dedupe.verdicts import read_verdicts
from tests.pipeline.acting_fixture import CAT, acting, policies
from tests.support.acting import Acting

__all__ = ["acting"]

FEW, MANY = ("a1", "a2"), ("b1", "b2", "b3")
APART = {"only_pairs": {"same": ["group_s"]}}


@pytest.fixture
def apart(acting: Acting) -> dict[str, str]:
    """Decide a run with two clusters, which make one in a later run; return the name of each document's."""
    acting.fill({one: (CAT, {"group_s": one[0]}) for one in (*FEW, *MANY)})
    return decide(acting, "run-1", APART)[1]


def decide(
    acting: Acting, run_id: str, settings: dict[str, Any]
) -> tuple[dict[str, str], dict[str, str], str]:
    """Return the decision and the cluster of each document, and the hash."""
    run = acting.run(run_id)
    digest = acting.decide(run, acting.config(**policies("delete"), **settings)).hash
    clusters = run.read_table("clusters", "clusters", CLUSTERS)
    decisions = read_decisions(run, digest)
    said = dict(zip(decisions["id"], decisions["decision"], strict=True))
    return said, dict(zip(clusters["id"], clusters["cluster_id"], strict=True)), digest


def test_a_rejection_holds_when_the_cluster_merges_into_another(
    acting: Acting, apart: dict[str, str]
) -> None:
    verdict, _ = say(acting.run(), "reject", (apart["a1"],), "a test")
    assert verdict.members == {apart["a1"]: FEW}
    said, names, _ = decide(acting, "run-2", {})
    assert set(names.values()) == {apart["b1"]}
    assert said == {"a1": "keep", "a2": "keep", **dict.fromkeys(MANY, "delete")}
    say(acting.run("run-2"), "undo", (verdict.name,), "a test")
    assert decide(acting, "run-3", {})[0]["a2"] == "delete"


def test_an_approval_of_the_merged_cluster_takes_it_back(acting: Acting, apart: dict[str, str]) -> None:
    say(acting.run(), "reject", (apart["a1"],), "a test")
    _, names, digest = decide(acting, "run-2", {})
    _, stats = say(acting.run("run-2"), "approve", (names["a2"],), "a test")
    assert stats.hash != digest
    assert decide(acting, "run-3", {})[0]["a2"] == "delete"


def test_not_a_duplicate_holds_for_all_pairs_of_a_named_cluster(
    acting: Acting, apart: dict[str, str]
) -> None:
    say(acting.run(), "not_duplicate", (apart["b1"],), "a test")
    decide(acting, "run-2", {})
    pairs = acting.run("run-2").read_table("clusters", "pairs", PAIRS)
    assert not [row for row in pairs.itertuples() if {row.id_a, row.id_b} <= set(MANY)]
    assert len(pairs) == 10 - 3


def test_a_shell_may_name_a_cluster_whose_name_is_gone(
    acting: Acting, apart: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(acting, "run-2", {})
    (tmp_path / "pictures.yaml").write_text("flow: {connection: flow_shell, collection: plain}\n")
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(STORAGE_VARIABLE, str(acting.storage))
    assert main(["verdict", "pictures", "reject", apart["a1"], "b3", "c-0000000000000000"]) == 2
    assert main(["verdict", "pictures", "reject", apart["a1"], "b3"]) == 0
    (verdict,) = read_verdicts(acting.run().lasting)
    assert verdict.documents == {*FEW, "b3"}
    said = decide(acting, "run-3", {})[0]
    assert said == {"a1": "keep", "a2": "keep", "b1": "delete", "b2": "delete", "b3": "keep"}

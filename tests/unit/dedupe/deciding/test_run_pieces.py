"""Deciding some clusters at a time, from files, makes the bytes that deciding all at once makes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.deciding import decide as deciding
from include.dedupe.deciding import pieces, writing
from include.dedupe.deciding.decide import current_decisions, decide_again
from include.dedupe.deciding.decisions import decisions_file, decisions_hash
from include.dedupe.deciding.run_pieces import RunPieces
from include.dedupe.errors import ArtifactError
from include.dedupe.parquet import groups_of_parquet, to_parquet
from include.dedupe.rundir import RunDir
from include.dedupe.tables import DECISIONS, FACTS
from include.dedupe.verdicts import give_verdict
from include.tools.made_run import FIRST
from tests.support.made import Made

IDS = ["", "a", "a b", "a\t", "ä", "🐟", *map(str, range(12))]
SCORES = st.sampled_from([0.8, 0.94, 0.97, 1.0])
EDGES = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS), SCORES), max_size=25)
DOCUMENTS = st.dictionaries(
    st.sampled_from(IDS),
    st.fixed_dictionaries(
        {"pixels_i": st.integers(1, 3)},
        optional={"duplicate_role_s": st.just("duplicate"), "category_s": st.sampled_from("xy")},
    ),
)
SETTINGS = st.sampled_from([{}, {"ignore_pairs": {"same": ["category_s"]}}])


def write_some_at_a_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pieces, "DOCUMENTS", 3)
    patch.setattr(writing, "GROUP_ROWS", 4)
    patch.setattr(writing, "PART_LINES", 2)
    patch.setattr(writing, "BATCH_LINES", 1)
    patch.setattr(writing, "ROUND_LINES", 3)


def require_the_same(run: RunDir) -> None:
    whole = current_decisions(run)
    stats = decide_again(run)
    assert stats.hash == decisions_hash(run.run_id, whole)
    written = run.storage.read(decisions_file(stats.hash))
    assert written == to_parquet(whole, DECISIONS, writing.GROUP_ROWS)
    assert list(stats.counts.items()) == list(whole["decision"].value_counts().to_dict().items())
    assert stats.held == deciding.is_held(whole).sum()


@given(EDGES, DOCUMENTS, SETTINGS)
def test_decisions(
    edges: list[tuple[str, str, float]], fields: dict[str, Any], settings: dict[str, Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        write_some_at_a_time(patch)
        apart = [(one, other, score) for one, other, score in edges if one != other]
        require_the_same(Made(Path(folder)).make(apart, fields=fields, **settings))


@pytest.mark.parametrize("groups", [1, 2, 100])
def test_facts_in_several_row_groups_and_parts(
    groups: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_some_at_a_time(monkeypatch)
    run = Made(tmp_path).make()
    facts = run.read_table("facts", "facts", FACTS)
    stage = run.stage("facts", FIRST.next)
    for name in ("first", "second"):
        rows = facts[:4] if name == "first" else facts[4:]
        file = f"facts/{name}.parquet"
        run.storage.write(file, to_parquet(rows, FACTS, groups))
        stage.parts.setdefault("facts", []).append(file)
    stage.finish({"documents": len(facts), "in_scope": len(facts)})
    require_the_same(run)


def test_what_people_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_some_at_a_time(monkeypatch)
    run = Made(tmp_path).make()
    give_verdict(run.lasting, "keep", ("b",), "me")
    require_the_same(run)
    give_verdict(run.lasting, "not_duplicate", ("a", "b"), "me")
    plan, said = deciding.read_plan(run), deciding.read_said(run, deciding.read_plan(run))
    assert RunPieces.of(run, plan.config, said.standing, tmp_path) is None
    require_the_same(run)


def test_a_document_without_facts_is_told(tmp_path: Path) -> None:
    run = Made(tmp_path).make()
    facts = run.read_table("facts", "facts", FACTS)
    stage = run.stage("facts", FIRST.next)
    stage.write_table("facts", facts[facts["id"] != "n"], FACTS)
    stage.finish({"documents": 1, "in_scope": 1})
    with pytest.raises(ArtifactError, match="1 documents of clusters have no facts; start a new run"):
        decide_again(run)


def test_damaged_groups_are_told() -> None:
    whole = to_parquet(pd.DataFrame({name: [] for name in DECISIONS.names}), DECISIONS)
    with pytest.raises(ArtifactError, match=r"facts\.parquet is damaged"):
        list(groups_of_parquet(whole[:-1], FACTS, "facts.parquet"))
    with pytest.raises(ArtifactError, match=r"facts\.parquet has columns"):
        list(groups_of_parquet(whole, FACTS, "facts.parquet"))

"""The runs of a gate in a list, of which one is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from include.dedupe.reviewing.gates import list_gate_runs
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE


def test_a_damaged_run_is_told_and_breaks_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "collections").mkdir()
    settings = {"flow": {"connection": "flow_test", "collection": "plain"}, "gate": {}}
    (tmp_path / "collections" / "pictures.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    for name, text in (("a", "{"), ("b", "[]"), ("c", json.dumps({"run_id": "gate__c", "taken_at": "2026"}))):
        folder = tmp_path / "storage" / "pictures" / "runs" / f"gate__{name}" / "take"
        folder.mkdir(parents=True)
        (folder / "gate.json").write_text(text)
    found = {one.run_id: one for one in list_gate_runs("pictures").runs}
    assert {name: one.state for name, one in found.items()} == dict.fromkeys("abc", "damaged")
    for name in "ab":
        assert f"gate__{name}/take/gate.json is damaged" in found[name].problem

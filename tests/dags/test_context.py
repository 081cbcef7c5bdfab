"""Which runs may write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from include.dedupe.settings.config import CollectionConfig

pytestmark = pytest.mark.airflow
WET = {"dry_run": False}


class Case(NamedTuple):
    run_type: str
    settings: dict[str, Any]
    writes: bool
    dry_run: str = "as configured"
    is_part: bool = False


@pytest.mark.parametrize(
    "case",
    [
        Case("scheduled", WET, writes=True),
        Case("scheduled", {}, writes=False),
        Case("manual", {}, writes=True, dry_run="no"),
        Case("manual", WET, writes=False, dry_run="yes"),
        Case("manual", WET, writes=False, is_part=True),
        Case("backfill", WET, writes=False),
        Case("backfill", {**WET, "act_in_backfill": True}, writes=True),
        Case("backfill", {"act_in_backfill": True}, writes=False),
    ],
)
def test_a_dry_run_a_part_and_a_backfill_only_report(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    from include.orchestration import context  # noqa: PLC0415 - after the settings are in place

    flow = {"connection": "flow_demo", "collection": "plain"}
    config = CollectionConfig.model_validate({"flow": flow, **case.settings})
    plan = SimpleNamespace(config=config, scope=SimpleNamespace(is_part=case.is_part))
    told = {"params": {"dry_run": case.dry_run}, "dag_run": SimpleNamespace(run_type=case.run_type)}
    monkeypatch.setattr(context, "get_current_context", lambda: told)
    assert context.may_write(plan) is case.writes  # type: ignore[arg-type]

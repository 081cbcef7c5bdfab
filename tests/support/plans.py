"""A plan of nothing, for tests of what lies beside it."""

from __future__ import annotations

from include.dedupe.planning.effort import Effort
from include.dedupe.planning.plan import Plan
from include.dedupe.planning.scope import Scope
from include.dedupe.settings.config import CollectionConfig

PLAN = Plan(
    run_id="manual__1",
    created_at="2026-04-01T12:00:00+00:00",
    config=CollectionConfig.model_validate({"flow": {"connection": "flow_test", "collection": "any"}}),
    scope=Scope(),
    fq=(),
    search_fq=(),
    collection_documents=0,
    detector="",
    effort=Effort(approximate=False, smartfilter="off"),
    partitions=(),
)

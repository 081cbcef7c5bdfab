"""Outcome: what became of an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from include.dedupe.deciding.changes import Order


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: done, skipped, failed or planned, why, and when."""

    order: Order
    outcome: str
    reason: str
    at: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**{**value, "order": Order(*value["order"])})

    def columns(self) -> tuple[object, ...]:
        """Return the outcome as a row of ACTIONS."""
        order, reason = self.order, self.reason or self.order.reason
        ids = (order.id, order.cluster_id, order.keeper_id)
        return (*ids, order.decision, self.outcome, reason, order.score, self.at)

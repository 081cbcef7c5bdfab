"""Outcome: what became of an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from include.dedupe.clock import now
from include.dedupe.deciding.changes import Order
from include.dedupe.deciding.refused import Refusal


class Objection(NamedTuple):
    """Why an order is not carried out: it is skipped, or a person is to review it.

    ``change`` is where the pictures differ, as in ACTIONS.
    """

    reason: str
    outcome: str = "skipped"
    change: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: done, skipped, review, failed or planned, why, and when."""

    order: Order
    outcome: str
    reason: str
    at: str
    change: str = ""

    @classmethod
    def of(cls, order: Order, objection: Objection) -> Self:
        return cls(order, objection.outcome, objection.reason, now(), objection.change)

    def refusal(self, run_id: str) -> Refusal | None:
        """Return what later runs are to know of it; None where the last look has refused nothing."""
        return Refusal.of(self.order, self.reason, self.change, run_id, self.at) if self.change else None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**{**value, "order": Order(*value["order"])})

    def columns(self) -> tuple[object, ...]:
        """Return the outcome as a row of ACTIONS."""
        order, reason = self.order, self.reason or self.order.reason
        ids = (order.id, order.cluster_id, order.keeper_id)
        return (*ids, order.decision, self.outcome, reason, order.score, self.at, self.change)

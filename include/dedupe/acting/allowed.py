"""Allowed: what must hold before a run writes anything to a collection."""

from __future__ import annotations

from include.dedupe.acting.check import require_check
from include.dedupe.acting.unreturned import require_no_loss
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.errors import GuardError
from include.dedupe.planning.plan import Plan
from include.dedupe.planning.quarantine_check import check_quarantine
from include.dedupe.rundir import RunDir


async def require_allowed(writer: FlowWriter, run: RunDir, plan: Plan) -> None:
    """Make sure that the run may write, and that what it does can be undone.

    Raises:
        GuardError: it took only some of its documents.
        PlanError: deleted files cannot be moved into the quarantine.
        CheckError: the collection has not proven that the actions can be undone.
    """
    if plan.scope.is_part:
        raise GuardError(f"{run.address} took only some of its documents; such a run only reports.")
    if plan.config.quarantine:
        check_quarantine(plan.config.quarantine)
    require_check(run.lasting, plan.config)
    await require_no_loss(writer, plan.config)

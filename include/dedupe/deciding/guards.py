"""Guards: limits of what one run may delete. A run that would break one stops, and says which."""

from __future__ import annotations

import pandas as pd

from include.dedupe.errors import GuardError
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import RunDir
from include.dedupe.scanning.coverage import Coverage
from include.dedupe.settings.policy_settings import DELETING, Guards


def scope_size(run: RunDir, plan: Plan) -> int:
    """Return how many documents are in the run's scope; one that scans nothing acts on the whole scope."""
    return int(run.result("facts").result["in_scope"]) if plan.scope.known else plan.documents


def broken_guards(decisions: pd.DataFrame, documents: int, coverage: Coverage, guards: Guards) -> list[str]:
    """Return, in words, each limit that ``decisions`` would break; nothing where nothing is deleted.

    ``documents`` is how many the scope of the run holds.
    """
    deleted = int(decisions["decision"].isin(DELETING).sum())
    return guards_broken_by(deleted, documents, coverage, guards)


def guards_broken_by(deleted: int, documents: int, coverage: Coverage, guards: Guards) -> list[str]:
    """Return the same of how many documents would be deleted."""
    if not deleted:
        return []
    problems = []
    if deleted > guards.max_delete_count:
        problems.append(
            f"{deleted} documents would be deleted, more than guards.max_delete_count "
            f"{guards.max_delete_count}."
        )
    if deleted > guards.max_delete_share * documents:
        problems.append(
            f"{deleted} of the {documents} documents in the scope would be deleted, more than the share "
            f"guards.max_delete_share {guards.max_delete_share}."
        )
    if coverage.share < guards.min_coverage:
        problems.append(
            f"{coverage.scanned} of {coverage.expected} documents were scanned, less than the share "
            f"guards.min_coverage {guards.min_coverage} that deletion needs."
        )
    return problems


def require_guards(problems: list[str], address: str) -> None:
    """Raise ``GuardError`` if a guard is broken; ``address`` is the run's."""
    if problems:
        raise GuardError(f"{' '.join(problems)} Nothing was written; look at the report in {address}.")

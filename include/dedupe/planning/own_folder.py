"""Own folder: a run works in a folder that no other run has worked in.

Airflow lets a DAG run be deleted and another be started under its id; the folder of the first is still there,
and its finished stages would pass for those of the second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from include.dedupe.errors import ArtifactError
from include.dedupe.rundir import Attempt, RunDir, read_manifest

MARK = "taken"
"""A file that says that another run was refused here: none of its tasks may read or write in this folder."""


def claim_folder(
    run: RunDir, attempt: Attempt, started_at: dt.datetime | None, first: str, begun_at: Callable[[], str]
) -> None:
    """Make sure, before the first stage, that the folder holds nothing of an earlier run.

    Args:
        run: the run that is about to begin.
        attempt: this execution; in a later generation what is there is the run's own.
        started_at: when the run began.
        first: the stage that it begins with.
        begun_at: returns when the one whose folder it is began with it, as an ISO time, to the second.

    Raises:
        ArtifactError: what is there is older than the run, or of another run id.
    """
    if attempt.generation or started_at is None or read_manifest(run.storage, first) is None:
        return
    if dt.datetime.fromisoformat(begun_at()) < started_at.replace(microsecond=0):
        run.storage.create(MARK, b"")
        require_own_folder(run)


def require_own_folder(run: RunDir) -> None:
    """Raise ``ArtifactError`` where the folder was found to be that of an earlier run."""
    if run.storage.exists(MARK):
        raise ArtifactError(
            f"{run.address} holds what an earlier run of the same id found. Start this run under another id, "
            f"or move that folder away and clear the run."
        )

"""The report of a run, for a browser that cannot reach the storage of the runs."""

from __future__ import annotations

from include.dedupe.errors import UnknownError
from include.dedupe.rundir import RunDir, read_manifest

PAGE = "report/report.html"


def read_report(run: RunDir) -> bytes:
    """Return ``report.html``: one file that loads nothing.

    Raises:
        UnknownError: the run has not reported.
    """
    if read_manifest(run.storage, "report") is None:
        raise UnknownError(f"Run {run.run_id} has no report; wait until it has one.")
    return run.storage.read(PAGE)

"""Take back what runs did to a collection, from their archives. A dry run unless you say otherwise.

### What
Deleted documents are added again with their fields and what Flow knew of their pictures; tags and links are
removed, merged fields go back to what they were. What has changed since is left alone, and the log says so.
With `afterwards: remember`, the documents of a cluster that was taken back are no duplicates of each other
from then on; with `try-again`, later runs judge them anew. `python -m include.dedupe verdict COLLECTION undo
--of-restore RUN` takes back what was remembered.

### Which
`runs`, `ids`, `clusters`, `since` and `until` narrow down what is taken back; one of them is needed.

### Triage
The log has one line for each document. While another run writes to the collection the task waits and is tried
again; it can be repeated at any time, what is restored already stays as it is.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pkgutil import extend_path

from airflow.sdk import DAG, Param, task

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where include/ lies, beside this folder
import include

include.__path__ = extend_path(include.__path__, "include")  # also where another include/ was found first

from include.dedupe.settings.config import collection_files
from include.dedupe.settings.dry_run import NO, YES
from include.orchestration.later import later
from include.orchestration.retrying import TRIES_FOR_THE_LEASE, WhatMayPass


def texts(description: str) -> Param:
    return Param([], type=["null", "array"], items={"type": "string"}, description=description)


PARAMS = {
    "collection": Param(
        None,
        type=["null", "string"],
        enum=[None, *(path.stem for path in collection_files())],
        description="Name of the collection's YAML file.",
    ),
    "runs": texts("Only what these runs did (run ids)."),
    "ids": texts("Only these documents."),
    "clusters": texts("Only these clusters."),
    "since": Param(None, type=["null", "string"], description="Only what was done from this time (UTC)."),
    "until": Param(None, type=["null", "string"], description="Only what was done before this time."),
    "afterwards": Param(
        "remember",
        type="string",
        enum=["remember", "try-again"],
        description="remember: what comes back is no duplicate in later runs. try-again: they judge it "
        "anew, and may do the same again.",
    ),
    "dry_run": Param(
        YES, type="string", enum=[YES, NO], description="Only say what would be taken back: yes or no."
    ),
}


with DAG(
    dag_id="dedupe_restore",
    description="Take back what runs did to a collection",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    params=PARAMS,
    tags={"dedupe"},
    default_args={
        "retries": TRIES_FOR_THE_LEASE,
        "retry_delay": timedelta(minutes=1),
        "retry_policy": WhatMayPass(),
    },
) as dedupe_restore:
    task(multiple_outputs=False)(later("acting.restore"))()

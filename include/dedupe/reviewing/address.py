"""Where the page is: the one place that knows its addresses, and how the DAGs and tasks in them are named."""

from __future__ import annotations

from urllib.parse import quote

PREFIX = "/duplicates"
"""Below this the page lives in Airflow's API server."""
DAG_PREFIX, GATE_PREFIX = "dedupe_", "gate_"
"""So begin the names of the DAGs that look for duplicates, and of those that look at new pictures."""
APPROVAL_TASK, HELD_TASK = "approve", "ask"
"""Their tasks that ask a person: about the decisions of a run, and about what a gate holds."""


def page_address(
    base_url: str, collection: str, run_id: str = "", cluster: str = "", dag: str = DAG_PREFIX
) -> str:
    """Return the address of a collection's runs, of a run's clusters, or of one cluster.

    Args:
        base_url: that of Airflow's API server, such as http://localhost:8080; empty: a relative address.
        collection: its name.
        run_id: the run.
        cluster: name of a cluster of the run.
        dag: how the name of the collection's DAG begins.
    """
    path = f"{PREFIX}/{dag}{quote(collection, safe='')}/"
    if run_id:
        path += f"runs/{quote(run_id, safe='')}/"
    if run_id and cluster:
        path += f"clusters/{quote(cluster, safe='')}"
    return f"{base_url.rstrip('/')}{path}"

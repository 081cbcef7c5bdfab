"""What other DAGs follow: an asset has an event for each run that has reported, with its counts."""

from __future__ import annotations

from airflow.sdk import Asset

FINDINGS, GATE, CALIBRATION = "dedupe", "gate", "calibrate"


def asset(kind: str, collection: str) -> Asset:
    """Return the asset of a collection's runs of that kind; it is named like their DAG."""
    return Asset(f"{kind}_{collection}")

"""Places: whether a storage is the one that the runs of a collection use, and where else they may be.

What a person says of a collection counts only where its runs look: a stop written into another storage stops
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from include.dedupe.errors import ConfigError
from include.dedupe.storage import CHECKOUT, STORAGE_VARIABLE, Storage

LEFT_BY_RUNS = ("runs", "archive")
CHECK = "check.json"
"""What a check leaves before the first run."""


def require_runs(lasting: Storage) -> None:
    """Make sure that runs of a collection have been in its folder ``lasting`` of this storage.

    Raises:
        ConfigError: none has; it says where runs of that collection are, as far as can be seen from here.
    """
    if _has_runs(lasting):
        return
    name = lasting.root.rpartition("/")[2]
    elsewhere = [place for place in _usual_places() if _has_runs(Storage(f"{place}/{name}"))]
    if lasting.exists(CHECK) and not elsewhere:
        return
    told = f"there are some in {' and in '.join(elsewhere)}" if elsewhere else "nor in the usual places"
    raise ConfigError(
        f"No run of {name} has left anything in {lasting.root}, {told}; nothing was written. Name the "
        f"storage of the runs: set {STORAGE_VARIABLE} as they have it, or storage in the settings."
    )


def _has_runs(lasting: Storage) -> bool:
    return any(lasting.folders(folder) for folder in LEFT_BY_RUNS)


def _usual_places() -> Iterator[str]:
    """Yield where runs are kept when nobody says otherwise: see ``default_storage``."""
    if configured := os.environ.get(STORAGE_VARIABLE):
        yield configured.rstrip("/")
    homes = (os.environ.get("AIRFLOW_HOME"), str(Path.home() / "airflow"), f"{CHECKOUT}/.run/airflow")
    yield from (f"{home}/flow_dedupe" for home in dict.fromkeys(filter(None, homes)))

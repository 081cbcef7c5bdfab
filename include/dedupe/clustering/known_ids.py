"""Known ids: the documents and clusters that the runs of a collection have found.

A verdict on an id that nobody knows would hold for nothing, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from include.dedupe.clustering.names import NAMES_FOLDER
from include.dedupe.errors import VerdictError
from include.dedupe.nearest import tell_unknown
from include.dedupe.parquet import from_parquet
from include.dedupe.storage import Storage
from include.dedupe.tables import NAMES


def unknown_ids(lasting: Storage, ids: Sequence[str], also: Collection[str] = ()) -> list[str]:
    """Return those ``ids`` that are neither in ``also`` nor a document or a cluster that a run has found."""
    missing = [one for one in ids if one not in also]
    for file in reversed(lasting.names(NAMES_FOLDER) if missing else []):
        known = _names(lasting, file)
        missing = [one for one in missing if one not in known]
        if not missing:
            break
    return missing


def require_known(lasting: Storage, ids: Sequence[str], also: Collection[str] = (), told: str = "") -> None:
    """Make sure that all ``ids`` are known.

    Args:
        lasting: what outlives the runs of the collection.
        ids: documents and clusters.
        also: ids that are known otherwise.
        told: what else to say of those that are not.

    Raises:
        VerdictError: it names the unknown ones, and the nearest that are known.
    """
    if unknown := unknown_ids(lasting, ids, also):
        files = lasting.names(NAMES_FOLDER)
        known = _names(lasting, files[-1]) if files else set()
        raise VerdictError(
            f"No run has found anything of {tell_unknown(unknown, known | set(also))}: what is said of that "
            f"would count for nothing, so nothing was written. {told}".strip()
        )


def _names(lasting: Storage, file: str) -> set[str]:
    path = f"{NAMES_FOLDER}/{file}"
    names = from_parquet(lasting.read(path), NAMES, lasting.path(path))
    return {*names["id"], *names["cluster_id"]}

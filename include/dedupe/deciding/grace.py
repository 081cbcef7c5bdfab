"""Grace: a document is condemned first, and deleted by a later run if it is still what was condemned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.decisions import CONDEMN
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import TagFields


def apply_grace(
    rows: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    decision: npt.NDArray[Any],
    reason: npt.NDArray[Any],
    *,
    config: CollectionConfig,
    now: dt.datetime,
) -> None:
    """Delete what was condemned long enough ago by the same keeper and is unchanged; condemn the others.

    ``rows`` has the columns duplicates, keeper_id and fingerprint; ``decision`` and ``reason`` are changed.
    """
    assert config.policies is not None, "decisions need policies"  # noqa: S101
    graceful = [name for name in ("exact", "near") if config.policies.by_class(name).after_days]
    if not graceful:
        return
    concerned = np.flatnonzero((decision == "delete") & rows["duplicates"].isin(graceful).to_numpy(bool))
    columns = (rows[name].to_numpy()[concerned] for name in ("duplicates", "keeper_id", "fingerprint"))
    for position, duplicates, keeper_id, fingerprint in zip(concerned, *columns, strict=True):
        days = config.policies.by_class(duplicates).after_days
        since = condemned_since(fields[position], keeper_id, fingerprint, config.tags)
        if since is not None and since <= now - dt.timedelta(days=days):
            reason[position] = f"condemned since {since.isoformat(timespec='seconds')}"
        else:
            decision[position] = CONDEMN
            reason[position] = f"to be deleted {days} days after it was condemned"


def condemned_since(
    document: Mapping[str, Any], keeper_id: str, fingerprint: str, tags: TagFields
) -> dt.datetime | None:
    """Return since when a document is condemned in favour of this keeper, as it is now; None if it is not."""
    holds = (document.get(tags.role), document.get(tags.of), document.get(tags.fingerprint)) == (
        "condemned",
        keeper_id,
        fingerprint,
    )
    if not holds or not document.get(tags.since):
        return None
    return dt.datetime.fromisoformat(str(document[tags.since]).replace("Z", "+00:00"))

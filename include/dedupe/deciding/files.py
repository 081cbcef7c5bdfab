"""Files: which documents have the same bytes, and which of those are one file already.

A hard link shows the keeper's bytes under both names. So only a file that is its keeper's byte for byte may
be replaced by one, whatever the pictures look like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.groups import Rows
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import MOVING

Words = npt.NDArray[np.object_]
Fields = Sequence[Mapping[str, Any]]
OTHER_BYTES = "its file is not its keeper's byte for byte, and only such a file is replaced"
UNKNOWN_BYTES = "nothing tells whether its file is its keeper's byte for byte"
ONE_FILE = "its file is its keeper's already, under another name (hard link): nothing would be freed"


def numbers_of_files(fields: Fields, config: CollectionConfig) -> Rows:
    """Return a number for each document that it shares with those of the same bytes; its own if none tell."""
    codes = np.asarray(pd.factorize(np.array(_values(fields, config.fields.file_hash), dtype=object))[0])
    return np.where(codes < 0, -1 - np.arange(len(codes)), codes).astype(np.int64)


def apply_bytes(
    rows: pd.DataFrame,
    fields: Fields,
    keeper: Rows,
    decided: tuple[Words, Words],
    config: CollectionConfig,
) -> None:
    """Replace only files that are their keepers' byte for byte, and lose none that is its keeper's already.

    Args:
        rows: columns id and keeper_id, one row for each document.
        fields: the facts' fields of each row.
        keeper: the place of each row's keeper.
        decided: decision and reason of each row, changed in place.
        config: settings: ``quarantine``, ``policies`` and ``fields``.
    """
    if config.quarantine is None:
        return
    number = numbers_of_files(fields, config)
    decision, reason = decided
    replaced = decision == "replace"
    is_unknown = (number < 0) | (number[keeper] < 0)
    rules = (
        (
            np.isin(decision.astype(str), MOVING) & _are_one_file(rows, fields, keeper, config),
            "keep",
            ONE_FILE,
        ),
        (replaced & is_unknown, "review", f"{UNKNOWN_BYTES}: {config.fields.file_hash} is missing"),
        (replaced & ~is_unknown & (number != number[keeper]), "report", OTHER_BYTES),
    )
    for applies, what, why in reversed(rules):
        decision[applies], reason[applies] = what, why


def _are_one_file(
    rows: pd.DataFrame, fields: Fields, keeper: Rows, config: CollectionConfig
) -> npt.NDArray[np.bool_]:
    """Tell whose file is its keeper's, as the last sync has seen it or a run has made it."""
    link = np.array(_values(fields, config.fields.hard_link), dtype=object)
    same = (link == link[keeper]) & pd.notna(link)
    named = (link == rows["keeper_id"].to_numpy(object)) | (link[keeper] == rows["id"].to_numpy(object))
    found: npt.NDArray[np.bool_] = (same | named).astype(bool)
    return found


def _values(fields: Fields, name: str) -> list[str | None]:
    return [str(document[name]) if document.get(name) else None for document in fields]

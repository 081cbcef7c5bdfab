"""Files: which documents have the same bytes.

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

Words = npt.NDArray[np.object_]
Fields = Sequence[Mapping[str, Any]]
OTHER_BYTES = "its file is not its keeper's byte for byte, and only such a file is replaced"
UNKNOWN_BYTES = "nothing tells whether its file is its keeper's byte for byte"


def numbers_of_files(fields: Fields, config: CollectionConfig) -> Rows:
    """Return a number for each document that it shares with those of the same bytes; its own if none tell."""
    codes = np.asarray(pd.factorize(np.array(_values(fields, config.fields.file_hash), dtype=object))[0])
    return np.where(codes < 0, -1 - np.arange(len(codes)), codes).astype(np.int64)


def apply_bytes(
    fields: Fields,
    keeper: Rows,
    decided: tuple[Words, Words],
    config: CollectionConfig,
) -> None:
    """Replace only files that are their keepers' byte for byte.

    Args:
        fields: the facts' fields of each document.
        keeper: the place of each document's keeper.
        decided: decision and reason of each document, changed in place.
        config: settings: ``quarantine``, ``policies`` and ``fields``.
    """
    if config.quarantine is None:
        return
    number = numbers_of_files(fields, config)
    decision, reason = decided
    replaced = decision == "replace"
    is_unknown = (number < 0) | (number[keeper] < 0)
    rules = (
        (replaced & is_unknown, "review", f"{UNKNOWN_BYTES}: {config.fields.file_hash} is missing"),
        (replaced & ~is_unknown & (number != number[keeper]), "report", OTHER_BYTES),
    )
    for applies, what, why in reversed(rules):
        decision[applies], reason[applies] = what, why


def _values(fields: Fields, name: str) -> list[str | None]:
    return [str(document[name]) if document.get(name) else None for document in fields]

"""Linked: a file under several names (hard links) is one picture, however many documents it has.

To remove one of its names frees nothing, and two of its documents are not one picture too many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.groups import Rows
from include.dedupe.field_values import numbers
from include.dedupe.settings.config import CollectionConfig

Sizes = npt.NDArray[np.float64]
ONE_FILE = "it is one file with its keeper already: another name of it (a hard link), that frees nothing"


def is_one_file(
    ids: pd.Series[str], fields: Sequence[Mapping[str, Any]], keeper: Rows, config: CollectionConfig
) -> npt.NDArray[np.bool_]:
    """Tell of each document whether its file is that of its keeper, which is given by its row.

    A sync gives all names of one file the same value; a run that made a hard link gives it the keeper's id.
    """
    files, own = _files(fields, config), ids.to_numpy(dtype=object)
    same = (files != "") & (files == files[keeper])
    found: npt.NDArray[np.bool_] = same | (files == own[keeper]) | (files[keeper] == own)
    return found


def file_sizes(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> Sizes:
    """Return the bytes that each document tells of its file, NaN where it tells none."""
    name = config.fields.bytes
    return numbers([one.get(name) if name else None for one in fields], highest=True)


def own_sizes(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> Sizes:
    """Return the bytes that go with each document alone: 0 where its file has further names."""
    return np.where(_files(fields, config) != "", 0.0, file_sizes(fields, config))


def _files(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> npt.NDArray[np.object_]:
    """Return what names the file of each document that has several names; else empty."""
    name = config.fields.hard_link
    return np.array([str(one.get(name) or "") if name else "" for one in fields], dtype=object)

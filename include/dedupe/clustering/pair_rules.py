"""Pair rules: which pairs can be duplicates at all.

A person may have said "not a duplicate", and the settings may exclude pairs by the values of fields. Pairs
are left out before clusters are made, so that what was said holds in all later runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.clustering.facts import read_fields
from include.dedupe.settings.config import CollectionConfig

Pair = tuple[str, str]
SCRATCH = "flow-dedupe-check-"
"""So begin the ids of documents that a check makes for itself: copies that are nobody's duplicates."""


def allowed_pairs(
    pairs: pd.DataFrame,
    facts: pd.DataFrame | None,
    config: CollectionConfig,
    not_duplicates: Collection[Pair],
) -> pd.DataFrame:
    """Return the rows of ``pairs`` (columns of PAIRS) that verdicts and settings let through.

    A document that a check has left behind is in none of them.

    Args:
        pairs: all pairs.
        facts: columns of FACTS; needed where the settings name fields. A pair with a document that exists no
            more is left out.
        config: settings: ``ignore_pairs`` and ``only_pairs``.
        not_duplicates: pairs that are none, as a person said; the lower id first.
    """
    keep = ~(pairs["id_a"].str.startswith(SCRATCH) | pairs["id_b"].str.startswith(SCRATCH)).to_numpy(bool)
    keep &= ~said_apart(pairs, not_duplicates)
    if facts is not None:
        keep &= (pairs["id_a"].isin(facts["id"]) & pairs["id_b"].isin(facts["id"])).to_numpy()
        ignored, only = config.ignore_pairs, config.only_pairs
        if ignored.fields or only.fields:
            fields = dict(zip(facts["id"], read_fields(facts), strict=True))
            keep &= _by_fields(pairs, keep, fields, config)
    return pairs if keep.all() else pairs[keep].reset_index(drop=True)


def said_apart(pairs: pd.DataFrame, not_duplicates: Collection[Pair]) -> npt.NDArray[np.bool_]:
    """Tell of which rows of ``pairs`` a person said that they are no duplicates."""
    if not not_duplicates:
        return np.zeros(len(pairs), bool)
    said = pd.MultiIndex.from_tuples(sorted(not_duplicates))
    apart: npt.NDArray[np.bool_] = pd.MultiIndex.from_frame(pairs[["id_a", "id_b"]]).isin(said)
    return apart


def _by_fields(
    pairs: pd.DataFrame,
    candidates: npt.NDArray[np.bool_],
    fields: Mapping[str, Mapping[str, Any]],
    config: CollectionConfig,
) -> npt.NDArray[np.bool_]:
    ignored, only = config.ignore_pairs, config.only_pairs

    def passes(a: str, b: str) -> bool:
        one, other = fields[a], fields[b]
        if any(_share(one, other, name) for name in ignored.same):
            return False
        if any(_differ(one, other, name) for name in ignored.different):
            return False
        return all(_share(one, other, name) for name in only.same) and all(
            _differ(one, other, name) for name in only.different
        )

    ids = zip(pairs["id_a"], pairs["id_b"], candidates, strict=True)
    return np.fromiter((bool(ok) and passes(a, b) for a, b, ok in ids), dtype=bool, count=len(pairs))


def _share(one: Mapping[str, Any], other: Mapping[str, Any], field: str) -> bool:
    """Both have a value in common; a document without the field shares nothing."""
    return bool(_values(one, field) & _values(other, field))


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], field: str) -> bool:
    """Both have values, and none in common."""
    values, others = _values(one, field), _values(other, field)
    return bool(values and others and not values & others)


def _values(document: Mapping[str, Any], field: str) -> set[str]:
    value = document.get(field)
    values = value if isinstance(value, list) else [] if value is None else [value]
    return {str(one) for one in values}

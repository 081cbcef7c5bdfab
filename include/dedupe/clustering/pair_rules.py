"""Pair rules: which pairs can be duplicates at all.

A person may have said "not a duplicate" of a pair, or of a picture that it may repeat, and the settings may
exclude pairs by the values of fields. Pairs are left out before clusters are made, so that what was said
holds in all later runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.apart import Apart, Pair
from include.dedupe.clustering.facts import read_fields
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.verdicts import Standing

SCRATCH = "flow-dedupe-check-"
"""So begin the ids of documents that a check makes for itself: copies that are nobody's duplicates."""
MADE = re.compile(rf"{SCRATCH}[0-9a-f]{{12}}4[0-9a-f]{{3}}[89ab][0-9a-f]{{15}}")
"""The whole of such an id: behind the beginning stands a random UUID. Any other document is somebody's."""


@dataclass(frozen=True, slots=True)
class PairRules:
    """What verdicts and settings let through, also of pairs that are read some at a time.

    ``repeats``: the documents that show a picture that may repeat. ``fields``: those of each document that
    exists, where the settings name any.
    """

    config: CollectionConfig
    standing: Standing
    repeats: Collection[str]
    fields: Mapping[str, Mapping[str, Any]] | None = None

    @classmethod
    def of(
        cls,
        parts: Iterable[pd.DataFrame],
        facts: pd.DataFrame | None,
        config: CollectionConfig,
        standing: Standing,
    ) -> Self:
        """Return the rules for all pairs in ``parts``; arguments as of ``allowed_pairs``."""
        fields = None
        if facts is not None and by_fields(config):
            fields = dict(zip(facts["id"], read_fields(facts), strict=True))
        return cls(config, standing, _repeats(parts, standing, config.scan.exact_threshold), fields)

    def say_apart(self, pairs: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell of which pairs people said that they are no duplicates."""
        return _not_duplicates(pairs, self.standing.not_duplicates) | _ends_in(pairs, self.repeats)

    def allow(self, pairs: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell which pairs are let through; whether their documents exist is asked by fields only."""
        keep = ~(_made_by_check(pairs["id_a"]) | _made_by_check(pairs["id_b"])) & ~self.say_apart(pairs)
        return keep if self.fields is None else keep & _by_fields(pairs, keep, self.fields, self.config)


def by_fields(config: CollectionConfig) -> bool:
    """Whether the settings allow or ignore pairs by the values of fields."""
    return bool(config.ignore_pairs.fields or config.only_pairs.fields)


def allowed_pairs(
    pairs: pd.DataFrame,
    facts: pd.DataFrame | None,
    config: CollectionConfig,
    standing: Standing,
) -> pd.DataFrame:
    """Return the rows of ``pairs`` (columns of PAIRS) that verdicts and settings let through.

    A document that a check has left behind is in none of them.

    Args:
        pairs: all pairs.
        facts: columns of FACTS; needed where the settings name fields. A pair with a document that exists no
            more is left out.
        config: settings: ``ignore_pairs`` and ``only_pairs``.
        standing: what people said of pairs and of pictures that may repeat.
    """
    keep = PairRules.of([pairs], facts, config, standing).allow(pairs)
    if facts is not None:
        keep &= (pairs["id_a"].isin(facts["id"]) & pairs["id_b"].isin(facts["id"])).to_numpy()
    return pairs if keep.all() else pairs[keep].reset_index(drop=True)


def said_apart(pairs: pd.DataFrame, standing: Standing, exact_threshold: float) -> npt.NDArray[np.bool_]:
    """Tell of which rows of ``pairs``, which are all, people said that they are no duplicates."""
    repeats = _repeats([pairs], standing, exact_threshold)
    return _not_duplicates(pairs, standing.not_duplicates) | _ends_in(pairs, repeats)


def _made_by_check(ids: pd.Series[str]) -> npt.NDArray[np.bool_]:
    begins = ids.str.startswith(SCRATCH).to_numpy(bool, copy=True)
    begins[begins] = [MADE.fullmatch(name) is not None for name in ids.to_numpy()[begins]]
    return begins


def _not_duplicates(pairs: pd.DataFrame, said: Collection[Pair]) -> npt.NDArray[np.bool_]:
    apart = said if isinstance(said, Apart) else Apart(said)
    found = np.zeros(len(pairs), bool)
    if apart:
        documents = list(apart.documents)
        rows = np.flatnonzero((pairs["id_a"].isin(documents) & pairs["id_b"].isin(documents)).to_numpy(bool))
        ids = zip(pairs["id_a"].to_numpy()[rows], pairs["id_b"].to_numpy()[rows], strict=True)
        found[rows] = [pair in apart for pair in ids]
    return found


def _repeats(parts: Iterable[pd.DataFrame], standing: Standing, exact_threshold: float) -> frozenset[str]:
    """Return the documents that show a picture that may repeat: one that was named, or exactly it."""
    shows = {*standing.repeating}
    for pairs in parts if shows else ():
        named = [pairs[side].isin(list(standing.repeating)).to_numpy(bool) for side in ("id_a", "id_b")]
        same = (named[0] | named[1]) & (pairs["score"].to_numpy(np.float64) >= exact_threshold)
        shows.update(pairs.loc[same, "id_a"], pairs.loc[same, "id_b"])
    return frozenset(shows)


def _ends_in(pairs: pd.DataFrame, documents: Collection[str]) -> npt.NDArray[np.bool_]:
    if not documents:
        return np.zeros(len(pairs), bool)
    return (pairs["id_a"].isin(documents) | pairs["id_b"].isin(documents)).to_numpy(bool)


def _by_fields(
    pairs: pd.DataFrame,
    candidates: npt.NDArray[np.bool_],
    fields: Mapping[str, Mapping[str, Any]],
    config: CollectionConfig,
) -> npt.NDArray[np.bool_]:
    ignored, only = config.ignore_pairs, config.only_pairs

    def passes(a: str, b: str) -> bool:
        one, other = fields.get(a), fields.get(b)
        if one is None or other is None:
            return False
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

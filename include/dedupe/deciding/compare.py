"""Compare: what policies, guards and people say of each document when it is compared with a keeper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.decisions import CONDEMN, EXPORT
from include.dedupe.deciding.files import apply_bytes
from include.dedupe.deciding.grace import apply_grace
from include.dedupe.deciding.groups import Rows
from include.dedupe.deciding.keeper import PairRows, unreadable
from include.dedupe.deciding.linked import ONE_FILE, is_one_file
from include.dedupe.deciding.proof import Band
from include.dedupe.deciding.refused import REFUSED, Refusals
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.verdicts import Standing

Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.object_]
LOSING = (*DELETING, CONDEMN)
UNPROVEN = "no sample has proven decisions with scores from"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What decisions rest on; ``rows``: columns of CLUSTERS and FACTS, ``fields`` those of each row."""

    rows: pd.DataFrame
    fields: Sequence[Mapping[str, Any]]
    config: CollectionConfig
    standing: Standing
    now: dt.datetime
    unproven: Collection[Band]
    refused: Refusals

    def with_keepers(self, keeper: Rows, scores: npt.NDArray[np.float64]) -> pd.DataFrame:
        """Return the rows with decision, reason and class when each is compared with its keeper.

        ``scores``: with the keeper; NaN where they are no pair.
        """
        is_keeper = keeper == np.arange(len(self.rows))
        rows = self.rows.assign(
            keeper_id=self.rows["id"].take(keeper).array,
            keeper_fingerprint=self.rows["fingerprint"].take(keeper).array,
            keeper_protected=self.rows["is_protected"].take(keeper).array,
            score=np.nan_to_num(scores),
            duplicates=_classes(scores, is_keeper, self.config.scan.exact_threshold),
        )
        decision, reason = _by_policy(rows, self.config)
        apply_bytes(self.fields, keeper, (decision, reason), self.config)
        apply_grace(rows, self.fields, decision, reason, config=self.config, now=self.now)
        _require_proof(rows, decision, reason, self.unproven, self.config.guards.max_error_rate)
        self._refuse(rows, keeper, decision, reason)
        lost = unreadable(self.fields, self.config).take(keeper)
        decision[lost], reason[lost] = "review", "its keeper's picture cannot be read"
        _apply_rules(
            rows.assign(is_one_file=is_one_file(rows["id"], self.fields, keeper, self.config)),
            is_keeper,
            decision,
            reason,
            config=self.config,
            standing=self.standing,
        )
        return rows.assign(decision=decision, reason=reason)

    def _refuse(self, rows: pd.DataFrame, keeper: Rows, decision: Words, reason: Words) -> None:
        """Send to a person what the last look has refused to let go for this keeper."""
        scores = rows["score"].to_numpy(np.float64)
        loses = np.isin(decision.astype(str), LOSING) & (rows["duplicates"] == "exact").to_numpy(bool)
        places = np.flatnonzero(loses)
        for place in places[refused_rows(rows, places, keeper[places], scores[places], self.refused)]:
            seen = self.refused.find(*_two(rows, place, keeper[place]), scores[place])
            decision[place], reason[place] = "review", f"{REFUSED}: {seen.reason if seen else ''}"


def scores_with(keeper: Rows, pairs: PairRows, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the score of each document's pair with its keeper; NaN where they are no pair."""
    found = np.full(len(keeper), np.nan)
    for one, other in ((pairs.one, pairs.other), (pairs.other, pairs.one)):
        direct = keeper[one] == other
        found[one[direct]] = scores[direct]
    return found


def refused_rows(
    rows: pd.DataFrame, one: Rows, other: Rows, scores: npt.NDArray[np.float64], refused: Refusals
) -> Rows:
    """Return which of some pairs, given by the rows of their documents, the last look has refused."""
    if not refused.ids:
        return np.zeros(0, np.int64)
    known = rows["id"].isin(refused.ids).to_numpy(bool)
    pairs = np.flatnonzero(known[one] & known[other])
    is_refused = [refused.find(*_two(rows, one[place], other[place]), scores[place]) for place in pairs]
    return pairs[[found is not None for found in is_refused]] if len(pairs) else pairs


def _two(rows: pd.DataFrame, one: int, other: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return id and fingerprint of two documents."""
    ids, fingerprints = rows["id"], rows["fingerprint"]
    return (str(ids.iat[one]), str(fingerprints.iat[one])), (
        str(ids.iat[other]),
        str(fingerprints.iat[other]),
    )


def loses_keeper(decision: pd.Series[str], keeper: Rows) -> Mask:
    """Tell whose keeper goes itself, or is linked to another where it would be linked to it.

    Such a document has no keeper there: nothing is deleted for one that is deleted, and links do not chain.
    """
    own = decision.to_numpy(dtype=object).astype(str)
    its_keeper = own[keeper]
    chains = (its_keeper == "link") & np.isin(own, ("link", EXPORT))
    lost: Mask = np.isin(its_keeper, (*LOSING, EXPORT)) | chains
    return lost


def _classes(scores: npt.NDArray[np.float64], is_keeper: Mask, exact: float) -> Words:
    pairless = np.where(np.isnan(scores), "chained", "near")
    named = np.where(scores >= exact, "exact", pairless).astype(object)
    named[is_keeper] = "keeper"
    return named


def _by_policy(rows: pd.DataFrame, config: CollectionConfig) -> tuple[Words, Words]:
    policies = config.policies
    assert policies is not None, "decisions need policies"  # noqa: S101
    exact = (rows["duplicates"] == "exact").to_numpy(bool)
    decision = np.where(exact, policies.exact.do, policies.near.do).astype(object)
    reason = np.where(exact, "policy for exact duplicates", "policy for near duplicates").astype(object)
    return decision, reason


def _require_proof(
    rows: pd.DataFrame,
    decision: Words,
    reason: Words,
    unproven: Collection[Band],
    rate: float | None,
) -> None:
    """Send to a person what would be deleted in a score band of which no sample has proven enough."""
    loses, scores = np.isin(decision.astype(str), LOSING), rows["score"].to_numpy(np.float64)
    for band in unproven:
        refused = loses & band.holds(scores)
        decision[refused] = "review"
        reason[refused] = f"{UNPROVEN} {band.label} to be wrong in less than {rate:g} of all cases"


def _apply_rules(
    rows: pd.DataFrame,
    is_keeper: Mask,
    decision: Words,
    reason: Words,
    *,
    config: CollectionConfig,
    standing: Standing,
) -> None:
    """What holds whatever the policies say; the last that applies is the strongest."""
    loses = np.isin(decision.astype(str), LOSING)
    weak = loses & (rows["score"].to_numpy(np.float64) < config.guards.delete_threshold)
    absorbing = (decision == "merge") & rows["keeper_protected"].to_numpy(bool) & _merges(rows, config)
    rules: list[tuple[Mask, str, str]] = [
        (absorbing, "review", "its keeper is protected and takes in no fields"),
        (weak, "review", f"its score is below delete_threshold {config.guards.delete_threshold}"),
        ((rows["duplicates"] == "chained").to_numpy(bool), "review", "no pair with the keeper"),
        (rows["hub"].to_numpy(bool), "review", "a document of the cluster has more hits than were read"),
        ((rows["size"] > config.cluster.max_size).to_numpy(bool), "review", "the cluster is too large"),
        (rows["is_one_file"].to_numpy(bool), "keep", ONE_FILE),
        (_named(rows, standing.rejected), "keep", "a person rejected the decision"),
        (rows["is_protected"].to_numpy(bool), "keep", "protected"),
        (_named(rows, standing.keepers), "keep", "a person keeps it"),
        (is_keeper, "keep", "keeper"),
    ]
    for applies, what, why in rules:
        decision[applies], reason[applies] = what, why


def _merges(rows: pd.DataFrame, config: CollectionConfig) -> Mask:
    """Rows whose class has fields to merge."""
    assert config.policies is not None, "decisions need policies"  # noqa: S101
    names = [name for name in ("exact", "near") if config.policies.by_class(name).merge_fields]
    return rows["duplicates"].isin(names).to_numpy(bool)


def _named(rows: pd.DataFrame, ids: frozenset[str]) -> Mask:
    """Rows whose document or whose whole cluster is among ``ids``."""
    return (rows["id"].isin(ids) | rows["cluster_id"].isin(ids)).to_numpy(bool)

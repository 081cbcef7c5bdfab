"""What policy says of documents: each is compared with its keeper, some whole clusters at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.clustering.facts import read_fields
from include.dedupe.deciding.compare import Comparison, loses_keeper, refused_rows, scores_with
from include.dedupe.deciding.decisions import EXPORT, UNTAG
from include.dedupe.deciding.files import numbers_of_files
from include.dedupe.deciding.keeper import Keepers, PairRows, choose_keepers
from include.dedupe.deciding.pieces import Piece, pieces_of
from include.dedupe.deciding.proof import Band
from include.dedupe.deciding.refused import Refusals
from include.dedupe.deciding.settled import is_settled
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import DECISIONS
from include.dedupe.verdicts import Standing

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
NOTHING_REFUSED = Refusals()


def decide_documents(
    clusters: pd.DataFrame,
    pairs: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    config: CollectionConfig,
    standing: Standing,
    now: dt.datetime,
    settled: pd.DataFrame | None = None,
    unproven: Collection[Band] = (),
    refused: Refusals = NOTHING_REFUSED,
) -> pd.DataFrame:
    """Return one row for each document of each cluster (columns of DECISIONS), sorted like ``clusters``.

    Args:
        clusters: columns of CLUSTERS, sorted by cluster and document.
        pairs: columns of PAIRS, all of them in ``clusters``.
        facts: columns of FACTS, of all documents in ``clusters``.
        config: settings, with policies.
        standing: what people said.
        now: the moment that grace periods are measured at.
        settled: columns of SETTLED: what was exported before and acknowledged.
        unproven: score bands in which nothing may be deleted.
        refused: pairs in which the last look has seen a change; they are not exact, and for a person.
    """
    decided = decide_pieces(
        pieces_of(clusters, pairs, facts),
        config=config,
        standing=standing,
        now=now,
        settled=settled,
        unproven=unproven,
        refused=refused,
    )
    rows: pd.DataFrame = pd.concat(list(decided), ignore_index=True)
    return rows


def decide_pieces(
    pieces: Iterable[Piece],
    *,
    config: CollectionConfig,
    standing: Standing,
    now: dt.datetime,
    settled: pd.DataFrame | None,
    unproven: Collection[Band],
    refused: Refusals,
) -> Iterator[pd.DataFrame]:
    """Yield what ``decide_documents`` returns, piece by piece."""
    for piece in pieces:
        rows, fields = piece.rows, read_fields(piece.rows)
        found = _pair_rows(piece, fields, config, refused)
        keepers = choose_keepers(rows, fields, config, standing.keepers, found)
        comparison = Comparison(rows, fields, config, standing, now, unproven, refused)
        judged, keeper = _judge(
            rows, keepers, comparison, partial(scores_with, pairs=found, scores=piece.scores)
        )
        pictures = pd.Series([str(document.get(config.fields.image, "")) for document in fields])
        pictured = judged.assign(image=pictures, keeper_image=pictures.take(keeper).array)
        yield _settle(pictured, fields, config, settled)[DECISIONS.names]


def _pair_rows(
    piece: Piece, fields: Sequence[Mapping[str, Any]], config: CollectionConfig, refused: Refusals
) -> PairRows:
    """Return which rows make a pair, and which of these pairs are exact."""
    one, other, scores = piece.one, piece.other, piece.scores
    exact = scores >= config.scan.exact_threshold
    exact[refused_rows(piece.rows, one, other, scores, refused)] = False
    if config.replaces_files:  # a file can stand for another one only if both are the same bytes
        number = numbers_of_files(fields, config)
        exact &= number[one] == number[other]
    return PairRows(one, other, exact)


def _judge(
    rows: pd.DataFrame, keepers: Keepers, comparison: Comparison, scores: Callable[[Places], Scores]
) -> tuple[pd.DataFrame, Places]:
    """Return what becomes of each document, and the row of its keeper.

    That is the keeper of its exact duplicates; where that one goes itself, the keeper of the cluster.
    ``scores`` returns the score of each document with its keeper.
    """
    is_alone = keepers.group == np.arange(len(rows))
    keeper = np.where(is_alone, keepers.row, keepers.group)
    judged = comparison.with_keepers(keeper, scores(keeper))
    left = loses_keeper(judged["decision"], keeper) & ~is_alone
    if left.any():
        keeper = np.where(left, keepers.row, keeper)
        judged = comparison.with_keepers(keeper, scores(keeper))
    in_group = keeper != keepers.row
    judged["rule"] = np.where(is_alone | left, keepers.rule, keepers.group_rule)
    judged["reason"] = _with_keepers(judged, in_group, left, keepers.group, rows["id"])
    return judged, keeper


def _with_keepers(
    judged: pd.DataFrame, in_group: Mask, left: Mask, group: npt.NDArray[np.int64], ids: pd.Series[str]
) -> npt.NDArray[Any]:
    """Return the reasons, with the keeper where it is not the cluster's, or might have been another."""
    reason = judged["reason"].to_numpy(dtype=object).copy()
    names, rules = ids.to_numpy(dtype=object)[group], judged["rule"].to_numpy(dtype=object)
    acted = in_group & (judged["decision"] != "keep").to_numpy(bool)
    for place in np.flatnonzero(acted):
        reason[place] += f"; of its exact duplicates {names[place]!r} stays, by {rules[place]}"
    for place in np.flatnonzero(left & ~in_group):
        reason[place] += f"; its exact duplicate {names[place]!r} goes itself"
    return reason


def _settle(
    rows: pd.DataFrame,
    fields: Sequence[Mapping[str, Any]],
    config: CollectionConfig,
    settled: pd.DataFrame | None,
) -> pd.DataFrame:
    """Keep what others have carried out, and untag what is no duplicate any more."""
    decision, reason = (rows[name].to_numpy(dtype=object).copy() for name in ("decision", "reason"))
    if settled is not None and len(settled):
        done = is_settled(rows, settled) & (decision == EXPORT)
        decision[done], reason[done] = "keep", "exported before, and acknowledged"
    stale = _are_tagged(fields, config) & (decision == "keep") & ~rows["is_protected"].to_numpy(bool)
    decision[stale], reason[stale] = UNTAG, "it is tagged as a duplicate and is none"
    return rows.assign(decision=decision, reason=reason)


def _are_tagged(fields: Sequence[Mapping[str, Any]], config: CollectionConfig) -> Mask:
    role, link = config.tags.role, config.tags.link
    tagged = (bool(one.get(role) or one.get(link)) for one in fields)
    return np.fromiter(tagged, dtype=bool, count=len(fields))


def stale_among(alone: pd.DataFrame, config: CollectionConfig) -> pd.DataFrame:
    """Return what becomes of documents (columns of FACTS) in no cluster, where they are tagged."""
    tagged = alone[_are_tagged(read_fields(alone), config)]
    columns: dict[str, Any] = {
        "cluster_id": "",
        "keeper_id": "",
        "decision": UNTAG,
        "duplicates": "none",
        "score": 0.0,
        "rule": "",
        "reason": "it is tagged as a duplicate and is none",
        "keeper_fingerprint": "",
    }
    stale: pd.DataFrame = tagged[["id", "fingerprint"]].assign(**columns)[DECISIONS.names]
    return stale

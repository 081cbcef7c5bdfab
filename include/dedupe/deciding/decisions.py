"""Decisions as files: each set of them is named after its hash, and what is approved is a hash."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.errors import ApprovalError
from include.dedupe.parquet import from_parquet
from include.dedupe.rundir import RunDir
from include.dedupe.settings.policy_settings import WRITING
from include.dedupe.tables import DECISIONS

UNTAG, CONDEMN, EXPORT = "untag", "condemn", "export"
ACTS = frozenset({*WRITING, UNTAG, CONDEMN})
"""Decisions that write to the collection."""
_LINES = 100_000  # of what is bound, held as text at once


def decisions_hash(run_id: str, decisions: pd.DataFrame) -> str:
    """Return what an approval is bound to.

    It changes with the document, keeper, decision, score or fingerprint of whatever is carried out, here or
    by those to whom it is exported, and not with the order of the rows.
    """
    bound = bound_rows(decisions)
    ids = sort_keys(decisions["id"].take(bound))
    order = pc.sort_indices(ids).to_numpy()
    digest = hashlib.sha256(run_id.encode())
    for at in range(0, len(order), _LINES):
        digest.update("".join(bound_lines(decisions.take(bound[order[at : at + _LINES]]))).encode())
    return short(digest)


def bound_rows(decisions: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the rows of what is carried out, here or by others."""
    bound: npt.NDArray[np.int64] = np.flatnonzero(decisions["decision"].isin((*ACTS, EXPORT)).to_numpy(bool))
    return bound


def sort_keys(ids: pd.Series[str]) -> pa.Array:
    """Return what lines of documents are sorted by."""
    texts = pa.array(ids, pa.large_string())
    return pc.binary_join_element_wise(texts, *(pa.scalar(text, texts.type) for text in ("", "\x1f")))


def bound_lines(decisions: pd.DataFrame) -> list[str]:
    """Return a line of what is bound of each row."""
    names = ("id", "decision", "keeper_id", "cluster_id", "fingerprint", "keeper_fingerprint")
    columns = [*(decisions[name].tolist() for name in names), map(repr, decisions["score"].tolist())]
    return ["\x1e" + "\x1f".join(row) for row in zip(*columns, strict=True)]


def short(digest: hashlib._Hash) -> str:
    return digest.hexdigest()[:16]


def read_decisions(run: RunDir, digest: str) -> pd.DataFrame:
    """Return the decisions of that hash.

    Raises:
        ApprovalError: this run never made such decisions, or their file is not what was decided.
    """
    name = decisions_file(digest)
    if not digest.isalnum() or not run.storage.exists(name):
        raise ApprovalError(f"{run.address} has no decisions {digest!r}; approve the hash of the question.")
    decisions = from_parquet(run.storage.read(name), DECISIONS, run.storage.path(name))
    if decisions_hash(run.run_id, decisions) != digest:
        raise ApprovalError(f"{run.storage.path(name)} was changed after it was decided; start a new run.")
    return decisions


def still_standing(approved: pd.DataFrame, newest: pd.DataFrame) -> pd.DataFrame:
    """Return the acting rows of ``approved`` that ``newest`` says, too: same document, decision, keeper."""
    keys = ["id", "decision", "keeper_id"]
    acting = approved[approved["decision"].isin(ACTS)]
    both = acting.merge(newest[keys], on=keys, how="inner", validate="one_to_one")
    standing: pd.DataFrame = both[DECISIONS.names]
    return standing


def last_keepers(ids: pd.Series[str], keepers: pd.Series[str]) -> pd.Series[str]:
    """Return what stands for each document in the end, where its keeper is linked to another one itself."""
    next_one = dict(zip(ids, keepers, strict=True))
    found: pd.Series[str] = keepers.map(lambda one: next_one.get(one, one))
    return found


def decisions_file(digest: str) -> str:
    """Return the name of the file of the decisions with this hash."""
    return f"decide/decisions-{digest}.parquet"

"""Decisions as files: each set of them is named after its hash, and what is approved is a hash."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.errors import ApprovalError
from include.dedupe.rundir import RunDir
from include.dedupe.settings.policy_settings import WRITING
from include.dedupe.tables import DECISIONS, from_parquet, to_parquet

UNTAG, CONDEMN, EXPORT = "untag", "condemn", "export"
ACTS = frozenset({*WRITING, UNTAG, CONDEMN})
"""Decisions that write to the collection."""
_LINES = 100_000  # of what is bound, held as text at once


def decisions_hash(run_id: str, decisions: pd.DataFrame) -> str:
    """Return what an approval is bound to.

    It changes with the document, keeper, decision, score or fingerprint of whatever is carried out, here or
    by those to whom it is exported, and not with the order of the rows.
    """
    names = ("id", "decision", "keeper_id", "cluster_id", "fingerprint", "keeper_fingerprint")
    bound = np.flatnonzero(decisions["decision"].isin((*ACTS, EXPORT)).to_numpy(bool))
    ids = pa.array(decisions["id"].take(bound), pa.large_string())
    begins = pc.binary_join_element_wise(ids, *(pa.scalar(text, ids.type) for text in ("", "\x1f")))
    order = pc.sort_indices(begins).to_numpy()
    digest = hashlib.sha256(run_id.encode())
    for at in range(0, len(order), _LINES):
        rows = decisions.take(bound[order[at : at + _LINES]])
        columns = [*(rows[name].tolist() for name in names), map(repr, rows["score"].tolist())]
        digest.update("".join("\x1e" + "\x1f".join(row) for row in zip(*columns, strict=True)).encode())
    return digest.hexdigest()[:16]


def write_decisions(run: RunDir, decisions: pd.DataFrame) -> str:
    """Write decisions (columns of DECISIONS) and return their hash."""
    digest = decisions_hash(run.run_id, decisions)
    run.storage.write(_file(digest), to_parquet(decisions, DECISIONS))
    return digest


def read_decisions(run: RunDir, digest: str) -> pd.DataFrame:
    """Return the decisions of that hash.

    Raises:
        ApprovalError: this run never made such decisions, or their file is not what was decided.
    """
    if not digest.isalnum() or not run.storage.exists(_file(digest)):
        raise ApprovalError(f"{run.address} has no decisions {digest!r}; approve the hash of the question.")
    decisions = from_parquet(run.storage.read(_file(digest)), DECISIONS, run.storage.path(_file(digest)))
    if decisions_hash(run.run_id, decisions) != digest:
        raise ApprovalError(
            f"{run.storage.path(_file(digest))} was changed after it was decided; start a new run."
        )
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


def _file(digest: str) -> str:
    return f"decide/decisions-{digest}.parquet"

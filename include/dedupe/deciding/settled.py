"""Settled: what a run exported and others have carried out in a database of their own, and said so.

Such a cluster is not exported again while its pictures stay the same. A document that joins it later is, with
whatever keeper it has then.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.clustering.facts import read_fields
from include.dedupe.csv_table import csv_table
from include.dedupe.deciding.decisions import EXPORT, read_decisions
from include.dedupe.errors import VerdictError
from include.dedupe.parquet import from_parquet, to_parquet
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.storage import Storage
from include.dedupe.tables import FACTS, SETTLED, empty
from include.dedupe.verdicts import not_undone, read_verdicts, standing_verdicts

FOLDER = "settled"
RECORD = "record/acknowledged.json"
AS_DECIDED, KEEPER = "as decided", "keeper"
"""What was done with a document of which nothing else was said, and with the one that stays."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """How many of the documents that a run exported are settled, and how many are open; none: closed."""

    settled: int
    open: int

    @property
    def is_closed(self) -> bool:
        return not self.open


def read_settled(lasting: Storage, names: Iterable[str]) -> pd.DataFrame:
    """Return all that is settled (columns of SETTLED) according to these tables, in their order."""
    paths = [f"{FOLDER}/{name}" for name in names]
    tables = [from_parquet(lasting.read(path), SETTLED, lasting.path(path)) for path in paths]
    return pd.concat(tables, ignore_index=True) if tables else empty(SETTLED)


def is_settled(rows: pd.DataFrame, settled: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which documents were settled together with their keeper, whichever of both stayed then.

    Args:
        rows: columns id, image, keeper_id and keeper_image.
        settled: columns of SETTLED.
    """
    cluster = ["run", "cluster_id"]
    known = settled[[*cluster, "id", "image"]].drop_duplicates()
    own = rows[["id", "image", "keeper_id", "keeper_image"]].merge(known, on=["id", "image"])
    keepers = known.rename(columns={"id": "keeper_id", "image": "keeper_image"})
    both = own.merge(keepers, on=[*cluster, "keeper_id", "keeper_image"])
    return rows["id"].isin(both["id"]).to_numpy(bool)


def exported_by(run: RunDir) -> pd.DataFrame:
    """Return what the run's report exported: columns of DECISIONS.

    Raises:
        VerdictError: there is no such run, or it has not decided.
    """
    decided = read_manifest(run.storage, "decide")
    if decided is None:
        known = ", ".join(run.lasting.folders("runs")[-5:]) or "none"
        raise VerdictError(
            f"There is no run {run.run_id!r} of {run.collection!r} that has decided; latest runs: {known}."
        )
    decisions = read_decisions(run, decided.result["hash"])
    return decisions[decisions["decision"] == EXPORT].reset_index(drop=True)


def settled_by(run: RunDir) -> pd.DataFrame:
    """Return what of the run is settled (columns of SETTLED), each document once, as it was said last."""
    tables = standing_verdicts(read_verdicts(run.lasting)).acknowledged
    settled = read_settled(run.lasting, tables)
    own = settled[settled["run"] == run.folder]
    return own.drop_duplicates("id", keep="last").reset_index(drop=True)


def to_settle(
    run: RunDir, exported: pd.DataFrame, done: Mapping[str, str] | None, settled: pd.DataFrame
) -> pd.DataFrame:
    """Return what is to be settled and is not yet (columns of SETTLED), the keepers included.

    Args:
        run: the run.
        exported: what it exported.
        done: what was done with each document; None is all, as decided.
        settled: what of it is settled already.
    """
    rows = exported if done is None else exported[exported["id"].isin(list(done))]
    words = {name: word or AS_DECIDED for name, word in (done or {}).items()}
    rows = rows.assign(done=[words.get(name, AS_DECIDED) for name in rows["id"]])
    known = set(zip(settled["id"], settled["done"], strict=True))
    is_new = [pair not in known for pair in zip(rows["id"], rows["done"], strict=True)]
    rows = rows[is_new]
    keepers = rows.drop_duplicates("keeper_id").assign(done=KEEPER)
    every = pd.concat([rows, keepers.assign(id=keepers["keeper_id"])], ignore_index=True)
    facts, image = run.read_table("facts", "facts", FACTS), read_plan(run).config.fields.image
    fields = zip(facts["id"], read_fields(facts), strict=True)
    images = {name: str(document.get(image, "")) for name, document in fields}
    found: pd.DataFrame = every.assign(run=run.folder, image=every["id"].map(images))[SETTLED.names]
    return found


def write_settled(run: RunDir, settled: pd.DataFrame) -> str:
    """Keep what is settled (columns of SETTLED) beside the runs and return the name of the table.

    It counts as soon as a verdict names it.
    """
    name = f"{run.folder}-{uuid.uuid4().hex[:8]}.parquet"
    run.lasting.create(f"{FOLDER}/{name}", to_parquet(settled, SETTLED))
    return name


def record_acknowledgement(run: RunDir) -> Acknowledged:
    """Write into the run's record what of its export is acknowledged by now, and return the counts."""
    exported, settled = exported_by(run), settled_by(run)
    rows = exported.merge(settled[["id", "done"]], on="id", validate="one_to_one")
    found = Acknowledged(len(rows), len(exported) - len(rows))
    said = [
        {"name": one.name, "by": one.by, "at": one.at, "note": one.note}
        for one in not_undone(read_verdicts(run.lasting))
        if one.kind == "acknowledge" and one.ids[0] == run.run_id
    ]
    columns = zip(rows["id"], rows["keeper_id"], rows["done"], strict=True)
    as_text = read_plan(run).config.report.cells_as_text
    table = csv_table(("duplicate", "keeper", "done"), columns, as_text=as_text)
    run.storage.write("record/acknowledged.csv", table)
    summary = {"run_id": run.run_id, **asdict(found), "closed": found.is_closed, "said": said}
    run.storage.write(RECORD, json.dumps(summary, indent=2, ensure_ascii=False).encode())
    return found

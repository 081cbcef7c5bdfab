"""Supersede: a newer run's decisions take the place of older ones that nobody has approved yet.

Each run that may act registers its decisions beside the runs. An older run that is approved after that does
nothing; one that was approved before does only what the newer decisions say, too. Of two runs the newer is
the one planned later: what it decided rests on the collection as it was then.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any

from include.dedupe.clock import now
from include.dedupe.deciding.changes import Order
from include.dedupe.parquet import from_parquet
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import RunDir
from include.dedupe.tables import DECISIONS

FOLDER = "decided"
DECIDED_ANEW = "has decided anew"


def register_decisions(run: RunDir, plan: Plan, digest: str) -> None:
    """Say that this run has decided and may act; said again after its tasks were cleared, the last counts."""
    value = {"run_id": run.run_id, "folder": run.folder, "hash": digest, "at": now()}
    run.lasting.write(f"{FOLDER}/{_name(run, plan)}", json.dumps(value).encode())


def is_registered(run: RunDir, plan: Plan) -> bool:
    """Whether this run has decided and may act."""
    return run.lasting.exists(f"{FOLDER}/{_name(run, plan)}")


def newer_run(run: RunDir, plan: Plan) -> str:
    """Return the id of the newest run that has decided after this one; empty if there is none."""
    latest = newest_decided(run, plan)
    return latest["run_id"] if latest else ""


def objection_of_newer(
    run: RunDir, plan: Plan, orders: Iterable[Order], approved_at: str
) -> Callable[[Order], str]:
    """Return what says of an order why a newer run speaks against it; empty if none does.

    What a newer run does not decide any more, it speaks against, too.
    """
    latest = newest_decided(run, plan)
    if latest is None:
        return lambda _: ""
    words = f"run {latest['run_id']} {DECIDED_ANEW}"
    if dt.datetime.fromisoformat(latest["at"]) <= dt.datetime.fromisoformat(approved_at):
        return lambda _: words
    path = f"runs/{latest['folder']}/decide/decisions-{latest['hash']}.parquet"
    decisions = from_parquet(run.lasting.read(path), DECISIONS, run.lasting.path(path))
    ids = {order.id for order in orders}
    known = decisions[decisions["id"].isin(ids)]
    said = dict(zip(known["id"], zip(known["decision"], known["keeper_id"], strict=True), strict=True))

    def objection(order: Order) -> str:
        return "" if said.get(order.id) == (order.decision, order.keeper_id) else words

    return objection


def newest_decided(run: RunDir, plan: Plan) -> dict[str, str] | None:
    """Return what the newest run has registered that has decided after this one; None if there is none."""
    own = _place(_name(run, plan))
    newest = max(run.lasting.names(FOLDER), key=_place, default="")
    if not newest or _place(newest) <= own:
        return None
    return run.lasting.read_json(f"{FOLDER}/{newest}", _registered)


def _registered(value: Any) -> dict[str, str]:
    return {name: str(value[name]) for name in ("run_id", "folder", "hash", "at")}


def _name(run: RunDir, plan: Plan) -> str:
    number = f"{plan.sequence:012}" if plan.sequence else plan.created_at.replace(":", "-")
    return f"{number}--{run.folder}.json"


def _place(name: str) -> tuple[bool, str]:
    """Return what names are sorted by: the runs that nobody counted yet are older, and have times."""
    return name.partition("--")[0].isdecimal(), name

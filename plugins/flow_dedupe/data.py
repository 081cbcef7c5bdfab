"""What the pages show and send, as JSON; and the pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.configuration import AIRFLOW_HOME
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import select

from include.dedupe.reviewing import (
    approving,
    cluster,
    clusters,
    judging,
    overview,
    sampling,
    thresholds,
    views,
)
from include.dedupe.reviewing.pictures import Pictures, Shown, View
from include.dedupe.settings.config import find_collection

from .access import Run, User, collection_of, may, may_judge, may_read, own_page
from .connections import connection_fields, connection_headers
from .wanted import (
    Chosen,
    SaidOfMany,
    SaidOfOne,
    SampleJudged,
    Undone,
    WantedCluster,
    WantedEffect,
    WantedPage,
)

FAILED_RUNS_READ = 1000
NEWEST, PICTURES_SHOWN = 5, 6
router = APIRouter(prefix="/data")
seeing = APIRouter(prefix="/{dag_id}", dependencies=[may_read])
judging_of_run = APIRouter(prefix="/{dag_id}/runs/{run_id}", dependencies=[own_page, may_judge])


@cache
def pictures() -> Pictures:
    """Return the pictures of this process: all of its users share them."""
    return Pictures(Path(AIRFLOW_HOME) / "flow_dedupe_pictures", connection_headers, connection_fields)


@router.get("/collections")
def collections(request: Request, user: User) -> list[overview.CollectionSummary]:
    """Return the collections whose DAG the user may read."""
    found = overview.list_collections(AIRFLOW_HOME, NEWEST)
    shown = [one for one in found if may(request, user, "GET", one.dag_id)]
    return [
        one if one.gate and may(request, user, "GET", one.gate) else replace(one, gate="") for one in shown
    ]


@seeing.get("/runs")
def runs(dag_id: str, request: Request, user: User, session: SessionDep, after: str = "") -> dict[str, Any]:
    """Return a page of runs, what these came to over time, and the gate's DAG if the user may read it."""
    page = overview.list_runs(
        collection_of(dag_id), AIRFLOW_HOME, after=after, failed=failed_runs(session, dag_id)
    )
    gate = overview.gate_of(collection_of(dag_id))
    is_shown = bool(gate) and may(request, user, "GET", gate)
    return {"page": page, "points": overview.series(page.runs), "gate": gate if is_shown else ""}


def failed_runs(session: SessionDep, dag_id: str) -> list[str]:
    """Return the ids of the newest runs that Airflow says have failed."""
    query = select(DagRun.run_id).where(DagRun.dag_id == dag_id, DagRun.state == "failed")
    return list(session.scalars(query.order_by(DagRun.run_after.desc()).limit(FAILED_RUNS_READ)))


@seeing.get("/runs/{run_id}/summary")
def summary(run: Run, dag_id: str, session: SessionDep) -> dict[str, Any]:
    """Return what the run came to, and the fields that clusters can be filtered by."""
    found = overview.summarise_run(run, failed=run.run_id in failed_runs(session, dag_id))
    fields = () if found.problem else clusters.filter_fields(run)
    return {"run": found, "fields": fields}


@seeing.get("/runs/{run_id}/clusters")
def cluster_page(run: Run, wanted: Annotated[WantedPage, Query()]) -> clusters.ClusterPage:
    page = clusters.list_clusters(run, wanted.filters(), wanted.sort, after=wanted.after, limit=wanted.limit)
    pictures().prepare(run, [(row.name, one.id) for row in page.rows for one in row.members[:PICTURES_SHOWN]])
    return page


@seeing.get("/runs/{run_id}/clusters/{name}")
def one_cluster(run: Run, name: str, wanted: Annotated[WantedCluster, Query()]) -> dict[str, Any]:
    """Return a cluster, and those before and after it in the order in which the person goes through them."""
    return {
        "cluster": cluster.read_cluster(run, name, first=wanted.first),
        "place": clusters.neighbours(run, name, wanted.filters(), wanted.sort),
    }


@seeing.get("/runs/{run_id}/explanation")
def explanation(run: Run, one: str, other: str) -> cluster.Explanation | None:
    connection = find_collection(run.collection).flow.connection
    return cluster.explain(run, one, other, connection_fields(connection))


@seeing.get("/runs/{run_id}/effect")
def effect(run: Run, wanted: Annotated[WantedEffect, Query()]) -> approving.Effect:
    return approving.effect(run, wanted.digest, wanted.part())


@seeing.get("/runs/{run_id}/thresholds")
def what_if(run: Run) -> thresholds.Thresholds:
    return thresholds.read_thresholds(run)


@seeing.get("/runs/{run_id}/history")
def history(run: Run) -> list[views.Said]:
    return judging.history(run)


@seeing.get("/runs/{run_id}/sample")
def sample(run: Run) -> dict[str, Any]:
    return {"pairs": sampling.draw_sample(run), "proof": sampling.read_proof(run)}


@seeing.get("/runs/{run_id}/picture")
def picture(request: Request, run: Run, cluster: str, document: str, view: View = "small") -> Response:
    return picture_answer(request, pictures().show(run, cluster, document, view), view)


def picture_answer(request: Request, shown: Shown, view: View) -> Response:
    """Return a picture, what of it is not shown in a header, or why there is none."""
    if shown.problem:
        return JSONResponse({"detail": shown.problem}, 422)
    tag = f'"{shown.version}-{view}"'
    about = {"width": shown.width, "height": shown.height, "note": shown.note}
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60", "X-Picture": json.dumps(about)}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(shown.data, media_type="image/jpeg", headers=headers)


@judging_of_run.post("/selection")
def count_selection(run: Run, chosen: Chosen) -> judging.Selected:
    return judging.count_selection(run, chosen.selection())


@judging_of_run.post("/verdicts")
def judge(run: Run, user: User, said: SaidOfOne) -> judging.Judged:
    return judging.judge(
        run, said.kind, said.cluster, user.get_name(), ids=said.ids, state=said.state, note=said.note
    )


@judging_of_run.post("/verdicts/many")
def judge_many(run: Run, user: User, said: SaidOfMany) -> judging.Judged:
    selection = said.chosen.selection()
    return judging.judge_many(run, said.kind, selection, user.get_name(), state=said.state, note=said.note)


@judging_of_run.post("/undo")
def undo(run: Run, user: User, undone: Undone) -> views.Said:
    return judging.take_back(run, undone.names, user.get_name())


@judging_of_run.post("/sample")
def judge_pair(run: Run, user: User, judged: SampleJudged) -> views.Said:
    return sampling.judge_pair(run, judged.key, is_right=judged.is_right, by=user.get_name())


router.include_router(seeing)
router.include_router(judging_of_run)

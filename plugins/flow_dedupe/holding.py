"""What runs of gates hold: the pages' data, the pictures, and the answer to the question about them."""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.datamodels.hitl import HITLDetailResponse, UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.configuration import AIRFLOW_HOME
from fastapi import APIRouter, Depends, Request, Response

from include.dedupe.reviewing import gates, held
from include.dedupe.reviewing.address import HELD_TASK
from include.dedupe.reviewing.pictures import View
from include.dedupe.reviewing.run_pages import RunsPage

from .access import GateRun, User, gated_by, may_answer, may_read, own_page
from .answering import asked_by
from .connections import connection_fields
from .data import picture_answer, pictures
from .wanted import HeldAnswer

router = APIRouter(prefix="/data/{dag_id}", dependencies=[may_read, Depends(gated_by)])
PART = "/runs/{run_id}/held"


@cache
def held_pictures() -> held.HeldPictures:
    return held.HeldPictures(pictures(), connection_fields)


@router.get("/gate-runs")
def runs(dag_id: str, after: str = "") -> RunsPage[gates.GateRun]:
    return gates.list_gate_runs(gated_by(dag_id), AIRFLOW_HOME, after=after)


@router.get(PART)
def held_page(run: GateRun, after: str = "") -> dict[str, Any]:
    """Return what the run came to, and some of what it holds."""
    return {"run": gates.summarise_gate(run), "page": held_pictures().page(run, after=after)}


@router.get(f"{PART}/picture")
def picture(request: Request, run: GateRun, document: str, match: str = "", view: View = "small") -> Response:
    return picture_answer(request, held_pictures().show(run, document, match, view), view)


@router.get(f"{PART}/question")
def question(dag_id: str, run_id: str, session: SessionDep) -> dict[str, Any] | None:
    """Return who answered what and when, or that nobody has; None where nothing was asked."""
    return asked_by(HELD_TASK, dag_id, run_id, session)


@router.post(f"{PART}/answer", dependencies=[own_page, may_answer, Depends(action_logging())])
def answer(
    dag_id: str, run_id: str, *, run: GateRun, given: HeldAnswer, user: User, session: SessionDep
) -> HITLDetailResponse:
    """Answer the question about what the person has seen, if that is still what is held."""
    payload = UpdateHITLDetailPayload.model_validate(held.answer(run, given.hash, given.rest, given.said()))
    return update_hitl_detail(dag_id, run_id, HELD_TASK, payload, user, session)

"""The run's question to a person: what became of it, and the answer to it, given as in Airflow's own form."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.datamodels.hitl import HITLDetailResponse, UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import get_hitl_detail, update_hitl_detail
from airflow.api_fastapi.logging.decorators import action_logging
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.orm import Session

from include.dedupe.reviewing import approving
from include.dedupe.reviewing.address import APPROVAL_TASK

from .access import Run, User, may_answer, may_read, own_page
from .wanted import Answer

router = APIRouter(prefix="/data/{dag_id}/runs/{run_id}")


@router.get("/question", dependencies=[may_read])
def question(dag_id: str, run_id: str, session: SessionDep) -> dict[str, Any] | None:
    """Return who answered what and when, or that nobody has; None where nothing was asked."""
    return asked_by(APPROVAL_TASK, dag_id, run_id, session)


@router.post("/answer", dependencies=[own_page, may_answer, Depends(action_logging())])
def answer(dag_id: str, run: Run, given: Answer, user: User, session: SessionDep) -> HITLDetailResponse:
    """Answer the question with the decisions that the person has seen, if they are still the newest."""
    said = approving.answer(run, given.hash, approve=given.approve, given=given.part())
    payload = UpdateHITLDetailPayload.model_validate(said)
    return update_hitl_detail(dag_id, run.run_id, APPROVAL_TASK, payload, user, session)


def asked_by(task_id: str, dag_id: str, run_id: str, session: Session) -> dict[str, Any] | None:
    """Return what became of the question of a task, as ``question`` does."""
    try:
        asked = get_hitl_detail(dag_id, run_id, task_id, session)
    except HTTPException as error:
        if error.status_code == 404:
            return None
        raise
    by = asked.responded_by_user.name if asked.responded_by_user else None
    return {
        "answered_at": asked.responded_at,
        "by": by,
        "chosen": asked.chosen_options or [],
        "part": approving.part_of(asked.params_input),
    }

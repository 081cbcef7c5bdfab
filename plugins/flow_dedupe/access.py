"""Who may do what: Airflow's own users and rights, and nothing that another site has made a browser send."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from airflow.api_fastapi.app import API_BASE_URL
from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, get_user, requires_access_dag
from airflow.configuration import AIRFLOW_HOME
from fastapi import Depends, HTTPException, Request

from include.dedupe.reviewing.address import DAG_PREFIX, GATE_PREFIX
from include.dedupe.reviewing.gates import open_gate_run
from include.dedupe.reviewing.overview import open_run
from include.dedupe.rundir import RunDir

OWN_HEADER = "X-Flow-Dedupe"
"""Sent by the page's own scripts; a form on another site cannot send it."""

User = GetUserDep
signed_in = Depends(get_user)
may_read = Depends(requires_access_dag("GET"))
may_judge = Depends(requires_access_dag("PUT"))
may_answer = Depends(requires_access_dag("PUT", DagAccessEntity.HITL_DETAIL))


def may(
    request: Request,
    user: BaseUser,
    method: ResourceMethod,
    dag_id: str,
    part: DagAccessEntity | None = None,
) -> bool:
    """Whether a user has a right on a DAG, or on a part of it."""
    try:
        requires_access_dag(method, part, dag_id)(request, user)
    except HTTPException:
        return False
    return True


def from_own_page(request: Request) -> None:
    """Refuse what another site had a browser send along with the user's cookie.

    Raises:
        HTTPException: 403.
    """
    headers = request.headers
    own_hosts = {headers.get("host", ""), urlsplit(API_BASE_URL).netloc} - {""}
    is_foreign = (
        headers.get("sec-fetch-site", "same-origin") != "same-origin"
        or ("origin" in headers and urlsplit(headers["origin"]).netloc not in own_hosts)
        or OWN_HEADER not in headers
    )
    if is_foreign:
        raise HTTPException(
            403, f"Only this page may send this; a program sends the header {OWN_HEADER}, too."
        )


own_page = Depends(from_own_page)


def collection_of(dag_id: str) -> str:
    """Return the name of the collection that a DAG looks for duplicates in.

    Raises:
        HTTPException: 404, it looks for none.
    """
    if not dag_id.startswith(DAG_PREFIX):
        raise HTTPException(
            404, f"{dag_id} looks for no duplicates; the DAGs that do are named {DAG_PREFIX}…."
        )
    return dag_id.removeprefix(DAG_PREFIX)


def gated_by(dag_id: str) -> str:
    """Return the name of the collection that a DAG is the gate of.

    Raises:
        HTTPException: 404, it is none.
    """
    if not is_gate(dag_id):
        raise HTTPException(404, f"{dag_id} is no gate; gates are named {GATE_PREFIX}….")
    return dag_id.removeprefix(GATE_PREFIX)


def is_gate(dag_id: str) -> bool:
    return dag_id.startswith(GATE_PREFIX)


def shown_name(dag_id: str) -> str:
    """Return what the pages of a DAG are called.

    Raises:
        HTTPException: 404, it neither looks for duplicates nor is a gate.
    """
    return f"Gate of {gated_by(dag_id)}" if is_gate(dag_id) else collection_of(dag_id)


def run_of(dag_id: str, run_id: str) -> RunDir:
    """Return the folder of the run in the address."""
    return open_run(collection_of(dag_id), run_id, AIRFLOW_HOME)


def gate_run_of(dag_id: str, run_id: str) -> RunDir:
    """Return the folder of the gate's run in the address."""
    return open_gate_run(gated_by(dag_id), run_id, AIRFLOW_HOME)


Run = Annotated[RunDir, Depends(run_of)]
GateRun = Annotated[RunDir, Depends(gate_run_of)]

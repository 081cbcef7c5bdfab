"""The pages: each is a frame for its script, which asks for what it shows."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from urllib.parse import quote, urlsplit

import jinja2
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from include.dedupe.reviewing.report import read_report

from .access import Run, User, collection_of, is_gate, may, may_read, shown_name

FOLDER = Path(__file__).parent
FILES = {
    path.relative_to(FOLDER / "static").as_posix(): path
    for path in sorted((FOLDER / "static").rglob("*"))
    if path.is_file()
}
VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in FILES.values())).hexdigest()[:16]
"""Part of the address of scripts and styles, so that a browser may keep them until they change."""
ERRORS = {401: "Log in first", 403: "Not allowed", 404: "Not found", 409: "Something has changed"}
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
FRAME = "/plugin/duplicates"
"""Where Airflow shows these pages in a frame: what follows is the address of one of them."""
mimetypes.add_type("text/javascript", ".mjs")
templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
router = APIRouter()
of_dag = APIRouter(prefix="/{dag_id}", dependencies=[may_read, Depends(shown_name)])
of_run = APIRouter(prefix="/runs/{run_id}", dependencies=[Depends(collection_of)])


@router.get("/static/{version}/{name:path}")
def static(version: str, name: str) -> FileResponse:
    if name not in FILES:
        raise HTTPException(404, f"There is no file {name}.")
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    keep = "private, max-age=31536000, immutable" if version == VERSION else "no-store"
    return FileResponse(FILES[name], media_type=kind, headers={"Cache-Control": keep})


@router.get("/")
def overview(request: Request) -> Response:
    """Return the runs of all collections, or lead to the page that Airflow's own address names.

    Airflow 3.3.0 opens the frame here whatever follows in its address, later ones open that page themselves.
    """
    _, _, wanted = urlsplit(request.headers.get("referer", "")).path.partition(FRAME)
    home = f"{request.scope['root_path']}/"
    is_other = wanted.startswith(home) and wanted != home
    return RedirectResponse(wanted, 303) if is_other else _page(request, "runs")


@of_dag.get("/")
def runs(dag_id: str, request: Request, user: User) -> HTMLResponse:
    return _page(request, "gates" if is_gate(dag_id) else "runs", user)


@of_dag.get("/runs/{run_id}/")
def clusters(dag_id: str, request: Request, user: User) -> HTMLResponse:
    return _page(request, "held" if is_gate(dag_id) else "clusters", user)


@of_run.get("/clusters/{cluster}")
def cluster(request: Request, user: User) -> HTMLResponse:
    return _page(request, "cluster", user)


@of_run.get("/approval")
def approval(request: Request, user: User) -> HTMLResponse:
    return _page(request, "approval", user, "Approval")


@of_run.get("/sample")
def sample(request: Request, user: User) -> HTMLResponse:
    return _page(request, "sample", user, "Sample")


@of_dag.get("/runs/{run_id}/report")
def report(run: Run) -> HTMLResponse:
    """Return the run's report, which is one file with its pictures and runs no script."""
    return HTMLResponse(read_report(run), headers={"Content-Security-Policy": REPORT_POLICY})


of_dag.include_router(of_run)
router.include_router(of_dag)


def error_page(request: Request, status: int, problem: str, login: str | None) -> HTMLResponse:
    """Return a page that says what is wrong; ``login`` is the address at which to log in."""
    title = ERRORS.get(status, "This did not work")
    trail = [("Duplicates", f"{request.scope['root_path']}/"), (title, "")]
    return HTMLResponse(_render(request, "", trail, problem=problem, login=login), status)


def _page(request: Request, script: str, user: BaseUser | None = None, end: str = "") -> HTMLResponse:
    """Return the page of a script; ``end`` is its name where its address does not tell it."""
    dag_id = request.path_params.get("dag_id", "")
    rights = {"may_judge": None, "may_answer": DagAccessEntity.HITL_DETAIL}
    has = {name: bool(user and may(request, user, "PUT", dag_id, part)) for name, part in rights.items()}
    trail = [*_trail(request), *([(end, "")] if end else [])]
    return HTMLResponse(_render(request, script, trail, **has))


def _trail(request: Request) -> list[tuple[str, str]]:
    """Return the pages that lead to this one: text and address."""
    place = request.path_params
    address = f"{request.scope['root_path']}/"
    trail = [("Duplicates", address)]
    if dag_id := place.get("dag_id"):
        address += f"{quote(dag_id, safe='')}/"
        trail.append((shown_name(dag_id), address))
    if run_id := place.get("run_id"):
        address += f"runs/{quote(run_id, safe='')}/"
        trail.append((run_id, address))
    if name := place.get("cluster"):
        trail.append((name, ""))
    return trail


def _render(request: Request, script: str, trail: list[tuple[str, str]], **values: object) -> str:
    base = request.scope["root_path"]
    place = {name: request.path_params.get(name, "") for name in ("dag_id", "run_id", "cluster")}
    known = {
        "may_judge": False,
        "may_answer": False,
        "login": None,
        "problem": "",
        "script": script,
        "trail": trail,
    }
    return templates.get_template("page.html.j2").render(
        known | place | values,
        base=base,
        title=" · ".join(text for text, _ in reversed(trail)),
        heading=trail[-1][0],
        static=f"{base}/static/{VERSION}",
        styles=[script] if f"{script}.css" in FILES else [],
    )

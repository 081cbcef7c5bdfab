"""What a task learns of itself from Airflow: its run's folder, its attempt, and the way to Flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import AIRFLOW_HOME
from airflow.sdk import get_current_context
from airflow.sdk.configuration import conf

from include.dedupe.acting.client_writer import open_writer
from include.dedupe.errors import ConfigError
from include.dedupe.gating.take import gate_run_id
from include.dedupe.planning.own_folder import require_own_folder
from include.dedupe.planning.plan import Plan
from include.dedupe.reviewing.address import GATE_PREFIX, page_address
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.settings.dry_run import is_dry
from include.dedupe.storage import default_storage
from include.flow_client import FlowAddress, FlowAuthError
from include.orchestration.hook import FlowHook

FRAME = "/plugin/duplicates"
"""Where Airflow shows the page of the plugin: what follows is the page's own address."""


def parameters() -> Mapping[str, Any]:
    """Return what the run was asked to do.

    Raises:
        ConfigError: it was triggered with a parameter that the DAG does not have, such as a misspelt one.
    """
    context = get_current_context()
    known = context["dag"].params
    if unknown := sorted((context["dag_run"].conf or {}).keys() - known.keys()):
        raise ConfigError(
            f"The run was triggered with {', '.join(unknown)}, which is no parameter of "
            f"{context['dag'].dag_id}. Trigger it again with these alone: {', '.join(known)}."
        )
    return context["params"]


def open_run(collection: str, among: str = "runs") -> RunDir:
    """Return the folder of this DAG run; ``among``: the folder of such runs.

    Raises:
        ArtifactError: it is that of an earlier DAG run of the same id.
    """
    run = RunDir(storage(find_collection(collection)), collection, get_current_context()["run_id"], among)
    require_own_folder(run)
    return run


def open_gate_run(collection: str) -> RunDir:
    """Return the folder of this DAG run of the gate.

    Raises:
        ArtifactError: it is that of an earlier DAG run of the same id.
    """
    place = storage(find_collection(collection))
    run = RunDir(place, collection, gate_run_id(get_current_context()["run_id"]))
    require_own_folder(run)
    return run


def storage(config: CollectionConfig) -> str:
    """Return where the runs of a collection are kept, also in an Airflow that was not told its home."""
    return config.storage or default_storage(AIRFLOW_HOME)


def page_of(run: RunDir) -> str:
    """Return the address of a run's review page, in a frame of Airflow's; without host if none is set."""
    return _framed(page_address("", run.collection, run.run_id))


def gate_page_of(collection: str) -> str:
    """Return the address of the page of this DAG run of the gate, as ``page_of`` does."""
    return _framed(page_address("", collection, get_current_context()["run_id"], dag=GATE_PREFIX))


def _framed(address: str) -> str:
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}{FRAME}{urlsplit(base).path}{address}"


def attempt() -> Attempt:
    """Tell a retry from a clear: clearing a task raises its ``max_tries`` above its ``retries``."""
    ti = get_current_context()["ti"]
    return Attempt(generation=ti.max_tries - (ti.task.retries or 0), number=ti.try_number)


def address(config: CollectionConfig) -> FlowAddress:
    return FlowHook(config.flow.connection, config.flow.collection).get_address()


def write_address(config: CollectionConfig) -> FlowAddress:
    """Return the way to Flow for what writes; a ``ConfigError`` says that the collection is only read."""
    return FlowHook(config.flow.writer, config.flow.collection).get_address()


async def require_writer(config: CollectionConfig) -> None:
    """Make sure that Flow lets us write, before a run spends its time; a commit changes nothing.

    Raises:
        ConfigError: the settings name no way to write, or Flow refuses it.
    """
    try:
        async with open_writer(write_address(config)) as writer:
            await writer.commit()
    except FlowAuthError as error:
        raise ConfigError(f"flow.write_connection {config.flow.writer!r} does not write: {error}") from error


def may_write(plan: Plan) -> bool:
    """Whether this run acts: neither dry, nor a part of its documents, nor a backfill that only reports."""
    context = get_current_context()
    dry = is_dry(context["params"].get("dry_run"), plan.config.dry_run)
    is_backfill = context["dag_run"].run_type == "backfill"
    return not dry and not plan.scope.is_part and (plan.config.act_in_backfill or not is_backfill)

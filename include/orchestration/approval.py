"""The question to a person, bound to the hash of the decisions. No answer in time is a no.

A question that waits looks now and then whether a newer run has decided anew, and then closes itself: Airflow
lets no task answer another one's question.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import BaseNotifier, Context, Param
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.observability import stats

from include.dedupe.clock import now
from include.dedupe.errors import ConfigError
from include.dedupe.reviewing.address import APPROVAL_TASK
from include.dedupe.settings.config import CollectionConfig

if TYPE_CHECKING:
    from include.dedupe.rundir import RunDir

log = logging.getLogger("flow_dedupe")
ANSWER = "answer"
LIST: dict[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}
SCORE: dict[str, Any] = {"type": ["null", "number"], "minimum": 0, "maximum": 1}
PART = {
    "only_decisions": Param(
        [], description="Approve only these decisions, such as delete; the rest stays open.", **LIST
    ),
    "only_class": Param(
        None, type=["null", "string"], enum=[None, "exact", "near"], description="Approve only this class."
    ),
    "score_from": Param(None, description="Approve only from this score with the keeper on.", **SCORE),
    "score_to": Param(None, description="Approve only up to this score, itself included.", **SCORE),
    "only_clusters": Param([], description="Approve only these clusters, by their names.", **LIST),
}
"""Which part is approved, as ``Part`` reads it."""


class DecisionApproval(ApprovalOperator):
    """Asks whether the decisions are to be carried out, where there is anything to ask."""

    def __init__(self, *, collection: str, config: CollectionConfig, **settings: Any) -> None:
        super().__init__(**settings)
        self.collection = collection
        self.asks = config.approval.mode == "ask"
        self.patience = dt.timedelta(hours=config.approval.timeout_hours)
        self.looks_every = dt.timedelta(minutes=config.approval.recheck_minutes)

    def execute(self, context: Context) -> Any:
        decided = context["ti"].xcom_pull(task_ids="decide")
        if decided["dry_run"] or not (decided["acts"] or decided.get("held")) or not self.asks:
            answer = {"chosen_options": [self.APPROVE], "responded_at": now(), "asked": False}
            return _keep(context, {**answer, "decisions": decided["hash"]})
        from include.dedupe.reviewing.asking import question, shown_hash
        from include.orchestration.context import open_run, page_of

        run = open_run(self.collection)
        if self._newer(run):
            return self.execute_complete(context, self._no())
        log.warning("flow_dedupe.approval collection=%s waits for an answer", self.collection)
        stats.incr(f"flow_dedupe.{stats.normalize_name_for_stats(self.collection)}.approval.asked")
        self.body = question(run, shown_hash(run, decided["hash"]), f"{page_of(run)}approval")
        return self._wait(context, dt.datetime.now(dt.UTC) + self.patience)

    def execute_complete(self, context: Context, event: dict[str, Any], until: str = "") -> Any:
        from include.dedupe.reviewing.approving import form_values
        from include.dedupe.reviewing.asking import shown_hash
        from include.orchestration.context import open_run

        run, newer = open_run(self.collection), ""
        event = {**event, "params_input": form_values(event.get("params_input") or {})}
        if event.get("timedout"):
            newer = self._newer(run)
            end = dt.datetime.fromisoformat(until) if until else dt.datetime.now(dt.UTC)
            if not newer and dt.datetime.now(dt.UTC) < end:
                self.notifiers = ()  # they were told when the question was asked
                return self._wait(context, end)
        shown = shown_hash(run, context["ti"].xcom_pull(task_ids="decide")["hash"])
        digest = event["params_input"].get("decisions") or shown
        answer = {**event, "responded_at": event["responded_at"].isoformat(), "asked": True}
        _keep(context, {**answer, "decisions": digest, "superseded_by": newer})
        return super().execute_complete(context, event)

    def validate_params_input(self, params_input: Mapping[str, Any]) -> None:
        """Take what was left out of an answer for what stands in the form at first."""
        super().validate_params_input({**self.params, **params_input} if params_input else {})

    def _wait(self, context: Context, end: dt.datetime) -> Any:
        """Wait for an answer, but not longer than until the next look at newer runs."""
        self.response_timeout = min(self.looks_every, end - dt.datetime.now(dt.UTC))
        try:
            return super().execute(context)
        except TaskAwaitingInput as waiting:
            waiting.kwargs = {"until": end.isoformat()}
            raise

    @staticmethod
    def _newer(run: RunDir) -> str:
        """Return the id of a newer run that has decided; empty if there is none."""
        from include.dedupe.deciding.supersede import newer_run
        from include.dedupe.planning.plan import read_plan

        return newer_run(run, read_plan(run))

    def _no(self) -> dict[str, Any]:
        """Return what Airflow says when nobody has answered in time."""
        nobody: dict[str, Any] = {"params_input": {}, "responded_by_user": None, "timedout": True}
        return {"chosen_options": [self.REJECT], "responded_at": dt.datetime.now(dt.UTC), **nobody}


def read_answer(context: Context) -> dict[str, Any] | None:
    """Return the answer to the question of this run; None where there is none."""
    answer: dict[str, Any] | None = context["ti"].xcom_pull(task_ids=APPROVAL_TASK, key=ANSWER)
    return answer


def _keep(context: Context, answer: dict[str, Any]) -> dict[str, Any]:
    """Keep the answer where others find it: what a task returns that skips others, Airflow drops."""
    context["ti"].xcom_push(key=ANSWER, value=answer)
    return answer


def approval(collection: str, config: CollectionConfig) -> DecisionApproval:
    """Return the task that asks, as the settings want it asked.

    Raises:
        ConfigError: a notifier cannot be used.
    """
    return DecisionApproval(
        task_id=APPROVAL_TASK,
        collection=collection,
        config=config,
        subject=f"Duplicates in {collection}: carry out the decisions?",
        defaults=ApprovalOperator.REJECT,
        notifiers=notifiers(config),
        params={
            "decisions": Param(
                "",
                type=["null", "string"],
                description="Hash of the decisions that you approve. Empty: those of this question.",
            ),
            **PART,
        },
    )


def notifiers(config: CollectionConfig) -> list[BaseNotifier]:
    """Return those who are told of each question of a collection.

    Raises:
        ConfigError: one of them cannot be used.
    """
    return [notifier(name) for name in config.approval.notifiers]


def notifier(name: str, setting: str = "approval.notifiers") -> BaseNotifier:
    module, _, attribute = name.rpartition(".")
    try:
        notifier = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{setting}: {name} cannot be used: {error}.") from error
    if not isinstance(notifier, BaseNotifier):
        raise ConfigError(f"{setting}: {name} returns {notifier!r:.60}, which is no notifier.")
    return notifier

"""The question to a person, bound to the hash of the decisions. No answer in time is a no."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import BaseNotifier, Context, Param

from include.dedupe.archive import now
from include.dedupe.config import CollectionConfig
from include.dedupe.errors import ConfigError
from include.dedupe.review import question
from include.orchestration.context import open_run

APPROVAL_TASK = "approve"
ANSWER = "answer"


class DecisionApproval(ApprovalOperator):
    """Asks whether the decisions are to be carried out, where there is anything to ask."""

    def __init__(self, *, collection: str, asks: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.collection = collection
        self.asks = asks

    def execute(self, context: Context) -> Any:
        decided = context["ti"].xcom_pull(task_ids="decide")
        if decided["dry_run"] or not decided["acts"] or not self.asks:
            return _keep(context, {"chosen_options": [self.APPROVE], "responded_at": now(), "asked": False})
        self.body = question(open_run(self.collection), decided["hash"])
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        _keep(context, {**event, "responded_at": str(event.get("responded_at", "")), "asked": True})
        return super().execute_complete(context, event)


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
        asks=config.approval.mode == "ask",
        subject=f"Duplicates in {collection}: carry out the decisions?",
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(hours=config.approval.timeout_hours),
        notifiers=[_notifier(name) for name in config.approval.notifiers],
        params={
            "decisions": Param(
                "",
                type=["null", "string"],
                description="Hash of the decisions that you approve. Empty: those of this question.",
            )
        },
    )


def _notifier(name: str) -> BaseNotifier:
    module, _, attribute = name.rpartition(".")
    try:
        notifier: BaseNotifier = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"approval.notifiers: {name} cannot be used: {error}.") from error
    return notifier

"""The question of the gate: what is to become of documents that are held. No answer holds them on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, Param

from include.dedupe.gating.options import HOLD, LET_IN, REJECT
from include.dedupe.reviewing.address import HELD_TASK
from include.dedupe.settings.config import CollectionConfig
from include.orchestration.approval import notifiers

EXAMPLES = 20
NOBODY: dict[str, Any] = {
    "chosen_options": [HOLD],
    "params_input": {},
    "responded_by_user": None,
    "question": "",
}


class GateQuestion(HITLOperator):
    """Asks about what is held, where anything is and a person is to be asked."""

    def __init__(self, *, collection: str, config: CollectionConfig, **settings: Any) -> None:
        super().__init__(**settings)
        self.collection = collection
        self.asks = config.approval.mode == "ask"

    def execute(self, context: Context) -> Any:
        from include.dedupe.gating.settle import ask
        from include.dedupe.gating.take import read_gate_plan
        from include.orchestration.context import gate_page_of, open_gate_run

        run = open_gate_run(self.collection)
        if read_gate_plan(run).dry_run or not self.asks or context["params"].get("ask") == "hold":
            return NOBODY
        question = ask(run)
        if not question.held:
            return NOBODY
        context["ti"].xcom_push(key="question", value=question.digest)
        page = gate_page_of(self.collection)
        lines = [f"- `{row.id}`: {row.reason}" for row in question.held[:EXAMPLES]]
        more = len(question.held) - EXAMPLES
        self.body = "\n".join(
            [
                f"{len(question.held)} new documents look like what the collection has or had.",
                "",
                f"**[Look at them beside what they look like, and answer there]({page})**",
                "",
                *lines,
                *([f"- and {more} more"] if more > 0 else []),
                "",
                f"All of them, with what they look like: `{run.address}/report/held.jsonl`",
            ]
        )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        answer = super().execute_complete(context, event)
        question = context["ti"].xcom_pull(task_ids=HELD_TASK, key="question")
        return {**answer, "responded_at": answer["responded_at"].isoformat(), "question": question}


def gate_question(collection: str, config: CollectionConfig) -> GateQuestion:
    """Return the task that asks, as the settings want it asked.

    Raises:
        ConfigError: a notifier cannot be used.
    """
    ids: dict[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}
    return GateQuestion(
        task_id=HELD_TASK,
        collection=collection,
        config=config,
        subject=f"New pictures for {collection}: let them in?",
        options=[LET_IN, REJECT, HOLD],
        defaults=[HOLD],
        response_timeout=dt.timedelta(hours=config.approval.timeout_hours),
        notifiers=notifiers(config),
        params={
            "let_in": Param([], description="Ids to let in, whatever is chosen for the others.", **ids),
            "reject": Param([], description="Ids to reject, whatever is chosen for the others.", **ids),
            "link": Param(
                [], description="Ids to let in, linked to what they look like, whatever is chosen.", **ids
            ),
        },
    )

"""Settings of the DAGs: whose they are, where and how long their tasks run, who hears of failures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from include.dedupe.settings.section import Section

ALL_OTHERS = "others"
TASKS = (
    *("plan", "scan", "merge", "cluster", "decide", "report", "apply", "record"),
    *("take", "analyze", "check", "index", "settle", "pick", "ask"),
    ALL_OTHERS,
)
Hours = Annotated[float, Field(gt=0)]


class DagSettings(Section):
    owner: str = Field(
        "airflow", min_length=1, description="Owner of the tasks, as Airflow shows and filters."
    )
    tags: tuple[str, ...] = Field(
        (), description="Tags of the DAGs, besides those that they have.", examples=[["photos"]]
    )
    queue: str | None = Field(
        None, description="Queue of the tasks, for executors that have queues.", examples=["dedupe"]
    )
    execution_timeout_hours: dict[str, Hours] = Field(
        {},
        description="Hours after which a task is stopped, and tried again as `retries` says: by its name "
        "(plan, scan, merge, cluster, decide, report, apply, record; of the gate take, analyze, check, "
        "decide, index, report, settle; of the calibration pick, ask, report), and `others` for all that are "
        "not named. Questions to a person have "
        "approval.timeout_hours. An apply that was stopped goes on where it was.",
        examples=[{"scan": 12, "others": 2}],
    )
    failure_notifiers: tuple[str, ...] = Field(
        (),
        description="Notifiers told once of each run that fails, as the dotted name of a callable that "
        "returns one.",
        examples=[["my_company.notifiers.slack"]],
    )

    @field_validator("execution_timeout_hours")
    @classmethod
    def _name_tasks(cls, hours: dict[str, float]) -> dict[str, float]:
        if unknown := [name for name in hours if name not in TASKS]:
            raise ValueError(f"there is no task {', '.join(unknown)}; tasks are {', '.join(TASKS)}")
        return hours

"""Settings of alerts: who is told of what a run found that somebody should look at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from include.dedupe.settings.section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class AlertSettings(Section):
    notifiers: tuple[str, ...] = Field(
        (),
        description="Notifiers told of a surge of duplicates and of what was not scanned, as the dotted name "
        "of a callable that returns one; the text is `alert` in their context. approval.notifiers are told "
        "of questions, dag.failure_notifiers of failed runs.",
        examples=[["my_company.notifiers.slack"]],
    )
    surge_share: Share = Field(
        0.1,
        description="Share of the documents that a run scanned that it puts into clusters and that were in "
        "none before; more is a surge. The first run of a collection is none.",
    )
    min_coverage: Share = Field(1.0, description="Share of the scope that must have been scanned.")

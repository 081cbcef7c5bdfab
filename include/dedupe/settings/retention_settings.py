"""Settings of retention: what `prune` may remove when nobody names an age."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from include.dedupe.settings.section import Section

Count = Annotated[int, Field(ge=1)]


class Retention(Section):
    keep_runs: Count | None = Field(
        None,
        description="So many of the newest runs stay, and as many calibrations; what was written to within a "
        "day stays in any case, and so does a run about which somebody has still something to do.",
        examples=[100],
    )
    keep_archive_days: Count | None = Field(
        None,
        description="Days for which a restore stays possible: then the archive goes, with the pictures that "
        "the gate has overwritten. Not while its run is unsettled, or a file of it is in the quarantine.",
        examples=[365],
    )
    keep_quarantine_days: Count | None = Field(
        None,
        description="Days after which files in the quarantine go; they do not come back then.",
        examples=[180],
    )

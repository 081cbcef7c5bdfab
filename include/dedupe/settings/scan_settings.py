"""Settings of how duplicates are searched."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from include.dedupe.settings.section import Score, Section

ScanMode = Literal["balanced", "speed"]


class ScanSettings(Section):
    mode: ScanMode = Field(
        "balanced",
        description="balanced or speed: how much accuracy is given for time as the collection grows.",
    )
    threshold: Score = Field(0.7, description="Lowest score of a near duplicate.")
    floor: Score = Field(
        0.6,
        description="Scores are kept down to here, so that another threshold needs no new scan; "
        "a lower threshold lowers it.",
    )
    exact_threshold: Score = Field(0.95, description="Lowest score of an exact duplicate.")
    self_join: bool = Field(
        True,
        description="Ask for the duplicates of many documents at once where the server can do that, as the "
        "embedded one can; otherwise document by document.",
    )
    in_flight: int = Field(16, ge=1, le=256, description="Queries under way at once, for each partition.")
    max_in_flight: int | None = Field(
        None,
        ge=1,
        description="Queries under way at once, for all scans of the collection together.",
        examples=[32],
    )
    max_rps: float | None = Field(
        None,
        gt=0,
        description="Queries begun in a second, by all scans of the collection together.",
        examples=[200],
    )
    max_hits: int = Field(
        1000, ge=1, le=100_000, description="Hits read for one document; one with more is reported as a hub."
    )
    max_failed_share: Score = Field(
        0.0, description="Share of a partition's queries that may fail before the partition fails."
    )
    page_documents: int = Field(
        1000, ge=1, le=1000, description="Documents after which a scan writes down what it has found."
    )
    wait_hours: float = Field(
        6.0,
        ge=0.0,
        le=168.0,
        description="How long a scan waits for a Flow that does not answer before its task fails.",
    )

    @property
    def lowest_score(self) -> float:
        return min(self.floor, self.threshold)

    @model_validator(mode="after")
    def _exact_is_stricter(self) -> Self:
        if self.exact_threshold < self.threshold:
            raise ValueError(f"exact_threshold {self.exact_threshold} is below threshold {self.threshold}")
        return self

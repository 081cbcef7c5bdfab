"""Settings of the calibration: what is tried on the collection's own pictures, and what is wanted of it."""

from __future__ import annotations

from pydantic import Field, field_validator

from include.dedupe.settings.section import Rate, Section
from include.detector.editing.kinds import KINDS, MORE, PROMISED, Kind

_MORE = ", ".join(kind.name for kind in MORE)


class CalibrateSettings(Section):
    sample: int = Field(
        300,
        ge=1,
        le=100_000,
        description="Documents whose pictures are edited and searched for: some of each partition and, where "
        "fields.category is named, of each category.",
    )
    seed: int = Field(1, description="Another number draws other documents.")
    kinds: tuple[str, ...] = Field(
        tuple(kind.name for kind in PROMISED),
        min_length=1,
        description="Kinds of edits that are duplicates to you, each at several strengths.",
    )
    more_kinds: tuple[str, ...] = Field(
        (),
        description=f"Further kinds that are duplicates to you: {_MORE}.",
        examples=[["mirror", "rotation"]],
    )
    recall: Rate = Field(
        0.98, description="Share of the copies that a threshold is to find, and to call what they are."
    )
    max_error_rate: Rate = Field(
        0.001, description="Share of the pairs above a threshold that may be no duplicates."
    )
    in_flight: int = Field(4, ge=1, le=256, description="Pictures under way at once, for each partition.")

    @field_validator("kinds", "more_kinds")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in KINDS]:
            raise ValueError(f"there is no kind of edit {unknown[0]!r}; known are {', '.join(KINDS)}")
        return names

    def chosen(self) -> tuple[Kind, ...]:
        """Return the kinds of edits, those of ``kinds`` first."""
        return tuple(KINDS[name] for name in dict.fromkeys((*self.kinds, *self.more_kinds)))

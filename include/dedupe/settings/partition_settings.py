"""Settings of how a scope is divided into partitions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from include.dedupe.settings.section import Section


class WholeScope(Section):
    by: Literal["none"] = Field(description="One partition: small collections.")


class DatePartitions(Section):
    by: Literal["date"] = Field(description="Partitions by date.")
    field: str | None = Field(
        None, description="Date field to partition by; without it, fields.date.", examples=["uploaded_dt"]
    )
    step: Literal["auto", "day", "week", "month", "quarter", "year"] = Field(
        "auto",
        description="auto: stretches of time that hold about target_docs documents each. "
        "Or a partition for each day, week, month, quarter or year.",
    )


class FieldPartitions(Section):
    by: Literal["field"] = Field(
        description="One partition for each value of a field. A document with several values belongs to the "
        "most frequent of them."
    )
    field: str = Field(min_length=1, description="Field to partition by.", examples=["category"])


class QueryPartitions(Section):
    by: Literal["query"] = Field(description="One partition for each filter query, and one for the rest.")
    queries: dict[str, str] = Field(
        min_length=1,
        description="Names and filter queries (fq). A document belongs to the first that finds it.",
        examples=[{"animals": "category:animals", "large": "width:[4000 TO *]"}],
    )


SinglePartitions = Annotated[DatePartitions | FieldPartitions | QueryPartitions, Field(discriminator="by")]


class ProductPartitions(Section):
    by: Literal["product"] = Field(description="Each part of one division divided by another one.")
    of: tuple[SinglePartitions, SinglePartitions] = Field(
        description="The two divisions.",
        examples=[[{"by": "field", "field": "category"}, {"by": "date", "step": "year"}]],
    )


Partitions = Annotated[
    DatePartitions | FieldPartitions | QueryPartitions | ProductPartitions | WholeScope,
    Field(discriminator="by"),
]


def divisions(
    settings: Partitions,
) -> tuple[DatePartitions | FieldPartitions | QueryPartitions | WholeScope, ...]:
    """Return the divisions that ``settings`` are made of: two for a product, else one."""
    return settings.of if isinstance(settings, ProductPartitions) else (settings,)

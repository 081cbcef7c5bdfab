"""Settings of the gate: what becomes of a new picture that looks like one of the collection."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from include.dedupe.settings.section import Score, Section

GateOutcome = Literal["reject", "ask", "overwrite", "link", "index"]
STRICTEST_FIRST: tuple[GateOutcome, ...] = ("reject", "ask", "overwrite", "link", "index")


class FieldOutcome(Section):
    """What becomes of a new picture that matches a document with one of these values in a field."""

    field: str = Field(min_length=1)
    values: tuple[str, ...] = Field(min_length=1)
    do: GateOutcome


class Measures(Section):
    """Fields of the collection that hold the measures of a picture."""

    width: str | None = Field("width_i", description="Pixels across.")
    height: str | None = Field("height_i", description="Pixels down.")
    bytes: str | None = Field("bytes_l", description="Bytes of the file.")


class GateSettings(Section):
    incoming: str | None = Field(
        None,
        description="Where new documents come from: a manifest (.jsonl, .csv or .parquet) or a folder of "
        "pictures, at any fsspec location. %Y, %m, %d and %H are those of the run's date. A run by hand or "
        "by an asset's event may name another place.",
        examples=["s3://bucket/incoming/%Y-%m-%d.jsonl"],
    )
    schedule: str | None = Field(
        None,
        description="Cron expression or preset of the DAG gate_<collection>. Needs incoming.",
        examples=["@hourly"],
    )
    asset: str | None = Field(
        None,
        description="Name of an asset instead of a schedule: each of its events starts a run. Its extra may "
        "name the place as `incoming`.",
    )
    image_base: str = Field(
        "",
        description="Put before the path of a picture that is no address, in the document that is indexed.",
        examples=["https://cdn.example.com/"],
    )
    exact: GateOutcome = Field(
        "reject",
        description="What becomes of an exact duplicate: reject, ask (hold it until a person decides), "
        "overwrite (the existing document, where the keeper rules prefer the new one), link (index it with "
        "the ids of the existing ones) or index. Of several matches the strictest decides, in this order.",
    )
    near: GateOutcome = Field("ask", description="What becomes of a near duplicate.")
    buried: Literal["reject", "ask", "index"] = Field(
        "ask",
        description="What becomes of a picture, or an id, that was deleted as a duplicate before.",
    )
    by_field: tuple[FieldOutcome, ...] = Field(
        (),
        description="Outcomes by a field of the matched document, whatever the class; the first that fits "
        "holds.",
        examples=[[{"field": "status_s", "values": ["rejected", "flagged"], "do": "reject"}]],
    )
    link_field: str = Field(
        "duplicates_ss", min_length=1, description="Field that link writes: the ids of the existing ones."
    )
    keep_fields: tuple[str, ...] = Field(
        (),
        description="Fields of an existing document that stay when it is overwritten, unless the new one "
        "has them. All others become those of the new one.",
        examples=[["labels", "rights_s"]],
    )
    measures: Measures = Field(
        Measures(),
        description="Fields of the collection with the measures of pictures. Where keeper rules go by them "
        "and the manifest does not say, the gate measures the new picture.",
    )
    pending_field: str = Field(
        "gate_pending_s",
        min_length=1,
        description="Field that marks a document which is compared with others of its batch and not let in "
        "yet. Searches of your own leave such documents out with the filter -gate_pending_s:[* TO *].",
    )
    chunk_documents: int = Field(
        500, ge=1, le=100_000, description="Documents of a chunk; one task works on one chunk."
    )
    batch_documents: int = Field(
        100, ge=1, le=1000, description="Documents that are indexed and compared with each other together."
    )
    in_flight: int = Field(8, ge=1, le=256, description="Pictures under way at once, for each chunk.")
    max_picture_bytes: int = Field(
        50_000_000, ge=1, description="Bytes of a picture; a larger one is refused."
    )
    max_failed_share: Score = Field(
        0.1, description="Share of the incoming documents that may fail before the run counts as failed."
    )

    @model_validator(mode="after")
    def _starts_in_one_way(self) -> Self:
        if self.schedule and self.asset:
            raise ValueError("schedule and asset contradict each other; leave one of them out")
        if self.schedule and not self.incoming:
            raise ValueError("a schedule needs incoming: where the new documents come from")
        if self.pending_field == self.link_field:
            raise ValueError("pending_field and link_field must be two fields")
        return self

    def by_class(self, duplicates: str) -> GateOutcome:
        """Return the outcome of a match of this class, exact or near."""
        return self.exact if duplicates == "exact" else self.near

    @property
    def overwrites(self) -> bool:
        """Whether any outcome may change an existing document."""
        return "overwrite" in {self.exact, self.near, *(rule.do for rule in self.by_field)}

"""Settings of a collection: one YAML file each, checked completely when it is read.

The field descriptions below are the documentation: ``include/tools/config_reference.py`` writes
``include/collections/reference.yaml`` from them.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.dedupe.errors import ConfigError

COLLECTIONS_VARIABLE = "FLOW_DEDUPE_COLLECTIONS"
REFERENCE_NAME = "reference.yaml"
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
ScanMode = Literal["balanced", "speed"]
Score = Annotated[float, Field(ge=0.0, le=1.0)]
FilterQueries = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(default=())]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FlowSettings(Section):
    connection: str = Field(
        min_length=1,
        description="Airflow connection (type HTTP) that leads to Flow: host, port, login, TLS. "
        "Outside Airflow it is read from the environment variable AIRFLOW_CONN_<CONNECTION>.",
        examples=["flow_default"],
    )
    collection: str = Field(
        min_length=1, description="Name of the collection in Flow.", examples=["my-collection"]
    )


class FieldSettings(Section):
    image: str = Field("image", description="Field with the address of the picture.")
    date: str | None = Field(
        None,
        description="Date field: what a scheduled run, a backfill and partitions by date go by.",
        examples=["created_dt"],
    )
    category: str | None = Field(
        None,
        description="Field that the parameter `categories` of a manual run goes by.",
        examples=["category"],
    )


class WholeScope(Section):
    by: Literal["none"] = Field(description="One partition: small collections.")


class DatePartitions(Section):
    by: Literal["date"] = Field(description="One partition for each step of the date field.")
    step: Literal["day", "week", "month", "quarter", "year"] = Field(
        "month", description="Width of a partition: day, week, month, quarter or year."
    )


class FieldPartitions(Section):
    by: Literal["field"] = Field(description="One partition for each value of a field.")
    field: str = Field(min_length=1, description="Field to partition by.", examples=["category"])


Partitions = Annotated[DatePartitions | FieldPartitions | WholeScope, Field(discriminator="by")]


class ScanSettings(Section):
    mode: ScanMode = Field(
        "balanced",
        description="balanced or speed: how much accuracy is given for time as the collection grows.",
    )
    threshold: Score = Field(0.7, description="Lowest score of a near duplicate.")
    exact_threshold: Score = Field(0.95, description="Lowest score of an exact duplicate.")
    in_flight: int = Field(16, ge=1, le=256, description="Queries under way at once, for each partition.")
    max_hits: int = Field(
        1000, ge=1, le=100_000, description="Hits read for one document; one with more is reported as a hub."
    )
    max_failed_share: Score = Field(
        0.0, description="Share of a partition's queries that may fail before the partition fails."
    )

    @model_validator(mode="after")
    def _exact_is_stricter(self) -> Self:
        if self.exact_threshold < self.threshold:
            raise ValueError(f"exact_threshold {self.exact_threshold} is below threshold {self.threshold}")
        return self


class ReportSettings(Section):
    pictured_clusters: int = Field(
        200,
        ge=0,
        le=10_000,
        description="Clusters shown with pictures in report.html; the files list all of them.",
    )
    allow_hosts: tuple[str, ...] = Field(
        (),
        description="Hosts in private networks that pictures for the report may be fetched from. "
        "Flow's own host is always allowed.",
        examples=[["images.intranet"]],
    )


class CollectionConfig(Section):
    """Everything a YAML file of a collection may say."""

    description: str = Field("", description="One sentence for people: what the collection holds.")
    flow: FlowSettings = Field(description="Where the collection lives.")
    schedule: str | None = Field(
        None,
        description="Cron expression or preset (@daily, @weekly, @monthly). Each run scans the documents "
        "whose date lies in its interval. Without a schedule, runs are started by hand.",
        examples=["@daily"],
    )
    start_date: dt.date = Field(dt.date(2024, 1, 1), description="First day that the schedule covers.")
    scope: FilterQueries = Field(
        description="Filter queries (fq): which documents are scanned.", examples=[["category:project-a"]]
    )
    search_scope: FilterQueries = Field(
        description="Filter queries (fq): among which documents duplicates are searched.",
        examples=[["-status:draft"]],
    )
    fields: FieldSettings = Field(FieldSettings(), description="Names of the collection's fields.")
    partitions: Partitions = Field(
        WholeScope(by="none"), description="How the scope is divided; one task scans one partition."
    )
    max_partitions: int = Field(
        64,
        ge=1,
        le=1024,
        description="Most partitions of a run. Where there would be more, neighbouring steps of a date share "
        "one, and the rarest values of a field share the last.",
    )
    scan: ScanSettings = Field(ScanSettings(), description="How duplicates are searched.")
    report: ReportSettings = Field(ReportSettings(), description="What the report shows.")
    storage: str | None = Field(
        None,
        description="Folder or fsspec address for the files of the runs. Without it, the environment "
        "variable FLOW_DEDUPE_STORAGE, or flow_dedupe in AIRFLOW_HOME.",
        examples=["s3://bucket/flow-dedupe"],
    )
    pool: str = Field("default_pool", description="Airflow pool of the scanning tasks.")
    retries: int = Field(2, ge=0, le=100, description="Retries of a failed task.")

    @model_validator(mode="after")
    def _dates_have_a_field(self) -> Self:
        needs_date = (
            "partitions by date" if self.partitions.by == "date" else "a schedule" if self.schedule else None
        )
        if needs_date and self.fields.date is None:
            raise ValueError(f"{needs_date} needs fields.date: the field that holds a document's date")
        return self


def collections_dir() -> Path:
    """The folder of YAML files: ``FLOW_DEDUPE_COLLECTIONS``, else ``include/collections``."""
    configured = os.environ.get(COLLECTIONS_VARIABLE)
    return Path(configured) if configured else Path(__file__).parent.parent / "collections"


def collection_files() -> Iterator[Path]:
    """Yield the YAML file of each collection, by name; the reference is none."""
    folder = collections_dir()
    if not folder.is_dir():
        raise ConfigError(
            f"{COLLECTIONS_VARIABLE}: there is no folder {folder}; create it or correct the variable."
        )
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if path.name != REFERENCE_NAME:
            yield path


def find_collection(name: str) -> CollectionConfig:
    """Read the settings of the collection called ``name``.

    Raises:
        ConfigError: there is no such file, or it is wrong.
    """
    files = {path.stem: path for path in collection_files()}
    if name not in files:
        known = ", ".join(files) or "none"
        raise ConfigError(
            f"There is no collection {name!r} in {collections_dir()}; known collections: {known}."
        )
    return read_collection(files[name])


def read_collection(path: Path) -> CollectionConfig:
    """Read and check one YAML file.

    Raises:
        ConfigError: in one sentence, the file, each wrong field and what is expected there.
    """
    if not NAME_PATTERN.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: a collection's file name may hold a-z, 0-9, _ and - only; rename the file."
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path} must hold settings such as those of {REFERENCE_NAME}, not {document!r:.40}."
        )
    try:
        return CollectionConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(_explain(error))}.") from error


def _explain(error: ValidationError) -> Iterator[str]:
    for detail in error.errors():
        location = [str(part) for part in detail["loc"]]
        if location[:1] == ["partitions"] and len(location) > 1:
            del location[1]  # the kind of partitions, which pydantic counts as a level
        where = ".".join(location) or "settings"
        if detail["type"] == "extra_forbidden":
            yield f"unknown field {where}{_suggestion(location)}"
        elif detail["type"] == "missing":
            yield f"{where} is missing"
        elif detail["type"] == "tuple_type":
            yield f"{where}: a list is expected (given: {detail['input']!r:.60})"
        elif detail["type"] in ("model_type", "model_attributes_type", "union_tag_not_found"):
            expected = ", ".join(_field_names(location))
            yield f"{where}: settings ({expected}) are expected (given: {detail['input']!r:.60})"
        else:
            message = detail["msg"].removeprefix("Value error, ")
            given = "" if isinstance(detail["input"], dict) else f" (given: {detail['input']!r:.60})"
            yield f"{where}: {message}{given}"


def _suggestion(location: list[str]) -> str:
    known = _field_names(location[:-1])
    close = difflib.get_close_matches(location[-1], known, n=1)
    return f", did you mean {close[0]}?" if close else f", known fields there: {', '.join(known)}"


def _field_names(section: list[str]) -> list[str]:
    """Names of the fields of a section given by its path, of all kinds of it where there are several."""
    annotation: object = CollectionConfig
    if section:
        annotation = CollectionConfig.model_fields[section[0]].annotation
    models = (annotation,) if isinstance(annotation, type) else get_args(annotation)
    return list(dict.fromkeys(name for model in models for name in getattr(model, "model_fields", ())))

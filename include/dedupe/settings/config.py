"""Settings of a collection: one YAML file each, checked completely when it is read.

The field descriptions below are the documentation: ``include/tools/config_reference.py`` writes
``include/collections/reference.yaml`` from them.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from include.dedupe.errors import ConfigError
from include.dedupe.settings import strict_yaml
from include.dedupe.settings.alert_settings import AlertSettings
from include.dedupe.settings.calibrate_settings import CalibrateSettings
from include.dedupe.settings.dag_settings import DagSettings
from include.dedupe.settings.flow_settings import FieldSettings, FlowSettings
from include.dedupe.settings.gate_settings import GateSettings
from include.dedupe.settings.partition_key import KEY_FORMATS
from include.dedupe.settings.partition_settings import Partitions, WholeScope, divisions
from include.dedupe.settings.policy_settings import (
    Approval,
    ClusterSettings,
    Guards,
    KeeperRule,
    KeeperSettings,
    PairFields,
    Policies,
    Quarantine,
    TagFields,
)
from include.dedupe.settings.report_settings import ReportSettings
from include.dedupe.settings.retention_settings import Retention
from include.dedupe.settings.review_settings import ReviewSettings
from include.dedupe.settings.scan_settings import ScanSettings
from include.dedupe.settings.section import FilterQueries, Section
from include.dedupe.settings.settings_errors import explain

COLLECTIONS_VARIABLE = "FLOW_DEDUPE_COLLECTIONS"
REFERENCE_NAME = "reference.yaml"
NOT_FOR_COLLECTIONS = ("restore",)
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


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
    schedule_by: Literal["interval", "partition"] = Field(
        "interval",
        description="What a scheduled run goes by: its data interval, or a partition key of Airflow, which "
        "DAGs that follow can go by too. Keys need a schedule of @hourly, @daily, @monthly or @yearly.",
    )
    lookback_days: int = Field(
        0,
        ge=0,
        description="A scheduled run scans also so many days before its interval: documents that came late.",
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
    target_docs: int = Field(
        50_000, ge=1, description="Documents of a partition where the step of a date is auto."
    )
    scan: ScanSettings = Field(ScanSettings(), description="How duplicates are searched.")
    ignore_pairs: PairFields = Field(PairFields(), description="Pairs that are no duplicates.")
    only_pairs: PairFields = Field(PairFields(), description="The only pairs that can be duplicates.")
    cluster: ClusterSettings = Field(ClusterSettings(), description="How pairs are grouped.")
    report: ReportSettings = Field(ReportSettings(), description="What the report shows.")
    review: ReviewSettings = Field(ReviewSettings(), description="What the review page shows.")
    keeper: KeeperSettings = Field(KeeperSettings(), description="Which document of a cluster stays.")
    policies: Policies | None = Field(
        None, description="What becomes of the others. Without policies a run ends with its report."
    )
    tags: TagFields = Field(TagFields(), description="Fields that the policies write.")
    guards: Guards = Field(Guards(), description="Limits of what a run may delete.")
    approval: Approval = Field(Approval(), description="Who is asked before anything is written.")
    alerts: AlertSettings = Field(AlertSettings(), description="Who is told of what should be looked at.")
    dry_run: bool = Field(
        True, description="Decide and report, but write nothing to the collection and ask nobody."
    )
    act_in_backfill: bool = Field(False, description="Let backfills act, not only report.")
    quarantine: Quarantine | None = Field(
        None,
        description="Where the collection is a folder: move the files of deleted documents, too, and keep "
        "those that the policy replace puts a hard link in the place of.",
    )
    retention: Retention = Field(
        Retention(),
        description="What `python -m include.dedupe prune` may remove; without it, prune asks for ages.",
    )
    gate: GateSettings | None = Field(None, description="New pictures; makes the DAG gate_<collection>.")
    calibrate: CalibrateSettings = Field(
        CalibrateSettings(),
        description="How the thresholds are measured; for the DAG calibrate_<collection>.",
    )
    storage: str | None = Field(
        None,
        description="Folder or fsspec address for the files of the runs, on S3 and Google Cloud Storage also "
        "with the Airflow connection that has the login in front of the bucket. Without it, the environment "
        "variable FLOW_DEDUPE_STORAGE, or flow_dedupe in AIRFLOW_HOME; in a checkout without either, "
        ".run/airflow/flow_dedupe.",
        examples=["s3://aws_dedupe@bucket/flow-dedupe"],
    )
    pool: str = Field(
        "default_pool",
        description="Airflow pool of the scanning tasks. It must exist, or they are never started: "
        "`python -m include.orchestration.doctor` looks for it.",
    )
    dag: DagSettings = Field(DagSettings(), description="The DAGs of the collection, as Airflow runs them.")
    retries: int = Field(2, ge=0, le=100, description="Retries of a failed task.")

    @model_validator(mode="after")
    def _dates_have_a_field(self) -> Self:
        by_date = any(each.by == "date" and each.field is None for each in divisions(self.partitions))
        needs_date = "partitions by date" if by_date else "a schedule" if self.schedule else None
        if needs_date and self.fields.date is None:
            raise ValueError(f"{needs_date} needs fields.date: the field that holds a document's date")
        return self

    def rule_fields(self, rule: KeeperRule) -> tuple[str, ...]:
        """The fields that a keeper rule goes by; none for all of them."""
        if rule.field in ("pixels", "bytes"):
            mapped: str | None = getattr(self.fields, rule.field)
            return (mapped,) if mapped else ()
        unnamed = {"oldest": self.fields.date, "newest": self.fields.date, "path": "id"}
        single = rule.field or unnamed.get(rule.rule)
        return (single,) if single else rule.fields

    @property
    def shown_fields(self) -> tuple[str, ...]:
        """The fields that people see of a document, besides those that rules go by."""
        mapped = (self.fields.category, self.fields.date, self.fields.pixels, self.fields.bytes)
        return tuple(dict.fromkeys([name for name in mapped if name] + [*self.review.fields]))

    @property
    def key_format(self) -> str | None:
        """How partition keys are written; None where runs go by their interval."""
        return KEY_FORMATS[self.schedule or ""] if self.schedule_by == "partition" else None

    @model_validator(mode="after")
    def _replaced_files_are_kept(self) -> Self:
        if self.replaces_files and self.quarantine is None:
            raise ValueError("policies: replace needs quarantine: the library, and where old files are kept")
        return self

    @property
    def replaces_files(self) -> bool:
        """Whether the files of exact duplicates become hard links to those of their keepers."""
        return bool(self.policies and self.policies.replace)

    @model_validator(mode="after")
    def _keys_name_periods(self) -> Self:
        if self.schedule_by == "partition" and self.schedule not in KEY_FORMATS:
            raise ValueError(f"schedule_by: partition needs a schedule of {', '.join(KEY_FORMATS)}")
        return self

    @model_validator(mode="after")
    def _rules_have_their_fields(self) -> Self:
        for rule in self.keeper.rules:
            if rule.rule in ("oldest", "newest") and not (rule.field or self.fields.date):
                raise ValueError(f"keeper: the rule {rule.rule} needs a field, or fields.date")
            if rule.field in ("pixels", "bytes") and not getattr(self.fields, rule.field):
                raise ValueError(
                    f"keeper: the rule {rule.rule} goes by {rule.field}; map it in fields.{rule.field}"
                )
        if self.gate and self.gate.overwrites and not self.keeper.rules:
            raise ValueError("gate: overwrite needs keeper.rules: they say when the new one is better")
        return self


def collections_dirs() -> list[Path]:
    """The folders of YAML files: those of ``FLOW_DEDUPE_COLLECTIONS``, else ``include/collections``."""
    configured = os.environ.get(COLLECTIONS_VARIABLE, "").split(os.pathsep)
    folders = {Path(folder).resolve(): Path(folder) for folder in configured if folder}
    return list(folders.values()) or [Path(__file__).parents[2] / "collections"]


def collection_files() -> Iterator[Path]:
    """Yield the YAML file of each collection, by name; the reference is none.

    Raises:
        ConfigError: a folder is not there, or two of them have a file of one name.
    """
    found: dict[str, Path] = {}
    for folder in collections_dirs():
        if not folder.is_dir():
            raise ConfigError(
                f"{COLLECTIONS_VARIABLE}: there is no folder {folder}; create it or correct the variable."
            )
        for path in (*folder.glob("*.yaml"), *folder.glob("*.yml")):
            if path.name == REFERENCE_NAME:
                continue
            if path.name in found:
                raise ConfigError(f"{found[path.name]} and {path} are one collection; rename one of them.")
            found[path.name] = path
    yield from (found[name] for name in sorted(found))


def find_collection(name: str) -> CollectionConfig:
    """Read the settings of the collection called ``name``.

    Raises:
        ConfigError: there is no such file, or it is wrong.
    """
    files = {path.stem: path for path in collection_files()}
    if name not in files:
        told = f"There is no collection {name!r} in {' or '.join(map(str, collections_dirs()))}"
        raise ConfigError(f"{told}; known collections: {', '.join(files) or 'none'}.")
    if not files[name].is_file():
        return read_collection(files[name])
    state = files[name].stat()
    return _read_once(files[name], state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _read_once(path: Path, _modified: int, _size: int) -> CollectionConfig:
    """Read a file; as long as it stays the same, it is read once in a process."""
    return read_collection(path)


def read_collection(path: Path) -> CollectionConfig:
    """Read and check one YAML file.

    Raises:
        ConfigError: in one sentence, the file, each wrong field and what is expected there.
    """
    if not NAME_PATTERN.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: a collection's file name may hold a-z, 0-9, _ and - only; rename the file."
        )
    if path.stem in NOT_FOR_COLLECTIONS:
        raise ConfigError(f"{path}: a DAG of another kind has the name dedupe_{path.stem}; rename the file.")
    if path.with_suffix(".yaml").is_file() and path.with_suffix(".yml").is_file():
        raise ConfigError(f"{path.with_suffix('.yaml')} and {path.stem}.yml are both there; remove one.")
    try:
        document = strict_yaml.load(path.read_text(encoding="utf-8-sig"))
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
        raise ConfigError(f"{path}: {'; '.join(explain(error, CollectionConfig))}.") from error

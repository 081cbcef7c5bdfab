"""Settings of what is done about duplicates: which document of a cluster stays, and what becomes of the rest.

Without the section ``policies`` a run ends with its report and nothing here has an effect on the collection.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from include.dedupe.settings.section import Rate, Score, Section

PolicyKind = Literal["report", "tag", "link", "replace", "merge", "delete", "review", "export"]
MergeRule = Literal["union", "max", "fill", "join", "keep"]
RuleKind = Literal[
    "prefer",
    "highest",
    "lowest",
    "oldest",
    "newest",
    "most_complete",
    "path",
    "has",
    "most_copies",
    "most_pairs",
]
SideFile = Literal["move", "review"]
SIDE_FILES: dict[str, SideFile] = {
    **dict.fromkeys((".xmp", ".json", ".xml", ".aae", ".thm", ".pp3", ".dop"), "move"),
    **dict.fromkeys((".mov", ".mp4", ".wav", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf"), "review"),
    **dict.fromkeys((".raf", ".rw2", ".pef", ".srw", ".raw"), "review"),
}
"""What is written about a picture goes with it; a film or a raw picture beside it is a picture of its own."""
WRITING: tuple[PolicyKind, ...] = ("tag", "link", "replace", "merge", "delete")
MEASURING: tuple[RuleKind, ...] = ("highest", "lowest")
COUNTING: tuple[RuleKind, ...] = ("most_copies", "most_pairs")
DELETING: tuple[PolicyKind, ...] = ("merge", "delete")
FOR_TWO: tuple[PolicyKind, ...] = (*DELETING, "link", "replace")
"""After these one document, or one file, stands for two."""
MOVING: tuple[PolicyKind, ...] = (*DELETING, "replace")
"""These take a file out of its library, where there is a quarantine."""


class PairFields(Section):
    """Fields by whose values a pair is told from another."""

    same: tuple[str, ...] = Field(
        (), description="Both documents have the same value in one of these fields."
    )
    different: tuple[str, ...] = Field(
        (), description="The documents have different values in one of these fields."
    )

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.same, *self.different)


class ClusterSettings(Section):
    max_size: int = Field(
        100, ge=2, description="Documents in a cluster above which a person looks at it instead of a policy."
    )
    thresholds: tuple[Score, ...] = Field(
        (),
        description="Further thresholds: the report says into how many parts a cluster falls at each.",
        examples=[[0.8, 0.9, 0.95]],
    )


def _as_written(value: object) -> object:
    """Return a value of YAML as text: true, 1 and 1.5 are values of fields, too."""
    return str(value).lower() if isinstance(value, bool | int | float) else value


class KeeperRule(Section):
    """One rule of the list that chooses a keeper; a later rule decides where an earlier one ties."""

    rule: RuleKind
    field: str | None = None
    values: tuple[Annotated[str, BeforeValidator(_as_written)], ...] = ()
    fields: tuple[str, ...] = ()
    among: Literal["exact", "near"] | None = None
    times: Annotated[float, Field(ge=1.0)] = 1.0

    @model_validator(mode="after")
    def _has_what_it_goes_by(self) -> Self:
        if self.rule in ("prefer", "has") and not self.field:
            raise ValueError(f"the rule {self.rule} needs a field")
        if self.rule in COUNTING and self.field:
            raise ValueError(f"the rule {self.rule} goes by pairs and takes no field")
        if self.rule != "highest" and self.times > 1.0:
            raise ValueError("times belongs to the rule highest")
        if self.rule in MEASURING and bool(self.field) == bool(self.fields):
            raise ValueError(f"the rule {self.rule} needs a field, or fields that are multiplied")
        if (self.rule in ("prefer", "path")) != bool(self.values):
            raise ValueError("values, best first, belong to the rules prefer and path, and these need them")
        if self.fields and self.rule not in ("most_complete", *MEASURING):
            raise ValueError("a list of fields belongs to the rules most_complete, highest and lowest only")
        return self


class KeeperSettings(Section):
    protected: tuple[str, ...] = Field(
        (),
        description="Filter queries (fq): documents that are never touched, and stay before all others. So "
        "are those that scope leaves out.",
        examples=[["category:masters"]],
    )
    rules: tuple[KeeperRule, ...] = Field(
        (),
        description="Which document stays: first of each group of exact duplicates, then of the cluster of "
        "such groups. The first rule that tells two apart decides. prefer (field, values best first), "
        "highest and lowest (field, or pixels and bytes as mapped in fields; or several fields, which "
        "are multiplied; with times: 2, only over what has half as much or less), oldest and newest "
        "(field, else fields.date), most_complete (fields, else all), path (values: folders, best first, "
        "in which the id lies, or the field that is named), has (field), most_copies (exact duplicates) "
        "and most_pairs. among: exact or near makes a rule decide only within a group, or "
        "only between groups. Where all are silent, most_copies, most_pairs, and last the shortest id. "
        "Without rules, exact duplicates go by pixels (fields.pixels, else width_i x height_i) and "
        "bytes (fields.bytes, else bytes_l); among near ones the original is to stay, and an edit often "
        "has more of both: so most_copies, has (fields.camera, else exif_camera_s), twice the pixels, "
        "and most_pairs. Last, the oldest (fields.date, else date_dt). Documents without such fields "
        "skip these; the plan says what they lack.",
        examples=[
            [
                {"rule": "path", "values": ["masters", "scans/2019"]},
                {"rule": "prefer", "field": "source_s", "values": ["agency", "upload"]},
                {"rule": "has", "field": "exif_date_dt"},
                {"rule": "highest", "field": "pixels"},
                {"rule": "highest", "field": "bytes"},
                {"rule": "oldest"},
            ]
        ],
    )


class Policy(Section):
    """What becomes of the duplicates of one class."""

    do: PolicyKind = Field(
        "report",
        description="report, tag, link, replace, merge (into the keeper, then delete), delete, review or "
        "export. replace is for exact duplicates in a folder with quarantine: a file that is its keeper's "
        "byte for byte becomes a hard link to it (with its times, rights and owner), and the document stays. "
        "The old file is in the quarantine, so space is freed by prune only. A program that writes into one "
        "of the names changes both.",
    )
    after_days: int = Field(
        0,
        ge=0,
        description="Grace period of delete: the document is tagged first, and deleted by a later run after "
        "so many days if tag, keeper and fingerprint still hold.",
    )
    merge_fields: dict[str, MergeRule] = Field(
        {},
        description="How merge brings fields together in the keeper: union (lists), max, fill (where the "
        "keeper has none), join (texts), keep (the keeper's).",
        examples=[{"labels": "union", "rating_i": "max", "title_s": "fill"}],
    )

    @model_validator(mode="after")
    def _fits_what_it_does(self) -> Self:
        if self.after_days and self.do != "delete":
            raise ValueError("after_days belongs to do: delete")
        return self


class Policies(Section):
    exact: Policy = Field(Policy(), description="Documents whose score with the keeper is exact.")
    near: Policy = Field(Policy(), description="Documents whose score with the keeper is near.")

    def by_class(self, duplicates: str) -> Policy:
        return self.exact if duplicates == "exact" else self.near

    @model_validator(mode="after")
    def _replace_what_is_identical(self) -> Self:
        if self.near.do == "replace":
            raise ValueError("near: replace is for exact duplicates only: the files are the same bytes")
        return self

    @property
    def kinds(self) -> frozenset[PolicyKind]:
        return frozenset({self.exact.do, self.near.do})

    @property
    def write(self) -> bool:
        return bool(self.kinds & set(WRITING))

    @property
    def replace(self) -> bool:
        """Whether files become hard links to those of their keepers."""
        return self.exact.do == "replace"

    @property
    def merge_fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(field for one in (self.exact, self.near) for field in one.merge_fields))


class TagFields(Section):
    cluster: str = Field("duplicate_cluster_s", description="The cluster's id.")
    of: str = Field("duplicate_of_s", description="The keeper's id.")
    score: str = Field("duplicate_score_d", description="Score of the document with its keeper.")
    role: str = Field("duplicate_role_s", description="duplicate, or condemned during a grace period.")
    since: str = Field("duplicate_since_dt", description="When the grace period began.")
    fingerprint: str = Field("duplicate_fingerprint_s", description="What the document was when judged.")
    link: str = Field("canonical_id_s", description="Policy link: the id of the document to go to instead.")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.cluster, self.of, self.score, self.role, self.since, self.fingerprint, self.link)


class Guards(Section):
    max_delete_share: Score = Field(
        0.2, description="Share of the documents in the run's scope that it may delete; more stops the run."
    )
    max_delete_count: int = Field(10_000, ge=0, description="Documents that a run may delete at most.")
    min_coverage: Score = Field(
        1.0, description="Share of the scope that must have been scanned before anything is deleted."
    )
    delete_threshold: Score = Field(
        0.95, description="Lowest score with its keeper at which a document may be deleted."
    )
    unverified: Literal["refuse", "allow"] = Field(
        "refuse",
        description="What becomes of a deletion where nothing can tell that the pictures of the document and "
        "its keeper are still what was judged: Flow compares no picture that is not indexed, or a picture "
        "cannot be fetched from here. allow deletes on the word of the index.",
    )
    max_error_rate: Rate | None = Field(
        None,
        description="Nothing of a score band is deleted before people have judged so many of its decisions, "
        "drawn at random, that their error rate is below this with 95 % confidence: for 0.01, 299 that are "
        "all right. Judgements count for one version of the detector.",
        examples=[0.01],
    )
    error_bands: tuple[Score, ...] = Field(
        (0.8, 0.9, 0.95, 0.99),
        description="Scores at which the score bands of max_error_rate begin; the first begins at "
        "scan.threshold.",
    )


class Approval(Section):
    mode: Literal["ask", "none"] = Field(
        "ask", description="ask a person before anything is written, or none: write without asking."
    )
    timeout_hours: float = Field(72.0, gt=0, description="Hours to wait for an answer; then it is no.")
    recheck_minutes: float = Field(
        15.0,
        gt=0,
        description="Minutes after which a question that waits looks whether a newer run has decided anew, "
        "and then closes itself.",
    )
    notifiers: tuple[str, ...] = Field(
        (),
        description="Notifiers told of the question, as the dotted name of a callable that returns one.",
        examples=[["my_company.notifiers.slack"]],
    )


class Quarantine(Section):
    library: str = Field(
        min_length=1, description="Folder of the pictures; ids are paths below it.", examples=["/pictures"]
    )
    folder: str = Field(
        min_length=1,
        description="Folder to which the files of deleted documents are moved, and those that a hard link "
        "replaced; neither in the library nor around it.",
        examples=["/pictures-removed"],
    )
    side_files: dict[str, SideFile] = Field(
        SIDE_FILES,
        description="Files that belong to the picture of the same name (b.jpg.xmp or b.xmp to b.jpg), by how "
        "their names end: move (they go and come back with it) or review (a person decides about the pair).",
    )

    @field_validator("side_files")
    @classmethod
    def _begin_with_a_dot(cls, endings: dict[str, SideFile]) -> dict[str, SideFile]:
        if wrong := [ending for ending in endings if not ending.startswith(".") or "/" in ending]:
            raise ValueError(f"how a name ends begins with a dot, such as .xmp: {', '.join(wrong)}")
        return {ending.casefold(): what for ending, what in endings.items()}

"""What a browser asks for and says: the words of its requests."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from include.dedupe.gating.settle import Said
from include.dedupe.reviewing.filtering import Filters, Sort
from include.dedupe.reviewing.judging import Judgement, Selection

JUDGED = {"no": False, "yes": True, "all": None}


class Message(BaseModel):
    """Words that nobody knows are a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Wanted(Message):
    """Which clusters, as ``Filters`` has them; ``field`` is name and value of a field, in this order."""

    duplicates: frozenset[str] = frozenset()
    least: int | None = Field(None, ge=1)
    most: int | None = Field(None, ge=1)
    chained: bool | None = None
    hub: bool | None = None
    decisions: frozenset[str] = frozenset()
    field: str = ""
    value: str = ""
    text: str = ""
    judged: Literal["no", "yes", "all"] = "no"
    sort: Sort = "size"

    def filters(self) -> Filters:
        return Filters(
            duplicates=self.duplicates,
            least=self.least,
            most=self.most,
            chained=self.chained,
            hub=self.hub,
            decisions=self.decisions,
            fields={self.field: self.value} if self.field and self.value else {},
            text=self.text.strip(),
            judged=JUDGED[self.judged],
        )


class WantedPage(Wanted):
    after: str = ""
    limit: int = Field(30, ge=1, le=200)


class WantedCluster(Wanted):
    first: int = Field(0, ge=0)


class Chosen(Message):
    """Clusters by name, or all that are ``wanted`` but those named."""

    names: tuple[str, ...] = ()
    wanted: Wanted | None = None

    def selection(self) -> Selection:
        return Selection(self.names, self.wanted.filters() if self.wanted else None)


class SaidOfOne(Message):
    kind: Judgement
    cluster: str
    ids: tuple[str, ...] = ()
    state: str = ""
    note: str = Field("", max_length=2000)


class SaidOfMany(Message):
    kind: Judgement
    chosen: Chosen
    state: str
    note: str = Field("", max_length=2000)


class Undone(Message):
    names: tuple[str, ...] = Field(min_length=1)


class SampleJudged(Message):
    key: str
    is_right: bool


class WantedPart(Message):
    """Which of the decisions, as ``Part`` has it."""

    only_decisions: tuple[str, ...] = ()
    only_class: str = ""
    score_from: float | None = Field(None, ge=0, le=1)
    score_to: float | None = Field(None, ge=0, le=1)
    only_clusters: tuple[str, ...] = ()

    def part(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in WantedPart.model_fields}


class WantedEffect(WantedPart):
    digest: str = ""


class Answer(WantedPart):
    hash: str
    approve: bool


class HeldAnswer(Message):
    """Ids by what is said of them; ``rest`` is for all others."""

    hash: str
    rest: str
    let_in: frozenset[str] = frozenset()
    reject: frozenset[str] = frozenset()
    link: frozenset[str] = frozenset()

    def said(self) -> Said:
        return Said(self.let_in, self.reject, self.link)

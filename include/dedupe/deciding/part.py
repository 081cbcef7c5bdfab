"""Part: which of the decisions a person approves. The rest stays open: a later run asks about it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.decisions import ACTS
from include.dedupe.errors import ApprovalError
from include.dedupe.nearest import tell_unknown

CLASSES = ("exact", "near")


@dataclass(frozen=True, slots=True)
class Part:
    """What fits all that is given; nothing given is everything.

    ``only_decisions``: such as delete. ``only_class``: exact or near. ``score_from`` and ``score_to``: scores
    with the keeper, both included. ``only_clusters``: by their names.
    """

    only_decisions: tuple[str, ...] = ()
    only_class: str = ""
    score_from: float | None = None
    score_to: float | None = None
    only_clusters: tuple[str, ...] = ()

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Return the part that the fields of an answer name; what is empty or missing is not given.

        Raises:
            ApprovalError: a field holds what it cannot.
        """
        try:
            given = {name: answer[name] for name in cls.__slots__ if answer.get(name) not in (None, "", [])}
            for name in ("only_decisions", "only_clusters"):
                given |= {name: tuple(map(str, given[name]))} if name in given else {}
            given |= {name: float(given[name]) for name in ("score_from", "score_to") if name in given}
            part = cls(**given)
        except (TypeError, ValueError) as error:
            raise ApprovalError(f"Which part is approved cannot be read: {error}.") from error
        if unknown := sorted(set(part.only_decisions) - ACTS):
            raise ApprovalError(f"only_decisions: nothing is done by {tell_unknown(unknown, ACTS)}.")
        if part.only_class and part.only_class not in CLASSES:
            raise ApprovalError(f"only_class: {part.only_class!r} is none of {', '.join(CLASSES)}.")
        return part

    @property
    def is_all(self) -> bool:
        return self == type(self)()

    def fits(self, decisions: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell which rows of DECISIONS belong to the part."""
        fit = np.ones(len(decisions), bool)
        wanted = (("decision", self.only_decisions), ("cluster_id", self.only_clusters))
        for column, values in (*wanted, ("duplicates", (self.only_class,) if self.only_class else ())):
            fit &= decisions[column].isin(values).to_numpy(bool) if values else True
        scores = decisions["score"].to_numpy(np.float64)
        fit &= scores >= self.score_from if self.score_from is not None else True
        fit &= scores <= self.score_to if self.score_to is not None else True
        return fit

    def require_some(self, decisions: pd.DataFrame) -> None:
        """Raise ``ApprovalError`` if nothing that is done belongs to the part, or a cluster is unknown."""
        if unknown := sorted(set(self.only_clusters) - set(decisions["cluster_id"])):
            known = set(decisions["cluster_id"])
            raise ApprovalError(f"only_clusters: this run has no {tell_unknown(unknown, known)}.")
        acting = decisions["decision"].isin(ACTS).to_numpy(bool)
        if acting.any() and not (acting & self.fits(decisions)).any():
            raise ApprovalError(f"Nothing that was decided is in the part that is approved: {self}.")

    def to_json(self) -> dict[str, Any]:
        """Return what is given, as an answer has it."""
        given = {name: value for name, value in asdict(self).items() if value not in ((), "", None)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.to_json().items()) or "everything"

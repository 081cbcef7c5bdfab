"""Judge: what becomes of one new picture, given what it looks like. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from include.dedupe.clustering.facts import filled
from include.dedupe.deciding.keeper import BY_ID, choose_one
from include.dedupe.gating.buried import Grave
from include.dedupe.gating.matches import Match
from include.dedupe.gating.take import require_gate
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.gate_settings import STRICTEST_FIRST, GateOutcome

Decision = Literal["reject", "ask", "overwrite", "link", "index", "present"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to become of a new picture.

    ``decision`` is an outcome of the settings, or present: the document is in the collection with this very
    picture. ``target`` is the document that decided it, ``matches`` are all, best first.
    """

    decision: Decision
    matches: tuple[Match, ...] = ()
    target: str = ""
    reason: str = ""

    @property
    def score(self) -> float:
        """The score with the document that decided; 0 where none did."""
        return next((one.score for one in self.matches if one.id == self.target), 0.0)


def judge(
    document: Mapping[str, Any],
    measures: Mapping[str, int],
    matches: Sequence[Match],
    buried: Grave | None,
    config: CollectionConfig,
) -> Judgement:
    """Return what is to become of a new document.

    Args:
        document: as it is to be indexed.
        measures: those of its picture, for keeper rules where the document does not say.
        matches: what it looks like, best first.
        buried: what was deleted and was this document, or had this picture.
        config: settings.
    """
    others = tuple(one for one in matches if one.id != document["id"])
    own = next((one for one in matches if one.id == document["id"]), None)
    if own and own.score >= config.scan.exact_threshold:
        return Judgement("present", others, own.id, "the document is in the collection with this picture")
    by_match = [_by_match(one, config) for one in others]
    found = [*by_match, *([_by_tombstone(buried, config)] if buried else [])]
    if not found:
        return Judgement("index", reason="nothing looks like it")
    first = min(found, key=lambda one: STRICTEST_FIRST.index(_outcome(one)))
    judged = replace(first, matches=others)
    if judged.decision != "overwrite":
        return judged
    rivals = [one for one, its in zip(others, by_match, strict=True) if its.decision == "overwrite"]
    return _by_keeper_rules(judged, rivals, {**measures, **document}, config)


def _outcome(judgement: Judgement) -> GateOutcome:
    assert judgement.decision != "present"  # noqa: S101 - decided before
    return judgement.decision


def _by_match(match: Match, config: CollectionConfig) -> Judgement:
    gate = require_gate(config)
    for rule in gate.by_field:
        value = match.fields.get(rule.field)
        values = {str(one) for one in (value if isinstance(value, list) else [value])}
        if found := values & set(rule.values):
            why = f"{rule.field} of {match.id!r} is {', '.join(sorted(found))}"
            return Judgement(rule.do, target=match.id, reason=why)
    kind = "exact" if match.score >= config.scan.exact_threshold else "near"
    outcome = gate.by_class(kind)
    why = f"{kind} duplicate of {match.id!r} (score {match.score:.3f})"
    if outcome == "overwrite" and match.score < config.guards.delete_threshold:
        limit = f"below guards.delete_threshold {config.guards.delete_threshold}, so nothing is overwritten"
        return Judgement("ask", target=match.id, reason=f"{why}; {limit}")
    return Judgement(outcome, target=match.id, reason=why)


def _by_tombstone(grave: Grave, config: CollectionConfig) -> Judgement:
    stone, outcome = grave.stone, require_gate(config).buried
    why = f"{stone.id!r} was deleted as a duplicate of {stone.keeper_id!r} by run {stone.run_id}"
    if grave.is_sure:
        return Judgement(outcome, target=stone.keeper_id, reason=why)
    only_ask: GateOutcome = "ask" if outcome == "reject" else outcome
    return Judgement(only_ask, target=stone.keeper_id, reason=f"it looks the same as one that is gone: {why}")


def _by_keeper_rules(
    judged: Judgement, rivals: Sequence[Match], new: Mapping[str, Any], config: CollectionConfig
) -> Judgement:
    """Let the keeper rules choose among what may be overwritten and the new one, which loses a tie."""
    fields = [*(one.fields for one in rivals), new]
    members = pd.DataFrame(
        {
            "cluster_id": "",
            "id": [*(one.id for one in rivals), new["id"]],
            "is_protected": [*(one.is_protected for one in rivals), False],
            "filled": [filled(one, config) for one in fields],
        }
    )
    are_exact = all(one.score >= config.scan.exact_threshold for one in rivals)
    kept, rule = choose_one(members, fields, config, "exact" if are_exact else "near")
    if kept == len(rivals):
        return replace(judged, reason=f"{judged.reason}; the new one is better by {rule}")
    name, why = rivals[kept].id, "no rule prefers the new one" if rule == BY_ID else f"better by {rule}"
    return Judgement("reject", judged.matches, name, f"{judged.reason}; {name!r} stays: {why}")

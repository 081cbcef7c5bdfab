"""Scope: which documents a run scans.

A scheduled run and a backfill scan the documents of their data interval. A run started by hand says what it
wants, because the interval that Airflow gives it is an accident of the moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from include.dedupe.errors import ScopeError
from include.dedupe.flow import Filters
from include.dedupe.moments import later
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.dry_run import is_dry
from include.dedupe.settings.partition_key import read_period
from include.dedupe.settings.settings_errors import explain

FULL, RANGE, KNOWN = "full", "range", "known"


@dataclass(frozen=True, slots=True)
class Scope:
    """Documents from ``start`` (inclusive) to ``end`` (exclusive), of ``categories``; all where not given.

    ``sample``: so many of them, evenly spread; ``limit``: the first so many. ``known``: none of them, only
    the pairs that earlier runs have found.
    """

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    categories: tuple[str, ...] = ()
    sample: int | None = None
    limit: int | None = None
    known: bool = False

    @property
    def is_part(self) -> bool:
        """Whether the run takes only some of its documents."""
        return self.sample is not None or self.limit is not None

    @property
    def label(self) -> str:
        if self.known:
            return "known pairs only"
        words = []
        if self.start or self.end:
            words.append(f"documents from {_day(self.start)} to before {_day(self.end)}")
        if self.categories:
            words.append(f"categories {', '.join(self.categories)}")
        told = "; ".join(words) or "all documents"
        if self.sample is not None:
            return f"a sample of {self.sample} of {told}"
        return told if self.limit is None else f"the first {self.limit} of {told}"

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
            "categories": list(self.categories),
            "sample": self.sample,
            "limit": self.limit,
            "known": self.known,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scope:
        start, end = (
            dt.datetime.fromisoformat(value[key]) if value[key] else None for key in ("start", "end")
        )
        rest = (value[name] for name in ("sample", "limit", "known"))
        return cls(start, end, tuple(value["categories"]), *rest)


def chosen(params: Mapping[str, Any], said: Mapping[str, Any], *, by_hand: bool) -> Mapping[str, Any]:
    """Return the parameters without a scope that nobody has chosen.

    The one that the form has preselected counts where a person started the run without a word of a range;
    a run that was not started by hand goes by its interval.

    Args:
        params: all parameters, preselected ones among them.
        said: those that the run was started with.
        by_hand: a person started the run.
    """
    has_range = any(said.get(name) for name in ("from", "to", "categories"))
    return params if "scope" in said or (by_hand and not has_range) else {**params, "scope": None}


def resolve_scope(
    params: Mapping[str, Any],
    interval: tuple[dt.datetime | None, dt.datetime | None],
    *,
    by_hand: bool,
    partition_key: str | None = None,
    lookback: dt.timedelta = dt.timedelta(),
) -> Scope:
    """Return what a run scans: by its parameters, else its partition key, else its data interval.

    The interval of a run that was started by hand says nothing: Airflow makes it up.

    Args:
        params: ``scope`` (full, range, known or nothing), ``from``, ``to`` (ISO dates or times, UTC without
            an offset), ``categories`` (a list), ``sample`` or ``limit`` (documents).
        interval: start and end of the data interval.
        by_hand: a person started the run.
        partition_key: an hour, day, month or year, such as 2026-04-01.
        lookback: so much before its period or interval a run scans too, for documents that arrived late.

    Raises:
        ScopeError: it is not clear what is meant.
    """
    if params.get("scope") is not None:
        return _asked_for(params)
    given = [name for name in ("from", "to", "categories", "sample", "limit") if params.get(name)]
    if given:
        raise ScopeError(f"{', '.join(given)} need the parameter scope; set it, or leave them out.")
    if partition_key is not None:
        interval = read_period(partition_key)
    elif by_hand:
        raise ScopeError(f"Say what this run is to scan: parameter scope = {FULL}, {RANGE} or {KNOWN}.")
    if interval[0] is None or interval[1] is None:
        raise ScopeError("This run has no data interval; start it by hand with the parameter scope.")
    scope = _checked(Scope(*interval))
    return replace(scope, start=later(interval[0], -lookback))


def _asked_for(params: Mapping[str, Any]) -> Scope:
    kind = params["scope"]
    start, end = _moment(params, "from"), _moment(params, "to")
    categories = tuple(params.get("categories") or ())
    sample, limit = _count(params, "sample"), _count(params, "limit")
    is_range = bool(start or end or categories)
    if kind not in (FULL, RANGE, KNOWN):
        raise ScopeError(f"scope {kind!r} is none of {FULL}, {RANGE}, {KNOWN}.")
    if sample and limit:
        raise ScopeError("sample and limit contradict each other; give one of them.")
    if kind == RANGE and not is_range:
        raise ScopeError("scope: range needs from, to or categories; for everything choose scope: full.")
    if kind != RANGE and is_range:
        raise ScopeError(f"scope: {kind} knows no range; leave out from, to and categories, or choose range.")
    if kind == KNOWN and (sample or limit):
        raise ScopeError("scope: known scans nothing; leave out sample and limit.")
    return _checked(Scope(start, end, categories, sample, limit, known=kind == KNOWN))


def settings_of_run(config: CollectionConfig, params: Mapping[str, Any]) -> CollectionConfig:
    """Return a collection's settings with what the parameters of a run say otherwise.

    ``threshold`` and ``mode`` are those of the scan. A run that takes a sample or the first few documents
    only reports.

    Raises:
        ScopeError: a parameter contradicts the settings.
    """
    changed = {name: params[name] for name in ("threshold", "mode") if params.get(name) is not None}
    values = config.model_dump()
    values["scan"].update(changed)
    if params.get("sample") or params.get("limit"):
        if not is_dry(params.get("dry_run"), configured=True):
            raise ScopeError("A run with sample or limit only reports; leave out dry_run, or scan more.")
        values["dry_run"] = True
    try:
        return CollectionConfig.model_validate(values)
    except ValidationError as error:
        raise ScopeError(f"{'; '.join(explain(error, CollectionConfig))}.") from error


def scope_filters(scope: Scope, config: CollectionConfig, filters: Filters) -> tuple[str, ...]:
    """Return the filter queries of ``scope`` and of the collection's settings.

    Raises:
        ScopeError: the settings do not name the field that the scope goes by.
    """
    found: list[str] = list(config.scope)
    if scope.known:
        found.append(filters.but_not("*:*"))
    if scope.start or scope.end:
        if config.fields.date is None:
            raise ScopeError("A range of dates needs fields.date in the collection's settings.")
        found.append(filters.date_range(config.fields.date, scope.start, scope.end))
    if scope.categories:
        if config.fields.category is None:
            raise ScopeError("Categories need fields.category in the collection's settings.")
        found.append(filters.any_of(config.fields.category, scope.categories))
    return (*found, *let_in_only(config, filters))


def search_filters(config: CollectionConfig, filters: Filters) -> tuple[str, ...]:
    """Return the filter queries that limit among which documents duplicates are searched."""
    return (*config.search_scope, *let_in_only(config, filters))


def let_in_only(config: CollectionConfig, filters: Filters) -> tuple[str, ...]:
    """Return the filter that leaves out documents which the gate has not let in yet."""
    return (filters.without(config.gate.pending_field),) if config.gate else ()


def _moment(params: Mapping[str, Any], name: str) -> dt.datetime | None:
    text = params.get(name)
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ScopeError(
            f"{name}: {text!r} is no date such as 2026-04-01 or 2026-04-01T12:00:00Z."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _count(params: Mapping[str, Any], name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or value < 1:
        raise ScopeError(f"{name}: {value!r} is no number of documents.")
    return value


def _checked(scope: Scope) -> Scope:
    if scope.start and scope.end and scope.start >= scope.end:
        raise ScopeError(
            f"The range from {_day(scope.start)} to {_day(scope.end)} is empty; to must lie after from."
        )
    return scope


def _day(moment: dt.datetime | None) -> str:
    if moment is None:
        return "open"
    midnight = moment.time() == dt.time()
    return moment.date().isoformat() if midnight else moment.isoformat(timespec="seconds")

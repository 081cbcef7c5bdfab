"""Scope: which documents a run scans.

A scheduled run and a backfill scan the documents of their data interval. A run started by hand says what it
wants, because the interval that Airflow gives it is an accident of the moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.dedupe.config import CollectionConfig
from include.dedupe.errors import ScopeError
from include.dedupe.flow import Filters

FULL, RANGE = "full", "range"


@dataclass(frozen=True, slots=True)
class Scope:
    """Documents from ``start`` (inclusive) to ``end`` (exclusive), of ``categories``; all where not given."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    categories: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        words = []
        if self.start or self.end:
            words.append(f"documents from {_day(self.start)} to before {_day(self.end)}")
        if self.categories:
            words.append(f"categories {', '.join(self.categories)}")
        return "; ".join(words) or "all documents"

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
            "categories": list(self.categories),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scope:
        start, end = (
            dt.datetime.fromisoformat(value[key]) if value[key] else None for key in ("start", "end")
        )
        return cls(start, end, tuple(value["categories"]))


def resolve_scope(
    params: Mapping[str, Any], interval: tuple[dt.datetime | None, dt.datetime | None], *, by_hand: bool
) -> Scope:
    """Return what a run scans: its parameters, else the data interval of a run that was not started by hand.

    Args:
        params: ``scope`` (full, range or nothing), ``from``, ``to`` (ISO dates or times, UTC without an
            offset), ``categories`` (a list).
        interval: start and end of the data interval.
        by_hand: a person started the run.

    Raises:
        ScopeError: it is not clear what is meant.
    """
    kind = params.get("scope")
    start, end = _moment(params, "from"), _moment(params, "to")
    categories = tuple(params.get("categories") or ())
    if kind is None and (start or end or categories):
        raise ScopeError("from, to and categories need scope: range; set it, or leave them out.")
    if kind == RANGE:
        if not (start or end or categories):
            raise ScopeError("scope: range needs from, to or categories; for everything choose scope: full.")
        return _checked(Scope(start, end, categories))
    if kind == FULL:
        if start or end or categories:
            raise ScopeError(
                "scope: full scans everything; leave out from, to and categories, or choose range."
            )
        return Scope()
    if kind is not None:
        raise ScopeError(f"scope {kind!r} is none of {FULL}, {RANGE}.")
    if by_hand:
        raise ScopeError(f"Say what this run is to scan: parameter scope = {FULL} or {RANGE}.")
    if interval[0] is None or interval[1] is None:
        raise ScopeError("This run has no data interval; start it by hand with the parameter scope.")
    return _checked(Scope(*interval))


def scope_filters(scope: Scope, config: CollectionConfig, filters: Filters) -> tuple[str, ...]:
    """Return the filter queries of ``scope`` and of the collection's settings.

    Raises:
        ScopeError: the settings do not name the field that the scope goes by.
    """
    found: list[str] = list(config.scope)
    if scope.start or scope.end:
        if config.fields.date is None:
            raise ScopeError("A range of dates needs fields.date in the collection's settings.")
        found.append(filters.date_range(config.fields.date, scope.start, scope.end))
    if scope.categories:
        if config.fields.category is None:
            raise ScopeError("Categories need fields.category in the collection's settings.")
        found.append(filters.any_of(config.fields.category, scope.categories))
    return tuple(found)


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

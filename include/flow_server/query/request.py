"""A /select request after its parameters were checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SortKey:
    """One `field asc|desc` of sort."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class SelectRequest:
    """What to find and which page of it.

    `ids_only`: the caller needs no stored fields; else those of `names`, all where that is None.
    """

    q: str = "*:*"
    fq: tuple[str, ...] = ()
    df: str | None = None
    operator: str = "OR"
    start: int = 0
    rows: int = 10
    sort: tuple[SortKey, ...] = ()
    cursor: str | None = None
    ids_only: bool = False
    names: tuple[str, ...] | None = None
    aggregates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

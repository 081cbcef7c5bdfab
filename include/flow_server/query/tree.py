"""What a query text means before any schema is asked: a tree of immutable nodes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Occur(Enum):
    """How a clause counts in its group."""

    MUST = "+"
    SHOULD = ""
    MUST_NOT = "-"


@dataclass(frozen=True, slots=True)
class Everything:
    """`*:*`."""


@dataclass(frozen=True, slots=True)
class Term:
    """`field:text`, or with `exact` a value that is not analysed (`{!term}`). No field: the default one.

    A text that breaks into words needs all of them where `every` (q.op=AND), all in a row as a `phrase`.
    """

    field: str | None
    text: str
    phrase: bool = False
    exact: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """`field:(one two)`, or bare words in a row: one text to a field of text, else any of the values."""

    field: str | None
    texts: tuple[str, ...]
    every: bool


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`field:pre*fix?`; the pattern keeps its backslash escapes."""

    field: str | None
    pattern: str


@dataclass(frozen=True, slots=True)
class Exists:
    """`field:*`."""

    field: str


@dataclass(frozen=True, slots=True)
class Range:
    """`field:[low TO high}`; None is an open end."""

    field: str | None
    low: str | None
    high: str | None
    include_low: bool
    include_high: bool


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`{!terms f=field}a,b`."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Clauses with how each counts."""

    clauses: tuple[tuple[Occur, Node], ...]


Node: TypeAlias = Everything | Term | Words | Wildcard | Exists | Range | AnyOf | Group

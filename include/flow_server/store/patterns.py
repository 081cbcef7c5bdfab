"""Patterns from outside, matched in linear time: regular expressions of an update, globs of a field list.

Solr's expressions are Java's. What RE2 has not (look-around, back references, possessive repetition), and
what it would read otherwise than Java does, is a 400 that names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import re2

from include.flow_server.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_PATTERNS = 100
MOST_CHARACTERS = 4096
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1024 * 1024  # of each expression; re2 keeps the last 128
_JAVA_ONLY = re.compile(
    r"""\\(?:Q.*?(?:\\E|$)|.) | (?P<flags>\(\?[a-zA-Z-]+[:)]) | (?P<set>\[\^?\]?) | (?P<both>&&) | \]""",
    re.DOTALL | re.VERBOSE,
)


def expressions(texts: Sequence[Any]) -> list[Any]:
    """Java's regular expressions, compiled; their `fullmatch(text)` takes time linear in the text."""
    if len(texts) > MOST_PATTERNS:
        raise BadRequestError(f"removeregex takes at most {MOST_PATTERNS} expressions at once")
    return [_expression(str(text)) for text in texts]


def _expression(text: str) -> Any:
    if len(text) > MOST_CHARACTERS:
        raise BadRequestError(
            f"removeregex: an expression has {len(text)} characters, more than {MOST_CHARACTERS}"
        )
    _refuse_java_only(text)
    try:
        return re2.compile(text, options=_OPTIONS)
    except re2.error as error:
        raise BadRequestError(
            f"removeregex: '{text}' is no regular expression of RE2's syntax, which is Java's without "
            f"look-around, back references and possessive repetition: {_told(error)}"
        ) from None


def _refuse_java_only(text: str) -> None:
    r"""Refuses what RE2 would take for something else: sets in sets, `\v`, flags that it has otherwise."""
    inside = False
    for match in _JAVA_ONLY.finditer(text):
        found = match.group()
        if found == "]":
            inside = False
        elif match["set"] and not inside:
            inside = True
        elif match["set"] or (match["both"] and inside):
            raise BadRequestError(f"removeregex: a set inside a set ({found}) is not supported: '{text}'")
        elif found in (r"\v", r"\C") or (match["flags"] and not inside and set(found) - set("(?ims-:)")):
            raise BadRequestError(f"removeregex: {found} is not supported: '{text}'")


def globs(patterns: Iterable[str]) -> Any:
    """One matcher for names that any of the patterns (`*` and `?`) fits; its `fullmatch` is linear."""
    signs = {"*": ".*", "?": "."}
    parts = ("".join(signs.get(sign) or re2.escape(sign) for sign in glob) for glob in patterns)
    try:
        return re2.compile(f"(?s){'|'.join(parts)}", options=_OPTIONS)
    except re2.error as error:
        raise BadRequestError(f"fl: too many or too long patterns: {_told(error)}") from None


def _told(error: re2.error) -> str:
    (cause,) = error.args
    return cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)

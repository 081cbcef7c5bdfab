r"""Backslashes in queries: `\:` is a colon, `\u00e9` a letter, `\ud83d\ude00` one character, as in Java."""

from __future__ import annotations

import re

from include.flow_server.errors import QuerySyntaxError

_HEX = "[0-9a-fA-F]"
ESCAPE = re.compile(
    rf"\\(u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|u{_HEX}{{4}}|.)", re.DOTALL
)  # a pair of halves goes before one half
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def unescape(text: str) -> str:
    """A word or phrase of the query language without its backslashes."""
    return ESCAPE.sub(lambda match: escaped(match[1]), text)


def unquote(text: str) -> str:
    r"""The inside of a quoted local parameter, where `\n` is a line break, too."""
    return ESCAPE.sub(lambda match: _CONTROLS.get(match[1]) or escaped(match[1]), text)


def escaped(text: str) -> str:
    """The character that stands behind a backslash, itself or as `u` and hexadecimal digits."""
    if text == "u":
        raise QuerySyntaxError("org.apache.solr.search.SyntaxError: \\u needs four hexadecimal digits")
    if len(text) == 1:
        return text
    try:
        return bytes.fromhex(text.replace("\\", "").replace("u", "")).decode("utf-16-be")
    except UnicodeDecodeError:
        raise QuerySyntaxError(
            f"org.apache.solr.search.SyntaxError: \\{text} is half a character: give both halves"
        ) from None

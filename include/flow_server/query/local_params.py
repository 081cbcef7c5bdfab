"""`{!terms f=id separator=";"}a;b`: the parameters before a query text, read once from left to right."""

from __future__ import annotations

import re

from include.flow_server.errors import BadRequestError, QuerySyntaxError
from include.flow_server.query.escapes import unquote

START = "{!"
_KNOWN = {"type", "f", "v", "cache", "df", "q.op", "separator", "tag", "cost"}
_GAP = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d][\w.:]*")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_BARE = re.compile(r"[^\s}]*")


def read_local_params(text: str) -> tuple[dict[str, str], str]:
    """The parameters of a text that begins with `{!`, and the query behind them.

    A name without a value is the `type`. One that is not there is a 400, as Solr's `$` references are.
    """
    reader = _Reader(text)
    parameters: dict[str, str] = {}
    while not reader.ended():
        name, value = reader.parameter()
        if name not in _KNOWN:
            raise BadRequestError(f"local parameter not supported: {name}")
        parameters[name] = value
    return parameters, reader.rest()


class _Reader:
    """A place in the text that only moves forward."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = len(START)

    def ended(self) -> bool:
        """Whether the closing brace is next."""
        self._take(_GAP)
        return self._text.startswith("}", self._place)

    def rest(self) -> str:
        """What stands behind the closing brace."""
        return self._text[self._place + 1 :]

    def parameter(self) -> tuple[str, str]:
        name = self._take(_NAME)
        if not name:
            raise self._error("expected a name or the ending '}' of the local parameters")
        self._take(_GAP)
        if not self._text.startswith("=", self._place):
            return "type", name[0]
        self._place += 1
        self._take(_GAP)
        return name[0], self._value()

    def _value(self) -> str:
        if self._text.startswith("$", self._place):
            raise BadRequestError("local parameter not supported: $ references")
        if self._text.startswith(("'", '"'), self._place):
            quoted = self._take(_QUOTED)
            if not quoted:
                raise self._error("a quoted local parameter has no end")
            return unquote(quoted[0][1:-1])
        bare = self._take(_BARE)
        if self._place == len(self._text):
            raise self._error("the local parameters have no ending '}'")
        return bare[0] if bare else ""

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._place)
        if match:
            self._place = match.end()
        return match

    def _error(self, cause: str) -> QuerySyntaxError:
        return QuerySyntaxError(f"org.apache.solr.search.SyntaxError: Cannot parse '{self._text}': {cause}")

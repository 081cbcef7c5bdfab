"""From query text to tree, with the meaning of Solr's own parser: its operators are not Boolean algebra.

`a OR b AND c` requires b and c and lets a only add score: AND makes its two neighbours required, OR changes
nothing unless q.op=AND. `Group` therefore holds clauses with MUST, SHOULD and MUST_NOT, not a binary tree.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lark import Lark, Token, Tree
from lark.exceptions import LarkError, UnexpectedInput

from include.flow_server.errors import BadRequestError, QuerySyntaxError
from include.flow_server.query.tree import (
    AnyOf,
    Everything,
    Exists,
    Group,
    Node,
    Occur,
    Range,
    Term,
    Wildcard,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPACE = r" \t\n\r\u3000"
_STOP = _SPACE + r'!():^\[\]"{}~'  # what ends a word; + - and / may stand inside one, not at its beginning
_END = rf"(?=[{_STOP}]|$)"
_GRAMMAR = rf"""
query: item+
item: CONJUNCTION? MODIFIER? clause
clause: (WORD ":")? atom BOOST?
atom: WORD | BARE | QUOTED SLOP? | REGEX | range | "(" query ")" | WORD SLOP
range: OPEN bound TO bound CLOSE
bound: GOOP | QUOTED

CONJUNCTION.3: /(?:AND|OR|&&|\|\|){_END}/
MODIFIER.3: /NOT{_END}|[+\-!]/
BARE.4: /[+\-!][{_SPACE}]/
WORD: /(?!(?:AND|OR|NOT|&&|\|\|){_END})(?:[^+\-\\\/{_STOP}]|\\.)(?:[^\\{_STOP}]|\\.)*/s
QUOTED: /"(?:[^"\\]|\\.)*"/s
REGEX: /\/(?:[^\/\\]|\\.)*\//s
SLOP: /~\d*(?:\.\d+)?/
BOOST: /\^\s*=?\d+(?:\.\d+)?/
OPEN: /[\[{{]/
CLOSE: /[\]}}]/
TO.2: /TO(?=[{_SPACE}\]}}]|$)/
GOOP: /[^{_SPACE}\]}}"][^{_SPACE}\]}}]*/
WHITESPACE: /[{_SPACE}]+/
%ignore WHITESPACE
"""
_PARSER = Lark(_GRAMMAR, start="query", parser="lalr", lexer="contextual", maybe_placeholders=False)
_LOCAL_PARAMS = re.compile(r"\{!([^}]*)\}", re.DOTALL)
_LOCAL_PARAM = re.compile(r"""\s*(?:([\w.]+)=)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s'"]+))""")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_UNESCAPED_WILDCARD = re.compile(r"(?:[^\\*?]|\\.)*[*?]", re.DOTALL)


@lru_cache(maxsize=1024)
def parse(text: str, operator: str = "OR", field: str | None = None) -> Node:
    """Parses one `q` or `fq`; `operator` is q.op, `field` that of bare terms. What is not there is a 400."""
    local = _LOCAL_PARAMS.match(text)
    if local:
        return _parse_local(_local_params(local.group(1)), text[local.end() :], operator, field)
    if not text:
        return Group(())
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, f"unexpected input at column {error.column}") from None
    except LarkError as error:
        raise _syntax_error(text, str(error)) from None
    return _Builder(text, operator).query(tree, field)


def _syntax_error(text: str, cause: str) -> QuerySyntaxError:
    return QuerySyntaxError(f"org.apache.solr.search.SyntaxError: Cannot parse '{text}': {cause}")


def _local_params(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, single, double, bare in _LOCAL_PARAM.findall(text):
        value = _unescape(single or double) if single or double else bare
        parameters[name or "type"] = value
    return parameters


def _parse_local(parameters: dict[str, str], rest: str, operator: str, field: str | None) -> Node:
    kind = parameters.get("type", "lucene")
    unknown = parameters.keys() - {"type", "f", "v", "cache", "df", "q.op", "separator", "tag", "cost"}
    if unknown or any(value.startswith("$") for value in parameters.values()):
        raise BadRequestError(
            f"local parameter not supported: {', '.join(sorted(unknown)) or '$ references'}"
        )
    value = parameters.get("v", rest)
    if kind in ("term", "terms") and "f" not in parameters:
        raise BadRequestError(f"Missing field (f) for the query parser '{kind}'")
    if kind == "term":
        return Term(parameters["f"], value, exact=True)
    if kind == "terms":
        return AnyOf(parameters["f"], _terms(value, parameters.get("separator", ",")))
    if kind == "lucene":
        return parse(value, parameters.get("q.op", operator), parameters.get("df", field))
    raise BadRequestError(f"invalid query parser '{kind}' for query '{rest}'")


def _terms(value: str, separator: str) -> tuple[str, ...]:
    if separator == " ":
        return tuple(value.split())
    return tuple(value.split(separator)) if value.strip() else ()


class _Builder:
    """Turns the grammar's tree into nodes; `text` is for error messages."""

    def __init__(self, text: str, operator: str) -> None:
        self._text = text
        self._and = operator.upper() == "AND"

    def query(self, tree: Tree[Token], field: str | None) -> Node:
        clauses: list[tuple[Occur, Node]] = []
        for item in _trees(tree):
            conjunction = _token(item, "CONJUNCTION")
            modifier = _token(item, "MODIFIER")
            if not clauses and conjunction:
                raise _syntax_error(self._text, f"it begins with {conjunction}")
            self._add(clauses, conjunction, modifier, self._clause(_trees(item)[0], field))
        if len(clauses) == 1 and not _token(_trees(tree)[0], "MODIFIER"):
            return clauses[0][1]
        return Group(tuple(clauses))

    def _add(self, clauses: list[tuple[Occur, Node]], conjunction: str, modifier: str, node: Node) -> None:
        joined_by_and = conjunction in ("AND", "&&")
        joined_by_or = conjunction in ("OR", "||")
        if clauses and clauses[-1][0] is not Occur.MUST_NOT:
            if joined_by_and:
                clauses[-1] = (Occur.MUST, clauses[-1][1])
            elif joined_by_or and self._and:
                clauses[-1] = (Occur.SHOULD, clauses[-1][1])
        if modifier in ("-", "!", "NOT"):
            occur = Occur.MUST_NOT
        elif self._and:
            occur = Occur.SHOULD if joined_by_or else Occur.MUST
        else:
            occur = Occur.MUST if joined_by_and or modifier == "+" else Occur.SHOULD
        clauses.append((occur, node))

    def _clause(self, tree: Tree[Token], field: str | None) -> Node:
        name = _token(tree, "WORD")
        return self._atom(_trees(tree)[0], _unescape(name) if name else field)

    def _atom(self, tree: Tree[Token], field: str | None) -> Node:
        if _token(tree, "SLOP"):
            raise BadRequestError(f"fuzzy and proximity search (~) is not supported: '{self._text}'")
        if _token(tree, "REGEX"):
            raise BadRequestError(f"regular expressions are not supported: '{self._text}'")
        if bare := _token(tree, "BARE"):
            return Term(field, bare[0], every=self._and)
        if quoted := _token(tree, "QUOTED"):
            return Term(field, _unescape(quoted[1:-1]), phrase=True)
        if word := _token(tree, "WORD"):
            return self._word(word, field)
        inner = _trees(tree)[0]
        return self.query(inner, field) if inner.data == "query" else self._range(inner, field)

    def _word(self, word: str, field: str | None) -> Node:
        if not _UNESCAPED_WILDCARD.match(word):
            return Term(field, _unescape(word), every=self._and)
        if field == "*" and word == "*":
            return Everything()
        if word == "*" and field is not None:
            return Exists(field)
        return Wildcard(field, _ESCAPE.sub(lambda match: "\\" + _escaped(match.group(1)), word))

    def _range(self, tree: Tree[Token], field: str | None) -> Range:
        low, high = (_bound(bound) for bound in _trees(tree))
        return Range(field, low, high, _token(tree, "OPEN") == "[", _token(tree, "CLOSE") == "]")


def _bound(tree: Tree[Token]) -> str | None:
    text = str(tree.children[0])
    if text.startswith('"'):
        return _unescape(text[1:-1])
    return None if text == "*" else _unescape(text)


def _trees(tree: Tree[Any]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _token(tree: Tree[Any], kind: str) -> str:
    found: Iterable[Token] = (c for c in tree.children if isinstance(c, Token) and c.type == kind)
    return str(next(iter(found), ""))


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _escaped(match.group(1)), text)


def _escaped(text: str) -> str:
    if text == "u":
        raise QuerySyntaxError("org.apache.solr.search.SyntaxError: \\u needs four hexadecimal digits")
    return chr(int(text[1:], 16)) if len(text) == 5 else text

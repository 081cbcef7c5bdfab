"""From query text to tree, with the meaning of Solr's own parser: its operators are not Boolean algebra.

`a OR b AND c` requires b and c and lets a only add score: AND makes its two neighbours required, OR changes
nothing unless q.op=AND. `Group` therefore holds clauses with MUST, SHOULD and MUST_NOT, not a binary tree.

A text is read once, from left to right, and is refused where one of the bounds below is passed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lark import Lark, Token, Tree
from lark.exceptions import LarkError, UnexpectedInput
from lark.lark import PostLex

from include.flow_server.errors import BadRequestError, QuerySyntaxError
from include.flow_server.query.escapes import ESCAPE, escaped, unescape
from include.flow_server.query.local_params import START, read_local_params
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
    Words,
)
from include.flow_server.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_CHARACTERS = 524_288
MOST_SIGNS = 16_384
MOST_CLAUSES = 1024  # as Solr's maxBooleanClauses
MOST_VALUES = 100_000
DEEPEST = 100
_REMEMBERED_BYTES = 16 * 1024 * 1024
_NODE_BYTES = 200  # at most, for each character of a text
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
_UNESCAPED_WILDCARD = re.compile(r"(?:[^\\*?]|\\.)*[*?]", re.DOTALL)
_remembered: Recent[tuple[str, str, str | None], Node] = Recent(
    _REMEMBERED_BYTES, lambda key, _: _NODE_BYTES * len(key[0])
)


class _Bounded(PostLex):
    """Ends the reading of a text with too many signs, or groups in groups too deep."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth = 0
        for number, token in enumerate(stream, 1):
            depth += {"LPAR": 1, "RPAR": -1}.get(token.type, 0)
            if depth > DEEPEST:
                raise BadRequestError(f"the query is nested more than {DEEPEST} deep")
            if number > MOST_SIGNS:
                raise BadRequestError(f"the query has more than {MOST_SIGNS} words and signs")
            yield token


_PARSER = Lark(
    _GRAMMAR, start="query", parser="lalr", lexer="contextual", maybe_placeholders=False, postlex=_Bounded()
)


def parse(text: str, operator: str = "OR", field: str | None = None) -> Node:
    """Parses one `q` or `fq`; `operator` is q.op, `field` that of bare terms. What is not there is a 400."""
    key = (text, operator, field)
    return _remembered.get(key) or _remembered.keep(key, _parse(text, operator, field))


def _parse(text: str, operator: str, field: str | None) -> Node:
    for _ in range(DEEPEST):
        if not text.startswith(START):
            return _parse_words(text, operator, field)
        parameters, text = read_local_params(text)
        text = parameters.get("v", text)
        kind = parameters.get("type", "lucene")
        if kind in ("term", "terms"):
            return _parse_values(kind, text, parameters)
        if kind != "lucene":
            raise BadRequestError(f"invalid query parser '{kind}' for query '{text}'")
        operator, field = parameters.get("q.op", operator), parameters.get("df", field)
    raise BadRequestError(f"the query is nested more than {DEEPEST} deep")


def _parse_words(text: str, operator: str, field: str | None) -> Node:
    if len(text) > MOST_CHARACTERS:
        raise BadRequestError(
            f"the query has {len(text)} characters, more than the {MOST_CHARACTERS} allowed: "
            f"many values of one field go into {{!terms f=…}}"
        )
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


def _parse_values(kind: str, text: str, parameters: dict[str, str]) -> Node:
    field = parameters.get("f")
    if not field:
        raise BadRequestError(f"Missing field (f) for the query parser '{kind}'")
    if kind == "term":
        return Term(field, text, exact=True)
    separator = parameters.get("separator", ",")
    if not separator:
        raise BadRequestError("{!terms}: separator is empty, so nothing tells the values apart")
    if text.count(separator) >= MOST_VALUES:
        raise BadRequestError(f"{{!terms}} takes at most {MOST_VALUES} values: ask for them in parts")
    if separator == " ":
        return AnyOf(field, tuple(text.split()))
    return AnyOf(field, tuple(text.split(separator)) if text.strip() else ())


class _Builder:
    """Turns the grammar's tree into nodes; `text` is for error messages."""

    def __init__(self, text: str, operator: str) -> None:
        self._text = text
        self._and = operator.upper() == "AND"
        self._clauses = 0

    def query(self, tree: Tree[Token], field: str | None) -> Node:
        clauses: list[tuple[Occur, Node]] = []
        leaves: list[Node] = []
        for items in _in_rows(_trees(tree)):
            conjunction = _token(items[0], "CONJUNCTION")
            modifier = _token(items[0], "MODIFIER")
            if not clauses and conjunction:
                raise _syntax_error(self._text, f"it begins with {conjunction}")
            node = self._row(items, field) if len(items) > 1 else self._clause(_trees(items[0])[0], field)
            self._add(clauses, conjunction, modifier, node)
            if not _is_group(items[0]):
                leaves.append(node)
        self._count(leaves)
        if len(clauses) == 1 and clauses[0][0] is Occur.SHOULD:
            return clauses[0][1]
        return Group(tuple(clauses))

    def _count(self, leaves: list[Node]) -> None:
        """Counts clauses; the terms of one field in one group are one, as they are one `{!terms}`."""
        terms = {node.field for node in leaves if isinstance(node, (Term, Words))}
        self._clauses += len(terms) + sum(not isinstance(node, (Term, Words)) for node in leaves)
        if self._clauses > MOST_CLAUSES:
            raise BadRequestError(
                f"Query contains too many nested clauses; maxClauseCount is set to {MOST_CLAUSES}"
            )

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

    def _row(self, items: list[Tree[Token]], field: str | None) -> Node:
        return Words(field, tuple(unescape(_plain_word(item)) for item in items), every=self._and)

    def _clause(self, tree: Tree[Token], field: str | None) -> Node:
        name = _token(tree, "WORD")
        return self._atom(_trees(tree)[0], unescape(name) if name else field)

    def _atom(self, tree: Tree[Token], field: str | None) -> Node:
        if _token(tree, "SLOP"):
            raise BadRequestError(f"fuzzy and proximity search (~) is not supported: '{self._text}'")
        if _token(tree, "REGEX"):
            raise BadRequestError(f"regular expressions are not supported: '{self._text}'")
        if bare := _token(tree, "BARE"):
            return Term(field, bare[0], every=self._and)
        if quoted := _token(tree, "QUOTED"):
            return Term(field, unescape(quoted[1:-1]), phrase=True)
        if word := _token(tree, "WORD"):
            return self._word(word, field)
        inner = _trees(tree)[0]
        return self.query(inner, field) if inner.data == "query" else self._range(inner, field)

    def _word(self, word: str, field: str | None) -> Node:
        if not _UNESCAPED_WILDCARD.match(word):
            return Term(field, unescape(word), every=self._and)
        if field == "*" and word == "*":
            return Everything()
        if word == "*" and field is not None:
            return Exists(field)
        return Wildcard(field, ESCAPE.sub(lambda match: "\\" + escaped(match.group(1)), word))

    def _range(self, tree: Tree[Token], field: str | None) -> Range:
        low, high = (_bound(bound) for bound in _trees(tree))
        return Range(field, low, high, _token(tree, "OPEN") == "[", _token(tree, "CLOSE") == "]")


def _bound(tree: Tree[Token]) -> str | None:
    text = str(tree.children[0])
    if text.startswith('"'):
        return unescape(text[1:-1])
    return None if text == "*" else unescape(text)


def _in_rows(items: list[Tree[Token]]) -> Iterator[list[Tree[Token]]]:
    """Plain words in a row are one clause, as in Solr, unless AND, OR or `*` follows; else, each alone."""
    row: list[Tree[Token]] = []
    for item, following in zip(items, [*items[1:], None], strict=True):
        joins = bool(_plain_word(item)) and not (following and _binds(following))
        if row and not joins:
            yield row
            row = []
        if joins:
            row.append(item)
        else:
            yield [item]
    if row:
        yield row


def _plain_word(item: Tree[Token]) -> str:
    """The word that an item is without field, operator, wildcard or boost; blank for every other item."""
    (clause,) = _trees(item)
    (atom,) = _trees(clause)
    word = _token(atom, "WORD")
    if len(item.children) + len(clause.children) + len(atom.children) > len((item, clause, atom)):
        return ""
    return "" if _UNESCAPED_WILDCARD.match(word) else word


def _binds(item: Tree[Token]) -> bool:
    """Whether an item begins with what keeps the word before it from joining others."""
    (clause,) = _trees(item)
    first = _token(clause, "WORD") or _token(_trees(clause)[0], "WORD")
    return bool(_token(item, "CONJUNCTION")) or (first == "*" and not _token(item, "MODIFIER"))


def _is_group(item: Tree[Token]) -> bool:
    """Whether the clause of an item is a group in parentheses."""
    (clause,) = _trees(item)
    (atom,) = _trees(clause)
    return any(inner.data == "query" for inner in _trees(atom))


def _trees(tree: Tree[Any]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _token(tree: Tree[Any], kind: str) -> str:
    found: Iterable[Token] = (c for c in tree.children if isinstance(c, Token) and c.type == kind)
    return str(next(iter(found), ""))

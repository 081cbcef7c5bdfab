"""From tree to documents: each leaf is one range scan of an indexed table, groups are set algebra."""

from __future__ import annotations

import re
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.errors import BadRequestError
from include.flow_server.query.parser import MOST_CLAUSES, parse
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
from include.flow_server.store.keyset import EVERYTHING, NOTHING, KeySet, union
from include.flow_server.store.schema import CATCH_ALL, Field, FieldType, Schema
from include.flow_server.store.terms import has_phrase
from include.flow_server.store.values import Indexed, to_asked, words

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime

    from include.flow_server.recent import Recent

_COLUMNS = {"id": "id", "_version_": "version"}
_WILD = re.compile(r"\\(.)|([*?\[])|([^\\*?\[]+)", re.DOTALL)
_BATCH = 500
_MOST_PATTERN = 4096


class Evaluator:
    """Evaluates queries over one connection, that is, over one state of the collection.

    `remembered` keeps results of queries that do not depend on the present; a commit drops it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        schema: Schema,
        moment: datetime,
        remembered: Recent[tuple[str, str, str], KeySet] | None = None,
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._moment = moment
        self._remembered = remembered

    def query(self, text: str, operator: str = "OR", default_field: str | None = CATCH_ALL) -> KeySet:
        """The documents that `text` matches; at the top a purely negative query means "all but"."""
        key = (text, operator, default_field or "")
        known = self._remembered.get(key) if self._remembered is not None else None
        if known is not None:
            return known
        result = self._top(parse(text, operator), default_field)
        if self._remembered is not None and "NOW" not in text and "cache=false" not in text:
            self._remembered.keep(key, result)
        return result

    def _top(self, node: Node, default_field: str | None) -> KeySet:
        if isinstance(node, Group):
            clauses = self._speaking(node, default_field)
            if clauses and all(occur is Occur.MUST_NOT for occur, _ in clauses):
                node = Group(((Occur.MUST, Everything()), *clauses))
        return self._node(node, default_field)

    def _speaking(self, group: Group, default: str | None) -> list[tuple[Occur, Node]]:
        """The clauses of a group but texts without a word, which are no clauses at all."""
        return [(occur, one) for occur, one in group.clauses if not self._says_nothing(one, default)]

    def _says_nothing(self, node: Node, default: str | None) -> bool:
        if isinstance(node, Group):
            return not self._speaking(node, default)
        if not isinstance(node, (Term, Words)) or (isinstance(node, Term) and node.exact):
            return False
        text = node.text if isinstance(node, Term) else " ".join(node.texts)
        field = self._schema.find(node.field or default or "")
        return field is not None and field.type is FieldType.TEXT and not words(text)

    def _node(self, node: Node, default: str | None) -> KeySet:
        if isinstance(node, Everything):
            return EVERYTHING
        if isinstance(node, Group):
            return self._group(node, default)
        if isinstance(node, Term) and node.exact and node.field and self._schema.find(node.field) is None:
            return NOTHING
        name = node.field or default
        if name is None:
            raise BadRequestError("no field name specified in query and no default specified via 'df' param")
        return self._leaf(node, self._schema.require(name))

    def _leaf(self, node: Exists | AnyOf | Range | Wildcard | Words | Term, field: Field) -> KeySet:
        match node:
            case Exists():
                result = self._scan(field, "1", ())
            case AnyOf():
                result = self._any_of(field, node.values)
            case Range():
                result = self._range(field, node)
            case Wildcard():
                result = self._wildcard(field, node.pattern)
            case Words() if field.type is not FieldType.TEXT:
                result = self._any_of(field, node.texts)
            case Words():
                result = self._term(field, Term(field.name, " ".join(node.texts), every=node.every))
            case Term():
                result = self._term(field, node)
        return result

    def _group(self, group: Group, default: str | None) -> KeySet:
        clauses = self._speaking(group, default)

        def found(occur: Occur) -> Iterator[KeySet]:
            return (self._node(node, default) for which, node in clauses if which is occur)

        wanted = union(found(Occur.SHOULD))  # what is wrong in them is told, though they may not count
        if any(occur is Occur.MUST for occur, _ in clauses):
            wanted = reduce(and_, found(Occur.MUST))
        return wanted - union(found(Occur.MUST_NOT))

    def _term(self, field: Field, term: Term) -> KeySet:
        if field.type is not FieldType.TEXT or term.exact:
            return self._scan(field, "{value} = ?", (to_asked(field, term.text, self._moment),))
        parts = words(term.text)
        distinct = dict.fromkeys(parts)
        if not distinct:
            return NOTHING
        if len(parts) > MOST_CLAUSES:
            raise BadRequestError(f"a text of a query has more than {MOST_CLAUSES} words")
        sets = (self._scan(field, "{value} = ?", (word,)) for word in distinct)
        result = reduce(and_, sets) if term.phrase or term.every else union(sets)
        if term.phrase and len(parts) > 1:
            fields = self._schema.texts() if field.name == CATCH_ALL else {field.name}
            held = [key for key in result.keys.tolist() if has_phrase(self._connection, fields, key, parts)]
            return KeySet(np.array(held, dtype=np.int64))
        return result

    def _range(self, field: Field, node: Range) -> KeySet:
        conditions, bounds = ["1"], []
        for text, sign, inclusive in ((node.low, ">", node.include_low), (node.high, "<", node.include_high)):
            if text is not None:
                conditions.append("{value} " + sign + ("=" if inclusive else "") + " ?")
                wanted = text.lower() if field.type is FieldType.TEXT else text
                bounds.append(to_asked(field, wanted, self._moment))
        return self._scan(field, " AND ".join(conditions), tuple(bounds))

    def _any_of(self, field: Field, values: tuple[str, ...]) -> KeySet:
        asked = [to_asked(field, value, self._moment) for value in dict.fromkeys(values)]
        batches = (tuple(asked[start : start + _BATCH]) for start in range(0, len(asked), _BATCH))
        return union(
            self._scan(field, "{value} IN (" + ",".join("?" * len(batch)) + ")", batch) for batch in batches
        )

    def _wildcard(self, field: Field, pattern: str) -> KeySet:
        if field.type not in (FieldType.STRING, FieldType.TEXT):
            raise BadRequestError(
                f"wildcards need a text or string field, {field.name} is a {field.type.value}"
            )
        translated = glob(pattern.lower() if field.type is FieldType.TEXT else pattern)
        if len(translated) > _MOST_PATTERN:
            raise BadRequestError(f"a pattern with wildcards may have {_MOST_PATTERN} characters at most")
        return self._scan(field, "{value} GLOB ?", (translated,))

    def _scan(self, field: Field, condition: str, values: tuple[Indexed, ...]) -> KeySet:
        column = _COLUMNS.get(field.name)
        if column:
            sql = f"SELECT key FROM documents WHERE {condition.format(value=column)}"  # noqa: S608
        elif field.number is None:
            return NOTHING
        else:
            sql = f"SELECT key FROM terms WHERE field = {field.number} AND {condition.format(value='value')}"  # noqa: S608
        rows = self._connection.execute(sql, values)
        return KeySet(np.unique(np.fromiter((row[0] for row in rows), dtype=np.int64)))


def glob(pattern: str) -> str:
    """A Solr wildcard pattern as one of SQLite's GLOB."""
    return "".join(
        f"[{escaped}]" if escaped in ("*", "?", "[") else escaped or ("[[]" if wild == "[" else wild) or plain
        for escaped, wild, plain in _WILD.findall(pattern)
    )

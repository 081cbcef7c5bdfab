"""The body of /update as a list of commands, whichever of Solr's spellings it comes in.

Real Solr reads the same body differently by path. Below /solr/C/update an object holds commands
(`{"add": …, "delete": …, "commit": {}}`, a key may come more than once); below /api/cores/C/update and on
…/update/json/docs it is one document. An array is a list of documents everywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from include.flow_server.errors import BadRequestError
from include.flow_server.store.atomic import is_atomic
from include.flow_server.store.protocol import Delete, DeleteByQuery
from include.flow_server.store.terms import listed

_COMMANDS = ("add", "delete", "commit", "optimize", "rollback")
DEEPEST = 100  # pairs count, too
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_COMMIT_OPTIONS = {"waitSearcher", "softCommit", "openSearcher", "expungeDeletes", "maxSegments", "waitFlush"}


@dataclass(frozen=True, slots=True)
class Insert:
    """One document of the body, not yet looked at."""

    fields: dict[str, Any]
    overwrite: bool = True


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit among the commands."""


@dataclass(frozen=True, slots=True)
class CommitWithin:
    """A commit that is to come in so many milliseconds, said inside an add or a delete."""

    milliseconds: int


Command: TypeAlias = "Insert | Delete | DeleteByQuery | Commit | CommitWithin"


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys in order, repeated ones kept."""


def read_commands(body: bytes, documents_only: bool) -> list[Command]:
    """Parses the body of /update; `documents_only`: its path takes documents, not commands."""
    if not body.strip():
        return []
    value = _parsed(body)
    if isinstance(value, _Pairs):
        return _documents([value]) if documents_only else _commands(value)
    if isinstance(value, list):
        return _documents(value) if documents_only else [_insert(document) for document in value]
    raise BadRequestError("Cannot parse provided JSON: documents or commands are needed")


def _parsed(body: bytes) -> Any:
    try:
        text = body.decode(json.detect_encoding(body))
        if _SURROGATE.search(text):
            json.dumps(json.loads(text), ensure_ascii=False).encode()
        value = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    except UnicodeEncodeError:
        raise BadRequestError("Cannot parse provided JSON: \\u with half of a surrogate pair") from None
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"Cannot parse provided JSON: {error}") from None
    if _depth(value) > DEEPEST:
        raise BadRequestError(f"Cannot parse provided JSON: it is nested more than {DEEPEST} deep")
    return value


def _depth(value: Any) -> int:
    """How many lists and objects are inside each other; counted level by level."""
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        parts = (one for one in level if isinstance(one, (list, tuple)))
        level = [part for one in parts for part in one if isinstance(part, (list, tuple))]
        depth += 1
    return depth


def _documents(values: list[Any]) -> list[Command]:
    """Documents on a path that takes nothing else; Solr would index commands and operators as fields."""
    inserts = [_insert(document) for document in values]
    for insert in inserts:
        if "id" not in insert.fields and all(key in _COMMANDS for key in insert.fields):
            raise BadRequestError("commands are taken below /solr/<collection>/update, not on this path")
        if is_atomic({name: value for name, value in insert.fields.items() if name != "import"}):
            raise BadRequestError(
                "atomic updates are taken below /solr/<collection>/update, not on this path"
            )
    return list(inserts)


def _commands(pairs: _Pairs) -> list[Command]:
    for key, _ in pairs:
        if key not in _COMMANDS:
            raise BadRequestError(f"Unknown command '{key}' at [5]")
    return [command for key, operand in pairs for command in _command(key, operand)]


def _command(name: str, operand: Any) -> list[Command]:
    if name == "add":
        return _adds(operand)
    if name == "delete":
        return _deletes(operand)
    if name in ("commit", "optimize"):
        unknown = dict(operand).keys() - _COMMIT_OPTIONS if isinstance(operand, _Pairs) else {str(operand)}
        if unknown:
            raise BadRequestError(f"Unknown key in {name}: {', '.join(sorted(unknown))}")
        return [Commit()]
    raise BadRequestError(f"command '{name}' is not supported")


def _adds(operand: Any) -> list[Command]:
    if isinstance(operand, list) and not isinstance(operand, _Pairs):
        return [_insert(document) for document in operand]
    options = dict(operand) if isinstance(operand, _Pairs) else {}
    if "doc" not in options:
        raise BadRequestError("Missing doc for add")
    unknown = options.keys() - {"doc", "overwrite", "commitWithin", "boost"}
    if unknown:
        raise BadRequestError(f"Unknown key in add: {', '.join(sorted(unknown))}")
    insert = _insert(options["doc"])
    return [Insert(insert.fields, options.get("overwrite") is not False), *_within(options)]


def _within(options: dict[str, Any]) -> list[Command]:
    milliseconds = options.get("commitWithin")
    return [] if milliseconds is None else [CommitWithin(whole_number(milliseconds))]


def _insert(document: Any) -> Insert:
    if not isinstance(document, _Pairs):
        raise BadRequestError(
            f"Cannot parse provided JSON: a document is an object, not {type(document).__name__}"
        )
    return Insert(_plain(document))


def _deletes(operand: Any) -> list[Command]:
    if isinstance(operand, _Pairs):
        options = dict(operand)
        unknown = options.keys() - {"id", "query", "commitWithin", "_version_", "_route_"}
        if unknown:
            raise BadRequestError(f"Unknown key in delete: {', '.join(sorted(unknown))}")
        if ("id" in options) == ("query" in options):
            raise BadRequestError("Missing id or query for delete at [5]")
        if "query" in options:
            return [DeleteByQuery(str(options["query"])), *_within(options)]
        version = whole_number(options.get("_version_", 0))
        return [Delete(_plain_id(options["id"]), version), *_within(options)]
    if isinstance(operand, list):
        return [
            command
            for one in operand
            for command in (_deletes(one) if isinstance(one, _Pairs) else [Delete(_plain_id(one))])
        ]
    return [Delete(_plain_id(operand))]


def _plain_id(value: Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise BadRequestError("delete needs ids, or an object with id or query")
    return str(value)


def whole_number(value: Any) -> int:
    """`_version_`, or a time in milliseconds, as a whole number; a fraction or text is a 400."""
    try:
        return int(str(value))
    except ValueError:
        raise BadRequestError(f'For input string: "{value}"') from None


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return _merged([(key, _plain(inner)) for key, inner in value])
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that comes more than once has all its values, as in Solr."""
    merged = dict(pairs)
    if len(merged) == len(pairs):
        return merged
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {
        name: many[0] if len(many) == 1 else [one for value in many for one in listed(value)]
        for name, many in values.items()
    }


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

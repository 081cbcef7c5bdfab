"""The body of /update as a list of commands, whichever of Solr's spellings it comes in.

A JSON array is a list of documents. An object is commands when all its keys are commands and it has no id
(`{"add": …, "delete": …, "commit": {}}`, where a key may come more than once), and one document otherwise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from include.flow_server.errors import BadRequestError
from include.flow_server.store.protocol import Delete, DeleteByQuery

_COMMANDS = ("add", "delete", "commit", "optimize", "rollback")


@dataclass(frozen=True, slots=True)
class Insert:
    """One document of the body, not yet looked at."""

    fields: dict[str, Any]
    overwrite: bool = True
    commit_within: int | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit among the commands."""


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys in order, repeated ones kept."""


def read_commands(body: bytes) -> list[Insert | Delete | DeleteByQuery | Commit]:
    """Parses the body of /update."""
    if not body.strip():
        return []
    try:
        value = json.loads(body, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"Cannot parse provided JSON: {error}") from None
    if isinstance(value, _Pairs):
        keys = [key for key, _ in value]
        if value and all(key in _COMMANDS for key in keys):
            return [command for key, operand in value for command in _command(key, operand)]
        if "id" not in keys:
            raise BadRequestError(f"Unknown command '{keys[0] if keys else ''}' at [5]")
        return [Insert(_plain(value))]
    if isinstance(value, list):
        return [_insert(document) for document in value]
    raise BadRequestError("Cannot parse provided JSON: documents or commands are needed")


def _command(name: str, operand: Any) -> list[Insert | Delete | DeleteByQuery | Commit]:
    if name == "add":
        return _adds(operand)
    if name == "delete":
        return _deletes(operand)
    if name in ("commit", "optimize"):
        return [Commit()]
    raise BadRequestError(f"command '{name}' is not supported")


def _adds(operand: Any) -> list[Insert | Delete | DeleteByQuery | Commit]:
    if isinstance(operand, list) and not isinstance(operand, _Pairs):
        return [_insert(document) for document in operand]
    options = dict(operand) if isinstance(operand, _Pairs) else {}
    if "doc" not in options:
        raise BadRequestError("Missing doc for add")
    unknown = options.keys() - {"doc", "overwrite", "commitWithin", "boost"}
    if unknown:
        raise BadRequestError(f"Unknown key in add: {', '.join(sorted(unknown))}")
    insert = _insert(options["doc"])
    within = options.get("commitWithin")
    overwrite = options.get("overwrite") is not False
    return [Insert(insert.fields, overwrite, None if within is None else int(within))]


def _insert(document: Any) -> Insert:
    if not isinstance(document, _Pairs):
        raise BadRequestError(
            f"Cannot parse provided JSON: a document is an object, not {type(document).__name__}"
        )
    return Insert(_plain(document))


def _deletes(operand: Any) -> list[Insert | Delete | DeleteByQuery | Commit]:
    if isinstance(operand, _Pairs):
        options = dict(operand)
        unknown = options.keys() - {"id", "query", "commitWithin", "_version_", "_route_"}
        if unknown:
            raise BadRequestError(f"Unknown key in delete: {', '.join(sorted(unknown))}")
        if ("id" in options) == ("query" in options):
            raise BadRequestError("Missing id or query for delete at [5]")
        if "query" in options:
            return [DeleteByQuery(str(options["query"]))]
        return [Delete(str(options["id"]), version_number(options.get("_version_", 0)))]
    ids = operand if isinstance(operand, list) else [operand]
    if any(not isinstance(one, (str, int, float)) for one in ids):
        raise BadRequestError("delete needs ids, or an object with id or query")
    return [Delete(str(one)) for one in ids]


def version_number(value: Any) -> int:
    """`_version_` as a whole number; a fraction or text is a 400."""
    try:
        return int(str(value))
    except ValueError:
        raise BadRequestError(f'For input string: "{value}"') from None


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _plain(inner) for key, inner in value}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

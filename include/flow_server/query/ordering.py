"""Sort order, pages and cursor marks.

A mark holds the sort values of the last document of a page (URL-safe Base64 of JSON), so it is stateless: it
works after a restart and after changes, and no document is met twice under `sort=id asc`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.errors import BadRequestError
from include.flow_server.query.request import SortKey
from include.flow_server.store.schema import FieldType, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.flow_server.query.columns import Column
    from include.flow_server.store.keyset import Keys
    from include.flow_server.store.schema import Field
    from include.flow_server.store.values import Indexed

SCORE = "score"
MOST_KEYS = 64
_LAST_WHEN_MISSING = (FieldType.STRING, FieldType.BOOLEAN)


def parse_sort(text: str, schema: Schema) -> tuple[SortKey, ...]:
    """Reads `sort`; an unknown field, or one of words, is a 400."""
    if text.count(",") > MOST_KEYS:
        raise BadRequestError(f"sort names more than {MOST_KEYS} fields")
    keys = []
    for part in text.strip().removesuffix(",").split(",") if text.strip() else ():
        name, _, direction = part.strip().rpartition(" ")
        name = name.strip()
        if direction.lower() not in ("asc", "desc") or not name:
            raise BadRequestError(f"Can't determine a Sort Order (asc or desc) in sort spec '{text}'")
        if name != SCORE:
            _check_sortable(name, schema)
        keys.append(SortKey(name, direction.lower() == "desc"))
    return tuple(keys)


def _check_sortable(name: str, schema: Schema) -> None:
    field = schema.find(name)
    if field is None:
        raise BadRequestError(f"sort param field can't be found: {name}")
    if field.type is FieldType.TEXT:
        raise BadRequestError(f"can not sort on a field of words: {name}")


def check_cursor(sort: Sequence[SortKey], start: int) -> None:
    """What a cursorMark demands of the rest of the request."""
    if not any(key.field == "id" for key in sort):
        raise BadRequestError("Cursor functionality requires a sort containing a uniqueKey field tie breaker")
    if start != 0:
        raise BadRequestError("Cursor functionality requires start=0")


def write_mark(values: Sequence[Indexed | None]) -> str:
    """The mark that stands after a document with these sort values."""
    text = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_mark(mark: str, sort: Sequence[SortKey]) -> list[Indexed | None]:
    """The sort values in a mark; one that we did not write for this sort is a 400."""
    try:
        values = json.loads(base64.b64decode(mark + "=" * (-len(mark) % 4), altchars=b"-_", validate=True))
        json.dumps(values, ensure_ascii=False).encode()  # half of a surrogate pair is an error
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(v, (str, int, float, type(None))) for v in values):
        raise BadRequestError(
            f"Unable to parse 'cursorMark' after totem: value must either be '*' or the 'nextCursorMark' "
            f"returned by a previous search: {mark}"
        )
    if len(values) != len(sort):
        raise BadRequestError(f"cursorMark does not work with current sort (wrong size): {mark}")
    return values


def in_order(keys: Keys, sort: Sequence[SortKey], column: Callable[[str], Column], schema: Schema) -> Keys:
    """`keys` in sort order, equal ones by key."""
    ranks = [_signed_ranks(keys, key, column(key.field), schema) for key in sort if key.field != SCORE]
    return keys[np.lexsort((keys, *reversed(ranks)))]


def is_after(
    values: Sequence[Indexed | None], mark: Sequence[Indexed | None], sort: Sequence[SortKey], schema: Schema
) -> bool:
    """Whether a document with these sort values stands after the mark, in the order of `in_order`."""
    for value, at, key in zip(values, mark, sort, strict=True):
        if key.field == SCORE:
            continue
        last = schema.require(key.field).type in _LAST_WHEN_MISSING
        ours, theirs = (0 if one is None and not last else one for one in (value, at))
        if ours == theirs:
            continue
        if ours is None or theirs is None:
            return ours is None
        try:
            return (ours < theirs) == key.descending  # type: ignore[operator]
        except TypeError:
            raise BadRequestError(f"cursorMark does not work with current sort: {list(mark)}") from None
    return False


def missing_rank(field: Field, key: SortKey, column: Column) -> float:
    """Where documents without the field stand: strings last in both directions, numbers and dates as 0."""
    if field.type in _LAST_WHEN_MISSING:
        return -1.0 if key.descending else float(len(column.values))
    return column.rank_of(0)


def _signed_ranks(
    keys: Keys, key: SortKey, column: Column, schema: Schema
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    ranks = column.ranks(keys, missing_rank(schema.require(key.field), key, column), key.descending)
    return -ranks if key.descending else ranks

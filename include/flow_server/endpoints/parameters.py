"""Request parameters: query string and form together, checked one by one. Unknown ones are ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from include.flow_server.errors import BadRequestError, TooLargeError
from include.flow_server.store.values import read_int

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

_TRUE = ("true", "on", "yes")
_FALSE = ("false", "off", "no")
MOST_VALUES = 1024  # of one name
_MOST_FIELDS = 10_000
_LONG = 65_536  # more is read in a thread


class Parameters:
    """All parameters of a request; a name may come more than once."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        for name, values in self._values.items():
            if len(values) > MOST_VALUES:
                raise BadRequestError(
                    f"'{name}' comes {len(values)} times, more than the {MOST_VALUES} allowed"
                )

    def text(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name."""
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of that name, blank ones left out."""
        return tuple(value for value in self._values.get(name, ()) if value.strip())

    def starting(self, *prefixes: str) -> Mapping[str, tuple[str, ...]]:
        """Every parameter whose name starts with one of the prefixes."""
        return {name: self.all(name) for name in self._values if name.startswith(prefixes)}

    def names(self) -> set[str]:
        return set(self._values)

    def number(self, name: str, default: int) -> int:
        """A whole number that is not negative."""
        text = self.text(name)
        if text is None:
            return default
        value = read_int(text)
        if value < 0:
            raise BadRequestError(f"'{name}' parameter cannot be negative")
        return value

    def fraction(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        text = self.text(name)
        if text is None or text == "":
            return default
        try:
            value = float(text)
        except ValueError:
            raise BadRequestError(f'For input string: "{text}"') from None
        if not 0.0 <= value <= 1.0:
            raise BadRequestError(f"'{name}' must be a number from 0 to 1, not {text}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean in any case (`False` is what Python clients send)."""
        text = self.text(name)
        if text is None or text == "":
            return default
        if text.lower() not in _TRUE + _FALSE:
            raise BadRequestError(f"invalid boolean value: {text}")
        return text.lower() in _TRUE


async def read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes of it: more is a 413."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise TooLargeError(f"the request body has more than the {limit} bytes that are allowed")
        pieces.append(piece)
    return b"".join(pieces)


async def read_parameters(request: Request, limit: int) -> Parameters:
    """Query string first, then the form of a POST."""
    pairs = await read_pairs(request.scope["query_string"])
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and kind == "application/x-www-form-urlencoded":
        pairs += await read_pairs(await read_body(request, limit))
    elif request.method == "POST" and kind == "multipart/form-data":
        pairs += await _multipart(request, limit)
    elif request.method == "POST" and (await read_body(request, limit)).strip():
        raise BadRequestError(
            f"a query is sent as parameters or as a form, not as {kind or 'a body without type'}"
        )
    return Parameters(pairs)


async def _multipart(request: Request, limit: int) -> list[tuple[str, str]]:
    if int(request.headers.get("content-length") or limit + 1) > limit:
        raise TooLargeError(f"a multipart form needs a Content-Length of at most {limit} bytes")
    async with request.form(max_part_size=limit) as form:
        pairs = []
        for name, value in form.multi_items():
            pairs.append(
                (name, (await value.read()).decode("latin-1") if isinstance(value, UploadFile) else value)
            )
    return pairs


async def read_pairs(text: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string or form, in order."""
    return await run_in_threadpool(_pairs, text) if len(text) > _LONG else _pairs(text)


def _pairs(text: bytes) -> list[tuple[str, str]]:
    if text.count(b"&") >= _MOST_FIELDS:
        raise BadRequestError(f"a request has at most {_MOST_FIELDS} parameters")
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise BadRequestError(f"parameters are not URL-encoded UTF-8: {error}") from None

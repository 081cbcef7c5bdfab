"""A server that takes no time: canned answers for benchmarks of clients, in the form of Flow's.

    python -m include.tools.instant_server        # prints its port

A collection called ``n5000`` holds 5,000 documents. Every thirtieth has one duplicate.
"""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

import uvloop

HIT_EVERY = 30
PAGE = 1000


class Answering(asyncio.Protocol):
    """Answers each request of a kept-alive connection as it comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET ") and data.find(b"\r\n\r\n") == len(data) - 4 and not self._received:
            self._transport.write(_response(data.split(b" ", 2)[1], b""))  # type: ignore[attr-defined]
            return
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[: end + 2]
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body = self._received[end + 4 : whole]
            self._received = self._received[whole:]
            self._transport.write(_response(head.split(b" ", 2)[1], body))  # type: ignore[attr-defined]


def _response(target: bytes, body: bytes) -> bytes:
    path, _, query = target.partition(b"?")
    if path.endswith(b"/duplicate"):
        return _duplicate(query)
    return _other(path.decode(), (query + b"&" + body).decode())


def _duplicate(query: bytes) -> bytes:
    number = int(query.partition(b"rank.by.id=d")[2].partition(b"&")[0])
    return _HIT if number % HIT_EVERY == 0 else _MISS


def _other(path: str, query: str) -> bytes:
    parts = urlsplit(path).path.split("/")
    total = int(next(part for part in parts if re.fullmatch(r"n\d+", part))[1:])
    given = parse_qs(query)
    if parts[-1] == "duplicates":
        return _page(total, given["cursorMark"][0], True)
    if parts[-1] != "select":
        return _http({"capabilities": ["duplicates"]})
    if "cursorMark" in given:
        return _page(total, given["cursorMark"][0], False)
    wanted = [fq.partition("}")[2] for fq in given.get("fq", ()) if fq.startswith("{!terms f=id")]
    ids = wanted[0].split(",") if wanted else ["d0"]
    counts = {"facet_queries": dict.fromkeys(given.get("facet.query", ()), total)}
    docs = [{"id": name, "image": f"http://images/{name}.jpg"} for name in ids]
    response = {"numFound": total, "start": 0, "docs": docs}
    return _http({"response": response, "facet_counts": counts})


@lru_cache(maxsize=8)
def _page(total: int, mark: str, with_hits: bool) -> bytes:
    start = 0 if mark == "*" else int(mark)
    ids = [f"d{number:09}" for number in range(start, min(total, start + PAGE))]
    docs = [{"id": name, **({"hits": _hits(name)} if with_hits else {})} for name in ids]
    following = str(start + len(ids)) if ids else mark
    response = {"numFound": total, "start": 0, "docs": docs}
    return _http({"response": response, "nextCursorMark": following})


def _hits(name: str) -> list[dict[str, object]]:
    is_hit = int(name[1:]) % HIT_EVERY == 0
    return [{"id": f"{name}x", "score": 0.97, "image": f"http://images/{name}.jpg"}] if is_hit else []


def _http(answer: dict[str, object]) -> bytes:
    body = json.dumps({"responseHeader": {"status": 0, "QTime": 0}, **answer}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


_MISS = _http({"response": {"numFound": 0, "start": 0, "docs": []}})
_HIT = _http({"response": {"numFound": 1, "start": 0, "docs": [{"id": "x", "score": 0.97, "image": "y"}]}})


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

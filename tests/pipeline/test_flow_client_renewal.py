"""A login that Flow refuses is read again, once for each that it refuses."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from include.flow_client import FlowAddress, FlowAuthError, FlowClient
from tests.support.scripted_flow import QUICK, Answer, found, scripted_flow

REFUSED = Answer(body=b"<html>Unauthorized</html>", status=401)


class Connection:
    """A connection whose token changes each time it is read, as `tokens` say."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.reads = 0

    def read(self, base: str) -> FlowAddress:
        token = self.tokens[min(self.reads, len(self.tokens) - 1)]
        self.reads += 1
        return replace(FlowAddress.parse(base, "c"), token=token)


def asked(connection: Connection, *script: Answer, calls: int = 1) -> tuple[list[str | None], int]:
    """The tokens that Flow saw, and how often the connection was read, for some calls at once."""

    async def main() -> tuple[list[str | None], int]:
        async with scripted_flow(*script) as flow:
            address = connection.read(flow.url)
            renew = lambda: connection.read(flow.url)  # noqa: E731
            async with FlowClient(address, retry=QUICK, renew=renew) as client:
                await asyncio.gather(*(client.count() for _ in range(calls)))
            return [request.headers.get("Authorization") for request in flow.asked], connection.reads

    return asyncio.run(main())


def test_a_refused_token_is_read_again_and_the_call_is_made_once_more() -> None:
    tokens, reads = asked(Connection("old", "new"), REFUSED, found())
    assert tokens == ["Bearer old", "Bearer new"]
    assert reads == 2


def test_calls_that_are_refused_together_read_it_once() -> None:
    slow = replace(REFUSED, delay_s=0.1)
    tokens, reads = asked(Connection("old", "new", "never"), slow, slow, slow, found(), calls=3)
    assert sorted(filter(None, tokens)) == ["Bearer new"] * 3 + ["Bearer old"] * 3
    assert reads == 2


def test_a_second_rotation_is_followed_too() -> None:
    async def main() -> None:
        connection = Connection("one", "two", "three")
        async with scripted_flow(REFUSED, found(), REFUSED, found()) as flow:
            renew = lambda: connection.read(flow.url)  # noqa: E731
            async with FlowClient(connection.read(flow.url), retry=QUICK, renew=renew) as client:
                await client.count()
                await client.count()
            assert flow.asked[-1].headers["Authorization"] == "Bearer three"

    asyncio.run(main())


def test_an_unchanged_token_fails_at_once() -> None:
    connection = Connection("same")
    with pytest.raises(FlowAuthError):
        asked(connection, REFUSED)
    assert connection.reads == 2

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from include.flow_client.pace import Pace
from tests.support.virtual_time import run_in_virtual_time


async def send(pace: Pace, count: int, seconds: Callable[[int], float], **outcome: bool) -> int:
    """Send requests that each take ``seconds(number under way)``; return the most under way at once."""
    under_way = most = 0

    async def request() -> None:
        nonlocal under_way, most
        began = await pace.begin()
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(seconds(under_way))
        under_way -= 1
        pace.end(began, is_busy=outcome.get("is_busy", False))

    await asyncio.gather(*(request() for _ in range(count)))
    return most


def test_no_more_than_the_limit_are_under_way() -> None:
    assert asyncio.run(send(Pace(4), 40, lambda _: 0.001)) == 4


def test_a_busy_server_gets_fewer_at_once_and_more_again_when_it_keeps_up() -> None:
    async def check(clock: Callable[[], float]) -> None:
        pace = Pace(16, clock=clock)
        await send(pace, 20, lambda _: 0.001, is_busy=True)
        assert pace.allowed == 1
        await send(pace, 200, lambda _: 0.001)
        assert pace.allowed == 16

    run_in_virtual_time(check)


def test_a_server_that_slows_down_under_load_gets_fewer_at_once() -> None:
    async def check(clock: Callable[[], float]) -> None:
        pace = Pace(32, clock=clock)
        await send(pace, 1, lambda _: 0.005)
        await send(pace, 300, lambda under_way: 0.005 * under_way)
        assert pace.allowed < 16

    run_in_virtual_time(check)


def test_no_more_begin_in_a_second_than_allowed() -> None:
    async def check(clock: Callable[[], float]) -> float:
        pace = Pace(8, per_second=100, clock=clock)
        began = clock()
        await send(pace, 31, lambda _: 0.0)
        return clock() - began

    assert run_in_virtual_time(check) == pytest.approx(0.3)


def test_a_limit_of_none_holds_all_back_until_it_is_raised() -> None:
    async def check() -> None:
        pace = Pace(4)
        pace.limit(0, None)
        waiting = asyncio.create_task(send(pace, 3, lambda _: 0.0))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        pace.limit(2, None)
        assert await waiting <= 2

    asyncio.run(check())


def test_one_that_gives_up_waiting_leaves_its_turn_to_the_next() -> None:
    async def check() -> None:
        pace = Pace(1)
        first = await pace.begin()
        second, third = (asyncio.create_task(pace.begin()) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        pace.end(first, is_busy=False)
        pace.end(await asyncio.wait_for(third, 1), is_busy=False)

    asyncio.run(check())

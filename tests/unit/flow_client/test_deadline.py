from __future__ import annotations

import asyncio

import pytest

from include.flow_client.deadline import Deadline


def test_what_takes_too_long_is_broken_off_and_nothing_else() -> None:
    async def main() -> list[BaseException | str]:
        deadline, released = Deadline(0.05), asyncio.Event()

        async def work(*, is_slow: bool) -> str:
            with deadline:
                await (released.wait() if is_slow else asyncio.sleep(0))
            return "done"

        slow, quick = work(is_slow=True), work(is_slow=False)
        ended = await asyncio.gather(slow, quick, return_exceptions=True)
        assert await work(is_slow=False) == "done"  # also after another was broken off
        ended.append((await asyncio.gather(work(is_slow=True), return_exceptions=True))[0])
        return ended

    first, second, third = asyncio.run(main())
    assert isinstance(first, TimeoutError)
    assert second == "done"
    assert isinstance(third, TimeoutError)


def test_a_task_that_is_cancelled_by_others_stays_cancelled() -> None:
    async def main() -> None:
        deadline = Deadline(10)

        async def work() -> None:
            with deadline:
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        deadline.close()

    asyncio.run(main())

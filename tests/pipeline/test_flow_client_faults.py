"""The client over real HTTP: few connections, and faults that are told apart, repeated or not."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time

import pytest

from include.flow_client import (
    FlowAddress,
    FlowAuthError,
    FlowClient,
    FlowError,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
)
from tests.support.scripted_flow import (
    EMPTY,
    QUICK,
    Answer,
    Call,
    fail,
    found,
    run,
    scripted_flow,
)

BUSY = Answer({"error": {"msg": "loading", "code": 503}}, status=503)
TORN = Answer({"error": {"msg": "Error from server at http://a:1/solr/c: parsing error"}}, status=400)
DONE = Answer({"responseHeader": {"status": 0, "QTime": 1}})


# --- connections


def test_connections_are_few_and_kept() -> None:
    async def many(client: FlowClient) -> None:
        await asyncio.gather(*(client.duplicates_of(str(n)) for n in range(200)))

    _, flow = run(many, Answer(EMPTY, delay_s=0.001), connections=5)
    assert len(flow.asked) == 200
    assert len(flow.connections) <= 5
    assert flow.most_in_flight <= 5


def test_waiting_for_a_free_connection_does_not_count_as_time_of_the_request() -> None:
    async def main() -> None:
        async with scripted_flow(Answer(EMPTY, delay_s=0.1)) as flow:
            address = FlowAddress(flow.url, "c", timeout_s=0.5)
            async with FlowClient(address, connections=1) as client:
                await asyncio.gather(*(client.count() for _ in range(8)))

    asyncio.run(main())


def test_a_client_that_is_not_open_says_so() -> None:
    client = FlowClient(FlowAddress("http://localhost", "c"))
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(client.count())


def test_a_call_that_outlives_its_client_fails_without_being_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with scripted_flow(Answer(EMPTY, delay_s=0.2)) as flow:
            async with FlowClient(FlowAddress(flow.url, "c"), retry=QUICK) as client:
                late = asyncio.create_task(client.count())
                await asyncio.sleep(0.05)
            with pytest.raises(FlowUnavailableError, match="client was closed"):
                await late
            assert len(flow.asked) == 1

    asyncio.run(main())
    assert not caplog.text


# --- faults


@pytest.mark.parametrize(
    "fault", [BUSY, TORN, Answer(status=429), Answer(status=502, body=b"<html>"), Answer(hang_up=True)]
)
def test_a_busy_or_lost_flow_is_asked_again(fault: Answer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        number, flow = run(lambda client: client.count(), fault, fault, found(num_found=7))
    assert number == 7
    assert len(flow.asked) >= 3
    assert "Next is attempt 2 of 4 in 0.0 s." in caplog.text


def test_after_the_last_attempt_the_failure_is_told() -> None:
    error, flow = fail(FlowUnavailableError, lambda client: client.count(), BUSY)
    assert len(flow.asked) == QUICK.attempts
    assert error.retryable
    assert str(error).startswith("select on collection 'my-collection' of Flow at http://127.0.0.1:")
    assert "HTTP 503" in str(error)
    assert "loading" in str(error)


def test_retry_after_is_honoured_and_too_long_a_pause_is_left_to_the_caller() -> None:
    started = time.monotonic()
    run(lambda client: client.count(), Answer(status=429, headers={"Retry-After": "1"}), found())
    assert time.monotonic() - started >= 1.0
    error, flow = fail(
        FlowUnavailableError,
        lambda client: client.count(),
        Answer(status=503, headers={"Retry-After": "3600"}),
    )
    assert isinstance(error, FlowUnavailableError)
    assert (error.retry_after_s, len(flow.asked)) == (3600.0, 1)
    error, _ = fail(
        FlowUnavailableError,
        lambda client: client.count(),
        Answer(status=503, headers={"Retry-After": "Fri, 31 Dec 2999 23:59:59 GMT"}),
    )
    assert isinstance(error, FlowUnavailableError)
    assert (error.retry_after_s or 0) > 1e9


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.update([{"id": "1"}]),
        lambda client: client.delete(["1"], version=5),
        lambda client: client.delete(query="a:b"),
    ],
)
@pytest.mark.parametrize("fault", [BUSY, TORN, Answer(hang_up=True)])
def test_a_write_that_may_have_happened_is_never_repeated(call: Call, fault: Answer) -> None:
    _, flow = fail(FlowUnavailableError, call, fault)
    assert len(flow.asked) == 1


def test_a_deletion_by_id_and_a_commit_are_safe_to_repeat() -> None:
    run(lambda client: client.delete(["1"]), BUSY, DONE)
    run(lambda client: client.commit(), BUSY, DONE)


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (Answer(body=b"<html>login</html>"), FlowResponseError, "proxy"),
        (
            Answer(EMPTY | {"responseHeader": {"status": 0, "partialResults": True}}),
            FlowResponseError,
            "",
        ),
        (
            Answer({"error": {"msg": "undefined field x", "code": 400}}, status=400),
            FlowRequestError,
            "undefined field x",
        ),
        (Answer(body=b"<html>no</html>", status=404), FlowRequestError, "collection"),
        (Answer(status=414), FlowRequestError, "too large"),
        (
            Answer(status=302, headers={"Location": "https://sso.example/login?secret=1"}),
            FlowRequestError,
            "sso.example/login",
        ),
        (Answer(status=401), FlowAuthError, "login"),
        (Answer(status=403), FlowAuthError, "rights"),
    ],
)
def test_what_is_wrong_for_good_is_told_at_once(fault: Answer, kind: type[FlowError], text: str) -> None:
    error, flow = fail(kind, lambda client: client.count(), fault)
    assert len(flow.asked) == 1
    assert text in str(error)
    assert "secret" not in str(error)


GZIPPED = gzip.compress(json.dumps(EMPTY).encode())
IN_CHUNKS = {"Transfer-Encoding": "chunked"}


@pytest.mark.parametrize(
    "cut",
    [
        Answer(EMPTY, cut=True),
        Answer(EMPTY, cut=True, headers=IN_CHUNKS),
        Answer(body=b'{"response": {"numFou'),
        Answer(body=b""),
        Answer(body=b" \n"),
        Answer(body=GZIPPED[:-12], headers={"Content-Encoding": "gzip"}),
        Answer({"error": {"msg": "loading", "code": 503}}, status=503, cut=True),
    ],
)
def test_an_answer_that_was_cut_off_is_asked_again(cut: Answer) -> None:
    number, flow = run(lambda client: client.count(), cut, cut, found(num_found=7))
    assert number == 7
    assert len(flow.asked) == 3
    _, flow = fail(FlowResponseError, lambda client: client.count(), cut)
    assert len(flow.asked) == QUICK.attempts
    _, flow = fail(FlowResponseError, lambda client: client.update([{"id": "1"}]), cut)
    assert len(flow.asked) == 1


def test_a_slow_flow_is_given_up_after_the_time_limit_and_not_asked_again() -> None:
    async def main() -> None:
        async with scripted_flow(Answer(EMPTY, delay_s=5)) as flow:
            async with FlowClient(FlowAddress(flow.url, "c", timeout_s=0.2), retry=QUICK) as client:
                with pytest.raises(FlowUnavailableError, match="no answer within"):
                    await client.count()
            assert len(flow.asked) == 1

    asyncio.run(main())


def test_nobody_at_the_address_is_unavailable_and_even_a_write_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with FlowClient(FlowAddress("http://127.0.0.1:9", "c"), retry=QUICK) as client:
            with pytest.raises(FlowUnavailableError, match="cannot connect"):
                await client.update([{"id": "1"}])

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert caplog.text.count("Next is attempt") == QUICK.attempts - 1


def test_an_answer_larger_than_the_limit_is_refused_with_and_without_a_length() -> None:
    big = Answer(body=b"x" * 5000)
    error, _ = fail(FlowResponseError, lambda client: client.count(), big, max_answer_bytes=1000)
    assert "larger than 1000 bytes" in str(error)


def test_tls_talk_to_a_plain_server_fails_in_the_family() -> None:
    async def main() -> None:
        async with scripted_flow() as flow:
            address = FlowAddress(flow.url.replace("http:", "https:"), "c")
            async with FlowClient(address, retry=QUICK) as client:
                with pytest.raises(FlowError):
                    await client.count()

    asyncio.run(main())


def test_a_cancelled_call_leaves_the_client_usable() -> None:
    async def main() -> None:
        async with (
            scripted_flow(Answer(EMPTY, delay_s=0.3), found(num_found=3)) as flow,
            FlowClient(FlowAddress(flow.url, "c"), connections=1) as client,
        ):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.count(), 0.05)
            assert await client.count() == 3

    asyncio.run(main())

"""Every fault of a Flow ends in the right rows, and in an error that tells Airflow whether to try again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from include.dedupe.connect import open_flow
from include.dedupe.errors import OutageError, ScanFailedError, ScanRefusedError
from include.dedupe.rundir import Attempt
from include.dedupe.scanning.scan import ScanStats, scan
from include.flow_client import FlowAddress, FlowAuthError, FlowRequestError, FlowResponseError
from tests.pipeline.conftest import Bench
from tests.pipeline.scan_fixture import (
    DOCUMENTS,
    STAGE,
    assert_same,
    joined,
    many,
    planned,
    scanned,
    tables,
    undisturbed,
)
from tests.support.many_documents import remove

__all__ = ["joined", "many"]

PASSING = [
    ("unavailable", {"times": 12}),
    ("slow", {"times": 6, "seconds": 0.2}),
    ("cut", {"times": 4}),  # fewer than the tries of one query, whichever meets them
    ("truncated", {"times": 4}),
]
NOT_WHOLE = ["cut", "malformed", "truncated", "partial"]
NOT_CUT = ["malformed", "partial"]
"""What is not asked again at once."""


@pytest.mark.parametrize(("kind", "settings"), PASSING)
def test_what_passes_leaves_no_trace_in_single_queries(
    many: Bench, kind: str, settings: dict[str, float]
) -> None:
    expected = undisturbed(many)
    planned(many, many.run)
    many.server.fault(kind, handler="duplicate", skip=5, **settings)
    assert scanned(many, many.run).failed == 0
    assert_same(many.run, expected)


@pytest.mark.parametrize("kind", NOT_CUT)
def test_an_answer_that_is_not_whole_is_a_row_that_can_be_tried_again(many: Bench, kind: str) -> None:
    planned(many, many.run, max_failed_share=0.5)
    many.server.fault(kind, handler="duplicate", skip=4, times=3)
    stats = scanned(many, many.run)
    assert (stats.scanned, stats.failed) == (DOCUMENTS - 3, 3)
    failures = tables(many.run)["failures"]
    assert list(failures["retryable"]) == [True] * 3
    assert failures["cause"].str.contains("duplicate on collection").all()


@pytest.mark.parametrize("kind", NOT_CUT)
def test_an_answer_that_is_not_whole_fails_the_task_and_a_retry_asks_again(many: Bench, kind: str) -> None:
    expected = undisturbed(many)
    planned(many, many.run)
    many.server.fault(kind, handler="duplicate", skip=4, times=1)
    with pytest.raises(ScanFailedError, match="1 of 30 queries failed"):
        scanned(many, many.run)
    assert scanned(many, many.run, 2).failed == 0
    assert_same(many.run, expected)


@pytest.mark.parametrize(("kind", "settings"), [*PASSING, *((kind, {"times": 2}) for kind in NOT_CUT)])
def test_what_passes_leaves_no_trace_in_pages(joined: Bench, kind: str, settings: dict[str, float]) -> None:
    expected = undisturbed(joined)
    planned(joined, joined.run)
    joined.server.fault(kind, handler="duplicates", skip=2, **settings)
    assert scanned(joined, joined.run).failed == 0
    assert_same(joined.run, expected)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unavailable", OutageError),
        ("unauthorized", FlowAuthError),
        ("missing", FlowRequestError),
        *((kind, FlowResponseError) for kind in NOT_WHOLE),
    ],
)
def test_what_stays_fails_a_task_that_reads_pages_and_keeps_what_was_found(
    joined: Bench, kind: str, error: type[Exception]
) -> None:
    expected = undisturbed(joined)
    planned(joined, joined.run, wait_hours=0)
    joined.server.fault(kind, handler=None if kind == "unavailable" else "duplicates", skip=6)
    with pytest.raises(error):
        scanned(joined, joined.run)
    joined.server.clear_faults()
    assert scanned(joined, joined.run, 2).failed == 0
    assert_same(joined.run, expected)


def test_a_document_that_flow_does_not_know_any_more_has_vanished(many: Bench) -> None:
    planned(many, many.run, in_flight=1)
    gone = ["d003", "d004", "d005"]  # one page

    async def scan_while_some_go() -> ScanStats:
        async with open_flow(many.address(), 1) as flow:
            hits = flow.hits

            async def hits_of(document_id: str | None = None, **search: object) -> object:
                if document_id == gone[0]:
                    await remove(many.address(), gone)
                    await asyncio.to_thread(
                        many.server.fault, "missing", handler="duplicate", times=len(gone)
                    )
                return await hits(document_id, **search)  # type: ignore[arg-type]

            flow.hits = hits_of  # type: ignore[method-assign, assignment]
            return await scan(flow, many.run, Attempt(), "p00")

    stats = asyncio.run(scan_while_some_go())
    assert (stats.failed, stats.vanished, stats.scanned) == (0, len(gone), DOCUMENTS - len(gone))


def test_a_404_for_a_document_that_is_there_is_a_failure_for_good(many: Bench) -> None:
    planned(many, many.run)
    many.server.fault("missing", handler="duplicate", skip=3, times=1)
    with pytest.raises(ScanRefusedError, match=r"no such document.*A retry does not help"):
        scanned(many, many.run)
    assert not many.run.storage.exists(f"{STAGE}/manifest.json")


@pytest.mark.parametrize("self_join", [False, True])
def test_a_token_that_changes_while_a_partition_is_scanned_is_read_again(
    many: Bench, joined: Bench, self_join: bool
) -> None:
    bench = joined if self_join else many
    expected = undisturbed(bench)
    planned(bench, bench.run)
    tokens: list[str] = []

    def read(token: str) -> Callable[[], FlowAddress]:
        def address() -> FlowAddress:
            tokens.append(token)
            where = bench.address()
            return FlowAddress(where.root, where.collection, token=token)

        return address

    async def scan_with_old_token() -> ScanStats:
        async with open_flow(read("old")(), 4, read("new")) as flow:
            flow.can_join = self_join  # type: ignore[misc]
            await asyncio.to_thread(bench.server.fault, "unauthorized", token="Bearer new")
            return await scan(flow, bench.run, Attempt(), "p00")

    assert asyncio.run(scan_with_old_token()).failed == 0
    assert tokens == ["old", "new"]
    assert_same(bench.run, expected)

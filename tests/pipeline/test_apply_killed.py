"""Apply killed at every call that it makes, and started again; and conflicts, outages and zombies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from include.dedupe.acting.apply import apply
from include.dedupe.acting.archive import read_entries, read_tombstones
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.lease import hold_lease
from include.dedupe.acting.wanted import Wanted
from include.dedupe.errors import LeaseError
from include.dedupe.flow import Document
from include.dedupe.rundir import Attempt
from include.flow_client import FlowError
from tests.pipeline.acting_fixture import CAT, COFFEE, SMALL_CAT, acting, policies
from tests.pipeline.dying import Killed, kill_at
from tests.support.acting import LATE, Acting, outcomes, reasons

__all__ = ["acting"]

DOCUMENTS: dict[str, tuple[str, Document]] = {
    "cat": (CAT, {"labels": ["animal"]}),
    "cat 2": (CAT, {"labels": ["pet"]}),
    "cat 3": (CAT, {"labels": ["small"]}),
    "cat small": (SMALL_CAT, {}),
    "coffee": (COFFEE, {}),
    "coffee 2": (COFFEE, {"labels": ["cup"]}),
}
RULES = {"merge_fields": {"labels": "union"}}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["delete", "merge", "link", "condemn"])
def test_killed_anywhere_and_started_again_it_ends_as_one_that_was_not(
    acting: Acting, kind: str, after: bool
) -> None:
    rules = {"merge": RULES, "condemn": {"after_days": 7}}
    settings = policies(kind.replace("condemn", "delete"), "tag", **rules.get(kind, {}))
    acting.fill(DOCUMENTS)
    acting.act("whole", **settings)
    expected, done = acting.documents(), outcomes(acting.run("whole"))
    config = acting.config(**settings)
    step = 1 if kind == "delete" else 2  # before and after every second call is between any two
    for call in itertools.count(1, step):
        acting.fill(DOCUMENTS)
        before = acting.documents()
        run = acting.run(f"killed-{call}")
        digest = acting.decide(run, config).hash
        was_killed = kill_at(acting, run.run_id, digest, call, after=after)
        acting.apply(run, digest, attempt=Attempt(0, 2))
        after_all = acting.documents()
        for document in (*expected.values(), *after_all.values()):
            for name in ("duplicate_cluster_s", "duplicate_since_dt"):
                document.pop(name, None)
        assert outcomes(run) == done, (call, reasons(run))
        assert after_all == expected, call
        gone = set(DOCUMENTS) - set(expected)
        stones = read_tombstones(run.lasting)
        assert {name for name, stone in stones.items() if stone.run_id == run.run_id} == gone
        acting.restore(Wanted(runs=(run.run_id,)), remember=False)
        assert acting.documents() == before, call
        if not was_killed:
            assert call > 5
            return


@pytest.mark.parametrize("left", ["cat 2", "cat 3", "coffee 2"])
def test_killed_before_the_last_of_several_merges_it_goes_on_with_that_one(acting: Acting, left: str) -> None:
    """What it wrote becomes visible while the next try looks at the pictures."""
    acting.fill(DOCUMENTS)
    config = acting.config(**policies("merge", **RULES))
    acting.check(config)
    run = acting.run()
    digest = acting.decide(run, config).hash

    class Dying(ClientWriter):
        merged = 0

        async def delete(self, document_id: str, version: int) -> None:
            if document_id == left:
                while self.merged < 2:
                    await asyncio.sleep(0.01)
                raise Killed
            await super().delete(document_id, version)
            self.merged += 1

    async def dying(writer: ClientWriter) -> None:
        await apply(Dying(writer._client, writer.reader), run, Attempt(0, 1), digest, LATE, dry_run=False)

    class Overtaken(ClientWriter):
        async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
            await self.commit()
            return await super().analyze(url=url, data=data)

    async def again(writer: ClientWriter) -> None:
        overtaken = Overtaken(writer._client, writer.reader)
        await apply(overtaken, run, Attempt(0, 2), digest, LATE, dry_run=False)

    with pytest.raises(Killed):
        acting.ask(dying)
    acting.ask(again)
    assert {outcome for _, outcome in outcomes(run).values()} == {"done"}, reasons(run)
    assert set(acting.documents()) == {"cat", "cat small", "coffee"}


def test_the_archive_comes_before_the_write(acting: Acting) -> None:
    acting.fill(DOCUMENTS)
    config = acting.config(**policies("delete"))
    acting.check(config)
    run = acting.run()
    digest = acting.decide(run, config).hash
    calls = itertools.count(1)
    while kill_at(acting, run.run_id, digest, next(calls), after=True):
        gone = set(DOCUMENTS) - set(acting.documents())
        archived = {entry.id for entry in read_entries(run.lasting, run.folder) if entry.analysis}
        assert gone <= archived


@pytest.mark.parametrize("skip", range(6))
def test_an_outage_in_the_middle_is_gone_on_from(acting: Acting, skip: int) -> None:
    acting.fill(DOCUMENTS)
    config = acting.config(**policies("delete", "tag"))
    acting.check(config)
    run = acting.run()
    digest = acting.decide(run, config).hash
    acting.server.fault("cut", handler="update", skip=skip, times=1)
    with contextlib.suppress(FlowError):
        acting.apply(run, digest)
    stats = acting.apply(run, digest, attempt=Attempt(0, 2))
    assert (stats.done, stats.failed) == (4, 0)
    assert set(acting.documents()) == {"cat", "cat small", "coffee"}


def test_a_version_conflict_is_judged_once_more(acting: Acting) -> None:
    """Somebody changes an unrelated field of a document between reading and writing it."""
    acting.fill(DOCUMENTS)
    config = acting.config(**policies("delete"))
    acting.check(config)
    run = acting.run()
    digest = acting.decide(run, config).hash

    class Meddled(ClientWriter):
        meddled = False

        async def delete(self, document_id: str, version: int) -> None:
            if not self.meddled:
                self.meddled = True
                await self._client.update([{"id": document_id, "views_i": {"set": 1}}], commit=True)
            await super().delete(document_id, version)

    async def act(writer: ClientWriter) -> Any:
        meddled = Meddled(writer._client, writer.reader)
        return await apply(meddled, run, Attempt(0, 1), digest, LATE, dry_run=False)

    assert acting.ask(act).done == 3


def test_a_zombie_that_lost_its_lease_writes_nothing_more(acting: Acting) -> None:
    acting.fill(DOCUMENTS)
    config = acting.config(**policies("delete"))
    acting.check(config)
    run = acting.run()
    digest = acting.decide(run, config).hash

    class Overtaken(ClientWriter):
        async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
            found = await super().analyze(url=url, data=data)
            with hold_lease(acting.writers, f"Run {run.run_id} of {run.collection}", takes_over=True):
                pass
            return found

    async def act(writer: ClientWriter) -> Any:
        overtaken = Overtaken(writer._client, writer.reader)
        return await apply(overtaken, run, Attempt(0, 1), digest, LATE, dry_run=False)

    with pytest.raises(LeaseError, match="lost the lease"):
        acting.ask(act)
    assert set(acting.documents()) == set(DOCUMENTS)
    assert acting.apply(run, digest, attempt=Attempt(0, 2)).done == 3

"""Runs on an S3 server over HTTP that is slow, fails, loses answers and lists late."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import register_implementation

from include.dedupe import object_store as stores
from include.dedupe.acting.lease import hold_lease
from include.dedupe.errors import ConfigError, LeaseError, OvertakenError, StorageError
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from include.dedupe.storage import Storage
from include.dedupe.tables import EDGES
from tests.pipeline.conftest import Bench
from tests.pipeline.scan_fixture import STAGE, assert_same, many, planned, scanned, undisturbed
from tests.pipeline.whole_run import FIRST, assert_same_findings, whole_run
from tests.support.embedded_server import REPOSITORY
from tests.support.object_store import VARIABLE, ObjectStore, object_store, served

__all__ = ["many", "object_store", "served"]


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    stores._login.cache_clear()
    stores._kept_promises.clear()
    yield
    stores._login.cache_clear()


@pytest.fixture
def place(object_store: ObjectStore) -> Storage:
    return Storage(f"{object_store.address}/{uuid.uuid4().hex}")


def test_a_run_on_a_store_that_fails_now_and_then_ends_as_one_on_a_disk(
    bench: Bench, object_store: ObjectStore
) -> None:
    whole_run(bench)
    far = replace(bench, run=RunDir(f"{object_store.address}/flow", "pictures", bench.run.run_id))
    object_store.fails_each = 23
    whole_run(far)
    assert_same_findings(far.run, bench.run)
    assert not [one for one in object_store.requests if one.startswith("POST") and "moto-api" not in one]


def test_a_scan_killed_while_it_writes_to_a_slow_store_leaves_nothing_half_written(
    many: Bench, object_store: ObjectStore
) -> None:
    expected = undisturbed(many)
    run = RunDir(object_store.address, "pictures", "manual__1")
    planned(many, run)
    object_store.slow_s = 0.02
    arguments = [many.server.base, many.collection, object_store.address, run.run_id, "p00", "1"]
    process = subprocess.Popen([sys.executable, "-m", "tests.support.scan_once", *arguments], cwd=REPOSITORY)
    deadline = time.monotonic() + 60
    while not any("checkpoint" in one for one in object_store.requests) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    object_store.slow_s = 0.0
    scanned(many, run, 2)
    assert_same(run, expected)


def test_an_attempt_that_was_believed_dead_changes_nothing_that_its_retry_wrote(
    many: Bench, object_store: ObjectStore
) -> None:
    expected = undisturbed(many)
    run = RunDir(object_store.address, "pictures", "manual__1")
    planned(many, run)
    object_store.is_late = True  # one does not see of the other what is only listed

    async def both() -> list[object]:
        zombie = asyncio.create_task(many.ask(lambda flow: scan(flow, run, Attempt(0, 1), "p00")))
        while not run.storage.exists(f"{STAGE}/checkpoint-g0t1.json"):
            await asyncio.sleep(0.01)
        retry = many.ask(lambda flow: scan(flow, run, Attempt(0, 2), "p00"))
        return list(await asyncio.gather(zombie, retry, return_exceptions=True))

    ended = asyncio.run(both())
    assert isinstance(ended[0], OvertakenError)
    assert_same(run, expected)
    zombie = run.stage("report", Attempt(0, 1))
    run.stage("report", Attempt(0, 2)).begin()
    for write in (lambda: zombie.write_file("report.html", b"old"), lambda: zombie.finish({})):
        with pytest.raises(OvertakenError, match=r"g0t1 of .*report was believed dead"):
            write()
    assert not run.storage.exists("report/report.html")
    assert run.stage("report", Attempt(0, 2)).finish({}) is None


def test_a_part_of_any_size_is_there_as_a_whole_or_not_at_all(
    place: Storage, object_store: ObjectStore
) -> None:
    data = b"0123456789abcdef" * (7 * 2**20)  # more than one PUT takes
    place.write("edges/part.parquet", data)
    assert [one for one in object_store.requests if one.startswith("POST")]
    assert place.read("edges/part.parquet") == data


def test_of_many_that_create_a_file_one_wins(place: Storage) -> None:
    for data in (b"", b"held by somebody"):
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _, data=data: place.create(f"lease-{len(data)}", data), range(8)))
        assert sum(made) == 1


@pytest.mark.parametrize(
    ("switch", "told"),
    [("is_forgetful", "has written over a file"), ("is_late", "does not list a file at once")],
)
def test_a_store_that_would_let_two_write_or_lose_verdicts_is_refused(
    place: Storage, object_store: ObjectStore, switch: str, told: str
) -> None:
    setattr(object_store, switch, True)
    with pytest.raises(ConfigError, match=f"{told}.*Keep the runs where it is done"):
        place.create("lease/0000000001.json", b"{}")
    assert not place.exists("lease/0000000001.json")


def test_a_store_whose_package_only_looks_before_it_writes_is_refused() -> None:
    class Plain(MemoryFileSystem):
        protocol = "plain"

    register_implementation("plain", Plain, clobber=True)
    with pytest.raises(ConfigError, match=r"plain://.* cannot create a file only where there is none"):
        Storage("plain://somewhere").create("lease", b"{}")


def test_a_lease_is_held_though_the_answer_was_lost_and_given_to_nobody_else(
    place: Storage, object_store: ObjectStore
) -> None:
    place.create("made", b"")  # the store has shown that it keeps its promises
    object_store.lost_answers = 1
    with hold_lease(place, "apply", clock=time.time) as lease:
        object_store.is_late = True
        lease.require()
        with pytest.raises(LeaseError), hold_lease(place, "restore", clock=time.time):
            pass


def test_who_lost_the_lease_sees_it_though_the_listing_is_late(
    place: Storage, object_store: ObjectStore
) -> None:
    with hold_lease(place, "apply of run-1", clock=time.time) as first:
        object_store.is_late = True
        with hold_lease(place, "apply of run-1", takes_over=True, clock=time.time) as second:
            with pytest.raises(LeaseError, match="lost the lease"):
                first.require()
            second.require()


def test_what_another_machine_has_written_is_seen_after_a_listing(place: Storage) -> None:
    other = Storage(f"s3://dedupe_store@{place.root}")
    other._files = type(place._files)(**{**place._files.storage_options, "skip_instance_cache": True})
    place.write("a/one", b"1")
    assert place.names("a") == ["one"]
    other.write("a/two", b"2")
    assert place.exists("a/two")
    assert place.names("a") == ["one", "two"]


def test_a_login_that_is_refused_is_named_without_its_secret_and_a_new_one_holds(
    object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_store.key = "AKIAROTATED"
    with pytest.raises(StorageError, match=r"does not answer for s3://runs/x/plan\.json .*rights") as error:
        Storage(f"{object_store.address}/x").read("plan.json")
    assert "s3cr3t" not in str(error.value)
    monkeypatch.setenv(VARIABLE, object_store.connection("AKIAROTATED"))
    monkeypatch.setattr(stores, "LOGIN_KEPT_S", 0.001)
    Storage(f"{object_store.address}/x").write("plan.json", b"{}")
    assert Storage(f"{object_store.address}/x").read("plan.json") == b"{}"


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        ('{"conn_type": "aws", "extra": {"role_arn": "arn:aws:iam::1:role/x"}}', "has role_arn"),
        ('{"conn_type": ', "holds no connection"),
    ],
)
def test_a_connection_that_cannot_be_used_is_named(
    connection: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, connection)
    with pytest.raises(ConfigError, match=told):
        Storage("s3://dedupe_store@runs/x")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(stores, "connection_fields", lambda _: None)
    stores._login.cache_clear()
    with pytest.raises(ConfigError, match="needs the connection 'dedupe_store'"):
        Storage("s3://dedupe_store@runs/x")


def test_a_connection_may_be_an_address_and_may_give_options_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "aws://AKIA:a%2Fb@/?endpoint_url=http%3A%2F%2Flocalhost%3A9000")
    found = stores._login("dedupe_store", 0)
    assert found == {
        "key": "AKIA",
        "secret": "a/b",
        "client_kwargs": {"endpoint_url": "http://localhost:9000"},
    }
    monkeypatch.setenv(
        VARIABLE, '{"conn_type": "aws", "extra": "{\\"storage_options\\": {\\"anon\\": true}}"}'
    )
    assert stores._login("dedupe_store", 1) == {"anon": True}


def test_edges_are_read_by_the_manifest_never_by_a_listing(place: Storage, object_store: ObjectStore) -> None:
    run = RunDir(f"s3://dedupe_store@{place.root}", "pictures", "manual__1")
    stage = run.stage("edges/p0", FIRST)
    object_store.is_late = True
    stage.write_table("edges", pd.DataFrame([("a", "b", 0.9)], columns=EDGES.names), EDGES)
    stage.finish({})
    assert len(run.read_table("edges/p0", "edges", EDGES)) == 1


def test_a_bucket_that_is_not_there_is_named(object_store: ObjectStore) -> None:
    place = Storage(object_store.address.replace("runs", "nowhere"))
    for write in (place.write, place.create):
        with pytest.raises(ConfigError, match="The storage has no s3://nowhere: make the bucket"):
            write("lease", b"{}")

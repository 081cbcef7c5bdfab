"""Thirty documents in ten pages, and scans of them, for tests of what goes wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.found import TABLES
from include.dedupe.scanning.scan import ScanStats, scan, stage_name
from tests.pipeline.conftest import Bench
from tests.support.many_documents import fill

DOCUMENTS = 30
PAGE = 3
STAGE = stage_name("p00")


@pytest.fixture
def many(bench: Bench) -> Bench:
    """Thirty documents, every third of which has duplicates, in ten pages."""
    plain = Bench(bench.server, bench.run, collection="plain")
    documents = [{"id": f"d{n:03}", "picture": n % 4 if n % 3 == 0 else None} for n in range(DOCUMENTS)]
    asyncio.run(fill(plain.address(), documents))
    bench.server.clear_counts()
    return plain


def planned(bench: Bench, run: RunDir, **settings: Any) -> None:
    config = bench.config(fields={}, scan={"page_documents": PAGE, **settings})
    asyncio.run(bench.ask(lambda flow: plan(flow, run, Attempt(), config, Scope())))


def scanned(bench: Bench, run: RunDir, number: int = 1) -> ScanStats:
    return asyncio.run(bench.ask(lambda flow: scan(flow, run, Attempt(0, number), "p00")))


def tables(run: RunDir) -> dict[str, pd.DataFrame]:
    return {name: run.read_table(STAGE, name, schema) for name, schema in TABLES.items()}


def assert_same(found: RunDir, expected: RunDir) -> None:
    for name, frame in tables(expected).items():
        pd.testing.assert_frame_equal(tables(found)[name], frame)


@pytest.fixture
def joined(many: Bench) -> Bench:
    """The same, searched page by page."""
    return replace(many, self_join=True)


def undisturbed(bench: Bench) -> RunDir:
    storage = f"{bench.run.storage.root}-reference-{bench.self_join}"
    run = RunDir(storage, "pictures", "reference")
    planned(bench, run)
    scanned(bench, run)
    bench.server.clear_counts()
    return run

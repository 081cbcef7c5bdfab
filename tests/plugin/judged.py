"""A run to judge, without any verdict, and what stands of those that are given."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.rundir import RunDir
from include.dedupe.verdicts import not_undone, read_verdicts
from tests.plugin.site import DOCUMENTS, Site


@pytest.fixture(scope="module")
def made(site: Site) -> RunDir:
    run = site.decided("pictures", DOCUMENTS)
    site.wait()
    return run


@pytest.fixture
def run(made: RunDir) -> RunDir:
    """The run without any verdict."""
    for name in made.lasting.names("verdicts"):
        made.lasting.remove(f"verdicts/{name}")
    return made


def standing(run: RunDir) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (one.kind, one.ids, one.by) for one in not_undone(read_verdicts(run.lasting)) if one.kind != "undo"
    ]


def name_of(run: RunDir, document: str) -> str:
    rows = list_clusters(run, Filters(judged=None)).rows
    return next(row.name for row in rows if document in [one.id for one in row.members])


def card(page: Page, run: RunDir, document: str) -> object:
    return page.locator(f"[data-cluster='{name_of(run, document)}']")

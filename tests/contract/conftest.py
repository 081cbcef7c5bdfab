"""What the tests against a real SolrCloud share: one of two nodes, started once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.solr.gateways import Cloud, solr_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with solr_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running

"""What the tests of the stages share: a run on the small collection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from include.dedupe.connect import open_flow
from include.dedupe.flow import FlowReader
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.flow_client import FlowAddress
from tests.support.embedded_server import EmbeddedServer, start_server
from tests.support.small_collection import flow_server, server

__all__ = ["flow_server", "server", "start_server"]

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Bench:
    """A run on the server: call ``ask`` with what needs an open Flow."""

    server: EmbeddedServer
    run: RunDir
    collection: str = "my-collection"
    self_join: bool = False

    def config(self, **settings: Any) -> CollectionConfig:
        flow = {"connection": "flow_test", "collection": self.collection}
        fields = {"date": "date_dt", "category": "category"}
        scan = {"self_join": self.self_join, **settings.pop("scan", {})}
        return CollectionConfig.model_validate({"flow": flow, "fields": fields, "scan": scan, **settings})

    def address(self) -> FlowAddress:
        return FlowAddress.parse(self.server.base, self.collection)

    async def ask(self, stage: Callable[[FlowReader], Coroutine[Any, Any, Answer]]) -> Answer:
        async with open_flow(self.address(), in_flight=4) as flow:
            return await stage(flow)

    def pictures(self) -> WebPictures:
        return WebPictures(trusted=self.server.base, allow_hosts=())


@pytest.fixture
def bench(flow_server: EmbeddedServer, tmp_path: Path) -> Bench:
    return Bench(flow_server, RunDir(str(tmp_path / "storage"), "pictures", "manual__1"))

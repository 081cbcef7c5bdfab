"""A Flow in a private network: its own pictures may be fetched, those of other private hosts may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from include.dedupe.acting.wanted import Wanted
from tests.pipeline.acting_fixture import CAT, policies
from tests.support.acting import Acting
from tests.support.embedded_server import EmbeddedServer


class TestPicturesOfFlowItself:
    """A Flow in a private network serves the pictures of its own documents, and may not fetch them itself."""

    @pytest.fixture
    def closed(self, start_server: Callable[..., EmbeddedServer], flow_server: EmbeddedServer) -> Acting:
        closed = start_server(images=flow_server.images, collections=("plain",))
        made = Acting(closed, closed.data / "storage")
        picture = (closed.images / CAT).read_bytes()
        made.analyses[CAT] = made.client(lambda client: client.analyze(data=picture))
        return made

    def test_they_can_be_analysed(self, closed: Acting) -> None:
        closed.fill({"cat": (CAT, {}), "cat copy": (CAT, {})})
        before = closed.documents()
        assert closed.act(**policies("delete")).done == 1
        closed.restore(Wanted(runs=("run-1",)))
        assert closed.documents() == before

    def test_another_private_host_is_named_with_the_setting(self, closed: Acting) -> None:
        closed.fill({"cat": (CAT, {"image": "http://127.0.0.2:8983/cat.jpg"})})
        steps = closed.check(closed.config(**policies("delete")))
        problem = next(step.problem for step in steps if step.problem)
        assert 'Allow it in the settings: report.allow_hosts: ["127.0.0.2:8983"].' in problem

"""The gateway before a SolrCloud of two shards: it answers as Solr does, and goes on where a node is gone."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from include.dedupe.acting.archive import read_tombstones
from include.dedupe.deciding.decide import decide
from include.dedupe.errors import OutageError
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import CollectionConfig
from include.flow_client import FlowError
from include.flow_server.errors import BadRequestError, NotFoundError
from include.flow_server.store.solr.client import SolrClient
from include.flow_server.store.solr.setup import init_solr
from include.flow_server.store.solr.store import SolrStore
from tests.contract.congruence import reduced
from tests.contract.solr.gateways import Cloud
from tests.pipeline.acting_fixture import policies
from tests.support.acting import FIRST, Acting
from tests.support.small_collection import PHOTOS

RECORDED = json.loads((Path(__file__).parent / "solr/answers.json").read_text("utf-8"))
CASES = RECORDED["cases"][::5]
SECONDS = 120
GROUPS, COPIES = 4, 6


@pytest.fixture(scope="module")
def recorded(cloud: Cloud) -> str:
    """A collection with the documents of the recorded answers."""
    url = cloud.gateway(cloud.collection("recorded")).collection_url("recorded", "/solr/")
    requests.post(f"{url}/update?commit=true", json=RECORDED["documents"], timeout=SECONDS).raise_for_status()
    return url


def test_every_recorded_request_is_answered_as_solr_answered_it(recorded: str) -> None:
    """But for the order of what a sort leaves equal, which shards do not share."""

    def asked(case: dict[str, Any]) -> Any:
        return reduced(requests.get(f"{recorded}/select", case["request"], timeout=SECONDS))

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(asked, CASES))
    different = [
        (case["request"], answer)
        for case, answer in zip(CASES, answers, strict=True)
        if _comparable(answer, case["request"]) != _comparable(case["answer"], case["request"])
    ]
    assert different == []


def _comparable(answer: Any, request: dict[str, list[str]]) -> Any:
    if isinstance(answer, dict) and "id " not in request.get("sort", ["score desc"])[0]:
        answer["response"]["docs"].sort(key=json.dumps)
    return answer


def test_versions_of_all_shards_are_told_and_conflicts_are_409(recorded: str) -> None:
    documents = [{"id": f"new {number}"} for number in range(20)]
    answer = requests.post(f"{recorded}/update?versions=true", json=documents, timeout=SECONDS).json()
    given = dict(zip(answer["adds"][::2], answer["adds"][1::2], strict=True))
    assert set(given) == {one["id"] for one in documents}
    assert all(version > 0 for version in given.values())
    for name, version in given.items():
        body = [{"id": name, "tag_s": {"set": "x"}, "_version_": version + 1}]
        refused = requests.post(f"{recorded}/update", json=body, timeout=SECONDS)
        assert refused.status_code == requests.codes.conflict
        assert (
            refused.json()["error"]["msg"]
            == f"version conflict for {name} expected={version + 1} actual={version}"
        )
    requests.post(
        f"{recorded}/update?commit=true", json={"delete": list(given)}, timeout=SECONDS
    ).raise_for_status()


def test_fields_of_our_own_cannot_be_given(recorded: str) -> None:
    body = [{"id": "x", "flow_descriptor": "AAAA"}]
    refused = requests.post(f"{recorded}/update", json=body, timeout=SECONDS)
    assert refused.status_code == requests.codes.bad_request
    assert "flow_descriptor fills itself" in refused.json()["error"]["msg"]


def test_a_collection_is_made_once_and_never_changed(cloud: Cloud) -> None:
    client = SolrClient(cloud.nodes.addresses)
    assert init_solr(client, "made_once", 1, 1)
    assert not init_solr(client, "made_once", 1, 1)
    with pytest.raises(BadRequestError, match="1 shards of 1 replicas instead of 2 of 1"):
        init_solr(client, "made_once", 2, 1)
    with pytest.raises(BadRequestError, match="has 2 nodes"):
        init_solr(client, "too_many", 1, 3)


def test_what_is_not_there_is_said(cloud: Cloud) -> None:
    root = cloud.nodes.addresses[0].removesuffix("/solr")
    with pytest.raises(NotFoundError, match=r"no collection 'nowhere' in .*; init-solr .* makes it"):
        SolrStore(SolrClient(cloud.nodes.addresses), "nowhere")
    with pytest.raises(BadRequestError, match=f"no SolrCloud at {root}: its address has a path"):
        SolrStore(SolrClient([root]), "nowhere")
    with pytest.raises(BadRequestError, match=f"no SolrCloud at {root}"):
        init_solr(SolrClient([root]), "nowhere", 1, 1)


def test_a_run_ends_complete_though_a_node_stops_in_its_scan_and_the_other_in_its_apply(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Of each group one picture stays: nothing is lost, nothing done twice."""
    name = cloud.collection("acting")
    acting = Acting(cloud.gateway(name, images=PHOTOS), tmp_path / "storage", name)
    photos = sorted(path.name for path in PHOTOS.glob("*.jpg"))[:GROUPS]
    acting.fill({f"{photo} {copy}": (photo, {}) for photo in photos for copy in range(COPIES)})
    config, run = acting.config(**policies("delete")), acting.run()
    assert not [step for step in acting.check(config) if step.problem]
    with ThreadPoolExecutor(1) as threads:
        for node, work in enumerate((_scanned, _applied)):
            stopping = threads.submit(cloud.nodes.stop, node)
            work(acting, run, config)
            stopping.result()
            cloud.nodes.start(node)
            cloud.await_replicas()
    left = [document["image"].rpartition("/")[2] for document in acting.documents().values()]
    assert sorted(left) == photos
    stones = read_tombstones(run.lasting)
    assert len(stones) == GROUPS * (COPIES - 1)


def _scanned(acting: Acting, run: RunDir, config: CollectionConfig) -> None:
    decided = acting.decide(run, config)
    assert decided.counts["delete"] == GROUPS * (COPIES - 1)


def _applied(acting: Acting, run: RunDir, config: CollectionConfig) -> None:
    """As Airflow does: what could not be done is tried again."""
    digest = decide(run, FIRST).hash
    for number in range(1, 6):
        with contextlib.suppress(FlowError, OutageError):
            stats = acting.apply(run, digest, attempt=Attempt(0, number))
            if not stats.failed:
                assert stats.done == GROUPS * (COPIES - 1)
                return
    raise AssertionError("five attempts did not carry everything out")

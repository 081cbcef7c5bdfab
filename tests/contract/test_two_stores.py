"""SolrCloud and SQLite as the store of one server: the same pictures, the same hits with the same scores."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.reanalyze import reanalyze
from include.flow_server.settings import ServerSettings
from include.flow_server.store.solr.client import SolrClient
from tests.contract.pictures import MANY, draw_pictures
from tests.contract.solr.gateways import Cloud
from tests.support.embedded_server import launch
from tests.support.outdated import OTHER_VERSION

COLLECTION = "two_stores"
SECONDS = 120
CHANGES = st.tuples(
    st.sampled_from(["changing a", "changing b"]),
    st.sampled_from(["replace", "replace", "set", "take away", "note", "delete"]),
    st.sampled_from(["12.png", "12,same.bmp", "05 cropped.jpg", "06 turned.jpg", "flat.png", "07.png"]),
)

FILTERS = st.sampled_from(
    ["half_s:a", "-half_s:b", "n_i:[3 TO 40]", "id:*.jpg", "width_i:{210 TO *]", "*:*", "half_s:c"]
)
# Below 0.7 it depends on the order of candidates which of them are compared at all, and that on the filters.
SEARCHES = st.fixed_dictionaries(
    {
        "rank.by.id": st.integers(0, 999),
        "rank.threshold": st.sampled_from(["0.7", "0.8", "0.9", "0.95", "1"]),
        "rank.smartfilter": st.sampled_from(["off", "low", "medium", "high", "extreme"]),
        "fq": st.lists(FILTERS, max_size=2),
        "fl": st.sampled_from(["id,score", "id,score,explain,n_i"]),
        "rows": st.just("100"),
    }
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_pictures(folder)
    return folder


@pytest.fixture(scope="module")
def stores(
    cloud: Cloud, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The collection's address at a gateway, and at a server with a store of its own."""
    gateway = cloud.gateway(cloud.collection(COLLECTION), images=pictures)
    own = launch(tmp_path_factory.mktemp("own"), images=pictures, collections=[COLLECTION])
    names = sorted(path.name for path in pictures.iterdir())
    documents = [
        {"id": name, "image": name, "n_i": number, "half_s": "ab"[number % 2]}
        for number, name in enumerate(names)
    ]
    addresses = tuple(server.collection_url(COLLECTION) for server in (gateway, own))
    for address in addresses:
        _post(f"{address}/update?commit=true", [*documents, {"id": "no picture", "half_s": "a"}])
    yield addresses[0], addresses[1]
    own.stop()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rank.smartfilter": "high"},
        {"rank.threshold": "0.95"},
        {"search.fq": "half_s:a"},
        {"fq": "half_s:b", "search.fq": "n_i:[10 TO *]"},
    ],
    ids=str,
)
def test_a_walk_through_the_collection_finds_the_same_pairs_with_the_same_scores(
    stores: tuple[str, str], options: dict[str, str]
) -> None:
    gateway, own = (_pairs(address, options) for address in stores)
    assert gateway == own
    assert len(own) > 3


@pytest.mark.parametrize(
    "name", ["00.png", "00,same.bmp", "05 cropped.jpg", "06 turned.jpg", "flat.png", "gone"]
)
@pytest.mark.parametrize("scope", [{}, {"fq": ["n_i:[3 TO 40]", 'id:("00.png" *.jpg *.png)']}])
def test_a_search_by_id_has_the_same_hits(stores: tuple[str, str], name: str, scope: dict[str, Any]) -> None:
    asked = {"rank.by.id": name, "rows": "50", "fl": "id,score,explain,n_i", **scope}
    gateway, own = (_hits(address, asked) for address in stores)
    assert gateway == own


@given(asked=SEARCHES)
@settings(
    max_examples=int(os.environ.get("EXAMPLES", "20")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_whatever_is_searched_for_has_the_same_hits(
    stores: tuple[str, str], pictures: Path, asked: dict[str, Any]
) -> None:
    names = sorted(path.name for path in pictures.iterdir())
    named = {**asked, "rank.by.id": names[asked["rank.by.id"] % len(names)]}
    gateway, own = (_hits(address, named) for address in stores)
    assert gateway == own


def test_a_picture_from_elsewhere_is_found_alike(stores: tuple[str, str], pictures: Path) -> None:
    data = base64.b64encode((pictures / "08 small.jpg").read_bytes()).decode()
    outputs = [_form(f"{address}/analyze", {"input.data": data})["outputs"] for address in stores]
    assert outputs[0] == outputs[1]
    for asked in ({"rank.by.data": data}, {"rank.by.preprocessed": _text(outputs[0])}):
        form = {**asked, "fl": "id,score"}
        found = [_form(f"{address}/duplicate", form)["response"] for address in stores]
        assert _ordered(found[0]["docs"]) == _ordered(found[1]["docs"])
        assert {one["id"] for one in found[0]["docs"]} == {"08.png", "08 small.jpg", "08,same.bmp"}


def test_an_approximate_search_finds_nearly_all(stores: tuple[str, str]) -> None:
    exact = _pairs(stores[1], {})
    options = {"rank.approximate": "true"}
    gateway, own = (len(exact & _pairs(address, options)) / len(exact) for address in stores)
    print(f"recall of approximate: gateway {gateway:.3f}, own store {own:.3f}")
    assert gateway >= max(own, 0.98)


def test_pictures_of_another_version_are_refused_and_analysed_anew(
    cloud: Cloud, stores: tuple[str, str], pictures: Path
) -> None:
    gateway, names = stores[0], ["00.png", "05 cropped.jpg"]
    before = {name: _found(gateway, name) for name in names}
    solr = SolrClient(cloud.nodes.addresses, patience=SECONDS)
    read = solr.ask(f"/{COLLECTION}/get", {"id": names, "fl": "id,flow_descriptor"})["response"]["docs"]
    older = [
        {"id": one["id"], "flow_version": {"set": OTHER_VERSION}, "flow_descriptor": {"set": _older(one)}}
        for one in read
    ]
    solr.send(f"/{COLLECTION}/update", {"commit": "true"}, json.dumps(older).encode())
    for asked in (
        {"rank.by.id": "01.png"},
        {"rank.by.id": "01.png", "rank.approximate": "true"},
        {"rank.by.id": "flat.png"},
        {"rank.by.id": "01.png", "fq": 'id:("00.png" "02.png")'},
    ):
        refused = requests.get(f"{gateway}/duplicate", asked, timeout=SECONDS)
        assert refused.status_code == requests.codes.service_unavailable
        told = refused.json()["error"]["msg"]
        assert told.startswith("1 of" if "fq" in asked else "2 of")
        assert "reanalyze --store solr" in told
    page = requests.get(f"{gateway}/duplicates", {"fq": "id:01.png"}, timeout=SECONDS)
    assert page.status_code == requests.codes.service_unavailable
    others = {"rank.by.id": "01.png", "fq": '-id:("00.png" "05 cropped.jpg")'}
    assert _hits(gateway, others)[0]
    server = ServerSettings(Path(), pictures, (COLLECTION,), workers=1, solr_urls=cloud.nodes.addresses)
    assert reanalyze(server).summary() == "2 analysed anew, 0 unreadable"
    assert {name: _found(gateway, name) for name in names} == before


def _older(document: dict[str, str]) -> str:
    descriptor = base64.b64decode(document["flow_descriptor"])
    older = descriptor.replace(DESCRIPTOR_VERSION.encode(), OTHER_VERSION.encode())
    return base64.b64encode(older).decode()


def test_an_updated_picture_is_found_by_what_it_shows_now(stores: tuple[str, str]) -> None:
    for address in stores:
        commands = address.replace("/api/cores/", "/solr/")
        _post(f"{address}/update?commit=true", [{"id": "changing", "image": "12.png"}])
        assert _found(address, "changing") == {"changing", "12.png", "12 small.jpg", "12,same.bmp"}
        _post(f"{commands}/update?commit=true", [{"id": "changing", "note_s": {"set": "kept"}}])
        assert _found(address, "changing") == {"changing", "12.png", "12 small.jpg", "12,same.bmp"}
        _post(f"{commands}/update?commit=true", [{"id": "changing", "image": {"set": "flat.png"}}])
        assert _found(address, "changing") == {"changing", "flat.png", "flat again.png"}
        _post(f"{commands}/update?commit=true", [{"id": "changing", "image": {"set": "16.png"}}])
        assert _found(address, "changing") == {"changing", "16.png", "16 small.jpg", "16,same.bmp"}
        _post(f"{commands}/update?commit=true", {"delete": {"id": "changing"}})
        assert _found(address, "16.png") == {"16.png", "16 small.jpg", "16,same.bmp"}


@given(changes=st.lists(CHANGES, min_size=3, max_size=6))
@settings(
    max_examples=int(os.environ.get("EXAMPLES", "4")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_whatever_is_done_to_pictures_both_stores_find_the_same(
    stores: tuple[str, str], changes: list[tuple[str, str, str]]
) -> None:
    names = {name for name, _, _ in changes}
    found = []
    for address in stores:
        commands = f"{address.replace('/api/cores/', '/solr/')}/update"
        for name, kind, image in changes:
            _post(commands, _change(name, kind, image))
        _post(f"{commands}?commit=true", [])
        asked = [{"rank.by.id": name, "rows": "50", "fl": "id,score,note_s,width_i"} for name in names]
        found.append([_hits(address, one) for one in asked])
        _post(f"{commands}?commit=true", {"delete": sorted(names)})
    assert found[0] == found[1]


def _change(name: str, kind: str, image: str) -> Any:
    changes = {
        "replace": [{"id": name, "image": image}],
        "set": [{"id": name, "image": {"set": image}}],
        "take away": [{"id": name, "image": {"set": None}}],
        "note": [{"id": name, "note_s": {"set": image}}],
        "delete": {"delete": {"id": name}},
    }
    return changes[kind]


def test_documents_come_back_alike_and_without_what_the_store_adds(stores: tuple[str, str]) -> None:
    shown = []
    for address in stores:
        base = address.partition("/api/")[0]
        asked = {"q": "*:*", "sort": "id asc", "rows": "200", "fl": "*,picture_hash"}
        documents = requests.get(f"{address}/select", asked, timeout=SECONDS).json()["response"]["docs"]
        for document in documents:
            document.pop("_version_")
            document["image"] = document.get("image", "").replace(base, "")
        shown.append(documents)
        newest = requests.get(f"{address}/get", {"id": "00,same.bmp"}, timeout=SECONDS).json()["doc"]
        assert not any(name.startswith("flow_") for name in newest)
    assert shown[0] == shown[1]


def test_every_prefix_leads_to_the_collection(stores: tuple[str, str]) -> None:
    for address in stores:
        for prefix in ("/api/collections/", "/solr/", "/api/cores/"):
            url = address.replace("/api/cores/", prefix)
            assert requests.get(f"{url}/select?rows=0", timeout=SECONDS).json()["response"]["numFound"] > MANY


def _pairs(address: str, options: dict[str, str]) -> set[tuple[str, str, float]]:
    found: set[tuple[str, str, float]] = set()
    mark, following = "", "*"
    while mark != following:
        mark = following
        asked = {"rows": "23", "fl": "id,score", **options, "cursorMark": mark}
        answer = requests.get(f"{address}/duplicates", asked, timeout=SECONDS)
        answer.raise_for_status()
        body = answer.json()
        documents = body["response"]["docs"]
        found |= {(one["id"], hit["id"], hit["score"]) for one in documents for hit in one["hits"]}
        following = body["nextCursorMark"]
    return found


def _hits(address: str, asked: dict[str, Any]) -> tuple[int, list[Any]]:
    answer = requests.get(f"{address}/duplicate", asked, timeout=SECONDS)
    answer.raise_for_status()
    response = answer.json()["response"]
    return response["numFound"], _ordered(response["docs"])


def _found(address: str, name: str) -> set[str]:
    return {one["id"] for one in _hits(address, {"rank.by.id": name, "rows": "50", "fl": "id,score"})[1]}


def _ordered(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(documents, key=lambda one: (-one["score"], one["id"]))


def _form(url: str, form: dict[str, str]) -> Any:
    answer = requests.post(url, form, timeout=SECONDS)
    answer.raise_for_status()
    return answer.json()


def _post(url: str, body: Any) -> None:
    answer = requests.post(url, json=body, timeout=SECONDS)
    assert answer.status_code == requests.codes.ok, answer.text


def _text(value: Any) -> str:
    return json.dumps(value)

"""Odd parameters, bodies, hosts and names: each is refused with a sentence or answered."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.hostile import SECONDS

if TYPE_CHECKING:
    from tests.support.embedded_server import EmbeddedServer


def mark(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


ODD = [
    ("select", {"fq": "{!terms f=id separator=''}a,b"}),
    ("select", {"fq": "{!terms f=n_i}1,x"}),
    ("select", {"fq": "{!lucene df=nofield}a"}),
    ("select", {"q": "id:\\ud800"}),
    ("select", {"q": "id:\\udfff*"}),
    ("select", {"q": "date_dt:[NOW+" + "9" * 5000 + "DAYS TO *]"}),
    ("select", {"q": "date_dt:[NOW" + "+1DAY" * 100_000 + " TO *]"}),
    ("select", {"q": "n_i:" + "9" * 100_000}),
    ("select", {"rows": "2147483648"}),
    ("select", {"start": "9" * 5000}),
    ("select", {"fq": ["id:a"] * 5000}),
    ("select", {"sort": "id asc," * 5000}),
    ("select", {"fl": "a," * 5000}),
    ("select", {"fl": "*a" * 50_000}),
    ("select", {"sort": "id asc", "cursorMark": mark(b"[" * 50_000)}),
    ("select", {"sort": "id asc", "cursorMark": mark(b'["\\ud800"]')}),
    ("select", {"facet": "true", "facet.field": "id", "facet.limit": "9" * 5000}),
    ("select", {"facet": "true", "facet.field": "labels", "f.labels.facet.matches": "(a+)+$"}),
    ("duplicate", {"rank.by.preprocessed": "[" * 100_000}),
    ("duplicate", {"rank.by.preprocessed": '{"outputs":' * 100_000}),
    ("get", {"ids": "a," * 100_000}),
    ("analyze", {"input.url": "a" * 5000}),
]
ODD_BODIES = [
    b"[" * 100_000,
    b'[{"id":"a","x_s":' + b"[" * 900 + b"]" * 900 + b"}]",
    b'[{"id":"a","x_s":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}]",
    b'[{"id":"a","import":"' + b"[" * 100_000 + b'"}]',
    b'[{"id":"\\ud800"}]',
    b'[{"id":"a","\\udc00_s":"b"}]',
    b'[{"id":"a","b_s":"\\ud800\\ud800"}]',
    b'[{"id":"a\xed\xa0\x80"}]',
    b'{"delete":"\\udfff"}',
    b'[{"id":"a","n_i":' + b"9" * 5000 + b"}]",
    b'[{"id":"a","n_i":1e400}]',
    b'[{"id":"a","unknown":"NOW+' + b"9" * 5000 + b'DAYS","n_i":"x"}]',
    b'[{"id":"a","image":"' + b"a" * 5000 + b'"}]',
]


@pytest.mark.parametrize(
    ("handler", "parameters"), ODD, ids=[f"{handler}-{place}" for place, (handler, _) in enumerate(ODD)]
)
def test_odd_parameters_are_refused(synced: EmbeddedServer, handler: str, parameters: dict[str, Any]) -> None:
    answer = requests.post(f"{synced.url}/{handler}", parameters, timeout=SECONDS)
    assert answer.status_code == 400, answer.text[:500]
    assert 0 < len(answer.json()["error"]["msg"]) < 3000


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_odd_bodies_of_an_update_are_refused(synced: EmbeddedServer, body: bytes) -> None:
    solr = synced.collection_url("my-collection", "/solr/")
    answer = requests.post(f"{solr}/update", body, timeout=SECONDS)
    assert answer.status_code == 400, answer.text[:500]
    assert answer.json()["error"]["msg"]


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "\xff", ""])
def test_any_host_header_is_answered(synced: EmbeddedServer, host: str) -> None:
    headers = {"Host": host.encode("latin-1")}
    answer = requests.get(f"{synced.url}/select", {"rows": "1"}, headers=headers, timeout=SECONDS)
    assert answer.status_code in (200, 400)


def test_names_that_no_file_has_are_not_found(synced: EmbeddedServer) -> None:
    for name in ("a" * 300, "a/" * 3000, "%00", "%ff"):
        assert requests.get(f"{synced.base}/images/{name}", timeout=SECONDS).status_code == 404

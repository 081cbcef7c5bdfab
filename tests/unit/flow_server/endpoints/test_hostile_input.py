"""Whatever is asked or uploaded, the answer is a 200 or a 400 with a sentence, never a 500."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import random
import sqlite3
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pillow_heif import register_heif_opener

from tests.contract import strategies as make
from tests.support.embedded_server import launch
from tests.unit.flow_server.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.embedded_server import EmbeddedServer

SECONDS = 60
EXAMPLES = int(os.environ.get("EXAMPLES", "80"))
BOUNDED = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
SYNTAX = [
    *'ab01:*?"()[]{}^~+-!&|\\/ ',
    " TO ",
    " AND ",
    " OR ",
    " NOT ",
    "id:",
    "n_i:",
    "{!term f=id}",
    "NOW",
]
NAMES = [
    *("rows", "start", "cursorMark", "sort", "stats", "stats.field", "q.op", "df", "defType"),
    *("facet", "facet.field", "facet.range", "facet.range.start", "facet.range.end", "facet.range.gap"),
    *("facet.limit", "facet.mincount", "facet.query"),
    *("rank.threshold", "rank.by.id", "rank.by.data", "rank.by.preprocessed"),
    *(
        "facet.offset",
        "facet.prefix",
        "facet.sort",
        "facet.missing",
        "facet.range.other",
        "facet.range.hardend",
    ),
    *(
        "f.id.facet.limit",
        "commitWithin",
        "ids",
        "id",
        "input.url",
        "rank.mode",
        "search.fq",
        "fl",
        "q",
        "fq",
    ),
]
VALUES = [
    "true",
    "id",
    "n_i",
    "date_dt",
    "bytes_l",
    "0",
    "5",
    "-1",
    "NOW",
    "+1DAY",
    "*",
    "id asc",
    "1e400",
    "nan",
    "-inf",
    "9" * 30,
    "9" * 5000,
    "_text_",
    "_version_",
    "score",
    "labels",
    "{!term f=id}a",
    "\0",
    "\\ud800",
]
HUGE = {
    "groups": "(" * 5000 + "a" + ")" * 5000,
    "local parameters": "{!lucene}" * 5000,
    "clauses": "a OR " * 20_000 + "a",
    "signs": "-" * 1000 + "a",
    "wildcards": "id:" + "*?" * 2000,
    "phrase": '"' + "a " * 50_000 + '"',
    "escapes": "\\" * 9999,
}
queries = st.one_of(
    st.lists(st.sampled_from(SYNTAX), max_size=14).map("".join),
    st.text(max_size=20),
    make.queries,
    make.queries.map(lambda text: text[: len(text) // 2]),
)
formats = ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server whose collection may be changed in any way."""
    server = launch(tmp_path_factory.mktemp("scratch"))
    yield server
    server.stop()


def ask(server: EmbeddedServer, handler: str, parameters: dict[str, Any]) -> None:
    answer = requests.post(f"{server.url}/{handler}", parameters, timeout=SECONDS)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]["msg"]


@given(q=queries, fq=queries, sort=st.one_of(st.just("id asc"), st.text(max_size=8)), fl=st.text(max_size=8))
@BOUNDED
def test_no_query_text_is_a_500(synced: EmbeddedServer, q: str, fq: str, sort: str, fl: str) -> None:
    ask(
        synced,
        "select",
        {"q": q.encode("utf-8", "replace"), "fq": fq.encode("utf-8", "replace"), "sort": sort, "fl": fl},
    )


@given(
    parameters=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(st.sampled_from(VALUES), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)),
        max_size=8,
    )
)
@BOUNDED
def test_no_parameter_is_a_500(synced: EmbeddedServer, parameters: dict[str, str]) -> None:
    ask(synced, "select", parameters)
    ask(synced, "duplicate", parameters)
    ask(synced, "duplicates", parameters)
    ask(synced, "get", parameters)
    ask(synced, "analyze", parameters)


@given(
    body=st.one_of(
        st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
    )
)
@BOUNDED
def test_no_body_of_an_update_is_a_500(synced: EmbeddedServer, body: bytes) -> None:
    for prefix in ("/solr/", "/api/cores/"):
        url = synced.collection_url("my-collection", prefix)
        answer = requests.post(f"{url}/update", body, timeout=SECONDS)
        assert answer.status_code in (200, 400), answer.text


_plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["a", "NOW", "2026-01-01", "9" * 400, "1e400", "\\", "data:,x", "\ud800", "\0"]),
)
_operators = st.sampled_from(["set", "add", "add-distinct", "remove", "removeregex", "inc", "other"])
_values = st.recursive(
    _plain,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_operators, inner, max_size=2)),
)
_names = st.sampled_from(
    [
        "id",
        "_version_",
        "image",
        "import",
        "labels",
        "n_i",
        "x_l",
        "p_d",
        "f_f",
        "b_b",
        "when_dt",
        "t_t",
        "y_s",
    ]
)
_documents = st.dictionaries(_names, _values, max_size=4)
_commands = st.dictionaries(
    st.sampled_from(["add", "delete", "commit", "optimize", "rollback", "doc", "id", "query", "boost"]),
    st.one_of(_values, _documents, st.fixed_dictionaries({"doc": _documents, "overwrite": _plain})),
    max_size=3,
)


@given(body=st.one_of(st.lists(_documents, max_size=3), _documents, _commands, _values))
@BOUNDED
def test_no_document_or_command_is_a_500(scratch: EmbeddedServer, body: Any) -> None:
    text = json.dumps(body)
    for prefix in ("/solr/", "/api/cores/"):
        url = scratch.collection_url("my-collection", prefix)
        answer = requests.post(f"{url}/update?commit=true", text, timeout=SECONDS)
        assert answer.status_code in (200, 400, 409), answer.text
    ask(scratch, "select", {"facet": "true", "facet.field": ["labels", "n_i"], "sort": "n_i asc, y_s desc"})


def test_damaged_pictures_are_analysed_or_refused(synced: EmbeddedServer) -> None:
    damage = random.Random(5)
    for form in formats:
        buffer = io.BytesIO()
        picture(1, 32).save(buffer, form)
        for _ in range(8):
            data = bytearray(buffer.getvalue())
            for _ in range(damage.randrange(1, 20)):
                data[damage.randrange(len(data))] = damage.randrange(256)
            cut = data[: damage.randrange(1, len(data))] if damage.random() < 0.3 else data
            ask(synced, "analyze", {"input.data": base64.b64encode(bytes(cut)).decode()})


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(synced: EmbeddedServer) -> None:
    side = 60_000
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    packed = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
    bomb = base64.b64encode(b"\x89PNG\r\n\x1a\n" + packed).decode()
    answer = requests.post(f"{synced.url}/analyze", {"input.data": bomb}, timeout=SECONDS)
    assert answer.status_code == 400
    assert "too many pixels" in answer.json()["error"]["msg"]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F", "YCbCr"])
def test_every_kind_of_pixel_is_analysed(synced: EmbeddedServer, mode: str) -> None:
    form = "TIFF" if mode in ("CMYK", "I;16", "F", "YCbCr") else "PNG"
    source = picture(2, 32).convert("L").convert("I;16") if mode == "I;16" else picture(2, 32).convert(mode)
    buffer = io.BytesIO()
    source.save(buffer, form)
    data = base64.b64encode(buffer.getvalue()).decode()
    answer = requests.post(f"{synced.url}/analyze", {"input.data": data}, timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    assert Image.open(buffer).size == (answer.json()["outputs"]["width"], answer.json()["outputs"]["height"])


@pytest.mark.parametrize(
    "form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF", "JPEG2000", "ICO", "PPM"]
)
def test_every_format_is_analysed_to_less_than_8_kilobytes(synced: EmbeddedServer, form: str) -> None:
    register_heif_opener()
    buffer = io.BytesIO()
    Image.effect_noise((250, 200), 90).convert("RGB").save(buffer, form)
    data = base64.b64encode(buffer.getvalue()).decode()
    answer = requests.post(f"{synced.url}/analyze", {"input.data": data}, timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"]["format"] == form
    assert len(json.dumps(answer.json()["outputs"])) < 8 * 1024


@pytest.mark.parametrize("query", HUGE.values(), ids=HUGE.keys())
def test_a_huge_query_is_answered_or_refused(synced: EmbeddedServer, query: str) -> None:
    ask(synced, "select", {"q": query})


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


def test_a_picture_that_says_what_no_analysis_does_is_refused(synced: EmbeddedServer) -> None:
    """A fact of the wrong kind would break the index of all pictures."""
    stored = requests.get(f"{synced.url}/select", {"q": "id:a.png", "fl": "import"}, timeout=SECONDS).json()
    outputs = stored["response"]["docs"][0]["import"]
    packed = base64.b64decode(outputs["descriptor"])
    (length,) = struct.unpack_from("<H", packed)
    solr = synced.collection_url("my-collection", "/solr/")
    for name, value in [("content_hash", ["a"]), ("width", "x"), ("width", 10**30), ("flat", None)]:
        head = json.dumps({**json.loads(packed[2 : 2 + length]), name: value}).encode()
        changed = struct.pack("<H", len(head)) + head + packed[2 + length :]
        wrong = {**outputs, "descriptor": base64.b64encode(changed).decode()}
        answer = requests.post(f"{solr}/update", json=[{"id": "x", "import": wrong}], timeout=SECONDS)
        assert answer.status_code == 400
        assert name in answer.json()["error"]["msg"]


def test_others_are_served_beside_hostile_requests(start_server: Callable[..., EmbeddedServer]) -> None:
    """Each of them once took minutes, in which nobody was answered."""
    server = start_server(collections=["one", "two"])
    one, two = (server.collection_url(name, "/solr/") for name in ("one", "two"))
    document = [{"id": "a", "labels": ["a" * 50 + "!"]}]
    requests.post(f"{one}/update?commit=true", json=document, timeout=SECONDS).raise_for_status()
    hostile = [
        lambda: requests.post(f"{one}/select", {"fq": "{!" + " " * 100_000}, timeout=SECONDS),
        lambda: requests.post(f"{one}/select", {"fq": "{!" + " " * 100_000 + "}"}, timeout=SECONDS),
        lambda: requests.post(f"{one}/select", {"q": "a " * 800_000}, timeout=SECONDS),
        lambda: requests.post(
            f"{one}/update", json=[{"id": "a", "labels": {"removeregex": "(a+)+$"}}], timeout=SECONDS
        ),
    ]
    with ThreadPoolExecutor(len(hostile)) as threads:
        asked = [threads.submit(ask) for ask in hostile]
        served = 0
        while not all(one.done() for one in asked) or not served:
            requests.get(f"{two}/select", timeout=SECONDS).raise_for_status()
            served += 1
    assert [future.result().status_code for future in asked] == [400, 200, 400, 200]


def test_a_locked_collection_is_busy_and_says_when_to_ask_again(
    start_server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMITS", json.dumps({"busy_seconds": 0.2}))
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    file = server.data / "my-collection/documents.sqlite"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for parameters in ({}, {"commit": "true"}):
            answer = requests.post(f"{solr}/update", json=[{"id": "a"}], params=parameters, timeout=SECONDS)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["error"]["code"] == 503
        assert requests.get(f"{solr}/select", timeout=SECONDS).status_code == 200
        assert requests.get(f"{solr}/get", {"id": "a"}, timeout=SECONDS).status_code == 200
        other.execute("ROLLBACK")
    answer = requests.post(f"{solr}/update?commit=true", json=[{"id": "a"}], timeout=SECONDS)
    assert answer.status_code == 200

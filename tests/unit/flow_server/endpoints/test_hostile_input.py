"""Whatever is asked or uploaded, the answer is a 200 or a 400 with a sentence, never a 500."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pillow_heif import register_heif_opener

from tests.contract import strategies as make
from tests.unit.flow_server.conftest import picture

if TYPE_CHECKING:
    from tests.support.embedded_server import EmbeddedServer

SECONDS = 20
BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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
]
VALUES = ["true", "id", "n_i", "date_dt", "bytes_l", "0", "5", "-1", "NOW", "+1DAY", "*", "id asc", "1e400"]
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


def test_deep_json_is_refused(synced: EmbeddedServer) -> None:
    solr = synced.collection_url("my-collection", "/solr/")
    assert requests.post(f"{solr}/update", b"[" * 100_000, timeout=SECONDS).status_code == 400

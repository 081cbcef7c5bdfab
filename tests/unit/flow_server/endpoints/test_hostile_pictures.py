"""Whatever is uploaded as a picture, it is analysed or refused with a sentence."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
import requests
from PIL import Image
from pillow_heif import register_heif_opener

from tests.support.hostile import SECONDS, ask
from tests.unit.flow_server.conftest import picture

if TYPE_CHECKING:
    from tests.support.embedded_server import EmbeddedServer

FORMATS = ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]


def test_damaged_pictures_are_analysed_or_refused(synced: EmbeddedServer) -> None:
    damage = random.Random(5)
    for form in FORMATS:
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

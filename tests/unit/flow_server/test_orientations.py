"""A server says what its options make of mirrored and turned copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from PIL import Image

from tests.support.drawn import structured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer

EDITS = {
    "mirrored.png": Image.Transpose.FLIP_LEFT_RIGHT,
    "turned.png": Image.Transpose.ROTATE_90,
    "both.png": Image.Transpose.TRANSPOSE,
}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), {"both.png", "mirrored.png", "turned.png"}),
        (("--no-mirrored",), {"turned.png"}),
        (("--no-turned",), {"mirrored.png"}),
    ],
)
def test_orientations_count_unless_they_are_switched_off(
    start_server: Callable[..., EmbeddedServer], tmp_path: Path, options: tuple[str, ...], found: set[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    structured(3).save(folder / "original.png")
    for name, edit in EDITS.items():
        structured(3).transpose(edit).save(folder / name)
    server = start_server(images=folder, arguments=options)
    server.sync(folder)
    query = {"rank.by.id": "original.png", "fl": "id,score"}
    documents = requests.get(f"{server.url}/duplicate", query, timeout=60).json()["response"]["docs"]
    assert {one["id"] for one in documents} == {"original.png"} | found
    assert all(one["score"] < 0.95 for one in documents if one["id"] != "original.png")

"""Whatever name a picture has, its address below /images/ leads to it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.embedded_server import launch, run_sync
from tests.unit.flow_server.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer

NAMES = [
    *("back\\slash.png", "line\nbreak.png", "end\n.png", "\n.png", "carriage\rreturn.png", "tab\t.png"),
    *("a?b#c%41;d&e=f+g.png", "scan:1.png", "http:.png", " blank .png", "ü.png", "u\u0308.png", "日本.png"),
    *("sub\\dir/x\ny.png", "'\"<>.png", "-rf.png", "esc\x1b[0m.png", "*?[a].png", "%2e%2e.png"),
]


@pytest.fixture(scope="module")
def named(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server over one picture under all these names."""
    root = tmp_path_factory.mktemp("named")
    for name in NAMES:
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "a.png", root / name)
    picture(1, 24).save(root / "no suffix", format="PNG")
    (root / "loop.png").symlink_to("loop.png")
    (root / "fields.csv").write_text("path\n")
    data = tmp_path_factory.mktemp("data")
    run_sync(root, data, "--workers", "1", "--skip-unreadable")
    server = launch(data, images=root)
    yield server
    server.stop()


def test_every_name_is_indexed_and_served(named: EmbeddedServer, folder: Path) -> None:
    answer = requests.get(f"{named.url}/select", {"rows": "100", "fl": "id,image"}, timeout=10).json()
    addresses = {document["id"]: document["image"] for document in answer["response"]["docs"]}
    assert set(addresses) == {*NAMES, "no suffix"}
    for name in NAMES:
        served = requests.get(addresses[name], timeout=10)
        assert served.status_code == 200, name
        assert served.content == (folder / "a.png").read_bytes()
        assert served.headers["content-type"] == "image/png"
        found = requests.get(
            f"{named.url}/duplicate", {"rank.by.url": addresses[name], "fl": "id", "rows": "100"}, timeout=10
        )
        assert len(found.json()["response"]["docs"]) == len(NAMES), name
    assert requests.get(addresses["no suffix"], timeout=10).headers["content-type"] == "image/png"


@pytest.mark.parametrize("name", ["scan:1.png", "back\\slash.png", "line\nbreak.png"])
def test_every_name_can_be_the_image_of_a_document(named: EmbeddedServer, name: str) -> None:
    document = [{"id": f"again {name}", "image": name}]
    requests.post(f"{named.url}/update?commit=true", json=document, timeout=10).raise_for_status()
    asked = {"rank.by.id": f"again {name}", "fl": "id", "rows": "100"}
    found = requests.get(f"{named.url}/duplicate", asked, timeout=10).json()["response"]
    assert len(found["docs"]) > len(NAMES)
    requests.post(f"{named.url}/update?commit=true", json={"delete": f"again {name}"}, timeout=10)


@pytest.mark.parametrize(
    "path",
    ["loop.png", "..%5c..%5cetc%5cpasswd", "%2e%2e/%2e%2e/etc/passwd", "x" * 5000, "a%00b", "sub%5cdir"],
)
def test_what_is_not_in_the_folder_is_not_found(named: EmbeddedServer, path: str) -> None:
    answer = requests.get(f"{named.base}/images/{path}", timeout=10)
    assert answer.status_code == 404


def test_what_is_no_picture_is_never_shown_as_one(named: EmbeddedServer) -> None:
    answer = requests.get(f"{named.base}/images/fields.csv", timeout=10)
    assert answer.headers["content-type"] == "application/octet-stream"

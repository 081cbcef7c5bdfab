"""Pictures for the review page, over real HTTP: made small, kept, and refused where they must be."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from include.dedupe.errors import UnknownError
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.pictures import Pictures
from include.dedupe.reviewing.shelf import KEPT_S, Shelf
from include.dedupe.rundir import RunDir
from tests.support.made import Made


@dataclass
class Host:
    """A server of pictures: what it serves by path, and what it was asked with which headers."""

    base: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers.items())))
            if self.path.startswith("/elsewhere/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/elsewhere/"))
                self.end_headers()
                return
            data = made.files.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.base = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def red(width: int = 800, height: int = 400) -> Image.Image:
    return Image.new("RGB", (width, height), (200, 0, 0))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "storage")


def make(made: Made, images: dict[str, str], **settings: Any) -> tuple[RunDir, str]:
    """Make a run with one cluster of documents with these addresses; return it and the cluster."""
    first, *others = images
    edges = [(first, other, 1.0) for other in others]
    run = made.make(edges, fields={name: {"image": image} for name, image in images.items()}, **settings)
    return run, list_clusters(run, Filters()).rows[0].name


def test_a_picture_is_made_small_once_and_kept(made: Made, host: Host, tmp_path: Path) -> None:
    host.files["/a.png"] = encoded(red(), "PNG")
    images = {"a": f"{host.base}/a.png", "b": f"{host.base}/gone.png"}
    run, cluster = make(made, images, report={"allow_hosts": [host.base.removeprefix("http://")]})
    pictures = Pictures(tmp_path / "kept")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: pictures.show(run, cluster, "a"), range(8)))
    (shown,) = found
    assert [path for path, _ in host.asked] == ["/a.png"]
    assert (shown.width, shown.height, shown.problem) == (336, 168, "")
    with Image.open(io.BytesIO(shown.data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (336, 168))
    assert Pictures(tmp_path / "kept").show(run, cluster, "a") == shown
    assert pictures.show(run, cluster, "a", "large").width == 800
    assert len(host.asked) == 2
    broken = pictures.show(run, cluster, "b")
    assert (broken.data, "answered 404" in broken.problem) == (b"", True)


def test_only_documents_of_the_cluster_are_shown(made: Made, host: Host, tmp_path: Path) -> None:
    run, cluster = make(made, {"a": "", "b": "ftp://x/y"})
    pictures = Pictures(tmp_path / "kept")
    for name, document, view in ((cluster, "c", "small"), ("c-0", "a", "small"), (cluster, "a", "huge")):
        with pytest.raises(UnknownError):
            pictures.show(run, name, document, view)  # type: ignore[arg-type]
    assert "no address" in pictures.show(run, cluster, "a").problem
    assert "not an http" in pictures.show(run, cluster, "b").problem
    assert not host.asked


def test_what_is_shown_is_what_the_analysis_reads(made: Made, host: Host, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = Image.fromarray((np.linspace(0, 65535, 64 * 64).reshape(64, 64)).astype(np.uint16))
    host.files |= {
        "/turned.jpg": encoded(red(400, 200), "JPEG", exif=turned),
        "/deep.png": encoded(deep, "PNG"),
        "/cmyk.jpg": encoded(red().convert("CMYK"), "JPEG"),
        "/text.jpg": b"no picture",
        "/cut.jpg": encoded(red(), "JPEG")[:500],
        "/empty.jpg": b"",
    }
    images = {path: f"{host.base}{path}" for path in host.files}
    run, cluster = make(made, images, report={"allow_hosts": ["127.0.0.1"]})
    shown = {path: Pictures(tmp_path / "kept").show(run, cluster, path) for path in images}
    assert (shown["/turned.jpg"].width, shown["/turned.jpg"].height) == (126, 252)
    with Image.open(io.BytesIO(shown["/deep.png"].data)) as picture:
        levels = np.asarray(picture.convert("L"))
    assert levels.min() < 20
    assert levels.max() > 235
    assert shown["/cmyk.jpg"].data
    for path in ("/text.jpg", "/cut.jpg", "/empty.jpg"):
        assert shown[path].problem
        assert not shown[path].data


def test_private_hosts_are_refused_unless_they_are_named(made: Made, host: Host, tmp_path: Path) -> None:
    host.files["/images/a.png"] = encoded(red(), "PNG")
    images = {"a": f"{host.base}/images/a.png", "b": f"{host.base}/elsewhere/http://169.254.169.254/latest"}
    run, cluster = make(made, images)
    assert "report.allow_hosts" in Pictures(tmp_path / "kept").show(run, cluster, "a").problem
    assert not host.asked
    fields = {"host": host.base}
    pictures = Pictures(tmp_path / "kept", connection=lambda _: fields)
    assert pictures.show(run, cluster, "a").data
    assert "own host" in pictures.show(run, cluster, "b").problem


def test_headers_of_a_connection_go_to_the_templates_host_alone(
    made: Made, host: Host, tmp_path: Path
) -> None:
    other = host.base.replace("127.0.0.1", "localhost")
    path = "/elsewhere/" + f"{other}/moved.png?id=a%2Fb%3Fc&width=336"
    host.files["/moved.png?id=a%2Fb%3Fc&width=336"] = encoded(red(), "PNG")
    host.files["/direct?id=a%2Fb%3Fc&width=1600"] = encoded(red(), "PNG")
    review = {"image_connection": "images", "image_url": f"{host.base}/direct?id={{id}}&width={{width}}"}
    run, cluster = make(made, {"a/b?c": "x", "b": "y"}, review=review)
    seen: list[str] = []

    def headers(name: str) -> dict[str, str]:
        seen.append(name)
        return {"X-Secret": "s3"}

    assert Pictures(tmp_path / "kept", headers).show(run, cluster, "a/b?c", "large").data
    assert (seen, host.asked[-1][1].get("X-Secret")) == (["images"], "s3")
    review["image_url"] = f"{host.base}/elsewhere/{other}/moved.png?id={{id}}&width={{width}}"
    run, cluster = make(
        Made(made.storage, "others"),
        {"a/b?c": "x", "b": "y"},
        review=review,
        report={"allow_hosts": ["localhost"]},
    )
    assert Pictures(tmp_path / "kept", headers).show(run, cluster, "a/b?c").data
    (_, first), (asked, second) = host.asked[-2:]
    assert (first.get("X-Secret"), asked, second.get("X-Secret")) == ("s3", path.partition(other)[2], None)


def test_files_of_a_library_are_read_from_it_and_nothing_outside(made: Made, tmp_path: Path) -> None:
    library = tmp_path / "library"
    (library / "deep").mkdir(parents=True)
    (library / "deep" / "a.png").write_bytes(encoded(red(), "PNG"))
    (tmp_path / "secret.png").write_bytes(encoded(red(), "PNG"))
    (library / "link.png").symlink_to(tmp_path / "secret.png")
    images = dict.fromkeys(("deep/a.png", "../secret.png", "link.png", str(tmp_path / "secret.png")), "")
    quarantine = {"library": str(library), "folder": str(tmp_path / "away")}
    run, cluster = make(made, images, quarantine=quarantine)
    pictures = Pictures(tmp_path / "kept")
    assert pictures.show(run, cluster, "deep/a.png").data
    for name in list(images)[1:]:
        assert "no address" in pictures.show(run, cluster, name).problem


def test_a_shelf_stays_within_its_bound_and_forgets_what_is_old(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", 10_000)
    for number in range(40):
        shelf.put(f"{number:02}", {"version": str(number)}, b"x" * 1000)
    total = sum(path.stat().st_size for path in (tmp_path / "shelf").rglob("*") if path.is_file())
    assert total <= 10_000
    assert shelf.get("39") == ({"version": "39"}, b"x" * 1000)
    assert shelf.get("00") is None
    (path,) = (tmp_path / "shelf").rglob("39/39")
    old = path.stat().st_mtime - KEPT_S - 1
    os.utime(path, (old, old))
    assert shelf.get("39") is None

"""What the server's tests share: a folder of pictures, and a server that serves it."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.support.embedded_server import EmbeddedServer, launch, run_sync, start_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["start_server"]


def picture(seed: int, side: int = 96) -> Image.Image:
    """A picture that looks like no other seed's: smooth coloured blobs."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side * 4, side * 3), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six different pictures, and two scaled copies of a.png: one beside it, one below sub/."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "sub").mkdir()
    for number, name in enumerate(["a.png", "b.png", "c.png", "sub/d e.png", "sub/f.png", "sub/ü.png"]):
        picture(number).save(root / name)
    picture(0).resize((300, 225)).save(root / "a-copy.jpg", quality=90)
    picture(0).resize((340, 255)).save(root / "sub/a-copy.jpg", quality=85)
    return root


@pytest.fixture(scope="session")
def elsewhere(folder: Path) -> Iterator[str]:
    """The address of a plain web server over the folder: `host:port`."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def synced(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server over the folder, indexed. Tests that share it must not change it."""
    data = tmp_path_factory.mktemp("synced")
    run_sync(folder, data)
    server = launch(data, images=folder)
    yield server
    server.stop()

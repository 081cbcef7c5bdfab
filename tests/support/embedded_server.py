"""Starts the real embedded server as a process of its own, for tests that meet it over HTTP.

    def test_something(start_server):
        server = start_server(images=folder)          # new data directory, free port
        server.sync(folder)                           # index the folder (also before the start)
        requests.get(f"{server.url}/select")          # server.url = http://127.0.0.1:PORT/api/cores/my-collection
        server.fault("unavailable", handler="duplicate", times=2, retry_after=1)
        assert server.counts()["update"] == 0

Make the fixture known in a conftest: `from tests.support.embedded_server import start_server`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 240
STOP_SECONDS = 60


@dataclass
class EmbeddedServer:
    """A running server. `base` is scheme, host and port; `url` the first collection below /api/cores/."""

    process: subprocess.Popen[str]
    base: str
    url: str
    data: Path
    images: Path | None
    errors: Path

    def collection_url(self, name: str, prefix: str = "/api/cores/") -> str:
        return f"{self.base}{prefix}{name}"

    def fault(self, kind: str, **settings: Any) -> None:
        """Switches a fault on; see tests/support/faults.py for the kinds and settings."""
        self._control("POST", "/__faults", {"kind": kind, **settings})

    def clear_faults(self) -> None:
        self._control("DELETE", "/__faults")

    def counts(self) -> dict[str, int]:
        """Requests per handler since the start or the last `clear_counts`."""
        return self._control("GET", "/__counts")

    def clear_counts(self) -> None:
        self._control("DELETE", "/__counts")

    def sync(self, folder: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        return run_sync(folder, self.data, *arguments, expect=expect)

    def kill(self) -> None:
        """SIGKILL to the server and all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM, and SIGKILL for what is left of the group; the exit code of the server."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        self.kill()
        return self.process.returncode

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, int]:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self.base}{path}", data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=STOP_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read())


def run_sync(folder: Path, data: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs `sync`; another exit code than `expect` fails the test with its output."""
    command = [
        sys.executable,
        "-m",
        "include.flow_server",
        "sync",
        str(folder),
        "--data",
        str(data),
        *arguments,
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == expect, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    return done


def launch(
    data: Path | None,
    images: Path | None = None,
    collections: Sequence[str] = (),
    port: int = 0,
    arguments: Sequence[str] = (),
    *,
    logs: Path | None = None,
) -> EmbeddedServer:
    """Starts a server in a process group of its own and waits until it says that it is ready.

    Where it keeps no data itself, its errors are written into the folder `logs`.
    """
    folder = data or logs
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "server-errors.txt"
    command = [sys.executable, "-m", "tests.support.faulty_server", "--port", str(port)]
    command += ["--data", str(data)] if data else []
    command += ["--images", str(images)] if images else []
    command += [part for name in collections for part in ("--collection", name)]
    command += [] if "--workers" in arguments else ["--workers", "1"]
    with errors.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    url = _ready_line(process, errors).rpartition(" on ")[2]
    return EmbeddedServer(process, url.partition("/api/")[0], url, folder, images, errors)


def _ready_line(process: subprocess.Popen[str], errors: Path) -> str:
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    with contextlib.suppress(queue.Empty):
        line = lines.get(timeout=START_SECONDS).strip()
        if line:
            return line
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    raise RuntimeError(f"the server did not start: {errors.read_text(encoding='utf-8')}")


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    """A function that starts servers (`launch`, by default on new data); all end with the test."""
    running: list[EmbeddedServer] = []

    def start(data: Path | None = None, **settings: Any) -> EmbeddedServer:
        server = launch(data or tmp_path / f"server-{len(running)}", **settings)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()

"""A folder of pictures behind an embedded Flow-compatible server, for as long as the demo needs it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.demo.library import Library
from include.demo.processes import DemoError, flow_server, free_port, running

CONNECTION_VARIABLE = "AIRFLOW_CONN_FLOW_DEMO"
UNREADABLE_PICTURES = 3


def index(library: Library) -> None:
    """Bring the server's index in line with the folder; progress bars go to standard error.

    What an earlier version of the demo analysed is analysed anew.

    Raises:
        DemoError: the folder cannot be indexed.
    """
    pictures, data = str(library.pictures), str(library.data)
    for arguments in (
        ["sync", pictures, "--data", data, "--allow-missing"],
        ["reanalyze", "--data", data, "--images", pictures],
    ):
        done = subprocess.run(flow_server(arguments), check=False)  # noqa: S603 - our own program
        if done.returncode not in (0, UNREADABLE_PICTURES):
            raise DemoError(f"{library.pictures} was not indexed; the line above says why.")


@contextmanager
def serving(library: Library, log_file: Path, port: int | None = None) -> Iterator[str]:
    """Serve the folder and yield the address of the server: the one it had before, if nobody else uses it.

    Runs name the pictures by that address, and earlier ones are looked at, too.

    Raises:
        DemoError: the port is in use, or the server does not start.
    """
    chosen = free_port(port) if port else _usual_port(library)
    address = f"http://127.0.0.1:{chosen}"
    arguments = ["--data", str(library.data), "--images", str(library.pictures), "--port", str(chosen)]
    command = flow_server([*arguments, "--allow-host", f"127.0.0.1:{chosen}"])
    with running(command, {}, log_file) as server:
        _wait_for(server, address, log_file)
        yield address


def _usual_port(library: Library) -> int:
    kept = library.data / "port"
    try:
        return free_port(int(kept.read_text()))
    except (OSError, ValueError, DemoError):
        chosen = free_port()
        library.data.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(chosen))
        return chosen


def _wait_for(server: subprocess.Popen[str], address: str, log_file: Path) -> None:
    while address not in log_file.read_text():
        if server.poll() is not None:
            raise DemoError(
                f"The server did not start; {log_file} says: {log_file.read_text().strip()[-500:]}"
            )
        time.sleep(0.05)

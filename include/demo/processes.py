"""Programs that the demo starts: it waits until they are ready, and leaves none of them running."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

SECONDS_TO_STOP = 15.0
COLLECTION = "my-collection"


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log_file: Path
) -> Iterator[subprocess.Popen[str]]:
    """Run a program in a session of its own, its output in ``log_file``, and stop all of it at the end."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End a program and everything that it has started."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        _send(member, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=SECONDS_TO_STOP)
    for member in alive:
        _send(member, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=SECONDS_TO_STOP)
    process.wait()


@contextmanager
def only_one(lock: Path, what: str) -> Iterator[None]:
    """Hold ``lock``, a file, while the block runs; the system frees it however a program ends.

    Raises:
        DemoError: another program holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(f"{what} runs in this checkout already; stop that one first.") from error
        yield


def free_port(wanted: int | None = None) -> int:
    """Return ``wanted``, or any port that nobody uses.

    Raises:
        DemoError: somebody uses ``wanted``.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError as error:
            raise DemoError(f"Port {wanted} is in use; choose another one with PORT=.") from error
        return int(probe.getsockname()[1])


def flow_server(arguments: Sequence[str]) -> list[str]:
    """Return the command of the embedded server with ``arguments``."""
    return [sys.executable, "-m", "include.flow_server", *arguments]


def _send(member: psutil.Process, number: signal.Signals) -> None:
    try:
        member.send_signal(number)
    except psutil.NoSuchProcess:
        return

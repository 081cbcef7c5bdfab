"""A real SolrCloud for the length of a test session: the oracle of the embedded server's query language.

SOLR_URL (the address of a running one, with the configuration in conf/) is used where it is set. Elsewhere
one is started from Maven Central jars, which needs Java 17 or newer and Maven; without them the tests skip.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
JARS = HERE.parents[2] / ".run" / "solr-jars"
COLLECTION = "congruence"
FETCH_SECONDS = 240
START_SECONDS = 250
"""A busy machine takes its time; a Solr that has died is not waited for."""


@dataclass(frozen=True)
class SolrNodes:
    """A running SolrCloud: the addresses of its nodes, as `http://127.0.0.1:PORT/solr`."""

    process: subprocess.Popen[bytes]
    log: Path
    addresses: tuple[str, ...]

    def stop(self, node: int) -> None:
        self._order(f"stop {node}")

    def start(self, node: int) -> None:
        self._order(f"start {node}")

    def _order(self, line: str) -> None:
        done = _said(self.log, "DONE")
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        _wait(self.process, self.log, lambda: len(_said(self.log, "DONE")) > len(done))


@contextmanager
def real_solr(directory: Path) -> Iterator[str]:
    """The address of a SolrCloud with an empty collection, as `http://…/solr/congruence`."""
    if address := os.environ.get("SOLR_URL"):
        yield f"{address.rstrip('/')}/{COLLECTION}"
        return
    with solr_nodes(directory, 1, HERE / "conf", COLLECTION) as nodes:
        yield f"{nodes.addresses[0]}/{COLLECTION}"


@contextmanager
def solr_nodes(directory: Path, count: int, configuration: Path, *collections: str) -> Iterator[SolrNodes]:
    """A SolrCloud of so many nodes, with collections of one shard; the tests skip where there is no Java."""
    for tool in ("java", "mvn"):
        if not shutil.which(tool):
            pytest.skip(f"comparing with a real Solr needs {tool} (Java 17 and Maven), or SOLR_URL")
    _fetch_jars()
    command = ["java", "-Xmx768m", "-Dsolr.security.manager.enabled=false", "-Dlog4j2.level=ERROR"]
    command += ["-DmetricsEnabled=true"]
    command += ["-cp", f"{JARS}/*", str(HERE / "SolrForTests.java")]
    command += [str(directory), str(count), str(configuration), *collections]
    log = directory / "solr-log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=directory
        )
    try:
        _wait(process, log, lambda: bool(_said(log, "READY ")))
        yield SolrNodes(process, log, tuple(_said(log, "READY ")[0].split()[1:]))
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _fetch_jars() -> None:
    """Once for all test processes: the jars are there whole or not at all."""
    JARS.parent.mkdir(exist_ok=True)
    with JARS.with_name("solr-jars.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if JARS.is_dir():
            return
        unfinished = JARS.with_name("solr-jars.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={unfinished}"],
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"Solr's jars cannot be fetched from Maven Central: {done.stdout[-500:]}")
        unfinished.rename(JARS)


def _said(log: Path, start: str) -> list[str]:
    """The lines of Solr that begin so."""
    return [line for line in log.read_text(errors="replace").splitlines() if line.startswith(start)]


def _wait(process: subprocess.Popen[bytes], log: Path, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Solr did not do it: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)

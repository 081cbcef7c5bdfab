"""A real SolrCloud for the length of a test session: the oracle of the embedded server's query language.

SOLR_URL (the address of a running one, with the configuration in conf/) is used where it is set. Elsewhere
one is started from Maven Central jars, which needs Java 17 or newer and Maven; without them the tests skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
JARS = HERE.parents[2] / ".run" / "solr-jars"
COLLECTION = "congruence"
FETCH_SECONDS = 240
START_SECONDS = 250
"""A busy machine takes its time; a Solr that has died is not waited for."""


@contextmanager
def real_solr(directory: Path) -> Iterator[str]:
    """The address of a SolrCloud with an empty collection, as `http://…/solr/congruence`."""
    if address := os.environ.get("SOLR_URL"):
        yield f"{address.rstrip('/')}/{COLLECTION}"
        return
    for tool in ("java", "mvn"):
        if not shutil.which(tool):
            pytest.skip(f"comparing with a real Solr needs {tool} (Java 17 and Maven), or SOLR_URL")
    _fetch_jars()
    command = ["java", "-Xmx768m", "-Dsolr.security.manager.enabled=false", "-Dlog4j2.level=ERROR"]
    command += [
        "-cp",
        f"{JARS}/*",
        str(HERE / "SolrForTests.java"),
        str(directory),
        str(HERE / "conf"),
        COLLECTION,
    ]
    log = directory / "solr-log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=directory
        )
    try:
        yield f"{_address(process, log)}/{COLLECTION}"
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _fetch_jars() -> None:
    if JARS.is_dir() and any(JARS.glob("solr-core-*.jar")):
        return
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={JARS}"],
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(JARS, ignore_errors=True)
        pytest.skip(f"Solr's jars cannot be fetched from Maven Central: {done.stdout[-500:]}")


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        ready = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("READY ")]
        if ready:
            return ready[0].split()[1]
        time.sleep(0.2)
    raise RuntimeError(f"Solr did not start: {log.read_text(errors='replace')[-2000:]}")

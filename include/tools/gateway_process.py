"""A gateway before a SolrCloud as a process of its own, asked over HTTP as a client would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psutil
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECONDS = 600.0
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Gateway:
    """`address` is that of the collection."""

    address: str
    connections: urllib3.PoolManager
    process: psutil.Process

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def hits(self, name: str, *, approximate: bool) -> set[str]:
        """The ids that a search for a document finds."""
        asked = {"rank.by.id": name, "fl": "id,score", "rows": 50, "rank.approximate": str(approximate)}
        return {one["id"] for one in self._ask("duplicate", asked)["response"]["docs"]}

    def scan_rate(self, scanned: int, *, approximate: bool) -> float:
        """Documents a second of a scan of so many documents against all; `n_i` numbers them."""
        asked: dict[str, Any] = {"fq": f"n_i:[0 TO {scanned - 1}]", "rows": _PAGE, "fl": "id,score"}
        asked["rank.approximate"] = str(approximate)
        began, mark, following = time.perf_counter(), "", "*"
        while mark != following:
            mark = following
            following = self._ask("duplicates", {**asked, "cursorMark": mark})["nextCursorMark"]
        return scanned / (time.perf_counter() - began)

    def _ask(self, handler: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer = self.connections.request("GET", f"{self.address}/{handler}?{urlencode(parameters)}")
        if answer.status != 200:
            raise RuntimeError(f"{handler} answers {answer.status}: {answer.data.decode()[:500]}")
        read: dict[str, Any] = json.loads(answer.data)
        return read


@contextmanager
def gateway(urls: Sequence[str], collection: str) -> Iterator[Gateway]:
    """Started with one worker, and ended with the block."""
    command = [sys.executable, "-m", "include.flow_server", "--store", "solr", "--collection", collection]
    command += [part for url in urls for part in ("--solr-url", url)]
    with subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            said = process.stdout.readline() if process.stdout else ""
            connections = urllib3.PoolManager(maxsize=16, timeout=SECONDS, retries=False)
            yield Gateway(said.rpartition(" on ")[2].strip(), connections, psutil.Process(process.pid))
        finally:
            process.terminate()

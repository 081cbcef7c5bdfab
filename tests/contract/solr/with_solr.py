"""Runs a module with a SolrCloud of two nodes: `python -m tests.contract.solr.with_solr MODULE [ARGUMENTS]`.

The module is given the addresses of the nodes as `--solr-url`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from include.flow_server.store.solr.setup import CONFIGSET
from tests.contract.solr.real_solr import solr_nodes


def main(module: str, *arguments: str) -> int:
    try:
        with tempfile.TemporaryDirectory() as directory, solr_nodes(Path(directory), 2, CONFIGSET) as nodes:
            urls = [part for address in nodes.addresses for part in ("--solr-url", address)]
            return subprocess.run([sys.executable, "-m", module, *urls, *arguments], check=False).returncode
    except pytest.skip.Exception as lacking:
        print(lacking, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

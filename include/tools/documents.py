"""Writes the documents that are made from the code; with --check says which are stale, and fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from include.orchestration import home
from include.tools.config_reference import config_reference
from include.tools.dag_docs import dag_docs

DOCUMENTS: dict[str, Callable[[], str]] = {
    "include/collections/reference.yaml": config_reference,
    "dags/DAGS.md": dag_docs,
}


def main(arguments: Sequence[str]) -> int:
    home.use(home.PROJECT / ".run" / "airflow")
    stale = [name for name, make in DOCUMENTS.items() if _is_stale(home.PROJECT / name, make())]
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is stale; run `make documents` and commit it.", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (home.PROJECT / name).write_text(DOCUMENTS[name](), encoding="utf-8")
        print(f"wrote {name}")
    return 0


def _is_stale(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

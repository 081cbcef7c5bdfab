"""Writes dags/DAGS.md: what each DAG file says of itself, and its parameters."""

from __future__ import annotations

import runpy
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HEADER = """\
# DAGs

Generated from the files in this folder; `make documents` writes it anew.
"""


def dag_docs() -> str:
    """Return the document: one section for each file in dags/."""
    sections = [_section(path) for path in sorted((PROJECT / "dags").glob("*.py"))]
    return "\n".join([HEADER, *sections])


def _section(path: Path) -> str:
    module = runpy.run_path(str(path))
    lines = [f"## {path.name}", "", module["__doc__"].strip(), ""]
    params = module.get("PARAMS", {})
    if params:
        lines += ["### Parameters", "", "| name | values | meaning |", "|---|---|---|"]
        for name, param in params.items():
            schema = param.schema
            values = ", ".join(map(str, filter(None, schema.get("enum", [])))) or _types(schema["type"])
            lines.append(f"| `{name}` | {values} | {param.description} |")
        lines.append("")
    return "\n".join(lines)


def _types(kinds: list[str]) -> str:
    return " or ".join(kind for kind in kinds if kind != "null")

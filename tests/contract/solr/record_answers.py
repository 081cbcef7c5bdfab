"""Asks a real Solr everything in answers.json anew and writes down what it says.

    python -m tests.contract.solr.record_answers

The recorded answers check the query language where there is no Java (tests/unit/flow_server/query).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import requests

from tests.contract.congruence import reduced
from tests.contract.solr.real_solr import real_solr

ANSWERS = Path(__file__).with_name("answers.json")


def main() -> None:
    recorded = json.loads(ANSWERS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as directory, real_solr(Path(directory)) as solr:
        requests.post(f"{solr}/update?commit=true", json=recorded["documents"], timeout=30).raise_for_status()
        for case in recorded["cases"]:
            case["answer"] = reduced(requests.get(f"{solr}/select", case["request"], timeout=30))
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in recorded["cases"])
    documents = ",\n".join(json.dumps(document, ensure_ascii=False) for document in recorded["documents"])
    ANSWERS.write_text(f'{{"documents": [\n{documents}\n],\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()

"""The scan script of Flow's documentation, made runnable again from a copy of that page.

The page lost lines when it was turned into text (addresses, short lines). Only the lost lines are here; the
script itself is read from the file that FLOW_DOCUMENTATION names, and is no part of this repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = "import requests\nimport sys\n"
END = "scanner = DupeScanner()"
LOST = (
    ('            raise ValueError("scan_mode', '        else:\n            raise ValueError("scan_mode'),
    ("duplicate?{id}&", "duplicate?rank.by.id={id}&"),
    ("        return new_list", "                new_list.append(doc)\n        return new_list"),
    ('print(f"Collection is empty.")\n', 'print(f"Collection is empty.")\n            return\n'),
    ("            # Await completion", "        errors = 0\n        try:\n            # Await completion"),
    ("# Silently count errors\n", "# Silently count errors\n                    errors += 1\n"),
    ('print("Abort scanning...")\n', 'print("Abort scanning...")\n            exit()\n        finally:\n'),
    (
        "        for future in futures:\n\n",
        "        for future in futures:\n            future.cancel()\n        pool.shutdown(wait=True)\n\n",
    ),
    (
        "nx.connected_components(self.G):\n",
        "nx.connected_components(self.G):\n                writer.writerow(c)\n",
    ),
)


def repaired(page: Path, flow_url: str) -> str:
    """The script's source, against the collection at `flow_url`; a page that lacks a place is an error."""
    text = page.read_text(encoding="utf-8")
    script = text[text.index(BEGIN) : text.index(END)]
    for place, mended in LOST:
        if script.count(place) != 1:
            raise ValueError(f"{page} has {place!r} {script.count(place)} times, not once")
        script = script.replace(place, mended)
    run = f"scanner = DupeScanner({flow_url!r})\nscanner.scan()\nscanner.save_graph()\nscanner.save_csv()\n"
    return script + run

"""The figures of the embedded server: as one JSON object, and as the table in its README."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "flow_server" / "README.md"
BEGIN, END = "<!-- figures of make bench-server -->", "<!-- end of the figures -->"
CLIENTS = 4
_ROWS = {
    "start": "{start_s} s",
    "memory": "{memory_mb} MB",
    "`duplicate`, exact, new query": "{exact_ms} ms",
    f"`duplicate`, exact, {CLIENTS} clients, seen before": "{exact_clients_per_s} /s",
    "`duplicate`, approximate, medium, seen before": "{approximate_ms} ms",
    f"the same, {CLIENTS} clients": "{approximate_clients_per_s} /s",
    "`duplicates`, approximate, medium": "{join_per_s} /s",
    "`duplicate`, exact, while another client scans, half and all of them within": (
        "{beside_scan_ms}, {beside_scan_most_ms} ms"
    ),
    "page of 100 of that scan": "{scan_page_ms} ms",
    "page of 1,000 ids by id, early and late": "{page_early_ms}, {page_late_ms} ms",
    "the same, filtered to 1 %, early and late": "{filtered_page_early_ms}, {filtered_page_late_ms} ms",
    "the same, by date, early and late": "{by_date_page_early_ms}, {by_date_page_late_ms} ms",
    "its first page after a commit": "{by_date_page_first_ms} ms",
    "facet of all, first after a commit": "{facet_ms} ms",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """`analysis`: pictures_per_s, processes, median_side (pixels). `sizes`: by number of documents."""

    analysis: dict[str, Any]
    sizes: dict[int, dict[str, Any]]

    def json(self) -> str:
        """All figures in one line."""
        return json.dumps(
            {"analysis": _rounded(self.analysis)}
            | {str(size): _rounded(figures) for size, figures in self.sizes.items()}
        )

    def markdown(self) -> str:
        """The table, and the sentence below it."""
        names = "".join(f" {size:,} |" for size in self.sizes)
        lines = [f"| |{names}", "|---|" + "---|" * len(self.sizes)]
        for name, pattern in _ROWS.items():
            cells = (_filled(pattern, figures) for figures in self.sizes.values())
            lines.append(f"| {name} |" + "".join(f" {cell} |" for cell in cells))
        largest = max(self.sizes)
        kilobytes = self.sizes[largest]["disk_mb"] * 1000 / largest
        speed, processes = self.analysis["pictures_per_s"], self.analysis["processes"]
        side = self.analysis["median_side"]
        said = (
            f"Pictures of {side:.0f} pixels are analysed at {short(speed)} a second by {processes} processes"
        )
        return "\n".join([*lines, "", f"{said}; a document takes about {kilobytes:.1f} kB on disk."])


def write(measured: Measured, readme: Path = README) -> None:
    """Puts the figures between the two marks of the README.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} does not hold '{BEGIN}' and '{END}'")
    readme.write_text(f"{before}{BEGIN}\n{measured.markdown()}\n{END}{after}", encoding="utf-8")


def short(value: float) -> str:
    """Two digits that say something: 1.8, 25, 510, 1,200."""
    if value < 10:
        return f"{value:.1f}"
    return f"{round(value, 1 - len(str(int(value))) + 1):,.0f}"


def _filled(pattern: str, figures: dict[str, Any]) -> str:
    return pattern.format_map({name: short(value) for name, value in figures.items()})


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) for name, value in figures.items()}

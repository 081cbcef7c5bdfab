"""Measures the duplicate detector: recall, wrong pairs and speed, beside two well-known hashes.

    python -m include.tools.bench_detection [--pictures DIR] [--per-source 2000] [--queries 12]

DIR holds the sources that `python -m include.detector.training.pictures DIR` names; without it, the few
photographs of the demo are measured. With AugLy installed, its manipulations are used too; with imagehash
installed, pHash is measured beside PDQ. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from include.detector.editing.manipulations import BEYOND, EXACT, HARSH, NEAR
from include.detector.training.comparisons import load
from include.detector.training.foreign import foreign_manipulations
from include.safe_text import run_until_unread
from include.tools.detection_benchmark import (
    Copy,
    Library,
    SelfScan,
    kind,
    pair_counts,
    read_folder,
    read_library,
    recall,
    recall_of_filters,
    self_scan,
    upper_bound,
)
from include.tools.detection_peers import peer_rows
from include.tools.pasting import pastings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEAR_SCORE, EXACT_SCORE = 0.70, 0.95
SHOWN = 15
PHOTOS = Path(__file__).parents[1] / "demo" / "photos"
OTHERS = (
    "gcompris-moose.jpg",
    "lomiri-sunset_by_Aitzol_Berasategi.jpg",
    "skimage-rocket.jpg",
    "sklearn-china.jpg",
)
"""Photographs of the demo that others are pasted together with; they are no part of the library."""


def main() -> None:
    """Read the report pictures, search for copies, scan the collection against itself, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pictures", type=Path, help="folder of all sources (default: the demo's photographs)"
    )
    parser.add_argument("--per-source", type=int, default=2000, help="pictures of each source at most")
    parser.add_argument("--queries", type=int, default=12, help="pictures of each source to manipulate")
    arguments = parser.parse_args()
    exact, near = dict(EXACT), dict(NEAR)
    beyond = dict(BEYOND) | pastings([load(PHOTOS / name) for name in OTHERS])
    if importlib.util.find_spec("augly"):
        foreign = foreign_manipulations()
        exact, near, beyond = exact | foreign["exact"], near | foreign["near"], beyond | foreign["beyond"]
    if arguments.pictures:
        library = read_library(arguments.pictures, arguments.per_source)
    else:
        library = read_folder(PHOTOS, without=OTHERS)
    index = library.index()
    edits = exact | HARSH | near | beyond
    copies, wrong_hits = recall(library, index, edits, arguments.queries)
    for title, names in (("exact", exact), ("harsh", HARSH), ("near", near), ("beyond", beyond)):
        print_recall(title, names, copies)
    print_wrong_hits(wrong_hits)
    scan = self_scan(library)
    print_scan(library, scan)
    print(f"\n{'setting':<24}{'originals':>12}{'candidates':>12}{'ms':>8}")
    for title, kept, candidates, milliseconds in recall_of_filters(library, index, edits, 3):
        print(f"{title:<24}{kept:>12.4f}{candidates:>12.1f}{milliseconds:>8.1f}")
    for line in peer_rows(library, edits, arguments.queries):
        print(line)
    print(json.dumps(summary(library, scan, copies, list(exact), list(near))))


def print_recall(title: str, names: Mapping[str, object], copies: Mapping[str, Sequence[Copy]]) -> None:
    """One line per manipulation: the shares that reach the two thresholds, and of what one can see."""
    print(f"\n{title:<24}{'>= .70':>8}{'>= .95':>8}{'copies':>8}{'visible':>9}{'>= .95':>8}")
    for name in [*names, f"all {title}"]:
        found = copies[name] if name in names else [copy for each in names for copy in copies[each]]
        visible = [copy for copy in found if copy.visible]
        print(
            f"{name:<24}{share(found, NEAR_SCORE):>8.3f}{share(found, EXACT_SCORE):>8.3f}{len(found):>8}"
            f"{len(visible):>9}{share(visible, EXACT_SCORE):>8.3f}"
        )


def share(copies: Sequence[Copy], least: float) -> float:
    """Share of copies with at least this score; 0 of none."""
    return float(np.mean([copy.score >= least for copy in copies])) if copies else 0.0


def print_wrong_hits(wrong: Sequence[tuple[float, str, str, str]]) -> None:
    """Copies that were found to be copies of another picture too."""
    print(f"\nwrong hits of manipulated copies: {len(wrong)}")
    for score, edit, name, other in sorted(wrong, reverse=True)[:SHOWN]:
        print(f"  {score:.3f}  {edit:<20} {name}  {other}")


def print_scan(library: Library, scan: SelfScan) -> None:
    """Wrong pairs by kind, with the upper bound of their rate, and the worst by name."""
    print(f"\nscan of {len(library.names):,} pictures against themselves")
    wrong = Counter(kind(library, pair) for pair in scan.wrong)
    for name, count in pair_counts(library).items():
        millions = max(count, 1) / 1e6
        rate, bound = wrong[name] / millions, upper_bound(wrong[name]) / millions
        print(
            f"  {name:<8}{wrong[name]:>4} wrong of {count:>12,}: {rate:.3f} a million, 95 % below {bound:.3f}"
        )
    for pair in scan.wrong[:SHOWN]:
        print(f"  {pair.score:.3f}  {library.names[pair.first]}  {library.names[pair.second]}")
    print(f"  {scan.candidates_per_picture:.1f} candidates a picture")


def summary(
    library: Library,
    scan: SelfScan,
    copies: Mapping[str, Sequence[Copy]],
    exact: Sequence[str],
    near: Sequence[str],
) -> dict[str, float | int]:
    """The figures of the last line; only near copies whose change one can see may be wrongly exact."""
    exact_copies = [copy for name in exact for copy in copies[name]]
    near_copies = [copy for name in near for copy in copies[name]]
    visible = [copy for copy in near_copies if copy.visible]
    pairs = sum(pair_counts(library).values())
    return {
        "exact_recall_70": round(share(exact_copies, NEAR_SCORE), 4),
        "exact_recall_95": round(share(exact_copies, EXACT_SCORE), 4),
        "near_recall_70": round(share(near_copies, NEAR_SCORE), 4),
        "near_wrongly_95": round(share(visible, EXACT_SCORE), 4),
        "wrong_pairs_per_million": round(len(scan.wrong) / pairs * 1e6, 4),
        "wrong_pairs_95": sum(pair.score >= EXACT_SCORE for pair in scan.wrong),
        "ms_per_analysis": round(1000 * library.seconds / len(library.names), 2),
        "ms_per_candidate": round(scan.milliseconds_per_candidate, 3),
    }


if __name__ == "__main__":
    run_until_unread(main)

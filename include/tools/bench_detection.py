"""Measures the duplicate detector: recall, wrong pairs and speed, beside two well-known hashes.

    python -m include.tools.bench_detection --pictures DIR [--per-source 2000] [--queries 12]

DIR holds the sources that `include/flow_server/training/pictures.py` lists. With AugLy installed, its
manipulations are used too; with imagehash installed, pHash is measured beside PDQ. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.training.benchmark import (
    Library,
    SelfScan,
    kind,
    pair_counts,
    read_library,
    recall,
    recall_of_filters,
    self_scan,
    upper_bound,
)
from include.flow_server.training.foreign import foreign_manipulations
from include.flow_server.training.manipulations import BEYOND, EXACT, HARSH, NEAR
from include.flow_server.training.peers import peer_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEAR_SCORE, EXACT_SCORE = 0.70, 0.95
SHOWN = 15


def main() -> None:
    """Read the report pictures, search for copies, scan the collection against itself, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--per-source", type=int, default=2000, help="pictures of each source at most")
    parser.add_argument("--queries", type=int, default=12, help="pictures of each source to manipulate")
    arguments = parser.parse_args()
    exact, near = dict(EXACT), dict(NEAR)
    if importlib.util.find_spec("augly"):
        foreign_exact, foreign_near = foreign_manipulations()
        exact |= foreign_exact
        near |= foreign_near
    library = read_library(arguments.pictures, arguments.per_source)
    index = library.index()
    edits = exact | HARSH | near | BEYOND
    scores, wrong_hits = recall(library, index, edits, arguments.queries)
    for title, names in (("exact", exact), ("harsh", HARSH), ("near", near), ("beyond", BEYOND)):
        print_recall(title, names, scores)
    print_wrong_hits(wrong_hits)
    index.forget_scores()
    scan = self_scan(library, index)
    print_scan(library, scan)
    print(f"\n{'setting':<24}{'of the hits':>12}{'candidates':>12}{'ms':>8}")
    for title, kept, candidates, milliseconds in recall_of_filters(library, index, edits, 3):
        print(f"{title:<24}{kept:>12.4f}{candidates:>12.1f}{milliseconds:>8.1f}")
    for line in peer_rows(library, edits, arguments.queries):
        print(line)
    print(json.dumps(summary(library, scan, scores, list(exact), list(near))))


def print_recall(title: str, names: Mapping[str, object], scores: Mapping[str, Sequence[float]]) -> None:
    """One line per manipulation: the shares that reach the two thresholds."""
    print(f"\n{title:<24}{'>= .70':>8}{'>= .95':>8}{'copies':>8}")
    for name in names:
        reached = np.array(scores[name])
        near, exact = (reached >= NEAR_SCORE).mean(), (reached >= EXACT_SCORE).mean()
        print(f"{name:<24}{near:>8.3f}{exact:>8.3f}{len(reached):>8}")


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
    scores: Mapping[str, Sequence[float]],
    exact: Sequence[str],
    near: Sequence[str],
) -> dict[str, float | int]:
    """The figures of the last line."""
    exact_scores = np.concatenate([scores[name] for name in exact])
    near_scores = np.concatenate([scores[name] for name in near])
    pairs = sum(pair_counts(library).values())
    return {
        "exact_recall_70": round(float((exact_scores >= NEAR_SCORE).mean()), 4),
        "exact_recall_95": round(float((exact_scores >= EXACT_SCORE).mean()), 4),
        "near_recall_70": round(float((near_scores >= NEAR_SCORE).mean()), 4),
        "near_wrongly_95": round(float((near_scores >= EXACT_SCORE).mean()), 4),
        "wrong_pairs_per_million": round(len(scan.wrong) / pairs * 1e6, 4),
        "wrong_pairs_95": sum(pair.score >= EXACT_SCORE for pair in scan.wrong),
        "ms_per_analysis": round(1000 * library.seconds / len(library.names), 2),
        "ms_per_candidate": round(scan.milliseconds_per_candidate, 3),
    }


if __name__ == "__main__":
    main()

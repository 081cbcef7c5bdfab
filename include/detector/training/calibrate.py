"""Fits the score's two functions and writes them with what they were fitted on and what they reach.

Weights are fitted on the fit and the choose part of the pictures, the operating point is as low as their
pairs of different pictures allow, and nothing looks at the report part. Takes about half an hour on one core.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from include.detector.comparing.score import EXACT_SIGNS, SAME_SIGNS, SURE, WEIGHTS, Fitted
from include.detector.editing.manipulations import BEYOND, EXACT, HARSH, NEAR
from include.detector.imaging import DESCRIPTOR_VERSION
from include.detector.training.comparisons import Row, collect, edited, load, self_scan
from include.detector.training.fitting import fit
from include.detector.training.pages import pages
from include.detector.training.pictures import SOURCES, pictures, true_duplicates

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.detector.training.comparisons import Candidates
    from include.detector.training.pictures import Part

SOURCE_NAMES = ("clothing", "gcompris", "grocery")
MOST_PER_SOURCE, EDITED_PER_SOURCE, PAGES = 3000, 110, 30
SEEDS: dict[str, int] = {"fit": 1, "choose": 2}
EDITED_SHARE = 0.4
SAME_DECAY, EXACT_DECAY = 1e-4, 1e-4
HARDEST = 1000  # negatives that the second fit looks at
# Of some 14 million pairs of different pictures: how many may pass, and by which odds all others stay below.
PASSING, MARGIN = 1, 0.5
EXACT_MISSED = 0.004  # share of the held-out exact copies that may be called near


def calibrate(root: Path, new_candidates: Callable[[], Candidates]) -> dict[str, float]:
    """Collect comparisons of both parts, fit, choose, write; return what the weights reach."""
    fit_rows = comparisons(root, "fit", new_candidates())
    choose_rows = comparisons(root, "choose", new_candidates())
    stored = fitted_weights(fit_rows, choose_rows)
    stored["descriptor"] = DESCRIPTOR_VERSION
    stored["date"] = datetime.now(UTC).date().isoformat()
    stored["pictures"] = {
        source.name: f"{source.origin} ({source.licence})"
        for source in SOURCES
        if source.name in SOURCE_NAMES
    }
    WEIGHTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    figures: dict[str, float] = stored["figures"]
    return figures


def comparisons(root: Path, part: Part, candidates: Candidates) -> list[Row]:
    """All comparisons of one part: a scan of its pictures against themselves, and edits of some."""
    by_source: dict[str, list[Path]] = defaultdict(list)
    for source, path in pictures(root, part, *SOURCE_NAMES):
        by_source[source.name].append(path)
    for paths in by_source.values():
        random.Random(SEEDS[part]).shuffle(paths)  # noqa: S311
    made = pages(SEEDS[part], PAGES)
    used = [path for _, paths in sorted(by_source.items()) for path in paths[:MOST_PER_SOURCE]]
    collection = collect(root, used, made, candidates)
    rows = list(self_scan(collection))
    to_edit = [path for paths in by_source.values() for path in paths[:EDITED_PER_SOURCE]]
    images = {path.relative_to(root).as_posix(): load(path) for path in to_edit} | dict(
        list(made.items())[::10]
    )
    places = {name: place for place, name in enumerate(collection.names)}
    known = [(places[name], image) for name, image in images.items() if name in places]
    rows += edited(collection, known, EDITED_SHARE)
    same = true_duplicates()
    return [
        row
        for row in rows
        if row.edit.removesuffix(" (both)") not in BEYOND
        and (row.positive or frozenset((row.first, row.second)) not in same)
    ]


def fitted_weights(fit_rows: list[Row], choose_rows: list[Row]) -> dict[str, Any]:
    """Both functions with their operating points, and what they reach.

    The figures of the choose part are those of weights fitted on the fit part alone; what is kept is fitted
    on both.
    """
    held_out = _weights_of(fit_rows)
    stored = _weights_of(fit_rows + choose_rows)
    held_out["exact"]["zero"] = stored["exact"]["zero"] = _exact_point(held_out, choose_rows)
    stored["figures"] = {
        "choose, held out": _figures(held_out, choose_rows),
        "both": _figures(stored, fit_rows + choose_rows),
    }
    return stored


def _weights_of(rows: list[Row]) -> dict[str, Any]:
    aligned = [row for row in rows if row.same is not None]
    framed = [row for row in rows if row.positive and row.exact is not None and row.edit not in HARSH]
    same = [(row.same, row.positive) for row in aligned]
    exact = [(row.exact, row.edit in EXACT) for row in framed]
    first = Fitted(_fit(same, SAME_SIGNS, SAME_DECAY))
    stored = {
        "same": _fit(_hardest(same, first), SAME_SIGNS, SAME_DECAY),
        "exact": _fit(exact, EXACT_SIGNS, EXACT_DECAY),
    }
    stored["same"]["zero"] = _operating_point(Fitted(stored["same"]), rows)
    return stored


def _hardest(rows: list[tuple[Any, bool]], found: Fitted) -> list[tuple[Any, bool]]:
    """All positives, and the negatives that come closest to them: between those the border has to lie."""
    odds = found(np.array([features for features, _ in rows], np.float64))
    negative = np.array([not positive for _, positive in rows])
    least = np.sort(odds[negative])[::-1][HARDEST]
    return [row for row, near in zip(rows, odds >= least, strict=True) if row[1] or near]


def _fit(rows: list[tuple[Any, bool]], signs: tuple[int, ...], decay: float) -> dict[str, Any]:
    """Fit one function, both classes counting the same."""
    values = np.array([features for features, _ in rows], np.float64)
    truth = np.array([float(positive) for _, positive in rows])
    weight = np.where(truth > 0, 1 / truth.sum(), 1 / (1 - truth).sum())
    return fit(values, truth, weight, np.array(signs), decay=decay)


def _operating_point(same: Fitted, rows: list[Row]) -> float:
    """The lowest odds that all negatives but PASSING stay below by MARGIN."""
    negatives = [row.same for row in rows if row.same is not None and not row.positive and not row.unlike]
    return float(np.sort(same(np.array(negatives)))[-1 - PASSING]) + MARGIN


def _exact_point(held_out: dict[str, Any], rows: list[Row]) -> float:
    """The odds that all but EXACT_MISSED of the exact copies exceed, none of which was fitted on."""
    copies = np.array(
        [row.exact for row in rows if row.edit in EXACT and row.positive and row.exact is not None]
    )
    return min(0.0, float(np.quantile(Fitted(held_out["exact"])(copies), EXACT_MISSED)))


def _figures(stored: dict[str, Any], rows: list[Row]) -> dict[str, float]:
    """Recall of each class at both thresholds, and how many negatives pass."""
    reached: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    is_same, is_exact = Fitted(stored["same"]), Fitted(stored["exact"])
    kinds = {"exact": EXACT, "harsh": HARSH, "near": NEAR}
    for row in rows:
        odds = float(is_same(row.same)) if row.same is not None and not row.unlike else -1.0
        same = odds > 0
        exact = odds > SURE and row.exact is not None and float(is_exact(row.exact)) > 0
        kind = next(k for k, edits in kinds.items() if row.edit in edits) if row.positive else "wrong"
        reached[kind].append((same, exact))
    figures = {}
    for kind, pairs in reached.items():
        shares = np.array(pairs).mean(axis=0) if kind != "wrong" else np.array(pairs).sum(axis=0)
        figures[f"{kind} >= 0.70"], figures[f"{kind} >= 0.95"] = (round(float(x), 4) for x in shares)
    return figures

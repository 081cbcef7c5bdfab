"""Compares the pairs that a run found with the truth about the demo collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx
import pandas as pd

from include.demo.truth import Copy, Truth

Pair = tuple[str, str, float]

HEADINGS = ("manipulation", "expected", "copies", "found", "as exact", "in cluster")


@dataclass(frozen=True, slots=True)
class Recall:
    """How the copies of one kind were found again, as numbers of copies.

    `found`: directly paired with their original. `found_exact`: with a score that says exact duplicate.
    `together`: in one cluster with it, maybe through other copies.
    """

    manipulation: str
    expected: str
    copies: int
    found: int
    found_exact: int
    together: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run got right and wrong.

    An exact copy is found if its pair with its original says exact (`exact_as_near`: only near); a near copy
    if its pair says near or more. `together` copies are in one cluster with their original. `wrong` pairs
    are of pictures with different originals, best score first; pairs of two copies of one original are
    right.
    """

    exact_found: int
    exact_as_near: int
    exact_missed: int
    near_found: int
    near_missed: int
    together: int
    copies: int
    missed: tuple[Copy, ...]
    wrong: tuple[Pair, ...]
    by_manipulation: tuple[Recall, ...]

    def table(self) -> str:
        """A line for each manipulation, and the sums."""
        rows = [_cells(recall) for recall in self.by_manipulation]
        rows.append(_cells(_summed("all", "", self.by_manipulation)))
        widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
        lines = [_line(row, widths) for row in (HEADINGS, *rows)]
        summary = (
            f"exact: {self.exact_found} found, {self.exact_as_near} as near only, "
            f"{self.exact_missed} missed\n"
            f"near: {self.near_found} found, {self.near_missed} missed\n"
            f"wrong pairs: {len(self.wrong)}"
        )
        missed = [f"  missed {copy.id}  {copy.original}  {copy.manipulation}" for copy in self.missed]
        wrong = [f"  wrong {score:.3f}  {first}  {second}" for first, second, score in self.wrong]
        return "\n".join([*lines, summary, *missed, *wrong])


def check(
    pairs: Iterable[Pair] | pd.DataFrame, truth: Truth, *, exact: float = 0.95, near: float = 0.7
) -> Comparison:
    """Compare pairs (`id_a`, `id_b`, `score` in this order, 0 to 1) with the truth.

    Pairs below `near` are ignored; of a pair that comes twice, the better score counts.

    Raises:
        ValueError: a pair names a document that is not in the collection.
    """
    scores = _scores(pairs, truth, near)
    original_of = truth.original_of()
    clusters = enumerate(nx.connected_components(nx.Graph(scores.keys())))
    cluster_of = {name: number for number, cluster in clusters for name in cluster}
    by_kind: dict[tuple[str, str], list[Recall]] = {}
    for copy in truth.copies:
        by_kind.setdefault((copy.expected, copy.manipulation), []).append(
            _recall(copy, scores.get(_unordered(copy.id, copy.original)), cluster_of, exact)
        )
    rows = tuple(_summed(name, expected, group) for (expected, name), group in sorted(by_kind.items()))
    exacts, nears = (
        _summed("all", expected, [row for row in rows if row.expected == expected])
        for expected in ("exact", "near")
    )
    wrong = [(*key, score) for key, score in scores.items() if original_of[key[0]] != original_of[key[1]]]
    return Comparison(
        exact_found=exacts.found_exact,
        exact_as_near=exacts.found - exacts.found_exact,
        exact_missed=exacts.copies - exacts.found,
        near_found=nears.found,
        near_missed=nears.copies - nears.found,
        together=exacts.together + nears.together,
        copies=len(truth.copies),
        missed=tuple(copy for copy in truth.copies if _unordered(copy.id, copy.original) not in scores),
        wrong=tuple(sorted(wrong, key=lambda pair: (-pair[2], pair))),
        by_manipulation=rows,
    )


def _scores(pairs: Iterable[Pair] | pd.DataFrame, truth: Truth, near: float) -> dict[tuple[str, str], float]:
    known = truth.original_of()
    if isinstance(pairs, pd.DataFrame):
        pairs = pairs[["id_a", "id_b", "score"]].itertuples(index=False, name=None)
    scores: dict[tuple[str, str], float] = {}
    for first, second, score in pairs:
        for name in (first, second):
            if name not in known:
                raise ValueError(f"{name!r} is not in the demo collection: check a run over it alone.")
        if score >= near and first != second:
            key = _unordered(first, second)
            scores[key] = max(score, scores.get(key, 0.0))
    return scores


def _recall(copy: Copy, score: float | None, cluster_of: Mapping[str, int], exact: float) -> Recall:
    together = cluster_of.get(copy.id, -1) == cluster_of.get(copy.original, -2)
    return Recall(
        copy.manipulation,
        copy.expected,
        copies=1,
        found=int(score is not None),
        found_exact=int(score is not None and score >= exact),
        together=int(together),
    )


def _summed(manipulation: str, expected: str, rows: Iterable[Recall]) -> Recall:
    numbers = [(0, 0, 0, 0), *((row.copies, row.found, row.found_exact, row.together) for row in rows)]
    return Recall(manipulation, expected, *map(sum, zip(*numbers, strict=True)))


def _unordered(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first < second else (second, first)


def _cells(row: Recall) -> tuple[str, ...]:
    numbers = (row.copies, row.found, row.found_exact, row.together)
    return (row.manipulation, row.expected, *map(str, numbers))


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    names = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*names, *numbers])

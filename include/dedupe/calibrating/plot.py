"""Plots of the calibration's page, as SVG: lines are told apart by their dashes and words, not by colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from include.dedupe.calibrating.measure import BINS
from include.dedupe.calibration import LOWEST, THRESHOLDS

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 46, 40
DASHES = ("", "9 5", "2 4", "12 4 2 4")


@dataclass(frozen=True, slots=True)
class Line:
    """A share at each of THRESHOLDS, and its bounds where they are to be shaded."""

    label: str
    shares: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold with its name."""

    label: str
    threshold: float


def curves(title: str, lines: Sequence[Line], marks: Sequence[Mark]) -> Markup:
    """Return shares by threshold; the legend is part of the drawing."""
    parts = [
        *_frame([0.0, 0.25, 0.5, 0.75, 1.0], [f"{one} %" for one in (0, 25, 50, 75, 100)]),
        *_marks(marks),
    ]
    for line in lines:
        if line.low:
            there = [*zip(THRESHOLDS, line.high, strict=True)]
            back = [*zip(reversed(THRESHOLDS), reversed(line.low), strict=True)]
            parts.append(f'<polygon class="band" points="{_points([*there, *back])}"/>')
    for line, dash in zip(lines, DASHES, strict=False):
        points = _points(list(zip(THRESHOLDS, line.shares, strict=True)))
        parts.append(f'<polyline class="line" stroke-dasharray="{dash}" points="{points}"/>')
    return _svg(title, parts, [(line.label, dash) for line, dash in zip(lines, DASHES, strict=False)])


def bars(title: str, stacks: Sequence[tuple[str, Sequence[int]]], marks: Sequence[Mark]) -> Markup:
    """Return a histogram over the scores from LOWEST up; each further stack stands on those before it."""
    sums = [sum(counts) for counts in zip(*(one for _, one in stacks), strict=True)]
    most = max(1, *sums)
    parts = [*_frame([0.0, 0.5, 1.0], ["0", f"{most / 2:g}", f"{most}"])]
    below = [0] * len(BINS)
    fills = ("url(#hatched)", "currentColor", "none")
    for (_, counts), fill in zip(stacks, fills, strict=False):
        for place, count in enumerate(counts):
            if count:
                left, right = _x(BINS[place]) + 1, _x(BINS[place] + 0.02) - 1
                top, bottom = _y((below[place] + count) / most), _y(below[place] / most)
                parts.append(
                    f'<rect class="bar" fill="{fill}" x="{left:.1f}" y="{top:.1f}" '
                    f'width="{right - left:.1f}" height="{bottom - top:.1f}"><title>{count}</title></rect>'
                )
        below = [old + new for old, new in zip(below, counts, strict=True)]
    return _svg(
        title,
        [*parts, *_marks(marks)],
        [],
        [(label, fill) for (label, _), fill in zip(stacks, fills, strict=False)],
    )


def _frame(shares: Sequence[float], labels: Sequence[str]) -> Iterator[str]:
    for share, label in zip(shares, labels, strict=True):
        y = _y(share)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for tenth in range(5, 11):
        x = _x(tenth / 10)
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tenth / 10:.1f}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">score</text>'


def _marks(marks: Sequence[Mark]) -> Iterator[str]:
    """Yield a line at each threshold; the names of neighbours stand at different heights."""
    shown = sorted((one for one in marks if LOWEST <= one.threshold <= 1), key=lambda one: one.threshold)
    for number, mark in enumerate(shown):
        x, y = _x(mark.threshold), TOP - 38 + 17 * (number % 2)
        anchor = "end" if mark.threshold > 0.75 else "start"
        yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{HEIGHT - BOTTOM}"/>'
        shift = -4 if anchor == "end" else 4
        told = escape(f"{mark.label} {mark.threshold:g}")
        yield f'<text class="told" x="{x + shift:.1f}" y="{y + 10}" text-anchor="{anchor}">{told}</text>'


def _svg(
    title: str,
    parts: Sequence[str],
    lines: Sequence[tuple[str, str]],
    fills: Sequence[tuple[str, str]] = (),
) -> Markup:
    legend, y = [], HEIGHT + 14
    for label, dash in lines:
        legend.append(
            f'<line class="line" stroke-dasharray="{dash}" x1="{LEFT}" x2="{LEFT + 40}" y1="{y}" y2="{y}"/>'
        )
        legend.append(f'<text x="{LEFT + 48}" y="{y + 4}">{escape(label)}</text>')
        y += 18
    for label, fill in fills:
        legend.append(f'<rect class="bar" fill="{fill}" x="{LEFT}" y="{y - 7}" width="40" height="13"/>')
        legend.append(f'<text x="{LEFT + 48}" y="{y + 4}">{escape(label)}</text>')
        y += 18
    hatch = (
        '<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line x1="0" x2="0" y1="0" y2="6" stroke="currentColor" '
        'stroke-width="2"/></pattern></defs>'
    )
    return Markup(  # noqa: S704 - every text in it is escaped above
        f'<svg viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{hatch}{''.join(parts)}{''.join(legend)}</svg>"
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_x(score):.1f},{_y(share):.1f}" for score, share in points)


def _x(score: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (score - LOWEST) / (1 - LOWEST)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

"""Plots over scores, as SVG: lines and bars are told apart by dashes, hatches and words, not by colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 46, 40
DASHES = ("", "9 5", "2 4", "12 4 2 4")
FILLS = ("url(#hatched)", "currentColor", "none")
HATCH = (
    '<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><line x1="0" x2="0" y1="0" y2="6" stroke="currentColor" '
    'stroke-width="2"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True)
class Line:
    """A share, 0 to 1, at each score, and its bounds where they are to be shaded."""

    label: str
    shares: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold with its name."""

    label: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing over scores from ``lowest`` to 1; ``top`` is what the upper end of its scale says."""

    title: str
    lowest: float
    marks: Sequence[Mark] = ()
    top: str = "100 %"

    def curves(self, scores: Sequence[float], lines: Sequence[Line]) -> Markup:
        """Return lines over ``scores``; the legend is part of the drawing."""
        parts = [*self._frame(), *self._marks()]
        for line in lines:
            if line.low:
                there = [*zip(scores, line.high, strict=True)]
                back = [*zip(reversed(scores), reversed(line.low), strict=True)]
                parts.append(f'<polygon class="band" points="{self._points([*there, *back])}"/>')
        for line, dash in zip(lines, DASHES, strict=False):
            points = self._points([*zip(scores, line.shares, strict=True)])
            parts.append(f'<polyline class="line" stroke-dasharray="{dash}" points="{points}"/>')
        signs = [f'<line class="line" stroke-dasharray="{dash}" x2="40" y1="6" y2="6"/>' for dash in DASHES]
        return self._svg(parts, [*zip([line.label for line in lines], signs, strict=False)])

    def bars(self, starts: Sequence[float], stacks: Sequence[tuple[str, Sequence[int]]]) -> Markup:
        """Return a histogram; each further stack stands on those before it."""
        most = max(1, *(sum(counts) for counts in zip(*(one for _, one in stacks), strict=True)))
        parts, below = [*self._frame()], [0] * len(starts)
        edges = [*starts, 1.0]
        for (_, counts), fill in zip(stacks, FILLS, strict=False):
            for place, count in enumerate(counts):
                if count:
                    left, right = self._x(edges[place]) + 1, self._x(edges[place + 1]) - 1
                    top, bottom = _y((below[place] + count) / most), _y(below[place] / most)
                    size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
                    corner = f'x="{left:.1f}" y="{top:.1f}"'
                    parts.append(
                        f'<rect class="bar" fill="{fill}" {corner} {size}><title>{count}</title></rect>'
                    )
            below = [old + new for old, new in zip(below, counts, strict=True)]
        signs = [f'<rect class="bar" fill="{fill}" width="40" height="12"/>' for fill in FILLS]
        legend = [*zip([label for label, _ in stacks], signs, strict=False)]
        return self._svg([*parts, *self._marks()], legend)

    def _frame(self) -> Iterator[str]:
        for share, label in ((0.0, "0"), (0.5, ""), (1.0, self.top)):
            y = _y(share)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        for tenth in range(10):
            if tenth / 10 >= self.lowest:
                x = self._x(tenth / 10)
                yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">0.{tenth}</text>'
        yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM + 16}" text-anchor="end">score 1.0</text>'

    def _marks(self) -> Iterator[str]:
        """Yield a line at each threshold; the names of neighbours stand at different heights."""
        shown = [one for one in self.marks if self.lowest <= one.threshold <= 1]
        for number, mark in enumerate(sorted(shown, key=lambda one: one.threshold)):
            x, y = self._x(mark.threshold), TOP - 38 + 17 * (number % 2)
            anchor, shift = ("end", -4) if mark.threshold > (1 + self.lowest) / 2 else ("start", 4)
            yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{HEIGHT - BOTTOM}"/>'
            told = escape(f"{mark.label} {mark.threshold:g}")
            yield f'<text class="told" x="{x + shift:.1f}" y="{y + 10}" text-anchor="{anchor}">{told}</text>'

    def _svg(self, parts: Sequence[str], legend: Sequence[tuple[str, str]]) -> Markup:
        y, signs = HEIGHT + 4, []
        for label, sign in legend:
            text = f'<text x="48" y="10">{escape(label)}</text>'
            signs.append(f'<g transform="translate({LEFT} {y})">{sign}{text}</g>')
            y += 18
        title = escape(self.title)
        return Markup(  # noqa: S704 - every text in it is escaped
            f'<svg viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{title}">'
            f"<title>{title}</title>{HATCH}{''.join(parts)}{''.join(signs)}</svg>"
        )

    def _points(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self._x(score):.1f},{_y(share):.1f}" for score, share in points)

    def _x(self, score: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (score - self.lowest) / (1 - self.lowest)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

"""Plots as SVG text: no script, no font, colours from the page's CSS so that they follow light and dark.

Every plot names itself for screen readers (title and desc), and the report prints its data as a table below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from evals.results import Cell, Dots, Lines, Plot, Stacks

# Small enough to be read at the width of a telephone, where the page's CSS makes the text larger, too.
_WIDTH, _HEIGHT = 480, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 18, 40, 50
_ROW = 26
_ABOVE = 12
_NAMES = 196
_VALUES = 48
_LETTER = 7.2
_LEGEND_ROW = 20
_SECOND_LINE = 15
_COLOURS = 6


def svg(plot: Plot, number: int) -> str:
    """The plot as one SVG element; `number` makes its ids unique on the page."""
    if isinstance(plot, Dots):
        height = _ABOVE + _ROW * max(1, len(plot.points)) + _BOTTOM
        body = _dots(plot, height)
    else:
        rows = _legend_rows(list(plot.series), isinstance(plot, Lines))
        below = _LEGEND_ROW * max(0, len(rows) - 1)
        height = _HEIGHT + below
        drawn = _lines(plot) if isinstance(plot, Lines) else _stacks(plot)
        body = [*_legend(rows, isinstance(plot, Lines)), f'<g transform="translate(0 {below})">', *drawn, "</g>"]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="plot{number} about{number}">'
        f'<title id="plot{number}">{escape(plot.title)}</title><desc id="about{number}">{escape(plot.note)}</desc>'
        f"{''.join(body)}</svg>"
    )


def data(plot: Plot) -> tuple[Sequence[str], Sequence[Sequence[Cell]]]:
    """(columns, rows) of what the plot shows; long curves are thinned to twenty points."""
    if isinstance(plot, Dots):
        return ("name", plot.x_label, "low", "high"), [list(point) for point in plot.points]
    if isinstance(plot, Stacks):
        names = list(plot.series)
        return (plot.x_label or "name", *names), [
            [label, *(plot.series[name][at] for name in names)] for at, label in enumerate(plot.labels)
        ]
    rows: list[list[Cell]] = []
    for name, points in plot.series.items():
        step = max(1, len(points) // 20)
        rows += [[name, x, y] for x, y in [*points[::step], *points[-1:]][: 20 + 2]]
    return ("curve", plot.x_label, plot.y_label), rows


def _scale(value: float, limits: tuple[float, float], start: float, end: float) -> float:
    low, high = limits
    share = (min(max(value, low), high) - low) / ((high - low) or 1.0)
    return start + share * (end - start)


def _label(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:,.0f}"


def _ticks(limits: tuple[float, float], count: int = 5) -> list[float]:
    """Round values within the limits, about `count` of them."""
    low, high = limits
    rough = (high - low) / count
    size = 10.0 ** floor(log10(rough))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= rough * 0.999)
    first = ceil(low / step - 1e-9)
    return [step * at for at in range(first, floor(high / step + 1e-9) + 1)]


def _text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _legend_rows(names: Sequence[str], lines: bool) -> list[list[tuple[int, str, float]]]:
    """The series as (number, name, x) in as many rows as their names need; nothing for a single one."""
    rows: list[list[tuple[int, str, float]]] = []
    x = float(_WIDTH)
    for at, name in enumerate(names if len(names) > 1 else ()):
        wide = (30 if lines else 12) + 20 + _LETTER * len(name)
        if x + wide > _WIDTH and (not rows or rows[-1]):
            rows.append([])
            x = float(_LEFT)
        rows[-1].append((at, name, x))
        x += wide
    return rows


def _legend(rows: Sequence[Sequence[tuple[int, str, float]]], lines: bool) -> list[str]:
    """One sign and name a series: a piece of the line itself, so that the dashes tell what colours alone may not."""
    parts = []
    for row, entries in enumerate(rows):
        y = 20 + _LEGEND_ROW * row
        for at, name, x in entries:
            sign = (
                f'<polyline class="s{at % _COLOURS}" points="{x:.1f},{y} {x + 30:.1f},{y}"/>'
                if lines
                else f'<rect class="c{at % _COLOURS}" x="{x:.1f}" y="{y - 6}" width="12" height="12" rx="2"/>'
            )
            parts += [sign, _text(x + (36 if lines else 18), y + 4, name, "start", "legend")]
    return parts


def _axes(x_label: str, y_label: str, y_range: tuple[float, float], bottom: float, lower: float = 0.0) -> list[str]:
    parts = []
    for value in _ticks(y_range):
        y = _scale(value, y_range, bottom, _TOP)
        parts += [_line(_LEFT, y, _WIDTH - _RIGHT, y, "grid"), _text(_LEFT - 8, y + 4, _label(value), "end")]
    middle = (_TOP + bottom) / 2
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 40 + lower, x_label, kind="axis"))
    parts.append(
        f'<text class="axis" transform="translate(16 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    return parts


def _lines(plot: Lines) -> list[str]:
    bottom = _HEIGHT - _BOTTOM
    parts = _axes(plot.x_label, plot.y_label, plot.y_range, bottom)
    for value in _ticks(plot.x_range):
        parts.append(_text(_scale(value, plot.x_range, _LEFT, _WIDTH - _RIGHT), bottom + 18, _label(value)))
    if plot.diagonal:
        parts.append(_line(_LEFT, bottom, _WIDTH - _RIGHT, _TOP, "ideal"))
    for at, points in enumerate(plot.series.values()):
        places = [
            (_scale(x, plot.x_range, _LEFT, _WIDTH - _RIGHT), _scale(y, plot.y_range, bottom, _TOP)) for x, y in points
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="s{at % _COLOURS}" points="{path}"/>')
        if len(places) <= 12:
            parts += [f'<circle class="c{at % _COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places]
    return parts


def _dots(plot: Dots, height: float) -> list[str]:
    bottom = height - _BOTTOM
    names = min(max(_NAMES, _LETTER * max((len(point[0]) for point in plot.points), default=0) + 12), _WIDTH / 2)
    parts = []
    for tick in _ticks(plot.x_range):
        x = _scale(tick, plot.x_range, names, _WIDTH - _RIGHT - _VALUES)
        parts += [_line(x, _ABOVE - 8, x, bottom, "grid"), _text(x, bottom + 18, _label(tick))]
    parts.append(_text((names + _WIDTH - _RIGHT - _VALUES) / 2, bottom + 40, plot.x_label, kind="axis"))
    for at, (name, value, low, high) in enumerate(plot.points):
        y = _ABOVE + _ROW * (at + 0.5)
        parts.append(_text(names - 12, y + 4, name, "end", "name"))
        if value is None:
            parts.append(_text(names + 8, y + 4, "not measured", "start"))
            continue
        span = (value, value if low is None else low, value if high is None else high)
        ends = [_scale(end, plot.x_range, names, _WIDTH - _RIGHT - _VALUES) for end in span]
        parts.append(_line(ends[1], y, ends[2], y, "span"))
        parts.append(f'<circle class="c0" cx="{ends[0]:.1f}" cy="{y:.1f}" r="4.5"/>')
        parts.append(_text(_WIDTH - _RIGHT, y + 4, f"{value:.3f}", "end"))
    return parts


def _two_lines(label: str) -> list[str]:
    """A label of more than ten letters in two lines, broken at the space nearest to its middle."""
    spaces = [at for at, letter in enumerate(label) if letter == " "]
    if len(label) <= 10 or not spaces:
        return [label]
    middle = min(spaces, key=lambda at: abs(at - len(label) / 2))
    return [label[:middle], label[middle + 1 :]]


def _stacks(plot: Stacks) -> list[str]:
    bottom = _HEIGHT - _BOTTOM - _SECOND_LINE
    heights = [sum(series[at] for series in plot.series.values()) for at in range(len(plot.labels))]
    limits = (0.0, max([*heights, 1e-9]) * 1.1)
    parts = _axes(plot.x_label, plot.y_label, limits, bottom, _SECOND_LINE)
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(plot.labels))
    for at, label in enumerate(plot.labels):
        x, base = _LEFT + step * (at + 0.18), float(bottom)
        for colour, series in enumerate(plot.series.values()):
            tall = bottom - _scale(series[at], limits, bottom, _TOP)
            base -= tall
            parts.append(
                f'<rect class="c{colour % _COLOURS}" x="{x:.1f}" y="{base:.1f}" width="{step * 0.64:.1f}" '
                f'height="{tall:.1f}"/>'
            )
        middle = x + step * 0.32
        parts += [_text(middle, bottom + 18 + 15 * row, line) for row, line in enumerate(_two_lines(label))]
        parts.append(_text(middle, base - 6, _label(heights[at])))
    return parts

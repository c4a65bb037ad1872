"""Curves with a band as SVG, in the colours of the page; the numbers stand in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 480, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 24, 14, 34
_LABELS, _TICKS = 7, 4


def band(
    name: str,
    title: str,
    labels: Sequence[str],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    said: Sequence[str],
) -> Markup:
    """A rising line with the band between low and high, one place a label. said: words for 0 and the `_TICKS` marks of
    the axis, which `ticks` gives."""
    most = max([*high, *middle, 1e-9])
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels) - 1)
    bottom = _HEIGHT - _BOTTOM

    def point(at: int, value: float) -> str:
        return f"{_LEFT + at * step:.1f},{bottom - (bottom - _TOP) * value / most:.1f}"

    places = range(len(labels))
    shape = " ".join([*(point(at, high[at]) for at in places), *(point(at, low[at]) for at in reversed(places))])
    line = " ".join(point(at, middle[at]) for at in places)
    parts = []
    for tick, words in enumerate(said):
        y = bottom - (bottom - _TOP) * tick / max(1, len(said) - 1)
        parts.append(Markup('<line class="axis" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>').format(
            _LEFT, y, _WIDTH - _RIGHT, y))  # fmt: skip
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(_LEFT - 6, y + 4, words))
    every = -(-len(labels) // _LABELS)
    for at in places:
        if at % every == 0:
            parts.append(Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                _LEFT + at * step, bottom + 18, labels[at]))  # fmt: skip
    dots = Markup("").join(
        Markup('<circle class="c0" cx="{}" cy="{}" r="2.6"/>').format(*point(at, middle[at]).split(","))
        for at in places
    )
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}"><title id="{}">{}</title>{}'
        '<polygon class="c0" opacity=".22" points="{}"/>'
        '<polyline fill="none" stroke="var(--c0)" stroke-width="2" points="{}"/>{}</svg>'
    ).format(_WIDTH, _HEIGHT, name, name, title, Markup("").join(parts), shape, line, dots)


def ticks(high: Sequence[float], middle: Sequence[float]) -> list[float]:
    """The values that the axis of `band` marks, from 0 to the largest."""
    most = max([*high, *middle, 1e-9])
    return [most * at / _TICKS for at in range(_TICKS + 1)]

"""Plots of the report as SVG: no script, no font, colours from the page's CSS so that they follow light, dark, print.

Every plot names itself for screen readers; its numbers stand in a table beside or below it.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 480, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 12, 8, 24, 40
_LABELS = 8


def share(value: float, most: float) -> Markup:
    """A bar as wide as its share of `most`, for a cell of a table that says the number itself."""
    wide = 100.0 * value / most if most > 0 else 0.0
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="c0" width="{:.2f}" height="8"/></svg>'
    ).format(wide)


def columns(
    name: str, title: str, labels: Sequence[str], stacks: Sequence[Sequence[float]], said: Sequence[object]
) -> Markup:
    """Upright bars, one a label, of one piece a series of `stacks`; `said` stands above each where there is room."""
    heights = [sum(series[at] for series in stacks) for at in range(len(labels))]
    most, step = max([*heights, 1e-9]), (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels))
    bottom, parts = _HEIGHT - _BOTTOM, []
    every = -(-len(labels) // _LABELS)
    for at, label in enumerate(labels):
        x, base = _LEFT + step * (at + 0.12), float(bottom)
        for colour, series in enumerate(stacks):
            tall = (bottom - _TOP) * series[at] / most
            base -= tall
            parts.append(
                Markup('<rect class="c{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    colour, x, base, step * 0.76, tall
                )
            )
        middle = x + step * 0.38
        if len(labels) <= _LABELS + 4:
            parts.append(_text(middle, base - 5, said[at]))
        if at % every == 0:
            parts.append(_text(middle, bottom + 16, label))
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}"><title id="{}">{}</title>'
        '<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/>{}</svg>'
    ).format(_WIDTH, _HEIGHT - 14, name, name, title, _LEFT, bottom, _WIDTH - _RIGHT, bottom, Markup("").join(parts))


def _text(x: float, y: float, words: object) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(x, y, words)

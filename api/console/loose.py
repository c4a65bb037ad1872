"""JSON of any shape as labels and texts: what is not as expected is shown plainly or left out, and never an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.console.plain import label, percent, phrase

Pair = tuple[str, str]
"""A label and a text."""
DEEPEST = 4


def text(value: object) -> str | None:
    """A scalar as text; None for null, empty texts and structures."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value).strip() or None
    return None


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def texts(value: object) -> tuple[str, ...]:
    return tuple(found for item in items(value) if (found := text(item)) is not None)


def pairs(value: object, levels: int = DEEPEST) -> tuple[Pair, ...]:
    """Any JSON object as labels and texts; what stands deeper has its path as label."""
    found: list[Pair] = []
    for name, inner in mapping(value).items():
        said = text(inner)
        if said is not None:
            found.append((label(name), said))
        elif isinstance(inner, list | tuple):
            found += _listed(label(name), inner, levels)
        elif levels > 1:
            found += [(f"{label(name)}: {phrase(key)}", deep) for key, deep in pairs(inner, levels - 1)]
    return tuple(found)


def _listed(name: str, listed: Sequence[Any], levels: int) -> list[Pair]:
    plain = texts(listed)
    found = [(name, ", ".join(plain))] if plain else []
    if levels > 1:
        for number, item in enumerate(listed, 1):
            found += [(f"{name} {number}: {phrase(key)}", deep) for key, deep in pairs(item, levels - 1)]
    return found


def chosen(value: Mapping[str, Any], names: Sequence[str], shares: frozenset[str] = frozenset()) -> tuple[Pair, ...]:
    """The named values; those in `shares` from 0 to 1 in percent."""
    said = ((name, percent(value.get(name)) if name in shares else text(value.get(name))) for name in names)
    return tuple((label(name), words) for name, words in said if words is not None)

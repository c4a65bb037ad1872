"""Node 2c: how people decided similar cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from agents.tolerances import Tolerances
from models.precedents import Precedent, vote


def precedent_findings(precedents: Sequence[Precedent], tolerances: Tolerances) -> list[dict[str, Any]]:
    """The precedents that are near enough to say something, nearest first."""
    least = float(tolerances.precedent_similarity)
    near = [one for one in precedents if one.similarity >= least]
    return [{**asdict(one), "similarity": round(one.similarity, 3)} for one in near]


def leaning(precedents: Sequence[dict[str, Any]]) -> tuple[str | None, int, float]:
    """What people did in such cases: (action, how many did it, its share of all weight); None where they disagree."""
    found = vote([Precedent(**one) for one in precedents])
    return found.action, found.support, found.share

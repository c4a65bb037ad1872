"""From facts about candidates to one value with a calibrated confidence, its rivals, or nothing.

Two small logistic models a field, both in `field_scores.toml` and fitted by `models/field_training.py` on made-up
pages: the first weighs the facts of one candidate, the second says how often the best one is right, given its score
and its lead over the best of another value. Below `floor` nothing is said.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from models.candidates import Candidate

LEAD_LIMIT = 12.0
"""A score or a lead counts up to here, in logits; it is the lead of a candidate without rival."""


@dataclass(frozen=True, slots=True)
class FieldScore:
    """Weights of one field: of the facts, of score and lead, and the least confidence that is said."""

    facts: Mapping[str, float]
    bias: float
    score: float
    lead: float
    certainty: float
    floor: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """The candidates of one field, best first, one for each value."""

    candidates: tuple[Candidate, ...]
    scores: tuple[float, ...]

    @property
    def lead(self) -> float:
        return min(LEAD_LIMIT, self.scores[0] - self.scores[1]) if len(self.scores) > 1 else LEAD_LIMIT


@lru_cache(maxsize=1)
def shipped() -> dict[str, FieldScore]:
    """The weights that come with the package, by field."""
    raw = tomllib.loads((files("models") / "field_scores.toml").read_text("utf-8"))
    return {name: FieldScore(**row) for name, row in raw["fields"].items()}


def rank(candidates: Sequence[Candidate], weights: FieldScore) -> Ranked:
    best: dict[str, tuple[float, Candidate]] = {}
    weight = weights.facts.get
    for one in candidates:
        score = weights.bias + sum([weight(name, 0.0) * value for name, value in one.facts.items() if value])
        key = one.value.casefold()
        if key not in best or score > best[key][0]:
            best[key] = (score, one)
    ordered = sorted(best.values(), key=lambda pair: -pair[0])
    return Ranked(tuple(one for _, one in ordered), tuple(score for score, _ in ordered))


def confidence(ranked: Ranked, weights: FieldScore) -> float:
    """The calibrated probability that the best candidate is right; 0 where there is none."""
    if not ranked.candidates:
        return 0.0
    score = max(-LEAD_LIMIT, min(LEAD_LIMIT, ranked.scores[0]))
    logit = weights.certainty + weights.score * score + weights.lead * ranked.lead
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

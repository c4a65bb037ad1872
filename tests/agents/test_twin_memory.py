"""A supplier's memory at the agent's desk: the twin stays visible and says why, and no seat falls away."""

from __future__ import annotations

import pytest

from agents.assess import shown
from agents.recommend import choice_of
from agents.tolerances import Tolerances
from tests.agents.scenes import brief, twin, view


@pytest.mark.parametrize(("now", "without", "earlier", "risk"), [
    (0.95, None, True, "high"), (0.25, 0.95, True, "high"), (0.25, 0.79, True, "low"), (0.25, None, True, "low"),
    (0.25, 0.95, False, "low"),
])  # fmt: skip
def test_the_seats_follow_what_is_thought_without_the_memory(
    now: float, without: float | None, earlier: bool, risk: str
) -> None:
    found = twin(now, earlier=earlier)
    if without is not None:
        found["probability_without_memory"] = without
    made = brief("duplicate_suspect", amount="200.00")
    assert choice_of(view(made, duplicates=[found]))["risk"] == risk


def test_what_a_memory_explains_stays_in_sight() -> None:
    tolerances = Tolerances()
    found = {**twin(0.25), "probability_without_memory": 0.95}
    assert shown([found], tolerances) == [found]
    assert shown([twin(0.25)], tolerances) == []

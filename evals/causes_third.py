"""The third maker of planted causes: a hundred and some stories by one who had seen neither the rules nor the others.

The second maker and the rules have one author, who let the rules learn from what they missed. Here it is otherwise:
every second story of each queue, by its place in STORIES, is shown (the rules may learn from what they missed in
it); the others are kept, and only their share is ever read. The split was fixed before anything was measured.
"""

from __future__ import annotations

from random import Random

from evals import (
    causes_third_cash,
    causes_third_close,
    causes_third_customers,
    causes_third_partners,
    causes_third_payables,
    causes_third_suppliers,
)
from evals.causes_stage import PlantedCause
from evals.causes_third_stage import Desk, Story

STORIES: tuple[Story, ...] = (
    *causes_third_payables.STORIES,
    *causes_third_suppliers.STORIES,
    *causes_third_cash.STORIES,
    *causes_third_close.STORIES,
    *causes_third_customers.STORIES,
    *causes_third_partners.STORIES,
)


def _shown() -> frozenset[str]:
    places: dict[str, int] = {}
    found = set()
    for story in STORIES:
        places[story.queue] = places.get(story.queue, 0) + 1
        if places[story.queue] % 2 == 0:
            found.add(story.name)
    return frozenset(found)


SHOWN = _shown()
"""Names of the stories from which the rules may learn: the second, fourth, sixth … of each queue."""
KEPT = frozenset(story.name for story in STORIES) - SHOWN


def kept(story: Story | PlantedCause) -> bool:
    """May the rules never learn from this story, or from a case that it made?"""
    return (story.name if isinstance(story, Story) else story.mechanism) in KEPT


def planted_causes(seed: int, rounds: int) -> list[PlantedCause]:
    """Every story `rounds` times, each with its own numbers and names; equal seeds give equal cases."""
    return [
        story.plant(Desk(Random(f"{seed} {turn} {at}")), f"T3-{turn:02d}{at:03d}")  # noqa: S311 - invented cases
        for turn in range(rounds)
        for at, story in enumerate(STORIES)
    ]

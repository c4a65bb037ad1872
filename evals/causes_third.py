"""The third maker of planted causes: stories by one who had seen neither the rules nor the other makers' stories.

The second maker and the rules have one author, who let the rules learn from what they missed. Here every second story
of each queue, by its place in STORIES, was shown to that author and the others kept; the split was fixed before
anything was measured. When the rules had learned from those shown, and their author had seen two figures (no story) of
those kept, every second of these was released, too, and LATER told. When these had been measured once, every second
story of each queue of theirs was released as well. Of what is kept, only shares are ever read.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from evals import (
    causes_third_cash,
    causes_third_close,
    causes_third_customers,
    causes_third_later,
    causes_third_later_close,
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
LATER: tuple[Story, ...] = (*causes_third_later.STORIES, *causes_third_later_close.STORIES)
"""Told after the rules had learned from the first stories."""


def _shown() -> frozenset[str]:
    """Of each queue's first stories the second, fourth, sixth …, and then every second of the others: the third,
    seventh …; of its later ones the second, fourth …"""
    found = set()
    for stories, every in ((STORIES, 4), (LATER, 2)):
        places: dict[str, int] = {}
        for story in stories:
            places[story.queue] = places.get(story.queue, 0) + 1
            if places[story.queue] % every != 1:
                found.add(story.name)
    return frozenset(found)


SHOWN = _shown()
"""Names of the stories from which the rules may learn."""
KEPT = frozenset(story.name for story in (*STORIES, *LATER)) - SHOWN


def kept(story: Story | PlantedCause) -> bool:
    """May the rules never learn from this story, or from a case that it made?"""
    return (story.name if isinstance(story, Story) else story.mechanism) in KEPT


def planted_causes(seed: int, rounds: int, stories: Sequence[Story] = STORIES) -> list[PlantedCause]:
    """Every story `rounds` times, each with its own numbers and names; equal seeds give equal cases."""
    return [
        story.plant(Desk(Random(f"{seed} {turn} {at}")), f"T3-{turn:02d}{at:03d}")  # noqa: S311 - invented cases
        for turn in range(rounds)
        for at, story in enumerate((*STORIES, *LATER))
        if story in stories
    ]

"""A second maker of exceptions whose cause is known, independent of the demo company's and of the diagnosing rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals import causes_ledger, causes_payables, causes_receivables
from evals.causes_stage import PlantedCause, Stage, Story, planted
from models.synthetic_numbers import stream

STORIES: Mapping[str, Mapping[str, Sequence[Story]]] = {
    "accounts_payable": causes_payables.STORIES,
    "order_to_cash": causes_receivables.STORIES,
    "record_to_report": causes_ledger.RECORD_TO_REPORT,
    "customer_onboarding": causes_ledger.CUSTOMER_ONBOARDING,
    "partner_settlement": causes_ledger.PARTNER_SETTLEMENT,
}
"""Queue → exception type → what may have happened; a story that stands twice happens twice as often."""


def planted_causes(seed: int, rounds: int) -> list[PlantedCause]:
    """`rounds` cases of every story of every type, each from a random stream of its own."""
    made = []
    for queue, types in STORIES.items():
        for exception_type, stories in types.items():
            for at, story in enumerate(stories):
                for turn in range(rounds):
                    name = story.__name__
                    key = f"second-{exception_type}-{name}-{at}-{turn}"
                    stage = Stage(stream(seed, f"causes {key}"))
                    made.append(planted(key, queue, exception_type, name, story(stage), stage))
    return made

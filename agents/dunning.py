"""What has been done about an unpaid invoice, and the governed lines along which collections work. Types only.

The lines are the governed setting `threshold` with subject `collections`; what it does not name stays as it is here.
Costs and the ceiling are in EUR and are read in the invoice's currency at a dated rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from agents.tolerances import not_negative

SUBJECT = "collections"
"""Of the governed setting of kind `threshold`."""
LARGEST_SHARE = Decimal("0.10")
"""Of reminders that may be delayed for comparison; the record refuses a larger one."""


@dataclass(frozen=True, slots=True)
class Lines:
    """capital_percent: cost of capital a year. collectible_disputed: share of a disputed amount that can be collected.
    effect_*: share of the late days still to come that an action is assumed to save, until the control slice says
    better. cost_*: EUR. minutes_*: a collector's time. hours_a_day, actions_a_day: the room of a day. pause_days: after
    a contact. hold_likely: probability of more than 30 days late from which a credit hold is proposed after a final
    reminder. control_share: of friendly reminders that are delayed by control_days, up to control_ceiling EUR.
    """

    capital_percent: Decimal = Decimal("8")
    collectible_disputed: Decimal = Decimal("0.5")
    effect_friendly: Decimal = Decimal("0.10")
    effect_firm: Decimal = Decimal("0.15")
    effect_final: Decimal = Decimal("0.20")
    effect_call: Decimal = Decimal("0.30")
    effect_dispute: Decimal = Decimal("0.40")
    effect_hold: Decimal = Decimal("0.35")
    effect_collections: Decimal = Decimal("0.40")
    cost_letter: Decimal = Decimal("0.50")
    cost_call: Decimal = Decimal("12")
    cost_dispute: Decimal = Decimal("25")
    cost_hold: Decimal = Decimal("20")
    cost_collections: Decimal = Decimal("60")
    minutes_letter: int = 2
    minutes_call: int = 15
    minutes_dispute: int = 30
    minutes_hold: int = 20
    minutes_collections: int = 30
    hours_a_day: int = 6
    actions_a_day: int = 60
    pause_days: int = 7
    hold_likely: Decimal = Decimal("0.50")
    control_share: Decimal = Decimal("0.05")
    control_ceiling: Decimal = Decimal("5000")
    control_days: int = 7

    def as_texts(self) -> dict[str, str]:
        """Every line as text, as a recommendation carries it."""
        return {f"collections_{one.name}": str(getattr(self, one.name)) for one in fields(self)}


def lines_of(content: Mapping[str, Any]) -> Lines:
    """The lines as a governed setting words them (texts or whole numbers). What cannot be read is left as it was; the
    share never exceeds LARGEST_SHARE."""
    found: dict[str, Any] = {}
    usual = Lines()
    for one in fields(Lines):
        value = not_negative(content.get(one.name))
        if value is not None:
            found[one.name] = int(value) if isinstance(getattr(usual, one.name), int) else value
    made = replace(usual, **found)
    return replace(made, control_share=min(made.control_share, LARGEST_SHARE))


@dataclass(frozen=True, slots=True)
class Contact:
    """One thing that was carried out about this invoice: an executed recommendation."""

    recommendation_id: str
    action: str
    tone: str | None
    day: date


@dataclass(frozen=True, slots=True)
class Dunning:
    """What is known of one invoice besides its case.

    contacts: oldest first. disputed_on: since when a dispute of it is on record. draw: a number in 0..1 that decides
    about the control slice, None where none is drawn; period: what it was drawn for. per_eur: units of the invoice's
    currency for one EUR on rate_day, None where no rate is known.
    """

    lines: Lines = Lines()
    contacts: tuple[Contact, ...] = ()
    disputed_on: date | None = None
    draw: float | None = None
    period: str = ""
    per_eur: Decimal | None = None
    rate_day: date | None = None

    def last(self, *actions: str) -> Contact | None:
        """The latest of these contacts."""
        found = [one for one in self.contacts if one.action in actions]
        return found[-1] if found else None

    def reminders(self) -> tuple[Contact, ...]:
        return tuple(one for one in self.contacts if one.action == "send_customer_reminder")

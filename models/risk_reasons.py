"""Why an invoice is likely to be paid late or not, in words: families of features and the plain rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import expm1, isnan

import numpy as np

from models.events import Floats
from models.features import RISK_FEATURES

RAISES, LOWERS = "raises: ", "lowers: "
_LEAST_EFFECT = 0.02
_MOST_REASONS = 3
Seen = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Family:
    """Features that say one thing together, and the words for it."""

    name: str
    features: tuple[str, ...]
    words: Callable[[Seen], str]


def _count(log: float, noun: str = "") -> str:
    count = round(expm1(log))
    return f"{count} {noun}{'' if count == 1 or not noun else 's'}".strip()


def _late_by(days: float) -> str:
    return f"{abs(days):.0f} days {'late' if days >= 0 else 'early'}"


def _weekday(number: float) -> str:
    return ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[int(number)]


def _habit(seen: Seen) -> str:
    rate = f"{seen['late_rate']:.0%} of {_count(seen['mature_count'], 'earlier invoice')} paid late"
    days = seen["days_late_mean"]
    return f"{rate}, {'none paid yet' if isnan(days) else f'{_late_by(days)} on average'}"


def _severe(seen: Seen) -> str:
    share = 0.0 if isnan(seen["late_15_rate"]) else seen["late_15_rate"]
    return f"{share:.0%} of earlier invoices paid more than 15 days late"


def _recent(seen: Seen) -> str:
    days = seen["days_late_last_3"]
    return "no payment yet" if isnan(days) else f"the last three payments were {_late_by(days)} on average"


def _owed(seen: Seen) -> str:
    if seen["overdue_count"] <= 0:
        return f"nothing overdue among {_count(seen['open_count'], 'open invoice')}"
    return f"{_count(seen['overdue_count'], 'invoice')} overdue now, by {seen['overdue_days']:.0f} days on average"


def _size(seen: Seen) -> str:
    if isnan(seen["amount_against_usual"]):
        return "first invoice of this customer"
    times = float(np.exp(seen["amount_against_usual"]))
    return (
        f"amount is {times:.1f} times the customer's usual"
        if times >= 1.05
        else ("amount is usual for the customer" if times > 0.95 else f"amount is {times:.0%} of the customer's usual")
    )


def _agreed(seen: Seen) -> str:
    if isnan(seen["terms_late_rate"]):
        return f"terms of {seen['terms']:.0f} days, new for this customer"
    return f"terms of {seen['terms']:.0f} days: {seen['terms_late_rate']:.0%} of such invoices paid late"


def _calendar(seen: Seen) -> str:
    due = f"due on a {_weekday(seen['due_weekday'])}, day {seen['due_month_day']:.0f} of the month"
    if isnan(seen["weekday_late_rate"]):
        return due
    return f"{due}: {seen['weekday_late_rate']:.0%} of those due on that weekday paid late"


def _activity(seen: Seen) -> str:
    if isnan(seen["days_since_payment"]):
        return "no payment on record yet"
    return f"last payment {seen['days_since_payment']:.0f} days ago, customer for {seen['tenure']:.0f} days"


FAMILIES = (
    Family("habit", ("late_rate", "days_late_mean", "days_late_spread", "mature_count", "paid_count"), _habit),
    Family("severity", ("late_15_rate", "late_30_rate"), _severe),
    Family(
        "recent",
        ("days_late_last", "days_late_last_3", "days_late_last_10", "days_late_90", "late_rate_90", "trend"),
        _recent,
    ),
    Family(
        "owed",
        (
            "open_count",
            "open_amount",
            "overdue_count",
            "overdue_amount",
            "overdue_days",
            "credit_amount",
            "parts_share",
            "part_paid",
        ),
        _owed,
    ),
    Family("size", ("amount", "amount_against_usual"), _size),
    Family("terms", ("terms", "terms_late_rate", "terms_days_late"), _agreed),
    Family(
        "calendar",
        (
            "due_weekday",
            "due_month_day",
            "due_month",
            "days_to_month_end",
            "posting_weekday",
            "weekday_late_rate",
            "weekday_days_late",
            "run_wait",
            "run_share",
            "run_next",
            "month_end_share",
        ),
        _calendar,
    ),
    Family("activity", ("days_since_payment", "days_since_posting", "tenure"), _activity),
)
"""Every feature belongs to one family."""

_NUMBER = {name: at for at, family in enumerate(FAMILIES) for name in family.features}
_FAMILY = {family.name: at for at, family in enumerate(FAMILIES)}
_SEVERE = 10


def family_of(column: str) -> int:
    """The number of the family of a column that models see: a feature, or own_K, weekday_K, rated_K for K days."""
    if column in _NUMBER:
        return _NUMBER[column]
    kind, _, days = column.rpartition("_")
    if kind == "weekday":
        return _FAMILY["calendar"]
    return _FAMILY["severity" if int(days) > _SEVERE else "habit"]


def model_reasons(table: Floats, effects: Floats) -> list[tuple[str, ...]]:
    """The families that moved p_late most, the strongest and others of two points or more: one tuple per row.

    table: (n, features). effects: (n, len(FAMILIES)), by how much what the family says moves p_late.
    """
    strongest = np.argsort(-np.abs(effects), axis=1)[:, :_MOST_REASONS]
    made = []
    for row, places in enumerate(strongest):
        seen = dict(zip(RISK_FEATURES, table[row].tolist(), strict=True))
        made.append(
            tuple(
                (RAISES if effects[row, at] > 0 else LOWERS) + FAMILIES[at].words(seen)
                for nth, at in enumerate(places)
                if nth == 0 or abs(effects[row, at]) >= _LEAST_EFFECT
            )
        )
    return made


def rule_reasons(settled: int, late: int, whole: float, known: int) -> tuple[str, ...]:
    """The words for a plain rate. settled, late: the customer's invoices; whole: the rate of all `known` invoices."""
    if settled:
        return (
            f"{late} of {settled} earlier invoices paid late",
            f"the customer's rate, drawn towards the {whole:.0%} of all customers",
        )
    if known:
        return (f"no settled invoice of this customer: {whole:.0%} of {known} invoices of all customers paid late",)
    return ("no settled invoice of any customer: nothing to go by",)

"""Which seats must be filled, and are they? The pure twin and test oracle of the database's law.

The law itself stands in governance/record/schema/functions_review.sql. Nothing here is ever the last word:
Python asks first only to be polite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from governance.actor import Actor
from governance.errors import (
    AlreadyDecided,
    Expired,
    HumanRequired,
    IllegalState,
    NoSeat,
    NotPermitted,
    Refusal,
    SegregationOfDuties,
    StaleDigest,
)
from governance.policy import Policy, Rule
from governance.recommendation import RISKS, RecommendationState


@dataclass(frozen=True, slots=True)
class Question:
    """What the matrix is asked. `amount` in the policy's currency; None = unknown, which means the top band."""

    action: str
    amount: Decimal | None
    risk: str
    entity: str
    region: str


def matches(rule: Rule, question: Question) -> bool:
    """Whether one rule applies. An unknown amount meets only rules without an upper end."""
    if question.action not in rule.actions and "*" not in rule.actions:
        return False
    if question.entity not in rule.entities and "*" not in rule.entities:
        return False
    if question.region not in rule.regions and "*" not in rule.regions:
        return False
    if RISKS.index(question.risk) < RISKS.index(rule.risk_from):
        return False
    if question.amount is None:
        return rule.amount_below is None
    size = abs(question.amount)
    return rule.amount_from <= size and (rule.amount_below is None or size < rule.amount_below)


def applicable(policy: Policy, question: Question) -> Sequence[Rule]:
    """All matching rules; all rules of the policy where none matches: no rule = the strictest."""
    found = [rule for rule in policy.rules if matches(rule, question)]
    return found or list(policy.rules)


def required_seats(policy: Policy, question: Question) -> dict[str, int]:
    """Seats per role: the maximum over all applicable rules."""
    seats: dict[str, int] = {}
    for rule in applicable(policy, question):
        for role, count in rule.seats.items():
            seats[role] = max(seats.get(role, 0), count)
    return seats


def expires_hours(policy: Policy, question: Question) -> int:
    """Hours until the recommendation expires: the shortest of the applicable rules."""
    return min(rule.expires_hours for rule in applicable(policy, question))


@dataclass(frozen=True, slots=True)
class Seat:
    role: str
    filled_by: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A recommendation as the gate sees it at one moment."""

    state: RecommendationState
    digest: str
    expires_at: datetime
    seats: Sequence[Seat]
    excluded: frozenset[str]
    """Actor ids that initiated, drafted, edited or requested the thing."""


def judge_approval(
    standing: Standing, actor: Actor, digest: str, now: datetime, seat: str | None = None
) -> Seat | Refusal:
    """The seat that this approval would fill, or the refusal. Same order of checks as the database."""
    if not actor.is_person:
        return HumanRequired()
    if not actor.active:
        return NotPermitted()
    if standing.state is not RecommendationState.AWAITING_REVIEW:
        return IllegalState()
    if digest != standing.digest:
        return StaleDigest()
    if now >= standing.expires_at:
        return Expired()
    if actor.id in standing.excluded:
        return SegregationOfDuties()
    if any(place.filled_by == actor.id for place in standing.seats):
        return AlreadyDecided()
    fitting = [
        place
        for place in standing.seats
        if place.filled_by is None and place.role in actor.roles and seat in (None, place.role)
    ]
    return fitting[0] if fitting else NoSeat()


def is_complete(seats: Iterable[Seat]) -> bool:
    """Whether every seat is filled, each by a different person."""
    people = [seat.filled_by for seat in seats]
    return bool(people) and None not in people and len(set(people)) == len(people)


def as_seats(required: Mapping[str, int]) -> list[Seat]:
    """Empty seats in the order of the database: by role."""
    return [Seat(role, None) for role in sorted(required) for _ in range(required[role])]

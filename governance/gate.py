"""Which seats must be filled, and are they? The pure twin and test oracle of the database's law.

The law itself stands in governance/record/schema/functions_50_law.sql. Nothing here is ever the last word:
Python asks first only to be polite.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from governance.actor import SEAT_ROLES, Absence, Actor, Delegation
from governance.errors import (
    AlreadyDecided,
    EvidenceNotOpened,
    Expired,
    HumanRequired,
    IllegalState,
    NoSeat,
    NotDelegated,
    NotInBulk,
    NotPermitted,
    PayeeChanged,
    PolicyChanged,
    Refusal,
    SegregationOfDuties,
    SignatureRequired,
    StaleDigest,
    Unauthenticated,
)
from governance.matrix import Policy, Rule
from governance.recommendation import RISKS, RecommendationState


@dataclass(frozen=True, slots=True)
class Question:
    """What the matrix is asked. `amount` in the policy's currency; None = unknown, which means the top band."""

    action: str
    amount: Decimal | None
    risk: str
    entity: str
    region: str
    totals: Mapping[str, Decimal | None] = field(default_factory=dict)
    """By id of a rule with a window: what the payee gets within it, this included. None or missing = unknown."""


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
    amount = question.amount if rule.window_days is None else question.totals.get(rule.id)
    if amount is None:
        return rule.amount_below is None
    size = abs(amount)
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


def judged_seats(policy: Policy, questions: Sequence[Question]) -> dict[str, int]:
    """Seats per role where facts were corrected: the most that the new or the earlier ones ask for (cs._judged)."""
    seats: dict[str, int] = {}
    for question in questions:
        for role, count in required_seats(policy, question).items():
            seats[role] = max(seats.get(role, 0), count)
    return seats


def expires_hours(policy: Policy, question: Question) -> int:
    """Hours until the recommendation expires: the shortest of the applicable rules."""
    return min(rule.expires_hours for rule in applicable(policy, question))


@dataclass(frozen=True, slots=True)
class Seat:
    role: str
    filled_by: str | None
    acting_for: str | None = None
    stands_in_as: str | None = None

    @property
    def authority(self) -> str | None:
        """Whose authority the seat holds: the person for whom somebody acts, else who sits there."""
        return self.acting_for or self.filled_by


@dataclass(frozen=True, slots=True)
class Standing:
    """A recommendation, and what its seats hang on, as the gate sees it at one moment."""

    state: RecommendationState
    digest: str
    expires_at: datetime
    seats: Sequence[Seat]
    excluded: frozenset[str]
    """Actor ids that initiated, drafted, edited or requested the thing."""
    people: Mapping[str, Actor] = field(default_factory=dict)
    delegations: Sequence[Delegation] = ()
    absences: Sequence[Absence] = ()
    cover: Mapping[str, Collection[str]] = field(default_factory=dict)
    queue: str = ""
    entity: str = ""
    amount: Decimal | None = None
    evidence: frozenset[str] = frozenset()
    """What every signer must have opened."""
    opened: Mapping[str, frozenset[str]] = field(default_factory=dict)
    signature: bool = False
    bulk: bool = True
    payee_changed: bool = False
    """Whether the payee's bank accounts are others than at the proposal."""
    policy_changed: bool = False
    switched_off: Collection[tuple[str, str]] = ()
    """Pairs (whom, by whom), of all times."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How somebody asks to approve.

    `signed`: None without a signature, True with a well-formed one under a live key of their own, else False.
    """

    digest: str
    seat: str | None = None
    acting_for: str | None = None
    signed: bool | None = None
    in_bulk: bool = False


def judge_approval(standing: Standing, actor: Actor, asked: Asked, now: datetime) -> Seat | Refusal:
    """The open seat that this approval would take, or the refusal. Same order of checks as the database."""
    if not actor.active:
        return Unauthenticated()
    if not actor.is_person:
        return HumanRequired()
    if asked.acting_for is None and not actor.roles & set(SEAT_ROLES):
        return NotPermitted()
    if asked.digest != standing.digest:
        return StaleDigest()
    if standing.state is not RecommendationState.AWAITING_REVIEW:
        return IllegalState()
    if now >= standing.expires_at:
        return Expired()
    if actor.id in standing.excluded:
        return SegregationOfDuties()
    taken = _take_seat(standing, actor, asked, now)
    if isinstance(taken, Refusal):
        return taken
    if standing.payee_changed:
        return PayeeChanged()
    if standing.policy_changed:
        return PolicyChanged()
    if asked.in_bulk and not standing.bulk:
        return NotInBulk()
    if standing.evidence - standing.opened.get(actor.id, frozenset()):
        return EvidenceNotOpened()
    # A signature that does not hold is refused even where none is demanded.
    if asked.signed is False or (standing.signature and not asked.signed):
        return SignatureRequired()
    return taken


def _take_seat(standing: Standing, actor: Actor, asked: Asked, now: datetime) -> Seat | Refusal:
    principal = actor
    if asked.acting_for is not None:
        found = standing.people.get(asked.acting_for)
        if found is None or not found.active or not found.is_person or found.id == actor.id:
            return NotDelegated()
        if found.id in standing.excluded:
            return SegregationOfDuties()
        principal = found
    if any(place.filled_by == actor.id or place.authority == principal.id for place in standing.seats):
        return AlreadyDecided()
    vacant = [place for place in standing.seats if place.filled_by is None and asked.seat in (None, place.role)]
    for place in vacant:
        if place.role in principal.roles and (
            asked.acting_for is None or _is_delegated(standing, principal.id, actor.id, place.role, now)
        ):
            return replace(place, acting_for=asked.acting_for)
    if asked.acting_for is not None:
        return NotDelegated()
    for place in vacant:
        names = sorted(actor.roles & set(standing.cover.get(place.role, ())))
        if names and _all_away(standing, place.role, actor.id, now):
            return replace(place, stands_in_as=names[0])
    return NoSeat()


def _is_delegated(standing: Standing, giver: str, taker: str, role: str, now: datetime) -> bool:
    borrower = standing.people.get(taker)
    if borrower is not None and "auditor" in borrower.roles:
        return False
    return any(
        (one.from_actor, one.to_actor, one.role) == (giver, taker, role)
        and one.covers(now, standing.queue, standing.entity, standing.amount)
        for one in standing.delegations
    )


def _all_away(standing: Standing, role: str, stand_in: str, now: datetime) -> bool:
    """Whether everybody who could still take the role here, and somebody at all, is away by another's word than his.

    Who has switched a holder off, that is off still, stands in for none of that role.
    """
    off = {one.id for one in standing.people.values() if not one.active and one.is_person and role in one.roles}
    if any(whom in off and by == stand_in for whom, by in standing.switched_off):
        return False
    holders = [
        one.id
        for one in standing.people.values()
        if one.active and one.is_person and role in one.roles and one.id not in standing.excluded
    ]
    seated = {place.filled_by for place in standing.seats}
    away = {one.actor for one in standing.absences if one.starts_at <= now < one.ends_at and one.set_by != stand_in}
    return bool(away & set(holders)) and all(one in seated or one in away for one in holders)


def is_complete(seats: Iterable[Seat]) -> bool:
    """Whether every seat is filled, each by a different person and by the authority of a different one."""
    places = list(seats)
    people = {seat.filled_by for seat in places}
    authorities = {seat.authority for seat in places}
    return bool(places) and None not in people and len(people) == len(authorities) == len(places)


def as_seats(required: Mapping[str, int]) -> list[Seat]:
    """Empty seats in the order of the database: by role."""
    return [Seat(role, None) for role in sorted(required) for _ in range(required[role])]

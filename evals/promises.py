"""What the gate promises, as checks at one point of a grid of questions. Pure.

The law itself stands in the database; this asks its pure twin (governance.gate), which a test holds against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

from governance import errors
from governance.action import CATALOGUE
from governance.actor import SEAT_ROLES, Actor, ActorKind
from governance.gate import (
    Asked,
    Question,
    Seat,
    Standing,
    applicable,
    as_seats,
    expires_hours,
    is_complete,
    judge_approval,
    required_seats,
)
from governance.matrix import Policy, Rule
from governance.recommendation import RISKS, RecommendationState
from models.synthetic_numbers import stream

_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_DIGEST = "sha256:" + "0" * 64
_UNRULED = "an action that no rule names"


def questions(policy: Policy) -> list[Question]:
    """Actions × amounts × risks × entities and regions. Amounts lie at, just below and just above every band."""
    edges = {rule.amount_from for rule in policy.rules} | {rule.amount_below for rule in policy.rules} - {None}
    cent = Decimal("0.01")
    amounts = {edge + step for edge in edges if edge is not None for step in (-cent, Decimal(0), cent)}
    known = sorted(amount for amount in amounts | {Decimal(10) ** 9} if amount >= 0)
    places = {(entity, region) for rule in policy.rules for entity, region in product(rule.entities, rule.regions)}
    where = sorted({("E-1" if e == "*" else e, "R-1" if r == "*" else r) for e, r in places})
    return [
        Question(action, amount, risk, entity, region)
        for action in (*sorted(CATALOGUE), _UNRULED)
        for amount in (*known, *(-amount for amount in known[-2:]), None)
        for risk in RISKS
        for entity, region in where
    ]


def _covers(more: dict[str, int], less: dict[str, int]) -> bool:
    """Whether `more` asks at least for every seat of `less`."""
    return all(more.get(role, 0) >= count for role, count in less.items())


def _somebody(policy: Policy, question: Question, seed: int) -> bool:
    """At least one seat, and only for roles that people have."""
    seats = required_seats(policy, question)
    return sum(seats.values()) >= 1 and set(seats) <= set(SEAT_ROLES)


def _risk_raises(policy: Policy, question: Question, seed: int) -> bool:
    """No higher risk asks for fewer people, or gives them longer."""
    at = RISKS.index(question.risk)
    mine, hours = required_seats(policy, question), expires_hours(policy, question)
    higher = [replace(question, risk=risk) for risk in RISKS[at:]]
    return all(_covers(required_seats(policy, one), mine) and expires_hours(policy, one) <= hours for one in higher)


def _amount_raises(policy: Policy, question: Question, seed: int) -> bool:
    """A larger amount never asks for fewer people."""
    if question.amount is None:
        return True
    larger = replace(question, amount=abs(question.amount) * 10 + Decimal("0.01"))
    return _covers(required_seats(policy, larger), required_seats(policy, question))


def _unknown_is_top(policy: Policy, question: Question, seed: int) -> bool:
    """An unknown amount asks for what the top band asks for."""
    top = replace(question, amount=Decimal(10) ** 12)
    unknown = required_seats(policy, replace(question, amount=None))
    return unknown == required_seats(policy, top) and _covers(unknown, required_seats(policy, question))


def _unruled_is_strictest(policy: Policy, question: Question, seed: int) -> bool:
    """Where no rule matches, every rule counts."""
    stranger = replace(question, action=_UNRULED)
    return len(applicable(policy, stranger)) == len(policy.rules)


def _local_tightens(policy: Policy, question: Question, seed: int) -> bool:
    """A rule that is added, whatever it says, never takes a seat away."""
    rng = stream(seed, f"local rule {question}")
    low = Decimal(rng.choice((0, 100, 5000, 60_000)))
    extra = Rule(
        id="local",
        actions=tuple({question.action, *rng.sample(sorted(CATALOGUE), k=3)} & set(CATALOGUE)),
        amount_from=low,
        amount_below=rng.choice((None, low + 1000)),
        risk_from=rng.choice(RISKS),
        entities=("*",),
        regions=("*",),
        seats={rng.choice(SEAT_ROLES): rng.randint(1, 3)},
        expires_hours=rng.randint(1, 400),
    )
    wider = replace(policy, rules=(*policy.rules, extra))
    return _covers(required_seats(wider, question), required_seats(policy, question))


@dataclass(frozen=True, slots=True)
class _Try:
    """One approval that somebody attempts; at first one that must succeed."""

    standing: Standing
    actor: Actor
    digest: str = _DIGEST
    now: datetime = _NOW

    def outcome(self) -> Seat | errors.Refusal:
        return judge_approval(self.standing, self.actor, Asked(self.digest), self.now)


def _sound(policy: Policy, question: Question) -> _Try:
    """An uninvolved person with every role approves in time."""
    standing = Standing(
        state=RecommendationState.AWAITING_REVIEW,
        digest=_DIGEST,
        expires_at=_NOW + timedelta(hours=1),
        seats=as_seats(required_seats(policy, question)),
        excluded=frozenset({"initiator", "editor"}),
    )
    return _Try(standing, Actor("t", "p-0", ActorKind.PERSON, "P", frozenset(SEAT_ROLES)))


def _only_uninvolved(policy: Policy, question: Question, seed: int) -> bool:
    """Refused: who initiated or edited it, agents, services, the inactive, people without the role, a second seat of
    one person, another digest, after expiry, when it is decided already."""
    good = _sound(policy, question)
    actor, standing = good.actor, good.standing
    taken = replace(standing, seats=[replace(standing.seats[0], filled_by=actor.id), *standing.seats[1:]])
    tries: list[tuple[_Try, type[errors.Refusal]]] = [
        (replace(good, actor=replace(actor, id="initiator")), errors.SegregationOfDuties),
        (replace(good, actor=replace(actor, id="editor")), errors.SegregationOfDuties),
        (replace(good, actor=replace(actor, kind=ActorKind.AGENT)), errors.HumanRequired),
        (replace(good, actor=replace(actor, kind=ActorKind.SERVICE)), errors.HumanRequired),
        (replace(good, actor=replace(actor, active=False)), errors.Unauthenticated),
        (replace(good, actor=replace(actor, roles=frozenset({"analyst"}))), errors.NotPermitted),
        (replace(good, standing=taken), errors.AlreadyDecided),
        (replace(good, digest=_DIGEST[:-1] + "1"), errors.StaleDigest),
        (replace(good, now=standing.expires_at), errors.Expired),
        (replace(good, standing=replace(standing, state=RecommendationState.APPROVED)), errors.IllegalState),
    ]
    return all(isinstance(one.outcome(), refusal) for one, refusal in tries)


def _different_people(policy: Policy, question: Question, seed: int) -> bool:
    """It is complete when as many different people as there are seats have filled them, and not one earlier."""
    attempt = _sound(policy, question)
    for number in range(len(attempt.standing.seats)):
        attempt = replace(attempt, actor=replace(attempt.actor, id=f"p-{number}"))
        seat = attempt.outcome()
        if isinstance(seat, errors.Refusal) or is_complete(attempt.standing.seats):
            return False
        seats = list(attempt.standing.seats)
        seats[seats.index(seat)] = replace(seat, filled_by=attempt.actor.id)
        attempt = replace(attempt, standing=replace(attempt.standing, seats=seats))
    return is_complete(attempt.standing.seats)


PROMISES: dict[str, Callable[[Policy, Question, int], bool]] = {
    "always_a_person": _somebody,
    "risk_never_lowers": _risk_raises,
    "amount_never_lowers": _amount_raises,
    "unknown_amount_is_top_band": _unknown_is_top,
    "no_rule_is_strictest": _unruled_is_strictest,
    "local_rules_only_tighten": _local_tightens,
    "only_uninvolved_people": _only_uninvolved,
    "one_seat_a_person": _different_people,
}
"""Name → whether it holds at one point of the grid."""

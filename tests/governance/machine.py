"""A model of one tenant in plain Python: what the law says, told a second time and without a database.

Who may approve is asked of governance/gate.py. What `execute` lets out is judged here by a re-check of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from governance import errors, gate
from governance.actor import SEAT_ROLES, Absence, Actor, Delegation
from governance.errors import Refusal
from governance.matrix import Policy
from governance.recommendation import RecommendationState

MAIL = "request_purchase_order"
PER_EUR = {"EUR": Decimal(1), "USD": Decimal("1.25")}
"""Currencies that the books have a rate for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the law judges of one case revision."""

    amount: Decimal | None
    currency: str
    entity: str
    supplier: str | None
    customer: str | None
    iban: str | None
    document: str | None
    initiator: str
    beside: tuple[Facts, ...] = ()
    """What a person stated otherwise of a document that was read, back to intake's: it is judged, too."""

    @property
    def worth(self) -> Decimal | None:
        """In euros; None = unknown."""
        rate = PER_EUR.get(self.currency)
        return None if self.amount is None or rate is None else self.amount / rate

    @property
    def judged(self) -> tuple[Facts, ...]:
        return (self, *self.beside)

    @property
    def size(self) -> Decimal | None:
        """The largest of all that is judged; None where one is unknown."""
        worths = [one.worth for one in self.judged]
        known = [abs(worth) for worth in worths if worth is not None]
        return max(known) if len(known) == len(worths) else None


@dataclass(slots=True)
class Case:
    id: str
    key: str
    queue: str
    kind: str
    facts: list[Facts]
    state: str = "queued"

    @property
    def revision(self) -> int:
        return len(self.facts)


@dataclass(slots=True)
class Rec:
    """One recommendation. `keys`: by signer, the key under which they signed.

    `approved`: its place among approvals, None where it has none, or where that was longer ago than any window.
    """

    id: str
    case: Case
    revision: int
    action: str
    to: str | None
    digest: str
    policy_version: int
    bank: frozenset[str]
    risk: str
    expires_at: datetime
    seats: list[gate.Seat]
    excluded: frozenset[str]
    drafter: str
    rules: list[str]
    state: str = "awaiting_review"
    returned_to: str | None = None
    approved: int | None = None
    effect: str | None = None
    fence: int = 0
    tampered: bool = False
    keys: dict[str, str | None] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        return self.case.facts[self.revision - 1]

    @property
    def pending(self) -> bool:
        return self.state in ("awaiting_review", "approved")


@dataclass(frozen=True, slots=True)
class Need:
    """What the matrix asks for, all applicable rules together."""

    rules: list[str]
    seats: dict[str, int]
    hours: int
    evidence: frozenset[str]
    bulk: bool
    signature: bool


class Model:
    """The tenant. Methods that end in nothing but a state change mirror what the database says happened."""

    def __init__(self, people: Iterable[Actor], policy: Policy) -> None:
        self.people = {one.id: one for one in people}
        self.policy = policy
        self.version = 1
        self.banks: dict[str, set[str]] = {}
        self.emails: dict[str, str] = {}
        self.delegations: dict[int, Delegation] = {}
        self.absences: dict[int, Absence] = {}
        self.keys: dict[str, str] = {}
        self.switched_off: set[tuple[str, str]] = set()
        self.opened: dict[tuple[str, int, str], set[str]] = {}
        self.cases: dict[str, Case] = {}
        self.recs: dict[str, Rec] = {}
        self.approvals = 0

    # The matrix ----------------------------------------------------------------------------------------

    def payees(self, facts: Facts) -> frozenset[str] | None:
        """The suppliers that are one payee: those that share a bank account, with each other or the document."""
        found = {facts.supplier} if facts.supplier else set()
        found |= {name for name, ibans in self.banks.items() if facts.iban in ibans}
        while more := {
            name
            for name, ibans in self.banks.items()
            if name not in found and any(ibans & self.banks[k] for k in found)
        }:
            found |= more
        return frozenset(found) or None

    def totals(self, rec: Rec | None, facts: Facts, action: str, before: int | None) -> dict[str, Decimal | None]:
        """By windowed rule: what the payee gets, this included; `before`: only what was approved earlier counts."""
        payees = self.payees(facts)
        totals: dict[str, Decimal | None] = {}
        for rule in self.policy.rules:
            if rule.window_days is None or not {action, "*"} & set(rule.actions):
                continue
            others = [
                other.facts
                for other in self.recs.values()
                if other.state in ("approved", "executed") and other is not rec
                and {other.action, "*"} & set(rule.actions)
                and other.approved is not None and (before is None or other.approved < before)
                and any(_same_payee(facts, one, payees) for one in other.facts.judged)
            ]  # fmt: skip
            worths = [facts.worth, *(one.size for one in others)]
            known = [abs(worth) for worth in worths if worth is not None]
            nobody = not (payees or facts.customer or facts.iban)
            totals[rule.id] = None if nobody or len(known) < len(worths) else sum(known, Decimal(0))
        return totals

    def need(self, facts: Facts, action: str, risk: str, rec: Rec | None = None, before: int | None = None) -> Need:
        questions = [
            gate.Question(action, one.worth, risk, one.entity, "EU", self.totals(rec, one, action, before))
            for one in facts.judged
        ]
        rules = {rule.id: rule for question in questions for rule in gate.applicable(self.policy, question)}.values()
        evidence = {what for rule in rules for what in rule.evidence}
        if facts.document is None and "document" in evidence:
            evidence = evidence - {"document"} | {"case"}
        return Need(
            sorted(rule.id for rule in rules),
            gate.judged_seats(self.policy, questions),
            min(gate.expires_hours(self.policy, question) for question in questions),
            frozenset(evidence),
            all(rule.bulk for rule in rules),
            any(rule.signature for rule in rules),
        )

    # Questions -----------------------------------------------------------------------------------------

    def standing(self, rec: Rec, need: Need) -> gate.Standing:
        return gate.Standing(
            state=RecommendationState(rec.state),
            digest=rec.digest,
            expires_at=rec.expires_at,
            seats=rec.seats,
            excluded=rec.excluded,
            people=self.people,
            delegations=list(self.delegations.values()),
            absences=list(self.absences.values()),
            cover=self.policy.cover,
            queue=rec.case.queue,
            entity=rec.facts.entity,
            amount=rec.facts.size,
            evidence=need.evidence,
            opened={who: frozenset(self.seen(rec, who)) for who in self.people},
            signature=need.signature,
            bulk=need.bulk,
            payee_changed=self.bank_of(rec.facts) != rec.bank,
            policy_changed=rec.policy_version != self.version,
            switched_off=self.switched_off,
        )

    def seen(self, rec: Rec, who: str) -> set[str]:
        return self.opened.get((rec.case.id, rec.revision, who), set())

    def bank_of(self, facts: Facts) -> frozenset[str]:
        return frozenset(self.banks.get(facts.supplier or "", ()))

    def judge_approval(
        self, rec: Rec, who: str, asked: gate.Asked, key: str | None, now: datetime
    ) -> tuple[gate.Seat, list[gate.Seat]] | Refusal:
        """The seat taken and all seats as they then are, or the refusal. The last seat meets the gate at once."""
        need = self.need(rec.facts, rec.action, rec.risk, rec)
        taken = gate.judge_approval(self.standing(rec, need), self.people[who], asked, now)
        if isinstance(taken, Refusal):
            return taken
        place = rec.seats.index(replace(taken, filled_by=None, acting_for=None, stands_in_as=None))
        mine = replace(taken, filled_by=who)
        seats = [*rec.seats[:place], mine, *rec.seats[place + 1 :]]
        for role in sorted(need.seats):
            missing = need.seats[role] - sum(seat.role == role for seat in seats)
            seats += [gate.Seat(role, None)] * max(0, missing)
        if gate.is_complete(seats):
            after = replace(rec, seats=seats, state="approved", keys={**rec.keys, who: key})
            if refusal := self.judge_effect(after, now, rec):
                return refusal
        return mine, seats

    def judge_effect(self, rec: Rec, now: datetime, stored: Rec | None = None) -> Refusal | None:
        """The gate before an effect, by a re-check of every seat at this moment. `stored`: `rec` as it is on file."""
        if rec.state != "approved":
            return errors.IllegalState()
        if rec.tampered:
            return errors.StaleDigest()
        if now >= rec.expires_at:
            return errors.Expired()
        if self.bank_of(rec.facts) != rec.bank:
            return errors.PayeeChanged()
        if rec.case.revision != rec.revision:
            return errors.IllegalState()
        if rec.policy_version != self.version:
            return errors.PolicyChanged()
        need = self.need(rec.facts, rec.action, rec.risk, stored or rec, rec.approved)
        if not gate.is_complete(rec.seats) or not all(self._holds(rec, seat, now) for seat in rec.seats):
            return errors.NoSeat()
        if any(count > sum(seat.role == role for seat in rec.seats) for role, count in need.seats.items()):
            return errors.NoSeat()
        signers = [seat.filled_by or "" for seat in rec.seats]
        if any(need.evidence - self.seen(rec, who) for who in signers):
            return errors.EvidenceNotOpened()
        if need.signature and not all(rec.keys.get(who) in (self.keys.get(who) or "none",) for who in signers):
            return errors.SignatureRequired()
        return None

    def _holds(self, rec: Rec, seat: gate.Seat, now: datetime) -> bool:
        signer = self.people[seat.filled_by or ""]
        principal = self.people[seat.authority or ""]
        if not all(one.active and one.is_person and one.id not in rec.excluded for one in (signer, principal)):
            return False
        if (seat.stands_in_as or seat.role) not in principal.roles:
            return False
        if seat.stands_in_as is not None and seat.stands_in_as not in self.policy.cover.get(seat.role, ()):
            return False
        if seat.acting_for is not None and "auditor" in signer.roles:
            return False
        return seat.acting_for is None or any(
            (one.from_actor, one.to_actor, one.role) == (principal.id, signer.id, seat.role)
            and one.covers(now, rec.case.queue, rec.facts.entity, rec.facts.size)
            for one in self.delegations.values()
        )

    def judge_verb(self, rec: Rec, who: str, verb: str, digest: str, now: datetime) -> Refusal | None:
        """Every decision but approve."""
        me = self.people[who]
        allowed = {"analyst", "reviewer", "controller"} if verb == "escalate" else set(SEAT_ROLES)
        if not me.active:
            return errors.Unauthenticated()
        if not me.is_person:
            return errors.HumanRequired()
        if not me.roles & allowed:
            return errors.NotPermitted()
        if digest != rec.digest:
            return errors.StaleDigest()
        if verb == "withdraw":
            return self._judge_withdrawal(rec, who)
        if rec.state == "sent_back" and verb == "override" and rec.returned_to == who:
            return self._judge_draft(rec)
        if rec.state != "awaiting_review":
            return errors.IllegalState()
        if now >= rec.expires_at:
            return errors.Expired()
        if verb != "escalate" and who in rec.excluded:
            return errors.SegregationOfDuties()
        if verb == "escalate" and any(seat.role == "controller" for seat in rec.seats):
            return errors.IllegalState()
        return self._judge_draft(rec) if verb == "override" else None

    def _judge_draft(self, rec: Rec) -> Refusal | None:
        moved = rec.to is not None and rec.to != self.emails[rec.facts.supplier or ""]
        return errors.FactsMismatch() if moved else None

    def _judge_withdrawal(self, rec: Rec, who: str) -> Refusal | None:
        signed = any(seat.filled_by == who for seat in rec.seats)
        mine = rec.drafter == who and rec.state in ("awaiting_review", "sent_back")
        if rec.state not in ("awaiting_review", "approved", "sent_back") or not (signed or mine):
            return errors.IllegalState()
        return errors.IllegalState() if rec.state == "approved" and rec.effect != "ready" else None

    def judge_delegation(self, giver: str, taker: str, role: str) -> Refusal | None:
        me, other = self.people[giver], self.people[taker]
        if not me.active:
            return errors.Unauthenticated()
        if not me.is_person:
            return errors.HumanRequired()
        if role not in me.roles:
            return errors.NotPermitted()
        circle = any((one.from_actor, one.to_actor) == (taker, giver) for one in self.delegations.values())
        fit = taker != giver and other.active and other.is_person and "auditor" not in other.roles
        return None if fit and not circle else errors.NotDelegated()

    # What happened -------------------------------------------------------------------------------------

    def approve(self, rec: Rec, who: str, key: str | None, seats: list[gate.Seat]) -> None:
        rec.seats = seats
        rec.keys[who] = key
        if gate.is_complete(seats):
            self.approvals += 1
            rec.state, rec.approved, rec.effect = "approved", self.approvals, "ready"
            rec.case.state = "approved"

    def withdraw(self, rec: Rec, who: str) -> None:
        if any(seat.filled_by == who for seat in rec.seats):
            rec.seats = [gate.Seat(seat.role, None) if seat.filled_by == who else seat for seat in rec.seats]
            if rec.state == "approved":
                rec.state, rec.approved, rec.effect, rec.case.state = "awaiting_review", None, None, "awaiting_review"
        else:
            self.end(rec, "withdrawn")

    def end(self, rec: Rec, state: str) -> None:
        """The recommendation is over and its case is triaged anew."""
        rec.state, rec.returned_to, rec.case.state = state, None, "queued"

    def supersede(self, rec: Rec) -> None:
        rec.state, rec.returned_to, rec.effect = "superseded", None, None if rec.effect == "ready" else rec.effect

    def due(self, now: datetime) -> list[Rec]:
        """What the clock lets expire."""
        waiting = [
            r for r in self.recs.values() if r.state == "awaiting_review" or (r.state == "sent_back" and r.returned_to)
        ]
        return [rec for rec in waiting if rec.expires_at <= now]

    def outdated(self) -> list[Rec]:
        """What is asked anew under the active policy."""
        return [
            rec for rec in self.recs.values()
            if rec.pending and rec.policy_version != self.version and rec.effect in (None, "ready")
        ]  # fmt: skip


def _same_payee(facts: Facts, other: Facts, payees: frozenset[str] | None) -> bool:
    if payees is not None:
        return other.supplier in payees
    if facts.customer is not None:
        return other.customer == facts.customer
    return facts.iban is not None and other.iban == facts.iban


def now() -> datetime:
    return datetime.now(UTC)

"""What is usual for one supplier, as people approved it: habits that explain why two of its invoices look alike.

A habit explains one coincidence: a number that comes again, or an amount that comes again. A pair is thought less
likely to be one bill only where every coincidence between the two is explained, on different days, with the money
going to one account. What a habit never does: touch a pair with the same number, date and amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from math import exp, log
from typing import Any, Protocol

from models.duplicates import AGAINST, DuplicatePair, Invoice
from models.invoice import normal_id, number_forms

HABITS = ("numbers_restart", "reference_reused", "recurring_amount")
RHYTHMS: Mapping[str, tuple[float, int]] = {
    "weekly": (7.0, 1), "fortnightly": (14.0, 2), "monthly": (30.4375, 4), "quarterly": (91.3125, 7),
    "half-yearly": (182.625, 10), "yearly": (365.25, 14),
}  # fmt: skip
"""Rhythm → (days from one bill to the next, days that a bill may be early or late)."""

LESS = 3.0
"""By how much an approved habit lowers the log odds that a pair is one bill."""
CEILING = 0.25
"""The most that is left: below what the agent acts on by itself. The pair stays visible with its reasons."""
_APART = 7  # days: what is nearer in time is explained by no habit
_RESTARTED = 60


class Approved(Protocol):
    """A habit as the record keeps it: governance.record.twin_memories.StoredHabit."""

    @property
    def supplier_id(self) -> str: ...
    @property
    def habit(self) -> Mapping[str, Any]: ...
    @property
    def since(self) -> datetime: ...
    @property
    def recommendation_id(self) -> str: ...
    @property
    def approved_by(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class SupplierHabit:
    """One habit that holds. `kind`: one of HABITS.

    `reference`: reference_reused, as number_forms(...).folded. `amount`, `currency`, `rhythm`: recurring_amount.
    `until`: the last day on which it holds. `since`, `approved_by`, `recommendation_id`: by whose signature.
    """

    supplier_id: str
    kind: str
    until: date
    reference: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    rhythm: str | None = None
    since: datetime | None = None
    approved_by: tuple[str, ...] = ()
    recommendation_id: str | None = None

    def as_dict(self) -> dict[str, str]:
        """As `cs._malformed_habits` wants it: what is known, not who said it."""
        said = {"kind": self.kind, "until": self.until.isoformat()}
        if self.reference is not None:
            said["reference"] = self.reference
        if self.amount is not None:
            said |= {"amount": format(self.amount, "f"), "currency": self.currency or "", "rhythm": self.rhythm or ""}
        return said

    @classmethod
    def of(cls, supplier_id: str, said: Mapping[str, Any], **approval: Any) -> SupplierHabit:
        """From the JSON that the record keeps, which the database has checked."""
        return cls(
            supplier_id,
            said["kind"],
            date.fromisoformat(said["until"]),
            said.get("reference"),
            Decimal(said["amount"]) if "amount" in said else None,
            said.get("currency"),
            said.get("rhythm"),
            **approval,
        )

    @classmethod
    def stored(cls, one: Approved) -> SupplierHabit:
        """As the record gives it, with who approved it."""
        return cls.of(
            one.supplier_id,
            one.habit,
            since=one.since,
            approved_by=tuple(one.approved_by),
            recommendation_id=one.recommendation_id,
        )

    def till(self, until: date) -> SupplierHabit:
        """The same habit with another last day."""
        return replace(self, until=until)

    def words(self) -> str:
        """What is known of the supplier."""
        if self.kind == "numbers_restart":
            return "this supplier's numbers start again each year"
        if self.kind == "reference_reused":
            return f"this supplier puts {self.reference} on bill after bill"
        return f"this supplier bills {self.amount} {self.currency} {self.rhythm}"

    def shown(self) -> dict[str, Any]:
        """As a page or a finding shows it: {kind, words, approved_by, since, until, recommendation_id}."""
        return {
            "kind": self.kind,
            "words": self.words(),
            "approved_by": list(self.approved_by),
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat(),
            "recommendation_id": self.recommendation_id,
        }


@dataclass(frozen=True, slots=True)
class DampedPair(DuplicatePair):
    """A pair that approved habits explain. `without`: its probability without them, on which seats hang."""

    without: float = 0.0
    memory: tuple[SupplierHabit, ...] = field(default=())

    def notes(self) -> list[dict[str, Any]]:
        """Each habit as a finding shows it, see SupplierHabit.shown."""
        return [habit.shown() for habit in self.memory]


def same_habit(one: SupplierHabit, other: SupplierHabit) -> bool:
    """The same is known, whoever said it and until whenever."""
    known = [
        replace(habit, until=date.max, since=None, approved_by=(), recommendation_id=None) for habit in (one, other)
    ]
    return known[0] == known[1]


def remembered(
    content: Mapping[str, Any], supplier_id: str, new: Sequence[SupplierHabit], today: date
) -> dict[str, Any]:
    """What a supplier's memory would be with these habits: what else it says stays, what has expired goes."""
    held = [SupplierHabit.of(supplier_id, said) for said in content.get("habits") or ()]
    kept = [one for one in held if one.until >= today and not any(same_habit(one, other) for other in new)]
    return {**content, "habits": [one.as_dict() for one in (*kept, *new)]}


def damped(pair: DuplicatePair, a: Invoice, b: Invoice, memories: Sequence[SupplierHabit]) -> DuplicatePair:
    """The pair with counter-evidence and a lower probability where approved habits explain it, else the pair itself.

    `memories`: habits that hold today, of any suppliers (governance.record.twin_memories.of leaves out the others).
    """
    explained = explaining(a, b, memories)
    if not explained:
        return pair
    logit = log(max(pair.probability, 1e-6) / max(1.0 - pair.probability, 1e-6)) - LESS
    lower = round(min(CEILING, pair.probability, 1.0 / (1.0 + exp(-logit))), 4)
    said = tuple(
        f"{AGAINST}{habit.words()}, approved by {' and '.join(habit.approved_by) or 'nobody known'} until {habit.until}"
        for habit in explained
    )
    own = {one.name: getattr(pair, one.name) for one in fields(DuplicatePair)}
    own |= {"probability": lower, "reasons": (*pair.reasons, *said)}
    return DampedPair(**own, without=pair.probability, memory=explained)


def explaining(a: Invoice, b: Invoice, memories: Sequence[SupplierHabit]) -> tuple[SupplierHabit, ...]:
    """The habits that explain every coincidence between two bills of one supplier; empty where one is unexplained."""
    gap = _gap(a, b)
    if gap is None or gap < _APART or not _one_payee(a, b):
        return ()
    own = [habit for habit in memories if habit.supplier_id == a.vendor_id]
    found: list[SupplierHabit] = []
    number, amount = _number_alike(a, b), a.amount == b.amount
    if not number and not amount:
        return ()
    for alike, kinds in ((number, ("numbers_restart", "reference_reused")), (amount, ("recurring_amount",))):
        if not alike:
            continue
        by = next((habit for habit in own if habit.kind in kinds and _fits(habit, a, b, gap)), None)
        if by is None:
            return ()
        found.append(by)
    return tuple(found)


def _fits(habit: SupplierHabit, a: Invoice, b: Invoice, gap: int) -> bool:
    if habit.kind == "numbers_restart":
        return gap >= _RESTARTED and _year(a) != _year(b)
    if habit.kind == "reference_reused":
        return all(number_forms(one.invoice_no).folded == habit.reference for one in (a, b))
    if habit.amount is None or habit.rhythm is None:
        return False
    same = all(one.amount == habit.amount and one.currency in ("", habit.currency) for one in (a, b))
    return same and in_rhythm(gap, habit.rhythm)


def in_rhythm(gap: int, rhythm: str) -> bool:
    """So many days lie between two bills of this rhythm, next to each other or further apart."""
    if rhythm not in RHYTHMS:
        return False
    period, slack = RHYTHMS[rhythm]
    times = round(gap / period)
    return times >= 1 and abs(gap - times * period) <= slack


def _number_alike(a: Invoice, b: Invoice) -> bool:
    left, right = number_forms(a.invoice_no), number_forms(b.invoice_no)
    forms = ((left.folded, right.folded), (left.stem, right.stem), (left.digits, right.digits))
    return any(one and one == other for one, other in forms)


def _one_payee(a: Invoice, b: Invoice) -> bool:
    """One vendor record and no two accounts: a bill that names another account than the last is never usual."""
    accounts = {normal_id(one.iban) for one in (a, b)} - {""}
    return a.vendor_id == b.vendor_id != "" and len(accounts) < 2


def _day(one: Invoice) -> date | None:
    return one.invoice_date or one.posting_date


def _year(one: Invoice) -> int | None:
    day = _day(one)
    return day.year if day else None


def _gap(a: Invoice, b: Invoice) -> int | None:
    left, right = _day(a), _day(b)
    return abs((left - right).days) if left and right else None

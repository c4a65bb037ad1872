"""A ledger of receivables as arrays: what was posted, due, paid and recorded when. Prepared once, asked often.

Two clocks count: a payment is known on a day when it was made before that day *and* recorded by it. An invoice
that stands on several rows with the same dates was paid in parts: it is paid with the last of them. (Rows of one
invoice with other due dates are instalments, each a debt of its own.) A negative amount is a credit note:
it is no invoice that anybody pays late, only something that the customer may set off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import log1p

import numpy as np

from models.events import NEVER, Bools, Ints, Stream
from models.receivable import Receivable

MICRO = 1_000_000
TERMS, WEEKDAYS = 1000, 7


@dataclass(frozen=True, slots=True)
class Columns:
    """Receivables as arrays, (n,) each: days as ordinals, amount in hundredths.

    clear: the day of the payment, NEVER while open. known: the payment is known on every later day. part_day,
    part_amount: the first part that was paid, and known on every later day, of an invoice in parts (NEVER and 0:
    none). log_amount: log(1 + amount) in millionths. customer: -1 where the ledger does not know the customer.
    """

    customer: Ints
    post: Ints
    due: Ints
    clear: Ints
    known: Ints
    amount: Ints
    log_amount: Ints
    part_day: Ints
    part_amount: Ints

    def kept(self, rows: Bools | Ints) -> Columns:
        return Columns(*(getattr(self, name)[rows] for name in self.__slots__))

    @property
    def terms(self) -> Ints:
        """Days from posting to due date, at most 999."""
        found: Ints = np.clip(self.due - self.post, 0, TERMS - 1)
        return found

    @property
    def weekday(self) -> Ints:
        """Weekday of the due date, Monday 0."""
        found: Ints = (self.due - 1) % WEEKDAYS
        return found


@dataclass(frozen=True, slots=True)
class _Part:
    """What an invoice in parts adds to its row: the first part that was paid."""

    day: int = NEVER
    amount: int = 0


_WHOLE = _Part()


def _known(one: Receivable) -> int:
    if one.clear_date is None:
        return NEVER
    # Recorded *by* a day, paid *before* it: what is recorded on a day is known on that day.
    recorded = one.recorded.toordinal() - 1 if one.recorded else 0
    return max(one.clear_date.toordinal(), one.posting_date.toordinal(), recorded)


def _key(one: Receivable) -> tuple[str, str, date, date]:
    return one.invoice_id, one.customer_id, one.posting_date, one.due_date


def _one(parts: Sequence[Receivable]) -> tuple[Receivable, _Part]:
    """The parts of an invoice as one row: paid with the last of them, known when all are."""
    first = min(parts, key=_known)
    whole = replace(parts[0], amount=sum((one.amount for one in parts), Decimal(0)))
    part = _Part(_known(first), round(first.amount * 100))
    if any(one.clear_date is None for one in parts):
        return replace(whole, clear_date=None, recorded=None), part
    cleared = max(one.clear_date for one in parts if one.clear_date is not None)
    return replace(whole, clear_date=cleared, recorded=date.fromordinal(max(map(_known, parts)) + 1)), part


def _columns(items: Sequence[Receivable], parts: Sequence[_Part] | None, customer: Callable[[str], int]) -> Columns:
    days = np.array([(one.posting_date.toordinal(), one.due_date.toordinal()) for one in items], dtype=np.int64)
    days = days.reshape(-1, 2)
    clear = [NEVER if one.clear_date is None else one.clear_date.toordinal() for one in items]
    numbers = [float(one.amount) for one in items]
    return Columns(
        customer=np.array([customer(one.customer_id) for one in items], dtype=np.int64),
        post=days[:, 0],
        due=days[:, 1],
        clear=np.array(clear, dtype=np.int64),
        known=np.array([_known(one) for one in items], dtype=np.int64),
        amount=np.array([round(number * 100) for number in numbers], dtype=np.int64),
        log_amount=np.array([round(log1p(abs(number)) * MICRO) for number in numbers], dtype=np.int64),
        part_day=np.array([one.day for one in parts] if parts else [NEVER] * len(items), dtype=np.int64),
        part_amount=np.array([one.amount for one in parts] if parts else [0] * len(items), dtype=np.int64),
    )


class Ledger:
    """Receivables in the order of their ids, so that no figure hangs on the order in which they were read.

    bills: the invoices. credits: the credit notes. Streams of their events are made when first asked for. lagging: some
    payment was recorded after its day.
    """

    def __init__(self, history: Sequence[Receivable]) -> None:
        rows: dict[tuple[str, str, date, date], list[Receivable]] = {}
        for one in history:
            rows.setdefault(_key(one), []).append(one)
        keys = sorted(rows)
        whole = [(rows[key][0], _WHOLE) if len(rows[key]) == 1 else _one(rows[key]) for key in keys]
        bills = [(one, part) for one, part in whole if one.amount >= 0]
        self.customers: dict[str, int] = {}
        self.items = [one for one, _ in bills]
        self.bills = _columns(self.items, [part for _, part in bills], self._enter)
        self.credits = _columns([one for one, _ in whole if one.amount < 0], None, self._enter)
        paid = self.bills.clear < NEVER
        self.lagging = bool((self.bills.known > np.maximum(self.bills.clear, self.bills.post))[paid].any())
        self._row = {_key(one): at for at, one in enumerate(self.items)}
        self._streams: dict[str, Stream] = {}

    def _enter(self, customer: str) -> int:
        return self.customers.setdefault(customer, len(self.customers))

    def stream(self, name: str, made: Callable[[], Stream]) -> Stream:
        """The stream of that name; `made` makes it the first time."""
        if name not in self._streams:
            self._streams[name] = made()
        return self._streams[name]

    def changed(self, bills: Columns) -> Ledger:
        """The ledger with other arrays in the place of its invoices: what a test asks of a future that came
        otherwise."""
        other = copy(self)
        other.bills, other._streams = bills, {}
        return other

    def ask(self, items: Sequence[Receivable], as_of: Sequence[date]) -> Moment:
        """The arrays of one question. Raises ValueError where `as_of` has another length than `items`."""
        if len(as_of) != len(items):
            raise ValueError(f"{len(items)} items, but {len(as_of)} days")
        return Moment(
            item=_columns(items, None, lambda name: self.customers.get(name, -1)),
            day=np.array([one.toordinal() for one in as_of], dtype=np.int64),
            own=np.array([self._row.get(_key(one), -1) for one in items], dtype=np.int64),
            past=self,
        )

    def at_posting(self, before: int) -> Moment:
        """Every invoice posted before a day (an ordinal), each asked for on its own posting day."""
        rows = np.flatnonzero(self.bills.post < before)
        return Moment(self.bills.kept(rows), self.bills.post[rows], rows, self)


@dataclass(frozen=True, slots=True)
class Moment:
    """A question as arrays: items, the day from which each is looked at, and the ledger.

    own: (n,) the item's row among the ledger's bills, or -1.
    """

    item: Columns
    day: Ints
    own: Ints
    past: Ledger

    def kept(self, rows: Bools | Ints) -> Moment:
        return Moment(self.item.kept(rows), self.day[rows], self.own[rows], self.past)


def as_ledger(history: Sequence[Receivable] | Ledger) -> Ledger:
    return history if isinstance(history, Ledger) else Ledger(history)

"""What was known about a customer's payments at a moment: one pure function of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import log1p

import numpy as np

from models.events import NEVER, Events, Floats, Ints, mean

RISK_FEATURES = (
    "amount", "terms", "amount_against_usual", "due_weekday", "due_month_day", "posting_weekday", "due_month",
    "paid_count", "days_late_mean", "days_late_spread", "days_late_last", "days_late_last_3", "days_late_last_10",
    "days_late_90", "trend", "days_since_payment", "mature_count", "late_rate", "late_15_rate", "late_30_rate",
    "late_rate_90", "terms_late_rate", "terms_days_late", "weekday_late_rate", "run_wait", "run_share",
    "open_count", "open_amount", "overdue_count", "overdue_amount", "overdue_days", "days_since_posting", "tenure",
)  # fmt: skip
"""Names of the columns of `risk_features`.

amount: log(1 + amount). Rates are shares of invoices whose day had passed. Counts and open amounts are
log(1 + x). Everything else is in days; late is positive, early negative. terms_*: invoices with the same
terms; weekday_*: due on the same weekday; *_90: the last 90 days; run_*: the weekday on which the customer pays.
"""

_EPOCH = date(1970, 1, 1).toordinal()
_MICRO = 1_000_000
_WINDOW = 90


@dataclass(frozen=True, slots=True)
class Receivable:
    """One invoice to a customer. `clear_date` is the day it was paid, None while it is open."""

    invoice_id: str
    customer_id: str
    posting_date: date
    due_date: date
    amount: Decimal
    clear_date: date | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Receivables as arrays, (n,) each: days as ordinals (clear: NEVER while open), amount in hundredths."""

    customer: Ints
    post: Ints
    due: Ints
    clear: Ints
    amount: Ints
    log_amount: Ints


@dataclass(frozen=True, slots=True)
class Moment:
    """A question as arrays: items, the day from which each is looked at, and the history.

    own: the item's row in the history or -1. rank: order of the history by invoice_id, so that no figure
    hangs on the order of its rows.
    """

    item: Columns
    day: Ints
    past: Columns
    own: Ints
    rank: Ints


def _columns(items: Sequence[Receivable], customers: dict[str, int]) -> Columns:
    return Columns(
        customer=np.array([customers.setdefault(one.customer_id, len(customers)) for one in items], dtype=np.int64),
        post=np.array([one.posting_date.toordinal() for one in items], dtype=np.int64),
        due=np.array([one.due_date.toordinal() for one in items], dtype=np.int64),
        clear=np.array([one.clear_date.toordinal() if one.clear_date else NEVER for one in items], dtype=np.int64),
        amount=np.array([round(one.amount * 100) for one in items], dtype=np.int64),
        log_amount=np.array([round(log1p(abs(float(one.amount))) * _MICRO) for one in items], dtype=np.int64),
    )


def moment(items: Sequence[Receivable], as_of: Sequence[date], history: Sequence[Receivable]) -> Moment:
    """The arrays of one question. Raises ValueError where `as_of` has another length than `items`."""
    if len(as_of) != len(items):
        raise ValueError(f"{len(items)} items, but {len(as_of)} days")
    customers: dict[str, int] = {}
    past = _columns(history, customers)
    row = {(one.customer_id, one.invoice_id): at for at, one in enumerate(history)}
    rank = np.empty(len(history), dtype=np.int64)
    rank[sorted(range(len(history)), key=lambda at: history[at].invoice_id)] = np.arange(len(history))
    return Moment(
        item=_columns(items, customers),
        day=np.array([one.toordinal() for one in as_of], dtype=np.int64),
        past=past,
        own=np.array([row.get((one.customer_id, one.invoice_id), -1) for one in items], dtype=np.int64),
        rank=rank,
    )


def _late_events(now: Moment, threshold: int, group: Ints) -> Events:
    """One event per invoice on the day from which it is certain whether it is more than `threshold` days late.

    Its value is 1 where it is. An invoice that nobody has paid counts as soon as that day has passed.
    """
    past = now.past
    late = (past.clear > past.due + threshold).astype(np.int64)
    return Events(group, np.maximum(past.due + threshold, past.post), late, own=now.own)


def lateness(now: Moment, threshold: int) -> tuple[Ints, Ints]:
    """(certain, late) for each item's customer: how many invoices were known strictly before the day to be more
    than `threshold` days late or not, and how many were: (n,) each."""
    events = _late_events(now, threshold, now.past.customer)
    return events.count(now.item.customer, now.day), events.total(0, now.item.customer, now.day)


def _item_part(now: Moment) -> list[Floats]:
    item = now.item
    posted = Events(now.past.customer, now.past.post, now.past.log_amount, own=now.own)
    dates = (item.due - _EPOCH).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return [
        item.log_amount / _MICRO,
        (item.due - item.post).astype(float),
        (item.log_amount - posted.mean(0, item.customer, now.day)) / _MICRO,
        ((item.due - 1) % 7).astype(float),
        (dates - months).astype(np.int64) + 1.0,
        ((item.post - 1) % 7).astype(float),
        months.astype(np.int64) % 12 + 1.0,
    ]


def _paid_part(now: Moment) -> list[Floats]:
    """Invoices paid before the day. Payments before the posting count from the posting: earlier nobody knew them."""
    item, past, day = now.item, now.past, now.day
    group, known = item.customer, np.maximum(past.clear, past.post)
    late = np.where(past.clear < NEVER, past.clear - past.due, 0)
    paid = Events(past.customer, known, late, late * late, own=now.own, rank=now.rank)
    count, total = paid.count(group, day), paid.total(0, group, day)
    average = mean(total, count)
    variance = np.maximum(mean(paid.total(1, group, day), count) - average**2, 0.0)
    recent = mean(total - paid.total(0, group, day - _WINDOW), count - paid.count(group, day - _WINDOW))
    return [
        np.log1p(count),
        average,
        np.sqrt(variance),
        paid.last(0, 1, group, day),
        paid.last(0, 3, group, day),
        paid.last(0, 10, group, day),
        recent,
        recent - average,
        day - paid.latest(group, day),
    ]


def _late_part(now: Moment) -> list[Floats]:
    """Invoices whose day had passed: late or not is certain, whether they are paid by now or still open."""
    item, past, day, group = now.item, now.past, now.day, now.item.customer
    late = [_late_events(now, threshold, past.customer) for threshold in (0, 15, 30)]
    certain, lates = late[0].count(group, day), late[0].total(0, group, day)
    earlier = day - _WINDOW
    of_terms, terms = past.customer * 1000 + _terms(past), item.customer * 1000 + _terms(item)
    of_weekday, weekday = past.customer * 7 + (past.due - 1) % 7, item.customer * 7 + (item.due - 1) % 7
    days_late = np.where(past.clear < NEVER, past.clear - past.due, 0)
    return [
        np.log1p(certain),
        *(events.mean(0, group, day) for events in late),
        mean(lates - late[0].total(0, group, earlier), certain - late[0].count(group, earlier)),
        _late_events(now, 0, of_terms).mean(0, terms, day),
        Events(of_terms, np.maximum(past.clear, past.post), days_late, own=now.own).mean(0, terms, day),
        _late_events(now, 0, of_weekday).mean(0, weekday, day),
    ]


def _terms(table: Columns) -> Ints:
    terms: Ints = np.clip(table.due - table.post, 0, 999)
    return terms


def _run_part(now: Moment) -> list[Floats]:
    """The weekday on which a customer pays: mean wait from the due date to it, and the share of the commonest."""
    past, group = now.past, now.item.customer
    weekdays = [((past.clear - 1) % 7 == weekday).astype(np.int64) for weekday in range(7)]
    paid = Events(past.customer, np.maximum(past.clear, past.post), *weekdays, own=now.own)
    counts = np.column_stack([paid.total(weekday, group, now.day) for weekday in range(7)])
    wait = (np.arange(7)[None, :] - (now.item.due - 1)[:, None]) % 7
    total = counts.sum(axis=1)
    return [mean((counts * wait).sum(axis=1), total), mean(counts.max(axis=1), total)]


def _open_part(now: Moment) -> list[Floats]:
    """What the customer owed on the day: posted and not paid, and of that what was overdue."""
    past, day, group = now.past, now.day, now.item.customer
    before, ones = np.minimum(day, now.item.post), np.ones_like(past.due)
    posted = Events(past.customer, past.post, ones, past.amount, own=now.own)
    paid = Events(past.customer, np.maximum(past.clear, past.post), ones, past.amount, own=now.own)
    passed = np.maximum(past.due, past.post)
    due = Events(past.customer, passed, ones, past.amount, past.due, own=now.own)
    settled = Events(past.customer, np.maximum(passed, past.clear), ones, past.amount, past.due, own=now.own)
    open_count, open_amount = (posted.total(at, group, day) - paid.total(at, group, day) for at in range(2))
    overdue, overdue_amount, due_days = (due.total(at, group, day) - settled.total(at, group, day) for at in range(3))
    return [
        np.log1p(open_count),
        np.log1p(np.maximum(open_amount, 0) / 100),
        np.log1p(overdue),
        np.log1p(np.maximum(overdue_amount, 0) / 100),
        mean(overdue * day - due_days, overdue),
        now.item.post - posted.latest(group, before),
        day - posted.first(group, before),
    ]


def features_at(now: Moment) -> Floats:
    """The features of one question: (n, len(RISK_FEATURES)), nan where the past says nothing."""
    made = [*_item_part(now), *_paid_part(now), *_late_part(now), *_run_part(now), *_open_part(now)]
    return np.column_stack(made) if len(now.day) else np.empty((0, len(RISK_FEATURES)))


def risk_features(items: Sequence[Receivable], as_of: Sequence[date], history: Sequence[Receivable]) -> Floats:
    """What was known strictly before each item's `as_of` day: (n, len(RISK_FEATURES)), nan where nothing was.

    A payment counts only when its clear_date lies before the day, an invoice only when it was posted before.
    The item's own row in the history never counts for it. Only rows of the items' customers matter: a live
    service fetches those alone. Raises ValueError where `as_of` has another length than `items`.
    """
    return features_at(moment(items, as_of, history))

"""Customer invoices of about eighteen months: paid history by each customer's own habits, and what is open."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from models.features import Receivable
from models.synthetic_company import Company, Customer
from models.synthetic_numbers import cents, stream

HISTORY_DAYS = 548
OVERDUE = 8


def _days_late(rng: random.Random, customer: Customer, age_days: int, amount: int) -> int:
    """Days between due date and payment, before the payment run. `age_days` is how long ago the invoice was posted."""
    drifted = customer.delay + customer.drift * (HISTORY_DAYS - age_days) / 365.0
    days = rng.gauss(drifted, customer.spread)
    if amount > 2 * customer.level:
        days += rng.uniform(0.0, 9.0)
    if rng.random() < customer.disputes:
        days += rng.uniform(15.0, 60.0)
    return round(days)


def _paid_on(rng: random.Random, customer: Customer, posted: date, due: date, age_days: int, amount: int) -> date:
    day = max(posted + timedelta(days=1), due + timedelta(days=_days_late(rng, customer, age_days, amount)))
    if customer.run_weekday is not None:
        day += timedelta(days=(customer.run_weekday - day.weekday()) % 7)
    elif day.weekday() > 4:
        day += timedelta(days=7 - day.weekday())
    if day.month == 12 and day.day > 20:
        day += timedelta(days=rng.randint(3, 12))
    return day


def _invoices_of(rng: random.Random, customer: Customer, today: date) -> list[tuple[date, date, int, date]]:
    made: list[tuple[date, date, int, date]] = []
    age = min(HISTORY_DAYS, customer.joined_days_ago)
    while True:
        age -= max(1, round(rng.expovariate(customer.monthly / 30.0)))
        if age < 1:
            return made
        posted = today - timedelta(days=age)
        amount = max(1500, round(customer.level * rng.lognormvariate(-0.3, 0.7)))
        due = posted + timedelta(days=customer.terms)
        made.append((posted, due, amount, _paid_on(rng, customer, posted, due, age, amount)))


def _kept_unpaid(dates: Sequence[tuple[date, date]], today: date) -> set[int]:
    """Positions of (due, cleared) that stay unpaid, so that at least OVERDUE items are: the ones paid last."""
    late = sum(due < today < cleared for due, cleared in dates)
    paid = sorted(
        (at for at, (due, cleared) in enumerate(dates) if due < today >= cleared), key=lambda at: dates[at][1]
    )
    return set(paid[max(0, len(paid) - max(0, OVERDUE - late)) :])


def post_receivables(firm: Company, seed: int, today: date) -> tuple[list[Receivable], list[dict[str, Any]]]:
    """All receivables in order of posting, and the open_item rows. `clear_date` is None where unpaid at `today`."""
    rng = stream(seed, "receivables")
    drafts = [
        (posted, customer, due, amount, cleared)
        for customer in firm.customers
        for posted, due, amount, cleared in _invoices_of(rng, customer, today)
    ]
    drafts.sort(key=lambda draft: (draft[0], draft[1].id))
    unpaid = _kept_unpaid([(due, cleared) for _, _, due, _, cleared in drafts], today)
    receivables, rows = [], []
    for number, (posted, customer, due, amount, cleared) in enumerate(drafts, 1):
        clear_date = cleared if cleared <= today and number - 1 not in unpaid else None
        item = Receivable(f"AR-{number:06d}", customer.id, posted, due, cents(amount), clear_date)
        receivables.append(item)
        rows.append(
            {
                "invoice_id": item.invoice_id,
                "customer_id": customer.id,
                "entity": customer.entity,
                "posting_date": posted.isoformat(),
                "due_date": due.isoformat(),
                "amount": str(item.amount),
                "currency": customer.currency,
                "clear_date": None if clear_date is None else clear_date.isoformat(),
            }
        )
    return receivables, rows

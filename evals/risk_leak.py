"""Whether features look ahead: all that happened on or after each invoice's day is changed, and no byte may move.

And whether the rows of one customer, which is all that the live service reads, give what the whole ledger gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from models.events import NEVER, Floats
from models.features import Answers, features_at
from models.outlook import falling
from models.receivable import Receivable
from models.risk_curves import chance_of, own_of
from models.risk_ledger import Ledger, Moment

_KNOTS = np.array([-10, -5, -1, 0, 1, 5, 15, 30], dtype=np.int64)
_WHOLE: Floats = falling(np.linspace(0.95, 0.02, len(_KNOTS))[None, :])[0]


def seen_at(now: Moment) -> bytes:
    """All that a model sees of a question, as bytes: features and the customers' own curves."""
    said = Answers(now)
    own = own_of(said, _KNOTS, _WHOLE)
    return np.hstack([features_at(said), chance_of(own.rule(_KNOTS)), own.plain]).tobytes()


def future_changed(past: Ledger, day: int, rng: np.random.Generator) -> Ledger:
    """The ledger with every payment from `day` on moved or lost, and every later invoice another one."""
    bills = past.bills
    later, unpaid = bills.post >= day, bills.known >= day
    size = len(bills.post)
    clear = np.where(rng.random(size) < 0.3, NEVER, day + rng.integers(0, 200, size))
    amount = np.where(later, rng.integers(0, 10**8, size), bills.amount)
    return past.changed(
        replace(
            bills,
            customer=np.where(later, rng.permutation(bills.customer), bills.customer),
            post=np.where(later, day + rng.integers(0, 60, size), bills.post),
            due=np.where(later, day + rng.integers(0, 90, size), bills.due),
            clear=np.where(unpaid, clear, bills.clear),
            known=np.where(unpaid, clear, bills.known),
            amount=amount,
            log_amount=np.where(later, rng.integers(0, 10**7, size), bills.log_amount),
        )
    )


def rows_that_moved(past: Ledger, days: Iterable[int], seed: int) -> tuple[int, int]:
    """(invoices asked for on their posting day, how many of them saw a changed future) for those posted on `days`."""
    rng = np.random.default_rng(seed)
    asked = moved = 0
    for day in days:
        rows = np.flatnonzero(past.bills.post == day)
        before = Moment(past.bills.kept(rows), past.bills.post[rows], rows, past)
        # The question itself is as it was, but for its outcome.
        after = replace(before, own=np.full(len(rows), -1), past=future_changed(past, int(day), rng))
        width = len(seen_at(before)) // max(1, len(rows))
        one, other = seen_at(before), seen_at(after)
        asked += len(rows)
        moved += sum(one[at * width : (at + 1) * width] != other[at * width : (at + 1) * width]
                     for at in range(len(rows)))  # fmt: skip
    return asked, moved


def rows_unlike_alone(items: list[Receivable]) -> tuple[int, int]:
    """(invoices, how many are seen differently when only their customer's rows are read)."""
    whole = Ledger(items)
    customers: dict[str, list[Receivable]] = {}
    for one in items:
        customers.setdefault(one.customer_id, []).append(one)
    table = seen_rows(whole)
    unlike = asked = 0
    for own in customers.values():
        for key, row in seen_rows(Ledger(own)).items():
            asked += 1
            unlike += row != table[key]
    return asked, unlike


def seen_rows(past: Ledger) -> dict[tuple[str, str], bytes]:
    """(invoice, customer) → all that a model sees of it on its posting day."""
    rows = np.arange(len(past.items))
    seen = seen_at(Moment(past.bills, past.bills.post, rows, past))
    width = len(seen) // max(1, len(rows))
    return {(one.invoice_id, one.customer_id): seen[at * width : (at + 1) * width]
            for at, one in enumerate(past.items)}  # fmt: skip

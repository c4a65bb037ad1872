"""Cash that open invoices bring in, week by week: each amount spread over the days on which it is likely to be paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from models.outlook import paid_between
from models.receivable import Receivable
from models.risk import Seen

_DAYS = 7
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CashWeek:
    """Expected receipts of the seven days from `start` on, in the currency of the invoices; start None: all later."""

    start: date | None
    expected: Decimal


def expected_cash(items: Sequence[Receivable], seen: Seen, today: date, weeks: int = 13) -> list[CashWeek]:
    """What the unpaid `items` of one currency bring in the weeks from `today` on, and in all later ones as the last
    row; together their whole amount.

    seen: what CollectionRisk.seen says of the same items on `today`. Raises ValueError where it is about others.
    """
    if len(seen.overdue) != len(items):
        raise ValueError(f"{len(items)} items, but {len(seen.overdue)} outlooks")
    amounts = np.array([float(one.amount) for one in items])
    total = sum((one.amount for one in items), Decimal(0))
    made, rest = [], total
    for week in range(weeks):
        first = seen.overdue + week * _DAYS
        chance = paid_between(seen.curves, seen.overdue, first, first + _DAYS - 1)
        expected = Decimal(float((chance * amounts).sum())).quantize(_CENT)
        rest -= expected
        made.append(CashWeek(today + timedelta(days=week * _DAYS), expected))
    return [*made, CashWeek(None, rest.quantize(_CENT))]

"""Exchange rates by day, and what they say of two amounts in two currencies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from models.blocking import Rates
from models.invoice import Invoice
from models.pair_columns import Columns, chosen
from models.pair_features import PAIR_FEATURES, column_features, renumbered_rows
from models.pair_reasons import AGAINST

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WITHIN_DAYS = 31
"""A rate holds for so many days after its own where no newer one is known: tables by month are common."""

FAR = 0.04
"""How far apart two amounts may be in one currency to be compared there at all: dates of booking and rates differ."""

_SAME = 0.01
"""Up to this they are one amount: what a bank, a card and a central bank say of one day differs by less. Where the
numbers are alike, up to FAR: books keep the rate of a month."""

_CHANCE = ("amount_shifted", "amount_anagram", "amount_tax_ratio", "amount_remainder", "amount_whole", "amount_sum")
"""What may hold between two figures, and says nothing where they count different things."""


@dataclass(frozen=True, slots=True)
class DatedRates:
    """The value of one unit of each currency in `reference`, as the latest day on or before the one asked for says.

    currencies: code → (days in order, values of those days). within: how many days old a rate may be.
    """

    reference: str
    currencies: Mapping[str, tuple[Sequence[date], Sequence[Decimal]]]
    within: int = WITHIN_DAYS

    @classmethod
    def of(cls, reference: str, rows: Iterable[tuple[str, date, Decimal]], within: int = WITHIN_DAYS) -> DatedRates:
        """Rows (currency, day, value of one unit in `reference`), in any order; of one day the last one counts."""
        values: dict[str, dict[date, Decimal]] = {}
        for currency, day, value in rows:
            values.setdefault(currency, {})[day] = value
        found = {name: (days := sorted(by_day), [by_day[day] for day in days]) for name, by_day in values.items()}
        return cls(reference, found, within)

    def __call__(self, currency: str, day: date) -> Decimal | None:
        if currency == self.reference:
            return Decimal(1)
        days, values = self.currencies.get(currency, ((), ()))
        at = bisect_right(days, day) - 1
        return values[at] if at >= 0 and day - days[at] <= timedelta(days=self.within) else None


def worths(invoices: Sequence[Invoice], rates: Rates | None) -> Floats | None:
    """The size of each amount in the reference currency on its day, nan where no rate is known; None without rates."""
    if rates is None:
        return None
    found = np.full(len(invoices), np.nan)
    for at, one in enumerate(invoices):
        day = one.invoice_date or one.posting_date
        rate = rates(one.currency, day) if day and one.currency else None
        if rate and one.amount:
            found[at] = abs(float(one.amount)) * float(rate)
    return found


def rated_features(table: Columns, pairs: Ints, worth: Floats | None) -> tuple[Floats, Floats]:
    """The features of pairs (rows of `table`), and how far apart their amounts are at the rates of their days.

    Where two amounts in two currencies are about one at their rates, they are compared in the currency of the first.
    The second result, (n,), is the share by which the second is larger; infinite where no rate says it, so that the
    amounts are not compared; nan where none is needed: in one currency, or for one figure.
    """
    rows = column_features(table, pairs[:, 0], pairs[:, 1])
    apart = np.full(len(pairs), np.nan)
    left, right = pairs[:, 0], pairs[:, 1]
    money = table.rows.currency
    # One figure in two currencies is another matter: somebody keyed the wrong one.
    figures = np.abs(table.rows.amount[left]) != np.abs(table.rows.amount[right])
    foreign = np.flatnonzero((money[left] != money[right]) & (money[left] > 0) & (money[right] > 0) & figures)
    if not len(foreign):
        return rows, apart
    apart[foreign] = np.inf
    if worth is not None:
        share = worth[right[foreign]] / worth[left[foreign]] - 1.0
        apart[foreign] = np.where(np.isnan(share), np.inf, share)
    fits = foreign[np.abs(apart[foreign]) <= FAR]
    others = foreign[np.abs(apart[foreign]) > FAR]
    if len(fits):
        near = np.abs(apart[fits])
        same = (near <= _SAME) | ~renumbered_rows(rows[fits])
        rows[fits] = _converted(table, left[fits], right[fits], np.where(same, 0.0, apart[fits]))
    rows[np.ix_(others, [PAIR_FEATURES.index(name) for name in _CHANCE])] = 0.0
    return rows, apart


def _converted(table: Columns, left: Ints, right: Ints, share: Floats) -> Floats:
    """The features of these pairs with the second amount as much larger than the first as `share` says."""
    few = chosen(table, np.concatenate([left, right]))
    count, same = len(left), share == 0.0
    amount, digits, cents = few.rows.amount.copy(), few.rows.amount_digits.copy(), few.rows.cents.copy()
    size = np.abs(amount[:count])
    amount[count:] = np.sign(amount[count:]) * np.where(same, size, np.round(size * (1.0 + share), 2))
    digits[count:], cents[count:] = np.where(same, digits[:count], -1), np.where(same, cents[:count], -1)
    rows = replace(few.rows, amount=amount, amount_digits=digits, cents=cents)
    places = np.arange(count, dtype=np.int64)
    return column_features(replace(few, rows=rows), places, places + count)


def rate_reason(left: Invoice, right: Invoice, apart: float) -> str:
    """What the rates say of two amounts, for or against; `apart` as `rated_features` gives it."""
    amounts = " and ".join(f"{abs(one.amount)} {one.currency}" for one in (left, right))
    if np.isinf(apart):
        return f"{AGAINST}{amounts} are not compared: no rate of their days is known"
    if abs(apart) <= _SAME:
        return f"{amounts} are one amount at the rates of their days ({abs(apart):.1%} apart)"
    against = "" if abs(apart) <= FAR else AGAINST
    return f"{against}{amounts} are {abs(apart):.1%} apart at the rates of their days"

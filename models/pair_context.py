"""What is usual for each vendor: the background against which two invoices look alike or not."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, nan

import numpy as np

from models.invoice import Invoice, amount_text, clean, normal_id, number_forms, vendor_key


@dataclass(frozen=True, slots=True)
class VendorHabits:
    """One vendor in numbers; nan where too little is known.

    amount_median, amount_spread: of log amounts. gap: usual days between invoices. sequential: share of
    consecutive invoices whose serial rises. step: usual rise. styles: share of each numbering style.
    amounts, amount_gaps: how often each amount occurs and the usual days between. numbers: rows with each
    number. lines: rows with each number on one day. credits: days on which each amount was credited.
    orders, texts: share of rows with each order number and each description, of the rows that have one.
    """

    count: int
    amount_median: float
    amount_spread: float
    gap: float
    sequential: float
    step: float
    styles: Mapping[str, float]
    amounts: Mapping[str, int]
    amount_gaps: Mapping[str, float]
    numbers: Mapping[str, int]
    lines: Mapping[tuple[str, int], int]
    credits: Mapping[str, Sequence[int]]
    orders: Mapping[str, float]
    texts: Mapping[str, float]

    def credit_after(self, amount: str, day: int) -> float:
        """Days from `day` to the next credit of this amount (three days of grace before), nan where none is."""
        days = self.credits.get(amount)
        if not days:
            return nan
        at = bisect_left(days, day - 3)
        return float(max(0, days[at] - day)) if at < len(days) else nan


def ordinal(invoice: Invoice) -> int | None:
    """The day of an invoice as a proleptic Gregorian ordinal; the posting date where it has no date."""
    day = invoice.invoice_date or invoice.posting_date
    return day.toordinal() if day else None


def _median_gap(days: Iterable[int]) -> float:
    """Median of the days between distinct dates; nan below two of them."""
    distinct = sorted(set(days))
    return float(np.median(np.diff(distinct))) if len(distinct) > 1 else nan


def _serials(invoices: Sequence[Invoice]) -> tuple[float, float]:
    """(share of rises, median rise) over invoices in order of date that share a frame."""
    last: dict[str, int] = {}
    rises: list[int] = []
    for invoice in sorted(invoices, key=lambda one: (ordinal(one) or 0, one.invoice_no)):
        forms = number_forms(invoice.invoice_no)
        if forms.serial is None:
            continue
        before = last.get(forms.frame)
        if before is not None and before != forms.serial:
            rises.append(forms.serial - before)
        last[forms.frame] = forms.serial
    up = [rise for rise in rises if rise > 0]
    return (len(up) / len(rises) if rises else nan), (float(np.median(up)) if up else nan)


def _shares(texts: Iterable[str]) -> dict[str, float]:
    counts = Counter(text for text in texts if text)
    return {text: count / counts.total() for text, count in counts.items()}


def _habits(invoices: Sequence[Invoice]) -> VendorHabits:
    billed = [one for one in invoices if one.doc_type != "credit_note" and one.amount > 0]
    logs = np.array([log(float(one.amount)) for one in billed])
    days_of: dict[str, list[int]] = defaultdict(list)
    credits: dict[str, list[int]] = defaultdict(list)
    lines: Counter[tuple[str, int]] = Counter()
    for one in invoices:
        day = ordinal(one)
        if day is None:
            continue
        lines[number_forms(one.invoice_no).folded, day] += 1
        (days_of if one.doc_type != "credit_note" and one.amount > 0 else credits)[amount_text(one.amount)].append(day)
    sequential, step = _serials(billed)
    median = float(np.median(logs)) if len(logs) else nan
    return VendorHabits(
        count=len(invoices),
        amount_median=median,
        amount_spread=max(0.1, float(np.median(np.abs(logs - median)))) if len(logs) > 2 else nan,
        gap=_median_gap(day for days in days_of.values() for day in days),
        sequential=sequential,
        step=step,
        styles=_shares(number_forms(one.invoice_no).style for one in invoices),
        amounts=Counter(amount_text(one.amount) for one in billed),
        amount_gaps={amount: _median_gap(days) for amount, days in days_of.items()},
        numbers=Counter(number_forms(one.invoice_no).folded for one in invoices),
        lines=lines,
        credits={amount: sorted(days) for amount, days in credits.items()},
        orders=_shares(normal_id(one.po) for one in invoices),
        texts=_shares(clean(one.description or "") for one in invoices),
    )


@dataclass(frozen=True, slots=True)
class LedgerContext:
    """Habits per vendor key, and by how many vendors each number (folded) is used.

    Vendors that were not fitted are unknown: their features are nan.
    """

    vendors: Mapping[str, VendorHabits]
    number_vendors: Mapping[str, int]

    @classmethod
    def fit(cls, invoices: Sequence[Invoice]) -> LedgerContext:
        """Statistics of every vendor in `invoices`.

        A vendor's habits depend on its own rows alone, a number's vendors on the rows with that number.
        Fitted on all rows of the vendors and of the numbers in question, as the live service does, the
        result for them is that of the whole ledger.
        """
        rows: dict[str, list[Invoice]] = defaultdict(list)
        users: dict[str, set[str]] = defaultdict(set)
        for invoice in invoices:
            key = vendor_key(invoice)
            if key:
                rows[key].append(invoice)
                users[number_forms(invoice.invoice_no).folded].add(key)
        habits = {key: _habits(own) for key, own in rows.items()}
        return cls(habits, {number: len(keys) for number, keys in users.items()})

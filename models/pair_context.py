"""What is usual for each vendor: the background against which two invoices look alike or not.

Everything is counted by grouping arrays, one row per invoice. A vendor's habits depend on its own rows alone,
and what is said of a number on the rows with that number; so the rows of the vendors and numbers in question, as
the live service fetches them, give the numbers that the whole ledger gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.invoice import Invoice
from models.pair_grouping import gap_medians, makes_up, medians, nearby, others, sizes, together
from models.pair_ledger import Rows, rows_of
from models.pair_sums import parts_of

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

_NEAR_DAYS = 60
_GRACE_DAYS = 3
_SEEN_DAYS = 120
_NEIGHBOURS = 3

HABITS = (
    "count", "median", "spread", "gap", "sequential", "step", "course", "style", "amounts", "amount_gap", "regular",
    "amount_day", "copies", "amounts_repeat", "twin_days", "numbers", "reuse", "lines", "heads", "credited", "open",
    "orders", "order", "texts", "text", "entities", "vendors", "number_rows", "whole_number", "whole_day",
    "whole_order", "place", "part_named", "part_worded",
)  # fmt: skip
"""What is known of each row from its vendor's other rows; nan where too little is.

count: rows of the vendor. median, spread: of its log amounts. gap: usual days between its bills. sequential:
share of bills in one frame whose serial rises; step: usual rise; course: share of the nearest bills in date whose
serial lies on the right side of this one. style: share of its rows in this style of number. amounts, amount_gap,
regular: how often this amount is billed, the usual days between and how much they vary. amount_day: bills of this
amount on this day; copies: rows with this number, amount and day. amounts_repeat: share of its other amounts that
occur again; twin_days: share of its other (amount, day) that do. numbers: rows with this number; reuse: share of
its other numbers that occur again. lines: rows with this number on this day. heads: rows with this number up to
its last run of digits. credited: days to the next credit of this amount. open: bills of this amount within 60
days less credits of it. orders, texts: rows with this order and text; order, text: their share. entities: share
of its other (amount, day) that more than one entity has. vendors, number_rows: vendors that use this number and
rows that have it. whole_number, whole_day, whole_order: 1 where this bill is the sum of all others of its
vendor with its stem, day or order. place: this row, from 1; part_named, part_worded: the place of the bill that it
and one or two others of its vendor sum to, with its stem or order, or its text or head of number; 0 without one.
"""


@dataclass(frozen=True, slots=True)
class LedgerContext:
    """A ledger as arrays with the habits of every row.

    at: place of each invoice_id. bills: sorted keys of (vendor, amount), see `bill_keys`.
    """

    invoices: Sequence[Invoice]
    rows: Rows
    habits: NDArray[np.float32]
    at: Mapping[str, int]
    bills: Ints

    @classmethod
    def fit(cls, invoices: Sequence[Invoice]) -> Self:
        """Arrays and habits of `invoices`. Pairs are then compared within them.

        Fitted on all rows of the vendors and of the numbers in question, as the live service does, the
        result for them is that of the whole ledger.
        """
        rows = rows_of(invoices)
        at = {one.invoice_id: place for place, one in enumerate(invoices)}
        billed = (rows.vendor > 0) & (rows.credit == 0)
        bills = np.sort(bill_keys(rows.vendor[billed], rows.amount[billed]))
        return cls(invoices, rows, habits(rows).astype(np.float32), at, bills)


def ordinal(invoice: Invoice) -> int | None:
    """The day of an invoice as a proleptic Gregorian ordinal; the posting date where it has no date."""
    day = invoice.invoice_date or invoice.posting_date
    return day.toordinal() if day else None


def bill_keys(vendor: NDArray[np.int32], amount: Floats) -> Ints:
    """One number for each vendor and amount in hundredths; amounts below 10**10."""
    cents = np.minimum(np.round(np.abs(amount) * 100), 1e12 - 1).astype(np.int64)
    return vendor.astype(np.int64) * 10**12 + cents


def habits(rows: Rows) -> Floats:
    """(n, len(HABITS)) for every row of a ledger."""
    # Rows of nobody in particular are one party: what is usual among them is all that there is to know.
    known = np.ones(len(rows.vendor), dtype=bool)
    made: dict[str, Floats] = {**_amounts(rows, known), **_numbers(rows, known), **_money_back(rows, known)}
    vendor = together(known, rows.vendor)
    count = sizes(vendor)
    made["count"] = count
    billed, value = rows.credit == 0, np.abs(rows.amount)
    day = np.where(np.isnan(rows.day), 0, rows.day).astype(np.int64)
    for name, codes in (("number", rows.stem), ("day", day), ("order", rows.order)):
        made[f"whole_{name}"] = makes_up(together(billed & (codes > 0), rows.vendor, codes), value)
    made |= _sums(rows, billed, value)
    for name, codes in (("order", rows.order), ("text", rows.text)):
        said = known & (codes > 0)
        made[f"{name}s"] = sizes(together(said, rows.vendor, codes))
        made[name] = made[f"{name}s"] / sizes(together(said, rows.vendor))
    return np.column_stack([made[name] for name in HABITS])


def _sums(rows: Rows, billed: NDArray[np.bool_], value: Floats) -> Mapping[str, Floats]:
    made = {"place": np.arange(1.0, len(value) + 1.0)}
    for name, keys in (("part_named", (rows.stem, rows.order)), ("part_worded", (rows.text, rows.head))):
        first, then = (parts_of(together(codes > 0, rows.vendor, codes), rows.day, value, billed) for codes in keys)
        made[name] = np.where(first >= 0, first, then) + 1.0
    return made


def _amounts(rows: Rows, known: NDArray[np.bool_]) -> Mapping[str, Floats]:
    billed = known & (rows.credit == 0)
    dated = billed & ~np.isnan(rows.day)
    vendor, amount = together(billed, rows.vendor), together(billed, rows.vendor, rows.cents)
    logs = np.log(np.maximum(np.abs(rows.amount), 0.01))
    median = _spread_to(known, rows.vendor, vendor, medians(vendor, logs))
    off = medians(vendor, np.abs(logs - median))
    spread = np.where(sizes(vendor) > 2, np.maximum(0.1, off), np.nan)
    day = np.where(np.isnan(rows.day), 0, rows.day).astype(np.int64)
    by_vendor, by_amount = together(dated, rows.vendor), together(dated, rows.vendor, rows.cents)
    on_day = together(dated, rows.vendor, rows.cents, day)
    usual, varies = gap_medians(by_amount, day)
    return {
        "median": median,
        "spread": _spread_to(known, rows.vendor, vendor, spread),
        "gap": _spread_to(known, rows.vendor, by_vendor, gap_medians(by_vendor, day)[0]),
        "amounts": _of_amount(rows, known, amount, sizes(amount), 0.0),
        "amount_gap": _of_amount(rows, known, by_amount, usual, np.nan),
        "regular": _of_amount(rows, known, by_amount, varies, np.nan),
        "amount_day": sizes(on_day),
        "copies": sizes(together(dated, rows.vendor, rows.cents, day, rows.folded_code)),
        "amounts_repeat": others(vendor, amount),
        "twin_days": others(by_vendor, on_day),
        "entities": others(by_vendor, on_day, rows.entity),
    }


def _spread_to(known: NDArray[np.bool_], key: Ints, group: Ints, values: Floats) -> Floats:
    """The value of a group for all known rows with its key, those outside the group included."""
    found = np.full(int(key.max(initial=0)) + 1, np.nan)
    found[key[group >= 0]] = values[group >= 0]
    return np.where(known, found[key], np.nan)


def _of_amount(rows: Rows, known: NDArray[np.bool_], group: Ints, values: Floats, missing: float) -> Floats:
    """The value of the bills of this vendor and amount, for credits of that amount too."""
    every = together(known, rows.vendor, rows.cents)
    found = np.full(int(every.max(initial=-1)) + 1, missing)
    found[every[group >= 0]] = values[group >= 0]
    return np.where(known, found[every], np.nan) if len(found) else np.full(len(known), np.nan)


def _numbers(rows: Rows, known: NDArray[np.bool_]) -> Mapping[str, Floats]:
    vendor, number = together(known, rows.vendor), together(known, rows.vendor, rows.folded_code)
    day = np.where(np.isnan(rows.day), -1, rows.day).astype(np.int64)
    said = rows.folded_code > 0
    any_number = together(said, rows.folded_code)
    users = together(said & (rows.vendor > 0), rows.folded_code, rows.vendor)
    first = np.zeros(len(known))
    first[np.unique(users, return_index=True)[1]] = 1.0
    first[users < 0] = 0.0
    vendors = np.bincount(any_number[said], weights=first[said]) if said.any() else np.zeros(0)
    headed = known & (rows.head > 0)
    sequential, step, course = _serials(rows, known)
    return {
        "style": sizes(together(known, rows.vendor, rows.style)) / sizes(vendor),
        "numbers": sizes(number),
        "reuse": others(vendor, number),
        "lines": sizes(together(known & (day >= 0), rows.vendor, rows.folded_code, day)),
        "heads": sizes(together(headed, rows.vendor, rows.head)),
        "number_rows": sizes(any_number),
        "vendors": np.where(said, vendors[any_number] if len(vendors) else 0.0, np.nan),
        "sequential": _spread_to(known, rows.vendor, vendor, sequential),
        "step": _spread_to(known, rows.vendor, vendor, step),
        "course": course,
    }


def _serials(rows: Rows, known: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """(share of rises, median rise, course), (n,) each, over the bills of one vendor and frame in order of date."""
    n = len(known)
    counted = np.flatnonzero(known & (rows.credit == 0) & ~np.isnan(rows.serial) & ~np.isnan(rows.day))
    frame = together(known, rows.vendor, rows.frame)
    order = counted[np.lexsort((rows.serial[counted], rows.day[counted], frame[counted]))]
    rise = np.diff(rows.serial[order])
    within = (frame[order][1:] == frame[order][:-1]) & (rise != 0) if len(order) else np.zeros(0, dtype=bool)
    # A rise belongs to the vendor of the row that it leads to.
    owner = np.full(n, -1, dtype=np.int64)
    owner[order[1:][within]] = rows.vendor[order[1:][within]]
    rises = np.full(n, np.nan)
    rises[order[1:][within]] = rise[within]
    up = np.where(rises > 0, owner, -1)
    width = int(rows.vendor.max(initial=0)) + 1
    total = np.bincount(owner[owner >= 0], minlength=width)
    risen = np.bincount(up[up >= 0], minlength=width)
    share = np.where(total > 0, risen / np.maximum(total, 1), np.nan)
    steps = np.full(width, np.nan)
    steps[up[up >= 0]] = medians(up, rises)[up >= 0]
    return share[rows.vendor], steps[rows.vendor], _course(rows, frame, order)


def _course(rows: Rows, frame: Ints, order: Ints) -> Floats:
    """The share of the nearest bills before and after whose serial is lower and higher; nan without any."""
    right, seen = np.zeros(len(frame)), np.zeros(len(frame))
    for step in range(1, _NEIGHBOURS + 1):
        early, late = order[:-step], order[step:]
        both = (frame[early] == frame[late]) & (rows.day[early] < rows.day[late])
        early, late = early[both], late[both]
        fits = (rows.serial[early] < rows.serial[late]).astype(float)
        for side in (early, late):
            np.add.at(right, side, fits)
            np.add.at(seen, side, 1.0)
    return np.where(seen > 0, right / np.maximum(seen, 1.0), np.nan)


def _money_back(rows: Rows, known: NDArray[np.bool_]) -> Mapping[str, Floats]:
    """Days to the next credit of the amount, and how many bills of it near this day no credit took back."""
    dated = known & ~np.isnan(rows.day)
    group = together(dated, rows.vendor, rows.cents)
    credit = dated & (rows.credit == 1)
    upcoming, credits = nearby(group, rows.day, credit, _GRACE_DAYS, _SEEN_DAYS)
    _, bills = nearby(group, rows.day, dated & (rows.credit == 0), _NEAR_DAYS, _NEAR_DAYS)
    return {"credited": upcoming, "open": np.where(dated, bills - credits, np.nan)}

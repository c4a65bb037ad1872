"""A ledger as arrays, one row per invoice: what the features of pairs are computed from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.invoice import Invoice, amount_text, clean, normal_id, normal_name, number_forms, vendor_key
from models.pair_context import LedgerContext, ordinal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """A ledger as arrays, one row per invoice. Texts that are compared for equality are integer codes, 0 = ''."""

    plain: NDArray[Any]
    folded: NDArray[Any]
    name: NDArray[Any]
    description: NDArray[Any]
    plain_code: Ints
    folded_code: Ints
    stem: Ints
    digits: Ints
    letters: Ints
    frame: Ints
    style: Ints
    amount_digits: Ints
    vendor: Ints
    tax: Ints
    account: Ints
    entity: Ints
    order: Ints
    currency: Ints
    description_digits: Ints
    credit: Ints
    serial: Floats
    amount: Floats
    day: Floats
    month: Floats
    month_day: Floats
    posting: Floats
    habits: Floats


HABITS = ("count", "median", "spread", "gap", "sequential", "step", "style", "amounts", "amount_gap", "numbers",
           "lines", "credited", "order", "text", "vendors")  # fmt: skip


def _codes(texts: Iterable[Hashable]) -> Ints:
    known: dict[Hashable, int] = {"": 0}
    return np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int64)


def _habits_row(invoice: Invoice, context: LedgerContext) -> tuple[float, ...]:
    habits = context.vendors.get(vendor_key(invoice))
    vendors = context.number_vendors.get(number_forms(invoice.invoice_no).folded, 0)
    if habits is None:
        return (*(nan,) * (len(HABITS) - 1), vendors)
    forms, amount, day = number_forms(invoice.invoice_no), amount_text(invoice.amount), ordinal(invoice)
    return (
        habits.count, habits.amount_median, habits.amount_spread, habits.gap, habits.sequential, habits.step,
        habits.styles.get(forms.style, 0.0), habits.amounts.get(amount, 0), habits.amount_gaps.get(amount, nan),
        habits.numbers.get(forms.folded, 0), nan if day is None else habits.lines.get((forms.folded, day), 0),
        nan if day is None else habits.credit_after(amount, day),
        habits.orders.get(normal_id(invoice.po), nan), habits.texts.get(clean(invoice.description or ""), nan), vendors,
    )  # fmt: skip


def columns(invoices: Sequence[Invoice], context: LedgerContext) -> Columns:
    """The arrays of a ledger: (n,) each, `habits` (n, 15)."""
    forms = [number_forms(one.invoice_no) for one in invoices]
    texts = [clean(one.description or "") for one in invoices]
    dates = [one.invoice_date or one.posting_date for one in invoices]
    return Columns(
        plain=np.array([form.plain for form in forms], dtype=object),
        folded=np.array([form.folded for form in forms], dtype=object),
        name=np.array([normal_name(one.vendor_name) for one in invoices], dtype=object),
        description=np.array(texts, dtype=object),
        plain_code=_codes(form.plain for form in forms),
        folded_code=_codes(form.folded for form in forms),
        stem=_codes(form.stem for form in forms),
        digits=_codes(form.digits for form in forms),
        letters=_codes("".join(sorted(form.plain)) for form in forms),
        frame=_codes(form.frame for form in forms),
        style=_codes(form.style for form in forms),
        amount_digits=_codes("".join(sorted(f"{abs(one.amount):.2f}")) for one in invoices),
        vendor=_codes(vendor_key(one) for one in invoices),
        tax=_codes(normal_id(one.tax_id) for one in invoices),
        account=_codes(normal_id(one.iban) for one in invoices),
        entity=_codes(one.entity.strip() for one in invoices),
        order=_codes(normal_id(one.po) for one in invoices),
        currency=_codes(one.currency for one in invoices),
        description_digits=_codes("".join(letter for letter in text if letter.isdigit()) for text in texts),
        credit=np.array([one.doc_type == "credit_note" or one.amount < 0 for one in invoices], dtype=np.int64),
        serial=np.array([nan if form.serial is None else float(form.serial) for form in forms]),
        amount=np.array([float(one.amount) for one in invoices]),
        day=np.array([float(day.toordinal()) if day else nan for day in dates]),
        month=np.array([float(day.month) if day else nan for day in dates]),
        month_day=np.array([float(day.day) if day else nan for day in dates]),
        posting=np.array([float(one.posting_date.toordinal()) if one.posting_date else nan for one in invoices]),
        habits=np.array([_habits_row(one, context) for one in invoices], dtype=float).reshape(-1, len(HABITS)),
    )


def taken(table: Columns, rows: Ints) -> Columns:
    """The given rows of a ledger."""
    return Columns(*(getattr(table, field.name)[rows] for field in fields(Columns)))

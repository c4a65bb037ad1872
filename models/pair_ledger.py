"""A ledger as arrays, one row per invoice."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.invoice import Invoice, clean, normal_id, normal_name, number_forms, vendor_key

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Texts = NDArray[Any]

_SLICE = 20_000
_RUNS = re.compile(r"\d+|\D+")


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts that are compared for equality are integer codes, 0 = ''; cents is a code of the magnitude."""

    plain: Texts
    folded: Texts
    name: Texts
    description: Texts
    plain_code: Codes
    folded_code: Codes
    stem: Codes
    digits: Codes
    letters: Codes
    head: Codes
    frame: Codes
    style: Codes
    cents: Codes
    amount_digits: Codes
    vendor: Codes
    tax: Codes
    account: Codes
    entity: Codes
    order: Codes
    currency: Codes
    text: Codes
    text_digits: Codes
    credit: Codes
    serial: Floats
    amount: Floats
    day: Floats
    month: Floats
    month_day: Floats
    posting: Floats


def taken(rows: Rows, at: NDArray[np.int64]) -> Rows:
    """The rows at these places."""
    return Rows(*(getattr(rows, field.name)[at] for field in fields(Rows)))


@lru_cache(maxsize=65536)
def _head(number: str) -> str:
    """The number up to its last run of digits, where that leaves three digits or more; else ''."""
    runs = _RUNS.findall(clean(number))
    while runs and not runs[-1].isdigit():
        runs.pop()
    head = "".join(runs[:-1])
    return head if sum(letter.isdigit() for letter in head) >= 3 else ""


@lru_cache(maxsize=65536)
def _sorted_letters(plain: str) -> str:
    return "".join(sorted(plain))


@lru_cache(maxsize=65536)
def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


@lru_cache(maxsize=65536)
def _text(description: str | None) -> str:
    return clean(description) if description else ""


def _days(day: date | None) -> tuple[float, float, float]:
    return (nan, nan, nan) if day is None else (float(day.toordinal()), float(day.month), float(day.day))


def _codes(hashes: NDArray[np.int64]) -> Codes:
    """Dense codes of hashes; 0, the hash of '', stays 0."""
    values, place = np.unique(np.append(hashes, 0), return_inverse=True)
    zero = int(place[-1])
    codes = np.arange(1, len(values) + 1)
    codes[zero] = 0
    codes[zero + 1 :] -= 1
    return codes[place[:-1]].astype(np.int32)


_EQUAL: dict[str, Callable[[Invoice], str]] = {
    "plain_code": lambda one: number_forms(one.invoice_no).plain,
    "folded_code": lambda one: number_forms(one.invoice_no).folded,
    "stem": lambda one: number_forms(one.invoice_no).stem,
    "digits": lambda one: number_forms(one.invoice_no).digits,
    "letters": lambda one: _sorted_letters(number_forms(one.invoice_no).plain),
    "head": lambda one: _head(one.invoice_no),
    "frame": lambda one: number_forms(one.invoice_no).frame,
    "style": lambda one: number_forms(one.invoice_no).style,
    "amount_digits": lambda one: _sorted_letters(f"{abs(one.amount):.2f}"),
    "vendor": vendor_key,
    "tax": lambda one: normal_id(one.tax_id),
    "account": lambda one: normal_id(one.iban),
    "entity": lambda one: one.entity.strip(),
    "order": lambda one: normal_id(one.po),
    "currency": lambda one: one.currency,
    "text": lambda one: _text(one.description),
    "text_digits": lambda one: _digits(_text(one.description)),
}
_TEXTS: dict[str, Callable[[Invoice], str]] = {
    "plain": lambda one: number_forms(one.invoice_no).plain,
    "folded": lambda one: number_forms(one.invoice_no).folded,
    "name": lambda one: normal_name(one.vendor_name),
    "description": lambda one: _text(one.description),
}


def _number(one: Invoice) -> float:
    serial = number_forms(one.invoice_no).serial
    return nan if serial is None else float(serial)


def rows_of(invoices: Sequence[Invoice]) -> Rows:
    """The arrays of a ledger, (n,) each.

    Built in slices, so that what is computed once of a number or a text is still at hand when the next
    column asks for it.
    """
    n = len(invoices)
    hashes = {name: np.zeros(n, dtype=np.int64) for name in _EQUAL}
    texts: dict[str, Texts] = {name: np.empty(n, dtype=object) for name in _TEXTS}
    serial, amount, posting, dates = np.empty(n), np.empty(n), np.empty(n), np.empty((n, 3))
    credit = np.zeros(n, dtype=np.int32)
    for start in range(0, n, _SLICE):
        part = invoices[start : start + _SLICE]
        end = start + len(part)
        for name, form in _EQUAL.items():
            hashes[name][start:end] = [hash(form(one)) for one in part]
        for name, form in _TEXTS.items():
            texts[name][start:end] = [form(one) for one in part]
        serial[start:end] = [_number(one) for one in part]
        amount[start:end] = [float(one.amount) for one in part]
        credit[start:end] = [one.doc_type == "credit_note" or one.amount < 0 for one in part]
        posting[start:end] = [_days(one.posting_date)[0] for one in part]
        dates[start:end] = [_days(one.invoice_date or one.posting_date) for one in part]
    cents = np.unique(np.round(np.abs(amount), 4), return_inverse=True)[1].astype(np.int32)
    return Rows(
        **texts, **{name: _codes(values) for name, values in hashes.items()}, cents=cents, credit=credit,
        serial=serial, amount=amount, day=dates[:, 0], month=dates[:, 1], month_day=dates[:, 2], posting=posting,
    )  # fmt: skip

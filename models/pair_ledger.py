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

from models.invoice import Invoice, NumberForms, clean, normal_id, normal_name, number_forms, vendor_key

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Texts = NDArray[Any]

_SLICE = 20_000
_RUNS = re.compile(r"[A-Z]+|\d+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry per invoice.

    Texts that are compared for equality are integer codes, 0 = ''. runs: the letters and digits of the number, run
    by run; written: the number as it stands; cents: a code of the magnitude of the amount.
    """

    plain: Texts
    folded: Texts
    runs: Texts
    name: Texts
    description: Texts
    written: Codes
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
def _shape(number: str) -> tuple[str, str]:
    """(the number up to its last run of digits where that leaves three digits, else ''; its runs, spaced)."""
    tidy = clean(number)
    runs = _RUNS.findall(tidy)
    last = next((found for found in reversed(list(_DIGITS.finditer(tidy)))), None)
    head = tidy[: last.start()] if last else ""
    return (head if sum(letter.isdigit() for letter in head) >= 3 else ""), " ".join(runs)


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


_EQUAL: dict[str, Callable[[Invoice, NumberForms], str]] = {
    "written": lambda one, forms: one.invoice_no.strip(),
    "plain_code": lambda one, forms: forms.plain,
    "folded_code": lambda one, forms: forms.folded,
    "stem": lambda one, forms: forms.stem,
    "digits": lambda one, forms: forms.digits,
    "letters": lambda one, forms: _sorted_letters(forms.plain),
    "head": lambda one, forms: _shape(one.invoice_no)[0],
    "frame": lambda one, forms: forms.frame,
    "style": lambda one, forms: forms.style,
    "amount_digits": lambda one, forms: _sorted_letters(f"{abs(one.amount):.2f}"),
    "vendor": lambda one, forms: vendor_key(one),
    "tax": lambda one, forms: normal_id(one.tax_id),
    "account": lambda one, forms: normal_id(one.iban),
    "entity": lambda one, forms: one.entity.strip(),
    "order": lambda one, forms: normal_id(one.po),
    "currency": lambda one, forms: one.currency,
    "text": lambda one, forms: _text(one.description),
    "text_digits": lambda one, forms: _digits(_text(one.description)),
}
_TEXTS: dict[str, Callable[[Invoice, NumberForms], str]] = {
    "plain": lambda one, forms: forms.plain,
    "folded": lambda one, forms: forms.folded,
    "runs": lambda one, forms: _shape(one.invoice_no)[1],
    "name": lambda one, forms: normal_name(one.vendor_name),
    "description": lambda one, forms: _text(one.description),
}


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
        numbers = [number_forms(one.invoice_no) for one in part]
        for name, form in _EQUAL.items():
            hashes[name][start:end] = [hash(form(*both)) for both in zip(part, numbers, strict=True)]
        for name, form in _TEXTS.items():
            texts[name][start:end] = [form(*both) for both in zip(part, numbers, strict=True)]
        serial[start:end] = [nan if forms.serial is None else float(forms.serial) for forms in numbers]
        amount[start:end] = [float(one.amount) for one in part]
        credit[start:end] = [one.doc_type == "credit_note" or one.amount < 0 for one in part]
        posting[start:end] = [_days(one.posting_date)[0] for one in part]
        dates[start:end] = [_days(one.invoice_date or one.posting_date) for one in part]
    cents = np.unique(np.round(np.abs(amount), 4), return_inverse=True)[1].astype(np.int32)
    return Rows(
        **texts, **{name: _codes(values) for name, values in hashes.items()}, cents=cents, credit=credit,
        serial=serial, amount=amount, day=dates[:, 0], month=dates[:, 1], month_day=dates[:, 2], posting=posting,
    )  # fmt: skip

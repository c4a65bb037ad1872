"""What the keys of an invoice are made of: each part of it as a 64-bit number, for many invoices at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.invoice import Invoice, clean, normal_id, normal_name, number_forms, vendor_key

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]

PERIOD_DAYS = 30
_MOST_DELETIONS = 7
_WORTH_STEP = 0.04
_NOBODY = "?"
_WORD = re.compile(r"[A-Z0-9]+")


class Rates(Protocol):
    """The value of one unit of a currency in the reference currency on a day; None where it is not known."""

    def __call__(self, currency: str, day: date) -> Decimal | float | None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of n invoices.

    one: name → (n,) values, 0 where the invoice does not say. many: name → (rows, values), where an invoice
    has any number of them.
    """

    count: int
    one: Mapping[str, Words]
    many: Mapping[str, tuple[Ints, Words]]


@lru_cache(maxsize=1 << 16)
def hashed(text: str) -> int:
    """A text as a number below 2**64, the same on every machine; 0 for ''."""
    if not text:
        return 0
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def mixed(left: Words, right: Words | np.uint64) -> Words:
    """Two numbers as one; their order counts. The finalizer of splitmix64 (Steele et al., OOPSLA 2014)."""
    value = left * np.uint64(0x9E3779B97F4A7C15) + right
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def identifying(number: str) -> bool:
    """True where a number can identify an invoice beyond its vendor: four characters, two digits."""
    return len(number) >= 4 and sum(letter.isdigit() for letter in number) >= 2


def deletions(number: str) -> Iterator[str]:
    """The number without one of its last characters: two numbers that are one edit apart share one, or the number.

    Garbe's symmetric deletions (SymSpell, 2012) to depth 1, of the characters in which bills of a vendor differ.
    """
    if len(number) >= 4:
        for at in range(max(0, len(number) - _MOST_DELETIONS), len(number)):
            yield number[:at] + number[at + 1 :]


@lru_cache(maxsize=1 << 14)
def telling_word(text: str) -> str:
    """The word of a description that tells most about one bill: the longest with a digit, else the longest."""
    words = _WORD.findall(clean(text))
    return max(words, key=lambda word: (any(letter.isdigit() for letter in word), len(word), word), default="")


@lru_cache(maxsize=1 << 14)
def _first_word(name: str) -> str:
    return next((word for word in normal_name(name).split() if len(word) >= 3), "")


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The forms of one invoice number as hashes, by what they are joined for."""

    stem: int
    spelled: tuple[int, ...]
    near: tuple[int, ...]
    identifying: tuple[int, ...]
    brief: tuple[int, ...]


def _all_hashed(texts: Collection[str]) -> tuple[int, ...]:
    return tuple(hashed(text) for text in sorted(texts) if text)


@lru_cache(maxsize=1 << 15)
def _numbers(number: str) -> _Numbers:
    forms = number_forms(number)
    spelled = {forms.folded, forms.stem, forms.digits}
    return _Numbers(
        stem=hashed(forms.stem),
        spelled=_all_hashed(spelled),
        near=_all_hashed({*spelled, *forms.shorter, *deletions(forms.stem)}),
        identifying=_all_hashed({form for form in (forms.folded, forms.stem) if identifying(form)}),
        brief=_all_hashed({forms.folded} if not identifying(forms.folded) else ()),
    )


def _parties(invoice: Invoice) -> tuple[int, ...]:
    """Who else it may be than its vendor's id says: tax id, bank account, first word of the name."""
    said = {normal_id(invoice.tax_id), normal_id(invoice.iban), _first_word(invoice.vendor_name)}
    return _all_hashed(said)


def _flat(made: Iterable[Sequence[int]]) -> tuple[Ints, Words]:
    held = list(made)
    rows = np.repeat(np.arange(len(held), dtype=np.int64), [len(values) for values in held])
    return rows, np.array([value for values in held for value in values], dtype=np.uint64)


def _periods(days: Ints) -> tuple[Ints, Words]:
    """Two overlapping periods of 30 days: dates at most 15 days apart always share one."""
    known = np.flatnonzero(days > 0)
    first = days[known] // PERIOD_DAYS * 2
    second = (days[known] + PERIOD_DAYS // 2) // PERIOD_DAYS * 2 + 1
    return np.concatenate([known, known]), np.concatenate([first, second]).astype(np.uint64)


def _worth(invoices: Sequence[Invoice], rates: Rates | None) -> tuple[Ints, Words]:
    """The amount in the reference currency, in two overlapping steps of 4 %: rates differ by source and day."""
    logs = np.full(len(invoices), np.nan)
    for row, one in enumerate(invoices if rates is not None else ()):
        day = one.invoice_date or one.posting_date
        rate = rates(one.currency, day) if rates is not None and day and one.currency and one.amount else None
        if rate:
            logs[row] = np.log(abs(float(one.amount)) * float(rate)) / _WORTH_STEP
    known = np.flatnonzero(~np.isnan(logs))
    steps = np.concatenate([np.floor(logs[known]) * 2, np.floor(logs[known] + 0.5) * 2 + 1])
    return np.concatenate([known, known]), (steps.astype(np.int64) + (1 << 20)).astype(np.uint64)


def parts(invoices: Sequence[Invoice], rates: Rates | None = None) -> Parts:
    """The parts of `invoices`, each a pure function of one invoice and, for `worth`, of the rates.

    Invoices that name no vendor at all (redacted, without an id) are one vendor here: the limits on a key
    that many share keep them apart.
    """
    numbers = [_numbers(one.invoice_no) for one in invoices]
    parties = [_parties(one) for one in invoices]
    dates = [one.invoice_date or one.posting_date for one in invoices]
    days = np.array([day.toordinal() if day else 0 for day in dates], dtype=np.int64)
    amounts = np.abs(np.array([float(one.amount) for one in invoices], dtype=np.float64))

    def told(texts: Iterable[str]) -> Words:
        return np.fromiter(map(hashed, texts), dtype=np.uint64, count=len(invoices))

    party = _flat(parties)
    stems = np.array([number.stem for number in numbers], dtype=np.uint64)
    named = stems[party[0]] != 0
    return Parts(
        count=len(invoices),
        one={
            "vendor": told(vendor_key(one) or _NOBODY for one in invoices),
            "order": told(normal_id(one.po) for one in invoices),
            "text": told(telling_word(one.description) if one.description else "" for one in invoices),
            "amount": amounts.view(np.uint64),
            "day": days.astype(np.uint64),
        },
        many={
            "number": _flat(number.spelled for number in numbers),
            "near": _flat(number.near for number in numbers),
            "identifying": _flat(number.identifying for number in numbers),
            "brief": _flat(number.brief for number in numbers),
            "party": party,
            "party_stem": (party[0][named], mixed(party[1][named], stems[party[0][named]])),
            "period": _periods(days),
            "worth": _worth(invoices, rates),
        },
    )

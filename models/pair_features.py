"""Pairs of invoices as numbers: how alike they are, and how usual such likeness is for the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from models.invoice import Invoice
from models.pair_columns import HABITS, Columns, Floats, Ints, columns, taken
from models.pair_context import LedgerContext

PAIR_FEATURES = (
    "number_same_plain", "number_same_folded", "number_same_stem", "number_same_digits", "number_similarity",
    "number_edits", "number_partial", "number_anagram", "number_length", "serial_gap", "serial_steps",
    "serial_off_course", "vendor_sequential", "style_same", "style_share", "amount_same", "amount_ratio", "amount_gap",
    "amount_anagram", "amount_shifted", "amount_tax_ratio", "amount_opposite", "amount_size", "amount_round",
    "amount_unusual", "amount_count", "amount_share", "date_gap", "date_swapped", "date_year_off", "posting_gap",
    "rhythm_amount", "rhythm_vendor", "off_month", "vendor_same", "name_similarity", "tax_same", "account_same",
    "entity_same", "order_same", "order_share", "currency_same", "description_similarity",
    "description_digits_same", "description_share", "type_same",
    "credit_involved", "credited_after", "lines", "number_count", "number_vendors",
)  # fmt: skip
"""Names of the columns of `pair_features`. Flags are 0 or 1; nan where one side does not say."""

FAMILIES = {
    "number": ("number_", "serial_", "style_", "lines"),
    "amount": ("amount_", "credit_involved", "type_same"),
    "date": ("date_", "posting_gap"),
    "vendor": ("vendor_same", "name_similarity", "tax_same"),
    "order": ("order_",),
    "text": ("description_",),
    "entity": ("entity_",),
    "currency": ("currency_",),
    "payment details": ("account_",),
    "habits": ("vendor_sequential", "style_share", "amount_unusual", "amount_count", "amount_share", "rhythm_",
               "off_month", "credited_after", "number_count", "number_vendors"),
}  # fmt: skip
"""Field family → beginnings of the names of its features; the longest that fits counts."""


def family(name: str) -> str:
    """The field family of a feature. Raises ValueError for a name that fits none."""
    fits = [(len(start), field) for field, starts in FAMILIES.items() for start in starts if name.startswith(start)]
    return max(fits)[1]


_TAX = np.array([1.05, 1.055, 1.06, 1.07, 1.08, 1.09, 1.1, 1.13, 1.17, 1.18, 1.19, 1.2, 1.21, 1.22, 1.23, 1.24, 1.25])
_MONTH = 30.4375
_COMMON_NUMBER = 5
_NUMBER_SAYS = ("number_same_plain", "number_same_folded", "number_same_stem", "number_same_digits",
                "number_similarity", "number_edits", "number_partial")  # fmt: skip


def _same(left: Ints, right: Ints) -> Floats:
    """1 equal, 0 different, nan where either is missing."""
    return np.where((left == 0) | (right == 0), nan, (left == right).astype(float))


def _likeness(left: NDArray[Any], right: NDArray[Any], scorer: Any, scale: float) -> Floats:
    """A string similarity per pair, over the distinct pairs only; nan where either text is empty."""
    score = process.cpdist(left.tolist(), right.tolist(), scorer=scorer).astype(float) * scale
    return np.where((left == "") | (right == ""), nan, score)


def _number_features(a: Columns, b: Columns) -> list[Floats]:
    same = a.plain_code == b.plain_code
    lengths = np.minimum(np.char.str_len(a.folded.astype(str)), np.char.str_len(b.folded.astype(str)))
    gap = np.where(a.frame == b.frame, np.abs(a.serial - b.serial), nan)
    step = np.maximum(1.0, _habit("step", a, b, np.fmin))
    expected = step * np.abs(a.day - b.day) / np.maximum(1.0, _habit("gap", a, b, np.fmin))
    return [
        _same(a.plain_code, b.plain_code),
        _same(a.folded_code, b.folded_code),
        _same(a.stem, b.stem),
        _same(a.digits, b.digits),
        _likeness(a.folded, b.folded, OSA.normalized_similarity, 1.0),
        np.minimum(20.0, _likeness(a.plain, b.plain, OSA.distance, 1.0)),
        _likeness(a.folded, b.folded, fuzz.partial_ratio, 0.01),
        ((a.letters == b.letters) & ~same).astype(float),
        lengths.astype(float),
        np.log1p(gap),
        np.log1p(gap / step),
        np.log1p(np.abs(gap - expected) / step),
        _habit("sequential", a, b, np.fmin),
        _same(a.style, b.style),
        _habit("style", a, b, np.fmin),
    ]


def _habit(name: str, a: Columns, b: Columns, pick: np.ufunc) -> Floats:
    at = HABITS.index(name)
    picked: Floats = pick(a.habits[:, at], b.habits[:, at])
    return picked


def _amount_features(a: Columns, b: Columns) -> list[Floats]:
    left, right = np.abs(a.amount), np.abs(b.amount)
    large, small = np.maximum(left, right), np.minimum(left, right)
    ratio = np.divide(small, large, out=np.ones_like(large), where=large > 0)
    inverse = np.divide(large, small, out=np.full_like(large, nan), where=small > 0)
    same = left == right
    shifted = (np.abs(inverse[:, None] - np.array([10.0, 100.0, 1000.0])) < 1e-6 * inverse[:, None]).any(axis=1)
    taxed = (np.abs(inverse[:, None] - _TAX) < 3e-4).any(axis=1)
    rounds = np.sum([np.isclose(np.mod(large, unit), 0.0) for unit in (1.0, 10.0, 100.0)], axis=0)
    off = [
        np.abs(np.log(np.maximum(amount, 0.01)) - one.habits[:, 1]) / one.habits[:, 2]
        for one, amount in ((a, left), (b, right))
    ]
    often = _habit("amounts", a, b, np.fmax)
    return [
        same.astype(float),
        ratio,
        np.log1p(large - small),
        ((a.amount_digits == b.amount_digits) & ~same).astype(float),
        shifted.astype(float),
        taxed.astype(float),
        (np.sign(a.amount) * np.sign(b.amount) < 0).astype(float),
        np.log1p(large),
        rounds.astype(float),
        np.fmin(off[0], off[1]),
        np.log1p(often),
        often / np.maximum(1.0, _habit("count", a, b, np.fmax)),
    ]


def _date_features(a: Columns, b: Columns) -> list[Floats]:
    gap = np.abs(a.day - b.day)
    swapped = (a.month == b.month_day) & (a.month_day == b.month) & (gap > 0) & (gap < 340)
    year_off = (a.month == b.month) & (a.month_day == b.month_day) & (gap > 300)
    off_month = np.abs(gap - _MONTH * np.maximum(1.0, np.round(gap / _MONTH)))
    return [
        gap,
        np.where(np.isnan(gap), nan, swapped),
        np.where(np.isnan(gap), nan, year_off),
        np.abs(a.posting - b.posting),
        gap / np.maximum(1.0, _habit("amount_gap", a, b, np.fmin)),
        gap / np.maximum(1.0, _habit("gap", a, b, np.fmin)),
        off_month,
    ]


def _party_features(a: Columns, b: Columns) -> list[Floats]:
    return [
        _same(a.vendor, b.vendor),
        _likeness(a.name, b.name, fuzz.token_sort_ratio, 0.01),
        _same(a.tax, b.tax),
        _same(a.account, b.account),
        _same(a.entity, b.entity),
        _same(a.order, b.order),
        _habit("order", a, b, np.fmax),
        _same(a.currency, b.currency),
        _likeness(a.description, b.description, fuzz.ratio, 0.01),
        _same(a.description_digits, b.description_digits),
        _habit("text", a, b, np.fmax),
        (a.credit == b.credit).astype(float),
        (a.credit | b.credit).astype(float),
        _habit("credited", a, b, np.fmin),
        _habit("lines", a, b, np.fmax),
        np.log1p(_habit("numbers", a, b, np.fmax)),
        np.log1p(_habit("vendors", a, b, np.fmax)),
    ]


def column_features(table: Columns, left: Ints, right: Ints) -> Floats:
    """The features of pairs given as rows of `table`: (n_pairs, len(PAIR_FEATURES))."""
    if not len(left):
        return np.empty((0, len(PAIR_FEATURES)))
    a, b = taken(table, left), taken(table, right)
    made = chain(_number_features(a, b), _amount_features(a, b), _date_features(a, b), _party_features(a, b))
    features = np.column_stack(list(made))
    # A number that many vendors put on their bills (a payment run, a month) says nothing from one vendor to another.
    shared = (a.vendor != b.vendor) & (_habit("vendors", a, b, np.fmax) >= _COMMON_NUMBER)
    features[np.ix_(shared, [PAIR_FEATURES.index(name) for name in _NUMBER_SAYS])] = nan
    return features


def pair_features(pairs: Sequence[tuple[Invoice, Invoice]], context: LedgerContext) -> Floats:
    """The features of pairs of invoices: (n_pairs, len(PAIR_FEATURES)), symmetric in each pair."""
    row: dict[int, int] = {}
    distinct: list[Invoice] = []
    for one in chain.from_iterable(pairs):
        if id(one) not in row:
            row[id(one)] = len(distinct)
            distinct.append(one)
    left = np.array([row[id(a)] for a, _ in pairs], dtype=np.int64)
    right = np.array([row[id(b)] for _, b in pairs], dtype=np.int64)
    return column_features(columns(distinct, context), left, right)

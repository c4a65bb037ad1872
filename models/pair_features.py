"""Pairs of invoices as numbers: how alike they are, and how usual such likeness is for the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import log1p, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, Postfix, Prefix

from models.invoice import Invoice
from models.pair_columns import Columns, Floats, Ints, chosen, columns
from models.pair_context import LedgerContext, bill_keys
from models.pair_ledger import Rows

PAIR_FEATURES = (
    "number_same_plain", "number_written_anew", "number_same_folded", "number_same_stem", "number_same_digits",
    "number_head_same",
    "number_similarity", "number_edits", "number_anagram", "number_length", "number_prefix", "number_run_gap",
    "number_middle_short", "number_middle_long", "serial_gap", "serial_steps", "serial_off_course", "serial_course",
    "vendor_sequential", "style_same", "style_share", "number_count", "number_reuse", "number_lines",
    "number_heads", "number_vendors", "number_rows", "amount_same", "amount_ratio", "amount_gap", "amount_anagram",
    "amount_shifted", "amount_tax_ratio", "amount_opposite", "amount_remainder", "amount_whole", "amount_sum",
    "amount_round", "amount_unusual", "amount_count", "amount_share", "amount_day_count", "amount_repeats",
    "amount_twin_days",
    "amount_regular", "amount_open", "type_same", "credit_involved", "credited_after", "date_gap", "date_swapped",
    "date_year_off", "posting_gap", "rhythm_amount", "rhythm_vendor", "off_month", "vendor_same", "vendor_count",
    "name_similarity", "tax_same", "account_same", "entity_same", "entity_habit", "order_same", "order_share",
    "order_count", "currency_same", "description_similarity", "description_digits_same", "description_share",
    "description_count",
)  # fmt: skip
"""Names of the columns of `pair_features`. Flags are 0 or 1; nan where one side does not say."""

FAMILIES = {
    "number": ("number_", "serial_gap", "serial_steps", "style_same"),
    "amount": ("amount_", "credit_involved", "type_same"),
    "date": ("date_", "posting_gap"),
    "vendor": ("vendor_same", "vendor_count", "name_similarity", "tax_same"),
    "order": ("order_",),
    "text": ("description_",),
    "entity": ("entity_",),
    "currency": ("currency_",),
    "payment details": ("account_",),
    "habits": (
        "vendor_sequential", "style_share", "serial_course", "serial_off_course", "amount_unusual", "amount_count",
        "amount_share", "amount_day_count", "amount_repeats", "amount_twin_days", "amount_regular", "amount_open",
        "rhythm_", "off_month", "credited_after", "number_count", "number_reuse", "number_lines", "number_heads",
        "number_vendors", "number_rows", "entity_habit",
    ),
}  # fmt: skip
"""Field family → beginnings of the names of its features; the longest that fits counts."""


def family(name: str) -> str:
    """The field family of a feature. Raises ValueError for a name that fits none."""
    fits = [(len(start), field) for field, starts in FAMILIES.items() for start in starts if name.startswith(start)]
    return max(fits)[1]


_TAX = np.array([1.05, 1.055, 1.06, 1.07, 1.08, 1.09, 1.1, 1.13, 1.17, 1.18, 1.19, 1.2, 1.21, 1.22, 1.23, 1.24, 1.25])
_MONTH = 30.4375
_RUN = 18  # figures of a run that still counts something
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]


def _same(left: Codes, right: Codes) -> Floats:
    """1 equal, 0 different, nan where either is missing."""
    return np.where((left == 0) | (right == 0), nan, (left == right).astype(float))


def _compared(left: NDArray[Any], right: NDArray[Any], equal: Flags, at_equal: Floats, scorer: Any) -> Floats:
    """A string measure per pair, asked only of texts that differ; nan where either text is empty."""
    found = np.where((left == "") | (right == ""), nan, at_equal)
    ask = np.flatnonzero(~equal & ~np.isnan(found))
    if len(ask):
        found[ask] = process.cpdist(left[ask].tolist(), right[ask].tolist(), scorer=scorer)
    return found


def _lengths(texts: NDArray[Any]) -> Floats:
    return np.fromiter(map(len, texts), dtype=float, count=len(texts))


def _habit(name: str, a: Columns, b: Columns, pick: np.ufunc) -> Floats:
    picked: Floats = pick(a.habit(name), b.habit(name))
    return picked


def _elsewhere(name: str, a: Columns, b: Columns) -> Floats:
    """A count, in which the rows with one number, amount and day count once: copies are no habit."""
    fewer = [one.habit(name) - np.nan_to_num(one.habit("copies") - 1.0) for one in (a, b)]
    picked: Floats = np.fmax(*fewer)
    return picked


def _run_gap(x: Rows, y: Rows) -> Floats:
    """How far apart the numbers count where they differ in one run of digits, logged; nan where in more or none.

    Which run counts up is not known in advance: a date or a line may stand behind it.
    """
    found = np.full(len(x.plain), nan)
    for at in np.flatnonzero((x.style == y.style) & (x.plain_code != y.plain_code)):
        both = zip(x.runs[at].split(), y.runs[at].split(), strict=False)
        differ = [(one, other) for one, other in both if one != other]
        if len(differ) == 1 and differ[0][0].isdigit() and differ[0][1].isdigit() and max(map(len, differ[0])) <= _RUN:
            found[at] = log1p(abs(int(differ[0][0]) - int(differ[0][1])))
    return found


def _number_features(a: Columns, b: Columns) -> list[Floats]:
    x, y = a.rows, b.rows
    equal, folded = x.plain_code == y.plain_code, x.folded_code == y.folded_code
    long_x, long_y = _lengths(x.plain), _lengths(y.plain)
    short, long = np.minimum(long_x, long_y), np.maximum(long_x, long_y)
    zero = np.zeros(len(short))
    edits = _compared(x.folded, y.folded, folded, zero, OSA.distance)
    prefix = _compared(x.plain, y.plain, equal, short, Prefix.similarity)
    # A letter that counts at the beginning does not count again at the end.
    postfix = np.minimum(_compared(x.plain, y.plain, equal, zero, Postfix.similarity), short - prefix)
    gap = np.where(x.frame == y.frame, np.abs(x.serial - y.serial), nan)
    step = np.maximum(1.0, _habit("step", a, b, np.fmin))
    expected = step * np.abs(x.day - y.day) / np.maximum(1.0, _habit("gap", a, b, np.fmin))
    return [
        _same(x.plain_code, y.plain_code),
        np.where(equal & (x.plain_code > 0), (x.written != y.written).astype(float), 0.0),
        _same(x.folded_code, y.folded_code),
        _same(x.stem, y.stem),
        _same(x.digits, y.digits),
        _same(x.head, y.head),
        1.0 - edits / np.maximum(1.0, np.maximum(_lengths(x.folded), _lengths(y.folded))),
        np.minimum(20.0, _compared(x.plain, y.plain, equal, zero, OSA.distance)),
        ((x.letters == y.letters) & ~equal).astype(float),
        short,
        prefix / np.maximum(1.0, long),
        _run_gap(x, y),
        np.minimum(20.0, short - prefix - postfix),
        np.minimum(20.0, long - prefix - postfix),
        np.log1p(gap),
        np.log1p(gap / step),
        np.log1p(np.abs(gap - expected) / step),
        _habit("course", a, b, np.fmin),
        _habit("sequential", a, b, np.fmin),
        _same(x.style, y.style),
        _habit("style", a, b, np.fmin),
        np.log1p(_elsewhere("numbers", a, b)),
        _habit("reuse", a, b, np.fmax),
        _elsewhere("lines", a, b),
        np.log1p(_habit("heads", a, b, np.fmax)),
        np.log1p(_habit("vendors", a, b, np.fmax)),
        np.log1p(_habit("number_rows", a, b, np.fmax)),
    ]


def _remainder(a: Columns, b: Columns, large: Floats, small: Floats) -> Floats:
    """1 where the vendor has one more bill, of what the larger is more than the smaller: two parts and a whole."""
    rest = large - small
    keys = bill_keys(a.rows.vendor, rest)
    count = np.searchsorted(a.bills, keys, "right") - np.searchsorted(a.bills, keys, "left")
    needed = np.where(np.abs(rest - small) < 0.005, 2, 1)
    apart = (a.rows.vendor == b.rows.vendor) & (a.rows.vendor > 0) & (rest > 0.02 * large)
    return np.where(apart, (count >= needed).astype(float), 0.0)


def _whole(a: Columns, b: Columns, left: Floats, right: Floats) -> Floats:
    """1 where the larger bill is a sum of the smaller and of others with its number or order, or of all of its day."""
    x, y = a.rows, b.rows
    sums = np.zeros(len(left), dtype=bool)
    for name, shared in (("number", (x.stem == y.stem) & (x.stem > 0)), ("day", x.day == y.day),
                         ("order", (x.order == y.order) & (x.order > 0))):  # fmt: skip
        sums |= shared & (np.where(left >= right, a.habit(f"whole_{name}"), b.habit(f"whole_{name}")) == 1.0)
    found: Floats = ((sums & (x.vendor == y.vendor) & (left != right)) | _sums(a, b, "part_named")).astype(float)
    return found


def _sums(a: Columns, b: Columns, name: str) -> Flags:
    """Whether one bill is the whole that the other one is a part of."""
    part_a, part_b, place_a, place_b = a.habit(name), b.habit(name), a.habit("place"), b.habit("place")
    return np.asarray((part_a == place_b) | (part_b == place_a))


def _amount_features(a: Columns, b: Columns) -> list[Floats]:
    x, y = a.rows, b.rows
    left, right = np.abs(x.amount), np.abs(y.amount)
    large, small = np.maximum(left, right), np.minimum(left, right)
    ratio = np.divide(small, large, out=np.ones_like(large), where=large > 0)
    inverse = np.divide(large, small, out=np.full_like(large, nan), where=small > 0)
    same = left == right
    shifted = (np.abs(inverse[:, None] - np.array([10.0, 100.0, 1000.0])) < 1e-6 * inverse[:, None]).any(axis=1)
    taxed = (np.abs(inverse[:, None] - _TAX) < 3e-4).any(axis=1)
    rounds = np.sum([np.abs(np.mod(large + 1e-6, unit)) < 1e-5 for unit in (1.0, 10.0, 100.0)], axis=0)
    off = [
        np.abs(np.log(np.maximum(amount, 0.01)) - one.habit("median")) / one.habit("spread")
        for one, amount in ((a, left), (b, right))
    ]
    often = _elsewhere("amounts", a, b)
    return [
        same.astype(float),
        ratio,
        np.log1p(large - small),
        ((x.amount_digits == y.amount_digits) & ~same).astype(float),
        shifted.astype(float),
        taxed.astype(float),
        (np.sign(x.amount) * np.sign(y.amount) < 0).astype(float),
        _remainder(a, b, large, small),
        _whole(a, b, left, right),
        _sums(a, b, "part_worded").astype(float),
        rounds.astype(float),
        np.fmin(off[0], off[1]),
        np.log1p(often),
        often / np.maximum(1.0, _habit("count", a, b, np.fmax)),
        np.log1p(_elsewhere("amount_day", a, b)),
        _habit("amounts_repeat", a, b, np.fmax),
        _habit("twin_days", a, b, np.fmax),
        _habit("regular", a, b, np.fmin),
        np.clip(_habit("open", a, b, np.fmin), -5.0, 20.0),
        (x.credit == y.credit).astype(float),
        (x.credit | y.credit).astype(float),
        _habit("credited", a, b, np.fmin),
    ]


def _date_features(a: Columns, b: Columns) -> list[Floats]:
    x, y = a.rows, b.rows
    gap = np.abs(x.day - y.day)
    swapped = (x.month == y.month_day) & (x.month_day == y.month) & (gap > 0) & (gap < 340)
    year_off = (x.month == y.month) & (x.month_day == y.month_day) & (gap > 300)
    off_month = np.abs(gap - _MONTH * np.maximum(1.0, np.round(gap / _MONTH)))
    return [
        gap,
        np.where(np.isnan(gap), nan, swapped),
        np.where(np.isnan(gap), nan, year_off),
        np.abs(x.posting - y.posting),
        gap / np.maximum(1.0, _habit("amount_gap", a, b, np.fmin)),
        gap / np.maximum(1.0, _habit("gap", a, b, np.fmin)),
        off_month,
    ]


def _name_likeness(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    return _compared(left, right, left == right, np.full(len(left), 100.0), fuzz.token_sort_ratio) / 100.0


def _party_features(a: Columns, b: Columns) -> list[Floats]:
    x, y = a.rows, b.rows
    text = _compared(x.description, y.description, x.text == y.text, np.full(len(x.text), 100.0), fuzz.ratio)
    return [
        _same(x.vendor, y.vendor),
        np.log1p(_habit("count", a, b, np.fmin)),
        _name_likeness(x.name, y.name),
        _same(x.tax, y.tax),
        _same(x.account, y.account),
        _same(x.entity, y.entity),
        _habit("entities", a, b, np.fmax),
        _same(x.order, y.order),
        _habit("order", a, b, np.fmax),
        np.log1p(_habit("orders", a, b, np.fmax)),
        _same(x.currency, y.currency),
        text / 100.0,
        _same(x.text_digits, y.text_digits),
        _habit("text", a, b, np.fmax),
        np.log1p(_habit("texts", a, b, np.fmax)),
    ]


def column_features(table: Columns, left: Ints, right: Ints) -> Floats:
    """The features of pairs given as rows of `table`: (n_pairs, len(PAIR_FEATURES))."""
    if not len(left):
        return np.empty((0, len(PAIR_FEATURES)))
    a, b = chosen(table, left), chosen(table, right)
    made = chain(_number_features(a, b), _amount_features(a, b), _date_features(a, b), _party_features(a, b))
    return np.column_stack(list(made))


_TYPED = 2


def renumbered_rows(rows: Floats) -> Flags:
    """(n,) True where both numbers are known and unlike, so that only the rest can speak for one bill."""
    at = {name: rows[:, PAIR_FEATURES.index(name)] for name in (
        "number_same_plain", "number_same_folded", "number_same_stem", "number_same_digits", "number_anagram",
        "number_edits", "number_length", "number_middle_short")}  # fmt: skip
    alike = np.any([at[name] == 1.0 for name in list(at)[:5]], axis=0)
    length = at["number_length"]
    alike |= at["number_edits"] <= np.where(length >= 5, _TYPED, np.where(length == 4, 1, 0))
    alike |= (at["number_middle_short"] == 0) & (length >= 3)
    unlike: Flags = ~alike & ~np.isnan(at["number_edits"])
    return unlike


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

"""Why a pair of invoices may be one, what speaks against it, and what kind of duplicate it would be."""

from __future__ import annotations

from collections.abc import Callable
from math import expm1, isnan
from typing import Literal

from models.invoice import Invoice, number_forms
from models.pair_columns import Floats
from models.pair_features import PAIR_FEATURES, renumbered_rows

AGAINST = "but: "
"""Counter-evidence starts with this."""


_PART = 0.95


class _Seen(dict[str, float]):
    """The features of one pair by name. A flag that nobody knows is neither set nor unset."""

    def yes(self, name: str) -> bool:
        return self[name] == 1.0

    def no(self, name: str) -> bool:
        return self[name] == 0.0

    def within(self, name: str, low: float, high: float) -> bool:
        return not isnan(self[name]) and low <= self[name] <= high


def _days(count: float) -> str:
    return "the same day" if count == 0 else ("1 day apart" if count == 1 else f"{count:.0f} days apart")


def _number(a: Invoice, b: Invoice, seen: _Seen) -> str | None:
    if seen.yes("number_same_plain"):
        return f"same invoice number {a.invoice_no}"
    pair = f"{a.invoice_no} and {b.invoice_no}"
    if seen.yes("number_same_folded"):
        return f"numbers {pair} differ only in look-alike characters or leading zeros"
    if seen.yes("number_same_stem"):
        return f"numbers {pair} differ only in a prefix, suffix or leading zeros"
    if seen.yes("number_same_digits"):
        return f"numbers {pair} have the same digits"
    if seen.yes("number_anagram"):
        return f"numbers {pair} are transposed"
    if seen.within("number_edits", 1, 1) and seen.within("number_length", 4, 99):
        return f"numbers {pair} differ in one character"
    return None


def _amount(a: Invoice, b: Invoice, seen: _Seen) -> str | None:
    if seen.yes("amount_same") and seen.no("amount_opposite"):
        return f"same amount {abs(a.amount)} {a.currency}".rstrip()
    pair = f"{abs(a.amount)} and {abs(b.amount)}"
    if seen.yes("amount_remainder") and seen["amount_ratio"] < _PART:
        return (
            f"amounts {pair}, and the vendor has one more bill over the difference {abs(abs(a.amount) - abs(b.amount))}"
        )
    if seen.yes("amount_whole") or seen.yes("amount_sum"):
        return f"amounts {pair}: the smaller is one of the parts that sum to the larger"
    if seen.yes("amount_shifted"):
        return f"amounts {pair} differ by a shifted decimal point"
    if seen.yes("amount_anagram"):
        return f"amounts {pair} have transposed digits"
    if seen.yes("amount_tax_ratio"):
        return f"amounts {pair} differ by a usual tax rate"
    if seen.within("amount_ratio", 0.98, 0.99999):
        return f"amounts {pair} are within 2 %"
    return None


def _date(seen: _Seen) -> str | None:
    if seen.yes("date_swapped"):
        return "dates with day and month exchanged"
    if seen.yes("date_year_off"):
        return "same day and month in another year"
    return f"dated {_days(seen['date_gap'])}" if seen.within("date_gap", 0, 10) else None


def _party(a: Invoice, b: Invoice, seen: _Seen) -> list[str]:
    found = []
    if seen.no("vendor_same"):
        if seen.yes("tax_same"):
            found.append(f"two vendor records ({a.vendor_id} and {b.vendor_id}) with one tax id")
        elif seen.within("name_similarity", 0.85, 1.0):
            found.append(f"two vendor records with like names ({a.vendor_name} and {b.vendor_name})")
        if seen.yes("account_same"):
            found.append("same bank account")
    if seen.yes("order_same"):
        found.append(f"same purchase order {a.po}")
    if seen.no("entity_same"):
        found.append(f"booked in two entities ({a.entity} and {b.entity})")
    return found


Counter = tuple[Callable[[_Seen], bool], Callable[[_Seen], str]]
_COUNTERS: tuple[Counter, ...] = (
    (lambda s: s.within("credited_after", 0, 120), lambda s: "a credit note of this amount followed"),
    (lambda s: s.yes("credit_involved") and s.no("type_same"), lambda s: "one of them is a credit note"),
    (
        lambda s: s.within("off_month", 0, 4) and s["date_gap"] > 20 and s["amount_count"] > 1.3,
        lambda s: f"this amount recurs about monthly ({expm1(s['amount_count']):.0f} times)",
    ),
    (
        lambda s: s.within("serial_steps", 0.01, 3) and s.within("vendor_sequential", 0.8, 1),
        lambda s: "both numbers fit the vendor's sequence",
    ),
    (
        lambda s: s["number_count"] > 1.5 and s.yes("number_same_folded"),
        lambda s: f"the vendor uses this number again and again ({expm1(s['number_count']):.0f} times)",
    ),
    (
        lambda s: s["number_vendors"] > 1.2 and s.no("vendor_same"),
        lambda s: f"{expm1(s['number_vendors']):.0f} vendors use this number",
    ),
    (
        lambda s: s["amount_day_count"] > 1.2 and not s.yes("number_same_folded"),
        lambda s: f"the vendor has {expm1(s['amount_day_count']):.0f} bills of this amount on one day",
    ),
    (
        lambda s: s["amount_twin_days"] > 0.1 and s.yes("amount_same") and not s.yes("number_same_folded"),
        lambda s: f"the vendor often bills one amount several times a day ({s['amount_twin_days']:.0%} of its days)",
    ),
    (
        lambda s: s["number_reuse"] > 0.15 and s.yes("number_same_folded"),
        lambda s: f"the vendor uses {s['number_reuse']:.0%} of its other numbers more than once",
    ),
    (
        lambda s: s["number_heads"] > 1.3 and not s.yes("number_same_plain") and s.yes("number_head_same"),
        lambda s: f"{expm1(s['number_heads']):.0f} bills of the vendor begin with this number: it may count lines",
    ),
    (
        lambda s: s["entity_habit"] > 0.1 and s.no("entity_same"),
        lambda s: f"the vendor often bills several entities alike ({s['entity_habit']:.0%})",
    ),
    (
        lambda s: s.yes("order_same") and s["order_count"] > 1.3,
        lambda s: f"this order is on {expm1(s['order_count']):.0f} bills",
    ),
    (lambda s: s["number_lines"] > 1 and s.no("amount_same"), lambda s: "they look like lines of one invoice"),
    (lambda s: s.no("order_same"), lambda s: "different purchase orders"),
    (lambda s: s.no("currency_same"), lambda s: "different currencies"),
    (lambda s: s.no("account_same") and s.yes("vendor_same"), lambda s: "different bank accounts"),
    (
        lambda s: s.no("vendor_same") and not s.yes("tax_same") and s["name_similarity"] < 0.6,
        lambda s: "different vendors",
    ),
    (lambda s: s.no("description_digits_same"), lambda s: "the descriptions name different periods or items"),
    (
        lambda s: s["date_gap"] > 60 and not s.yes("date_swapped") and not s.yes("date_year_off"),
        lambda s: f"dated {_days(s['date_gap'])}",
    ),
)


def queue_of(a: Invoice, b: Invoice, row: Floats) -> Literal["duplicate", "renumbered"]:
    """The queue of a pair: renumbered where the numbers are unlike, so that only the rest can speak for one bill."""
    return "renumbered" if renumbered_rows(row[None, :])[0] else "duplicate"


def reasons(a: Invoice, b: Invoice, row: Floats) -> tuple[str, ...]:
    """Evidence, then counter-evidence (starting with AGAINST), in words, from the features of one pair."""
    seen = _Seen(zip(PAIR_FEATURES, (float(value) for value in row), strict=True))
    found = [text for text in (_number(a, b, seen), _amount(a, b, seen), _date(seen)) if text]
    found += _party(a, b, seen)
    return (*found, *(AGAINST + text(seen) for holds, text in _COUNTERS if holds(seen)))


def kind(a: Invoice, b: Invoice, row: Floats) -> str:
    """The kind of duplicate a pair would be, in the order in which they are tried.

    credit_and_rebill: a credit note took one of them back. other_vendor_record, other_entity, currency: the
    same bill under another vendor, entity or currency. split: a part of the other. penny, amount: an amount
    below one unit or further off. resubmitted: number, date and amount are the same. date: only the date
    differs. format, suffix, ocr, typo: the number is spelled in another way, extended, misread or mistyped.
    renumbered: another number.
    """
    seen = _Seen(zip(PAIR_FEATURES, (float(value) for value in row), strict=True))
    if seen.within("credited_after", 0, 120) and seen.within("amount_open", -99, 1) and seen.yes("type_same"):
        return "credit_and_rebill"
    for flag, name in (("vendor_same", "other_vendor_record"), ("entity_same", "other_entity"),
                       ("currency_same", "currency")):  # fmt: skip
        if seen.no(flag):
            return name
    if not seen.yes("amount_same"):
        return _other_amount(a, b, seen)
    if seen.yes("number_same_plain"):
        if seen.within("date_gap", 1, 1e6):
            return "date"
        return "resubmitted" if a.invoice_no.strip() == b.invoice_no.strip() else "format"
    return "renumbered" if renumbered_rows(row[None, :])[0] else _spelling(a, b, seen)


def _other_amount(a: Invoice, b: Invoice, seen: _Seen) -> str:
    part = seen["amount_ratio"] < _PART
    named = seen.yes("number_same_stem") and seen.no("number_same_folded")
    if part and (named or seen.yes("amount_remainder") or seen.yes("amount_whole") or seen.yes("amount_sum")):
        return "split"
    return "penny" if abs(abs(a.amount) - abs(b.amount)) < 1 else "amount"


def _spelling(a: Invoice, b: Invoice, seen: _Seen) -> str:
    left, right = number_forms(a.invoice_no).plain, number_forms(b.invoice_no).plain
    if seen.yes("number_same_folded") and not seen.yes("number_same_digits"):
        return "ocr"
    longer, shorter = (left, right) if len(left) > len(right) else (right, left)
    # A digit more in one run is a slip of the hand; anything else behind the number was put there.
    if shorter and longer.startswith(shorter) and not (seen.yes("style_same") and longer[-1:].isdigit()):
        return "suffix"
    same = seen.yes("number_same_folded") or seen.yes("number_same_stem") or seen.yes("number_same_digits")
    return "format" if same or (shorter and longer.endswith(shorter)) else "typo"

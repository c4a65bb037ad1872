"""What a finance department has without a model: the exact check of an ERP, and the rule pack of a recovery audit.

Both are baselines, written from what such checks are known to do: an ERP compares vendor, currency, company, reference
and date as they stand; a recovery auditor runs a dozen rules over the whole ledger and a person clears what they flag.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

from evals.duplicate_ledgers import Pair, Planted, ordered
from evals.duplicate_scores import Found
from models.duplicates import Invoice

_MOST_TOGETHER = 60
"""A key that more invoices share is no rule that anybody runs."""

Key = Callable[[Invoice], Hashable | None]
Check = Callable[[Invoice, Invoice], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """Invoices that agree in `key` and pass `check`; a key of None takes part in nothing."""

    name: str
    key: Key
    check: Check = lambda one, two: True


def _bare(number: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", number.upper())


def _figures(number: str) -> str | None:
    """The figures of a number without leading zeros, where there are enough to tell."""
    found = re.sub(r"\D", "", number).lstrip("0")
    return found if len(found) >= 3 else None


def _stem(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())[:6]


def _with(*parts: Hashable | None) -> Hashable | None:
    return None if any(part is None or part == "" for part in parts) else tuple(parts)


def _within(days: int) -> Check:
    def check(one: Invoice, two: Invoice) -> bool:
        return bool(one.invoice_date and two.invoice_date) and abs(
            one.invoice_date - two.invoice_date  # type: ignore[operator]
        ) <= timedelta(days=days)

    return check


# Shorter than a month, or every rent would be flagged.
_near = _within(20)


def _almost(one: Invoice, two: Invoice) -> bool:
    return one.amount != two.amount and abs(one.amount - two.amount) <= max(abs(one.amount) / 100, Decimal(1))


def _one_edit(one: Invoice, two: Invoice) -> bool:
    """Whether one character more, less or other makes the numbers equal, or two neighbours swapped."""
    left, right = sorted((_bare(one.invoice_no), _bare(two.invoice_no)), key=len)
    if left == right or len(right) - len(left) > 1:
        return left == right
    at = next((place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), len(left))
    if len(left) == len(right):
        swapped = left[at + 1 : at + 2] + left[at : at + 1] + left[at + 2 :]
        return left[at + 1 :] == right[at + 1 :] or swapped == right[at:]
    return left[at:] == right[at + 1 :]


def _typed(one: Invoice, two: Invoice) -> bool:
    return _near(one, two) and _one_edit(one, two)


def _vendor(one: Invoice) -> str:
    return one.vendor_id or one.vendor_name


EXACT = Rule(
    "erp_exact_check",
    lambda one: _with(_vendor(one), one.currency, one.entity, one.invoice_no, one.invoice_date),
)
PACK = (
    Rule("vendor, number, amount", lambda one: _with(_vendor(one), _bare(one.invoice_no), one.amount), _near),
    Rule("vendor, amount, date", lambda one: _with(_vendor(one), one.amount, one.invoice_date)),
    Rule("vendor, number", lambda one: _with(_vendor(one), _bare(one.invoice_no)), _near),
    Rule("vendor, figures, amount", lambda one: _with(_vendor(one), _figures(one.invoice_no), one.amount), _near),
    Rule("vendor, amount, number by one edit", lambda one: _with(_vendor(one), one.amount), _typed),
    Rule("vendor, amount, a few days", lambda one: _with(_vendor(one), one.amount), _within(5)),
    Rule("number, amount, any vendor", lambda one: _with(_figures(one.invoice_no), one.amount), _near),
    Rule("number, date, any vendor", lambda one: _with(_figures(one.invoice_no), one.invoice_date)),
    Rule("amount, date, similar name", lambda one: _with(one.amount, one.invoice_date, _stem(one.vendor_name))),
    Rule("bank account, amount", lambda one: _with(one.iban, one.amount), _near),
    Rule("tax id, amount", lambda one: _with(one.tax_id, one.amount), _near),
    Rule("order, amount", lambda one: _with(one.po, one.amount), _near),
    Rule("vendor, figures, amount almost", lambda one: _with(_vendor(one), _figures(one.invoice_no)), _almost),
)


def hits(invoices: Sequence[Invoice], rule: Rule) -> set[Pair]:
    """Pairs that a rule flags. Credit notes are no second payment."""
    groups: dict[Hashable, list[int]] = {}
    for row, one in enumerate(invoices):
        key = rule.key(one) if one.amount > 0 else None
        if key is not None:
            groups.setdefault(key, []).append(row)
    return {
        ordered(left, right)
        for rows in groups.values()
        if len(rows) <= _MOST_TOGETHER
        for left, right in combinations(rows, 2)
        if rule.check(invoices[left], invoices[right])
    }


def exact_check(ledger: Planted) -> list[Found]:
    return [Found(pair, 1.0) for pair in sorted(hits(ledger.invoices, EXACT))]


def rule_pack(ledger: Planted) -> list[Found]:
    """What any rule flags; the more rules say so, the higher: THRESHOLD for one, towards 1 for all."""
    count: Counter[Pair] = Counter()
    for rule in PACK:
        count.update(hits(ledger.invoices, rule))
    return [Found(pair, 0.5 + said / (2 * len(PACK))) for pair, said in sorted(count.items())]

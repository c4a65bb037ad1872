"""Pairs become groups: all documents that say the same bill, with what that means in money.

Copies of copies, a bill and the parts it was split into, and a bill that was credited and issued again are one
finding each, not one for every pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from models.duplicates import DuplicatePair
from models.invoice import Invoice, vendor_key

_MOST_PARTS = 12
_GRACE_DAYS = 3


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Documents that belong together, earliest first.

    kind: that of the likeliest pair, or split (parts sum to the whole), or credit_and_rebill (a credit note
    took every copy but one back). probability: of the likeliest pair. at_risk: what would be paid once too
    often, in `currency`; the largest document is taken for the one that stays. alert: False where nothing is
    at risk. reason: in words. whole: the document that the parts sum to, for a split; credits: the credit
    notes that took copies back.
    """

    ids: tuple[str, ...]
    kind: str
    queue: str
    probability: float
    pairs: tuple[DuplicatePair, ...]
    at_risk: Decimal
    currency: str
    alert: bool
    reason: str
    whole: str | None = None
    credits: tuple[str, ...] = ()


def _is_credit(invoice: Invoice) -> bool:
    return invoice.doc_type == "credit_note" or invoice.amount < 0


def _day(invoice: Invoice) -> int:
    day = invoice.invoice_date or invoice.posting_date
    return day.toordinal() if day else 0


def _sort_key(invoice: Invoice) -> tuple[int, int, str]:
    return (invoice.posting_date.toordinal() if invoice.posting_date else 0, _day(invoice), invoice.invoice_id)


def _components(pairs: Sequence[DuplicatePair]) -> list[list[DuplicatePair]]:
    """The pairs of each connected component, in the order of its first pair."""
    parent: dict[str, str] = {}

    def find(one: str) -> str:
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for pair in pairs:
        parent[find(pair.left_id)] = find(pair.right_id)
    found: dict[str, list[DuplicatePair]] = defaultdict(list)
    for pair in pairs:
        found[find(pair.left_id)].append(pair)
    return list(found.values())


def _split(members: Sequence[Invoice]) -> tuple[Invoice, tuple[Invoice, ...]] | None:
    """(whole, parts): one document whose amount is the sum of two or more others in its currency."""
    for whole in sorted(members, key=lambda one: -abs(one.amount)):
        parts = [
            one
            for one in members
            if one is not whole and one.currency == whole.currency and 0 < abs(one.amount) < abs(whole.amount)
        ][:_MOST_PARTS]
        for count in range(2, len(parts) + 1):
            for chosen in combinations(parts, count):
                if sum((abs(one.amount) for one in chosen), Decimal(0)) == abs(whole.amount):
                    return whole, chosen
    return None


def _credits_of(members: Sequence[Invoice], credits: dict[tuple[str, Decimal], list[Invoice]]) -> list[Invoice]:
    """The credit notes that took a member back: its vendor and amount, not before it; each used once."""
    used: dict[str, Invoice] = {}
    for bill in members:
        for credit in credits.get((vendor_key(bill), abs(bill.amount)), ()):
            if credit.invoice_id not in used and _day(credit) >= _day(bill) - _GRACE_DAYS:
                used[credit.invoice_id] = credit
                break
    return list(used.values())


def _group(
    pairs: list[DuplicatePair], row: dict[str, Invoice], credits: dict[tuple[str, Decimal], list[Invoice]]
) -> DuplicateGroup:
    best = max(pairs, key=lambda pair: pair.probability)
    ids = {one for pair in pairs for one in (pair.left_id, pair.right_id)}
    members = sorted((row[one] for one in ids), key=_sort_key)
    bills = [one for one in members if not _is_credit(one)] or members
    taken_back = _credits_of(bills, credits)
    kind, whole, alert = best.kind, None, True
    stays = max(bills, key=lambda one: abs(one.amount))
    risk = sum((abs(one.amount) for one in bills), Decimal(0)) - abs(stays.amount)
    split = _split(bills)
    if len(taken_back) >= len(bills) - 1 and len(bills) > 1:
        kind, risk, alert = "credit_and_rebill", Decimal(0), False
        reason = f"{len(bills)} bills and {len(taken_back)} credit notes of the same amount: nothing is paid twice"
    elif split is not None:
        kind, whole, risk = "split", split[0].invoice_id, abs(split[0].amount)
        amounts = " + ".join(str(abs(one.amount)) for one in split[1])
        reason = f"{amounts} = {abs(split[0].amount)} {split[0].currency}".rstrip() + ": the parts are the whole"
    else:
        risk -= sum((abs(one.amount) for one in taken_back), Decimal(0))
        reason = f"{len(bills)} documents of one bill" if len(bills) > 2 else best.kind
    return DuplicateGroup(
        ids=tuple(one.invoice_id for one in members),
        kind=kind,
        queue=best.queue,
        probability=best.probability,
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair.probability, pair.left_id, pair.right_id))),
        at_risk=max(risk, Decimal(0)),
        currency=stays.currency,
        alert=alert,
        reason=reason,
        whole=whole,
        credits=tuple(one.invoice_id for one in taken_back),
    )


def groups(invoices: Iterable[Invoice], pairs: Sequence[DuplicatePair]) -> list[DuplicateGroup]:
    """One group for all documents that pairs connect; most likely first.

    `invoices` holds the documents of the pairs; with the rest of the ledger in it, credit notes that took a
    copy back are seen too. Raises KeyError for a pair of unknown invoices.
    """
    row: dict[str, Invoice] = {}
    credits: dict[tuple[str, Decimal], list[Invoice]] = defaultdict(list)
    for one in invoices:
        row[one.invoice_id] = one
        if _is_credit(one):
            credits[vendor_key(one), abs(one.amount)].append(one)
    for notes in credits.values():
        notes.sort(key=_sort_key)
    found = [_group(members, row, credits) for members in _components(pairs)]
    return sorted(found, key=lambda group: (-group.probability, group.ids))

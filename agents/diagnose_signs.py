"""Signs of a cause that hang on no type of exception: a failing interface, a person who has not decided, a price that
was agreed, another unit, another tax number, a payment that nobody applied, a paper from outside. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from agents import facts
from agents.diagnosis import Cause, said
from agents.option import matched_supplier
from agents.state import View

_STATUSES = ("interface_status", "posting_job", "feed_status", "blocked_by", "block_reason")
_NEGATED = re.compile(r"\b(no|0|without|not|keine?|sans|aucune?|ohne)\s+\w*(fail|err|gap|miss)\w*")
_BAD = re.compile(
    r"\b(fail\w*|errors?|gaps?|down|time ?d? ?out\w*|abort\w*|reject\w*|partial\w*|incomplete|broken|stuck|missing|"
    r"lost|delayed|interface|fehler\w*|fehlgeschlagen|abgebrochen|erreur|echec|fallido|fallito|errore|mislukt)\b"
)
_GOOD = re.compile(r"\b(ok|okay|done|complete|completed|success\w*|running|finished)\b")
_PATIENCE = Decimal(3)
"""Days for which a request may wait without anybody being late."""
_CASH = frozenset(
    {"overdue", "open_item", "short_payment", "reconciliation_break", "unapplied_cash", "unmatched_bank_line"}
)


def _words(view: View, *names: str) -> str:
    """What these say, in small letters. That nothing failed is said as 'done'."""
    found = " ; ".join(facts.text(view.details, name) or "" for name in names)
    return _NEGATED.sub(" done ", found.replace("_", " ").casefold())


def interface_failed(view: View) -> bool:
    """Whether a job or an interface between systems is said to have failed, or to have left a gap."""
    return _BAD.search(_words(view, *_STATUSES)) is not None


def interface_ran(view: View) -> bool:
    """Whether one is said to have run, and none to have failed."""
    return not interface_failed(view) and _GOOD.search(_words(view, *_STATUSES[:3])) is not None


def blocked_for(view: View, *words: str) -> bool:
    """Whether the block that the case names has one of these words in its reason."""
    found = _words(view, "blocked_by", "block_reason")
    return any(re.search(rf"\b{word}", found) for word in words)


def _interface(view: View) -> Cause | None:
    if not interface_failed(view):
        return None
    facts_ = (*said(view, *_STATUSES), ("a job or an interface between systems did not run in full", "case"))
    return Cause("integration_failure", facts_)


def _pending(view: View) -> Cause | None:
    """A person has not decided. Who is asked since yesterday holds nothing up."""
    waited = facts.number(view.details, "waiting_days")
    named = facts.text(view.details, "approver")
    if blocked_for(view, "approv", "sign"):
        return Cause("approval_bottleneck", (*said(view, "blocked_by", "block_reason", "approver", "waiting_days"),))
    if waited is None or waited < _PATIENCE:
        return None
    return Cause("approval_bottleneck", (*said(view, "approver", "waiting_days", "absent_until"),
                                         (f"{named or 'a person'} has not decided yet", "case")))  # fmt: skip


def _identity(view: View) -> Cause | None:
    """The tax number, or the name, on a supplier's document is not that of the books."""
    if view.brief.facts.queue != "accounts_payable":
        return None
    books, document = (
        facts.normal_iban(facts.text(view.details, name)) for name in ("books_vat_id", "document_vat_id")
    )
    if books and document and books != document:
        return Cause("supplier_master_mismatch", (*said(view, "books_vat_id", "document_vat_id"),))
    if "vat_id_differs" in facts.texts(matched_supplier(view), "findings"):
        return Cause("supplier_master_mismatch", (("the VAT id on the document is not the one in the books", "books"),))
    return None


def agreed(view: View) -> Cause | None:
    """The other side kept to the agreed price, and our order or our invoice did not."""
    price = facts.number(view.details, "agreed_price")
    if price is None:
        return None
    shown = said(view, "agreed_price", "ordered_unit_price", "billed_unit_price", "billed_price", "billed", "received")
    ordered, unit = (facts.number(view.details, name) for name in ("ordered_unit_price", "billed_unit_price"))
    if unit == price and ordered != price:
        return Cause("data_quality", (*shown, ("the billed price is the agreed one: our order holds another", "case")))
    billed = facts.number(view.details, "billed_price")
    if billed is not None and billed > price:
        return Cause("data_quality", (*shown, ("we billed more than was agreed", "case")))
    return None


def units(view: View) -> Cause | None:
    """Another unit: fewer of them at a higher price, and the value of the line is the same."""
    names = ("billed_quantity", "billed_unit_price", "ordered_unit_price")
    count, price, agreed_price = (facts.number(view.details, name) for name in names)
    ordered = _ordered(view)
    if not (count and price and agreed_price and ordered) or count == ordered:
        return None
    value, expected = count * price, ordered * agreed_price
    if abs(value - expected) > abs(expected) * view.tolerances.price_percent / 100:
        return None
    same = ("the value of the line is the same: it was billed in another unit", "match")
    return Cause(
        "data_quality", (*said(view, *names), (f"ordered quantity: {facts.amount_text(ordered)}", "books"), same)
    )


def _ordered(view: View) -> Decimal | None:
    """How many were ordered, where the order has one line; else as many as were received."""
    rows = (view.brief.order or {}).get("lines")
    if isinstance(rows, list | tuple) and len(rows) == 1 and isinstance(rows[0], dict):
        return facts.number(rows[0], "quantity")
    return facts.number(view.details, "received_quantity")


def counterpart(view: View) -> Cause | None:
    """There is an entry that fits: it was not put to this one."""
    found = facts.texts(view.details, "candidates")
    if not found or view.kind.get("exception_type") not in _CASH:
        return None
    shown = said(view, "bank_line", "payer", "booking_text", "remittance_text")
    return Cause("data_quality", (*shown, (f"possible counterpart: {', '.join(found[:5])}", "case")))


def _outside(view: View) -> Cause | None:
    """Something waits for a paper that somebody else has to send."""
    if not facts.texts(view.details, "missing"):
        return None
    return Cause("counterparty", (*said(view, "depends_on", "requested_on"), *_missing(view)))


def _missing(view: View) -> tuple[tuple[str, str], ...]:
    return ((f"missing: {', '.join(facts.texts(view.details, 'missing')[:5])}", "case"),)


def signs(view: View) -> Iterator[Cause]:
    """What else the evidence shows, deepest first: who it is, then what broke, who waits, what is wrong, who did it."""
    for look in (_identity, _interface, _pending, agreed, units, counterpart, _outside):
        found = look(view)
        if found is not None:
            yield found

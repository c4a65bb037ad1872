"""Node 2a: three-way match of invoice, order and receipts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from agents import facts
from agents.match_lines import line_checks, receipt_check, sums_check, tax_check, total_check, value_of, without_sign
from agents.match_terms import (
    DIFFERS,
    MISSING,
    OK,
    UNKNOWN,
    Billed,
    Check,
    Line,
    Match,
    Ordered,
    Supplier,
    compared,
)  # fmt: skip
from agents.tolerances import Tolerances
from governance.record.queue import Brief

__all__ = ["Billed", "Check", "Line", "Match", "Ordered", "Supplier", "match_brief", "three_way"]
# The account on these is our own or a third party's: nobody asks to be paid there.
_OWN_ACCOUNT = frozenset({"bank_statement", "remittance_advice"})


def three_way(
    billed: Billed,
    order: Ordered | None,
    received: Sequence[Line],
    supplier: Supplier,
    tolerances: Tolerances,
    before: Sequence[Line] = (),
) -> Match:
    """Compare an invoice or a credit note with its order, its receipts and the supplier's master record.

    `received`: all receipts of the order, returns below zero; `before`: what earlier invoices billed of it. Checks:
    order_reference, order (in the books and of this supplier), currency, price (by line and in all), quantity (what was
    billed before counts), unit, receipt (or return, for a credit), tax, arithmetic (lines, net, tax, total), bank (the
    account is one of the supplier's). A check that nothing was read for is unknown, never ok.
    """
    if billed.credit:
        billed = without_sign(billed)
    checks = _order_checks(billed, order, received, supplier, tolerances, before)
    sums = sums_check(billed, supplier, tolerances)
    more = (tax_check(billed, supplier, tolerances), sums, _bank_check(billed.iban, supplier))
    return Match((*checks, *(one for one in more if one is not None)), tolerances.said())


def _order_checks(
    billed: Billed,
    order: Ordered | None,
    received: Sequence[Line],
    supplier: Supplier,
    tolerances: Tolerances,
    before: Sequence[Line],
) -> list[Check]:
    if billed.order is None:
        return [Check("order_reference", MISSING, None, None)]
    checks = [Check("order_reference", OK, None, billed.order)]
    if order is None:
        return [*checks, Check("order", MISSING, billed.order, None)]
    checks.append(compared("order", order.supplier_id, supplier.id, order.supplier_id == supplier.id))
    checks.append(compared("currency", order.currency, billed.currency, order.currency == billed.currency))
    receipt = receipt_check(billed, order, received, before, tolerances)
    if order.currency != billed.currency:
        # Prices in two currencies are not comparable; quantities are.
        return [*checks, Check("price", UNKNOWN, None, None), receipt]
    if billed.lines and order.lines:
        return [*checks, *line_checks(billed, order, before, tolerances), receipt]
    arrived = value_of(received, order, before) if received and receipt.status == DIFFERS else None
    price = total_check(billed, order, arrived, supplier, tolerances)
    if arrived is not None and price.status == OK and price.expected != facts.amount_text(order.total):
        # Part of the order came, and that part was billed.
        receipt = Check("receipt", OK, None, None)
    return [*checks, price, receipt]


def _bank_check(iban: str | None, supplier: Supplier) -> Check | None:
    """Is the account one of the supplier's? None where the document names none."""
    account = facts.normal_iban(iban)
    if not account:
        return None
    known = {facts.normal_iban(one) for one in supplier.ibans}
    if not known:
        return Check("bank", DIFFERS if supplier.elsewhere else UNKNOWN, None, account)
    return Check("bank", OK if account in known else DIFFERS, ", ".join(sorted(known)), account)


def _first(row: Mapping[str, object], *names: str) -> Decimal | None:
    return next((found for name in names if (found := facts.number(row, name)) is not None), None)


def _lines(rows: object) -> tuple[Line, ...]:
    """Lines as the books or an ERP write them: sku (or line number), quantity, unit_price or price, and where they are
    said amount, per (units that the price is for), unit, tax_rate."""
    found = []
    for at, row in enumerate(rows if isinstance(rows, list | tuple) else (), 1):
        if isinstance(row, Mapping):
            per = _first(row, "per", "price_unit", "base_quantity")
            found.append(
                Line(
                    key=facts.text(row, "sku") or facts.text(row, "line") or str(at),
                    quantity=facts.number(row, "quantity"),
                    unit_price=_first(row, "unit_price", "price"),
                    amount=_first(row, "amount", "line_amount"),
                    per=per if per is not None and per > 0 else Decimal(1),
                    unit=facts.text(row, "unit"),
                    tax_rate=_first(row, "tax_rate", "tax_percent"),
                )
            )
    return tuple(found)


def _supplier(brief: Brief) -> Supplier:
    country = brief.supplier.country if brief.supplier else None
    said = brief.reading.get("supplier_match")
    match = said if isinstance(said, Mapping) else {}
    # What intake found holds for the supplier and the account that it saw.
    same = match.get("supplier_id") == brief.facts.supplier_id and facts.normal_iban(
        facts.field(brief, "iban")
    ) == facts.normal_iban(brief.facts.payee_iban)
    elsewhere = same and match.get("outcome") == "bank_details_differ"
    rate = facts.number(brief.facts.details, "expected_rate_percent")
    return Supplier(brief.facts.supplier_id, country, brief.supplier_ibans, elsewhere, rate)


def _account_alone(brief: Brief) -> Match | None:
    """A reminder or a letter with another account is the same fraud as an invoice with one."""
    if brief.facts.document_class in _OWN_ACCOUNT or brief.supplier is None:
        return None
    bank = _bank_check(brief.facts.payee_iban, _supplier(brief))
    return Match((bank,)) if bank is not None and bank.status == DIFFERS else None


def match_brief(brief: Brief, tolerances: Tolerances) -> Match | None:
    """The three-way match of one case; of other documents than bills the account alone, where it is not the supplier's.

    None where it is not a supplier's document.
    """
    if brief.facts.queue != "accounts_payable":
        return None
    if brief.facts.document_class not in (None, "invoice", "credit_note"):
        return _account_alone(brief)
    details = brief.facts.details
    billed = Billed(
        order=facts.order_number(brief),
        currency=brief.facts.currency,
        total=brief.facts.amount,
        net=facts.number(details, "net_amount"),
        tax=facts.number(details, "tax_amount"),
        iban=brief.facts.payee_iban,
        lines=_lines(details.get("lines")),
        adjustment=facts.number(details, "adjustment_amount") or Decimal(0),
        credit=brief.facts.document_class == "credit_note" or (brief.facts.amount or 0) < 0,
    )
    order = brief.order and Ordered(
        id=str(brief.order["id"]),
        supplier_id=brief.order["supplier_id"],
        currency=brief.order["currency"],
        total=facts.number(brief.order, "total"),
        lines=_lines(brief.order["lines"]),
    )
    received = [line for receipt in brief.receipts for line in _lines(receipt.get("lines"))]
    before = _lines(details.get("billed_before"))
    return three_way(billed, order or None, received, _supplier(brief), tolerances, before)

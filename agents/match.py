"""Node 2a: three-way match of invoice, order and receipts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents import facts
from agents.tolerances import Tolerances
from governance.record.queue import Brief

OK, DIFFERS, MISSING, UNKNOWN = "ok", "differs", "missing", "unknown"
# Standard and reduced rates in percent where the books know the country; an order's total is net, an invoice's gross.
_RATES = {
    "DE": (19, 7, 0), "FR": (20, 10, Decimal("5.5"), 0), "GB": (20, 5, 0), "ES": (21, 10, 0), "IT": (22, 10, 0),
    "NL": (21, 9, 0), "AT": (20, 10, 0), "BE": (21, 6, 0), "PL": (23, 8, 0), "IE": (23, 0), "PT": (23, 0),
    "SE": (25, 0), "DK": (25, 0), "LU": (17, 0), "CH": (Decimal("8.1"), 0),
}  # fmt: skip

# The account on these is our own or a third party's: nobody asks to be paid there.
_OWN_ACCOUNT = frozenset({"bank_statement", "remittance_advice"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice, an order or a receipt; None = not said. Money per unit, net."""

    key: str
    quantity: Decimal | None
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Billed:
    """What the invoice says. `total` is gross, `net` and `tax` are None where it was not read."""

    order: str | None
    currency: str | None
    total: Decimal | None
    net: Decimal | None = None
    tax: Decimal | None = None
    iban: str | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordered:
    """The order in the books. `total` is net."""

    id: str
    supplier_id: str | None
    currency: str | None
    total: Decimal | None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Supplier:
    """The master record: `ibans` are those that the books hold now. `elsewhere`: intake found that the account on the
    document belongs to somebody else."""

    id: str | None
    country: str | None
    ibans: tuple[str, ...]
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `status`: ok | differs | missing | unknown."""

    name: str
    status: str
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """All comparisons. `outcome`: matched (every check ok) | differs | incomplete (something is missing or unknown)."""

    checks: tuple[Check, ...]

    @property
    def outcome(self) -> str:
        statuses = {check.status for check in self.checks}
        if DIFFERS in statuses:
            return DIFFERS
        return "matched" if statuses == {OK} else "incomplete"

    def status(self, name: str) -> str:
        return next((check.status for check in self.checks if check.name == name), UNKNOWN)

    def as_dict(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "checks": [
                {"name": one.name, "status": one.status, "expected": one.expected, "found": one.found}
                for one in self.checks
            ],
        }


def _text(value: Decimal | str | None) -> str | None:
    return facts.amount_text(value) if isinstance(value, Decimal) else value


def _compared(name: str, expected: Decimal | str | None, found: Decimal | str | None, same: bool) -> Check:
    if expected is None or found is None:
        return Check(name, UNKNOWN, _text(expected), _text(found))
    return Check(name, OK if same else DIFFERS, _text(expected), _text(found))


def _close(left: Decimal, right: Decimal, tolerances: Tolerances) -> bool:
    """Equal within the tolerance: percent of the expected value `right`, or the absolute rounding allowance."""
    allowed = max(abs(right) * tolerances.price_percent / 100, tolerances.rounding)
    return abs(left - right) <= allowed


def _over_billed(billed: Mapping[str, Line], agreed: Mapping[str, Line], tolerances: Tolerances) -> tuple[Check, Check]:
    """Price and quantity line by line; the first line that breaks a tolerance is shown."""
    price = Check("price", OK, None, None)
    quantity = Check("quantity", OK, None, None)
    for key, line in billed.items():
        other = agreed.get(key)
        if other is None:
            return price, Check("quantity", DIFFERS, "0", _text(line.quantity))
        priced = line.unit_price is not None and other.unit_price is not None
        if priced and not _close(line.unit_price or Decimal(0), other.unit_price or Decimal(0), tolerances):
            price = Check("price", DIFFERS, _text(other.unit_price), _text(line.unit_price))
        if line.quantity is not None and other.quantity is not None:
            most = other.quantity * (1 + tolerances.quantity_percent / 100)
            if line.quantity > most:
                quantity = Check("quantity", DIFFERS, _text(other.quantity), _text(line.quantity))
    return price, quantity


def _by_key(lines: Iterable[Line]) -> dict[str, Line]:
    """Lines of one key are one line: quantities add up, the highest price stands."""
    merged: dict[str, Line] = {}
    for line in lines:
        before = merged.get(line.key)
        if before is not None:
            known = [one.quantity for one in (before, line) if one.quantity is not None]
            prices = [one.unit_price for one in (before, line) if one.unit_price is not None]
            line = Line(line.key, sum(known, Decimal(0)) if known else None, max(prices) if prices else None)
        merged[line.key] = line
    return merged


def _total_check(billed: Billed, order: Ordered, country: str | None, tolerances: Tolerances) -> Check:
    """The order's net total against what was billed; an unknown tax leaves room for the country's rates."""
    if order.total is None or (billed.net is None and billed.total is None):
        return Check("price", UNKNOWN, _text(order.total), _text(billed.net or billed.total))
    if billed.net is not None:
        return _compared("price", order.total, billed.net, _close(billed.net, order.total, tolerances))
    total = billed.total or Decimal(0)
    rates = _RATES.get(country or "")
    if rates is None:
        return Check("price", UNKNOWN, _text(order.total), _text(total))
    fits = any(_close(total, order.total * (100 + Decimal(rate)) / 100, tolerances) for rate in rates)
    highest = order.total * (100 + Decimal(rates[0])) / 100
    # Below the order it may be a part of it; above every rate it is too much.
    status = OK if fits else (DIFFERS if total > highest else UNKNOWN)
    return Check("price", status, _text(order.total), _text(total))


def _order_checks(billed: Billed, order: Ordered | None, supplier: Supplier, tolerances: Tolerances) -> list[Check]:
    if billed.order is None:
        return [Check("order_reference", MISSING, None, None)]
    checks = [Check("order_reference", OK, None, billed.order)]
    if order is None:
        return [*checks, Check("order", MISSING, billed.order, None)]
    checks.append(_compared("order", order.supplier_id, supplier.id, order.supplier_id == supplier.id))
    checks.append(_compared("currency", order.currency, billed.currency, order.currency == billed.currency))
    if billed.lines and order.lines:
        checks += _over_billed(_by_key(billed.lines), _by_key(order.lines), tolerances)
    elif order.currency == billed.currency:
        checks.append(_total_check(billed, order, supplier.country, tolerances))
    return checks


def _receipt_check(billed: Billed, order: Ordered, received: Sequence[Line], tolerances: Tolerances) -> Check:
    """Goods were received: as many as were billed, or as many as were ordered where the invoice's lines are unknown."""
    if not received:
        return Check("receipt", MISSING, None, None)
    arrived = _by_key(received)
    expected = _by_key(billed.lines or order.lines)
    for key, line in expected.items():
        there = arrived[key].quantity if key in arrived else Decimal(0)
        if line.quantity is not None and there is not None:
            least = line.quantity / (1 + tolerances.quantity_percent / 100)
            if there < least:
                return Check("receipt", DIFFERS, _text(line.quantity), _text(there))
    return Check("receipt", OK, None, None)


def three_way(
    billed: Billed,
    order: Ordered | None,
    received: Sequence[Line],
    supplier: Supplier,
    tolerances: Tolerances,
) -> Match:
    """Compare an invoice with its order, its receipts and the supplier's master record.

    Checks: order_reference, order (in the books and of this supplier), currency, price, quantity, receipt,
    arithmetic (net + tax = total), bank (the account is one of the supplier's). A check that nothing was
    read for is unknown, never ok.
    """
    checks = _order_checks(billed, order, supplier, tolerances)
    if order is not None:
        checks.append(_receipt_check(billed, order, received, tolerances))
    if billed.net is not None and billed.tax is not None and billed.total is not None:
        adds_up = abs(billed.net + billed.tax - billed.total) <= tolerances.rounding
        checks.append(_compared("arithmetic", billed.net + billed.tax, billed.total, adds_up))
    bank = _bank_check(billed.iban, supplier)
    return Match((*checks, bank) if bank is not None else tuple(checks))


def _bank_check(iban: str | None, supplier: Supplier) -> Check | None:
    """Is the account one of the supplier's? None where the document names none."""
    account = facts.normal_iban(iban)
    if not account:
        return None
    known = {facts.normal_iban(one) for one in supplier.ibans}
    if not known:
        return Check("bank", DIFFERS if supplier.elsewhere else UNKNOWN, None, account)
    return Check("bank", OK if account in known else DIFFERS, ", ".join(sorted(known)), account)


def _lines(rows: object) -> tuple[Line, ...]:
    """Lines as the books or an ERP write them: sku (or line number), quantity, unit_price or price."""
    found = []
    for at, row in enumerate(rows if isinstance(rows, list | tuple) else (), 1):
        if isinstance(row, Mapping):
            key = facts.text(row, "sku") or facts.text(row, "line") or str(at)
            price = facts.number(row, "unit_price")
            found.append(
                Line(key, facts.number(row, "quantity"), facts.number(row, "price") if price is None else price)
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
    return Supplier(brief.facts.supplier_id, country, brief.supplier_ibans, elsewhere)


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
    )
    order = brief.order and Ordered(
        id=str(brief.order["id"]),
        supplier_id=brief.order["supplier_id"],
        currency=brief.order["currency"],
        total=facts.number(brief.order, "total"),
        lines=_lines(brief.order["lines"]),
    )
    received = [line for receipt in brief.receipts for line in _lines(receipt.get("lines"))]
    return three_way(billed, order or None, received, _supplier(brief), tolerances)

"""What goes wrong with supplier invoices, told from what happened. See causes_stage.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from evals.causes_stage import Line, Stage, Story, Told, money
from governance.case import Party
from models.duplicates import Invoice
from models.synthetic_numbers import digits, vat_id

Json = dict[str, Any]


def _net(lines: Sequence[Line]) -> int:
    return sum(one.quantity * one.price for one in lines)


def _told(
    stage: Stage, cause: str, details: Mapping[str, Any], *, lines: Sequence[Line], billed: int,
    receipts: Sequence[Json] = (), account: str | None = None, order: bool = True, also: Sequence[str] = (),
) -> Told:  # fmt: skip
    """An invoice over `billed` hundredths net about an order of `lines`; `account` where it names another one."""
    supplier = stage.party("supplier")
    known = stage.account(supplier)
    ordered = stage.order(supplier, lines) if order else None
    gross, reads = stage.bill(supplier, account or known, billed, str(ordered["id"]) if ordered else None)
    return Told(
        cause, details, frozenset(also), gross, supplier=supplier, accounts=(known,), order=ordered,
        receipts=tuple(receipts), reads=reads, document_class="invoice",
    )  # fmt: skip


def _taken_in(stage: Stage, cause: str, details: Mapping[str, Any], lines: Sequence[Line], billed: int) -> Told:
    """Everything that was ordered has arrived and been taken in."""
    return _told(stage, cause, details, lines=lines, billed=billed, receipts=[stage.receipt(lines)])


# --- the order reference ---------------------------------------------------------------------------------------------
def order_left_out(stage: Stage) -> Told:
    lines = stage.lines()
    return _told(stage, "missing_order_reference", {}, lines=lines, billed=_net(lines), order=False)


def order_misquoted(stage: Stage) -> Told:
    """The bill names an order that the books do not hold."""
    told = order_left_out(stage)
    wrong = stage.rng.choice((f"PO{digits(stage.rng, 7)}", f"your order {digits(stage.rng, 2)}", "verbal"))
    return replace(told, reads={**told.reads, "purchase_order": wrong})


def order_not_transferred(stage: Stage) -> Told:
    """The order exists where it was made; the interface to the books has failed since."""
    told = order_misquoted(stage)
    number = f"PO{digits(stage.rng, 7)}"
    details = {"interface_status": stage.broken()}
    return replace(
        told, cause="integration_failure", details=details, reads={**told.reads, "purchase_order": number},
        contributing=frozenset({"missing_order_reference"}),
    )  # fmt: skip


def order_and_account(stage: Stage) -> Told:
    """No order reference, and an account that is not the supplier's: the account is what must be looked at first."""
    told = order_left_out(stage)
    assert told.supplier is not None
    return replace(
        told, cause="supplier_master_mismatch", reads={**told.reads, "iban": stage.account(told.supplier)},
        contributing=frozenset({"missing_order_reference"}),
    )  # fmt: skip


# --- price -----------------------------------------------------------------------------------------------------------
def _prices(line: Line, billed: int, tolerance: int) -> Json:
    change = (Decimal(billed) / Decimal(line.price) - 1) * 100
    return {
        "ordered_unit_price": str(money(line.price)), "billed_unit_price": str(money(billed)),
        "variance_percent": str(change.quantize(Decimal("0.1"))), "tolerance_percent": str(tolerance),
    }  # fmt: skip


def price_raised(stage: Stage) -> Told:
    [line] = stage.lines(1)
    tolerance = stage.rng.choice((1, 2, 3))
    billed = line.price * stage.rng.randint(108, 140) // 100
    details = _prices(line, billed, tolerance) if stage.rng.random() < 0.75 else {}
    return _taken_in(stage, "counterparty", details, [line], line.quantity * billed)


def price_list_not_kept(stage: Stage) -> Told:
    """The new price was agreed; the order was written with the old one."""
    [line] = stage.lines(1)
    billed = line.price * stage.rng.randint(104, 115) // 100
    details = {**_prices(line, billed, 2), "agreed_price": str(money(billed))}
    return _taken_in(stage, "data_quality", details, [line], line.quantity * billed)


def price_within_tolerance(stage: Stage) -> Told:
    """The ERP blocks every difference; this one is inside what the policy allows."""
    line = replace(stage.lines(1)[0], price=stage.rng.randint(10_000, 40_000))
    billed = line.price + max(1, line.price * stage.rng.randint(3, 9) // 1000)
    return _taken_in(stage, "policy_exception", _prices(line, billed, 2), [line], line.quantity * billed)


def priced_by_the_box(stage: Stage) -> Told:
    """Ordered in pieces, billed in boxes: the amount of the line is the same."""
    box, boxes, piece = stage.rng.choice((6, 10, 12, 24)), stage.rng.randint(2, 20), stage.rng.randint(80, 900)
    line = Line(f"B{digits(stage.rng, 4)}", box * boxes, piece)
    details = {
        **_prices(line, piece * box, 2), "billed_quantity": str(boxes), "received_quantity": str(line.quantity),
        "delivery_note_quantity": str(line.quantity),
    }  # fmt: skip
    return _taken_in(stage, "data_quality", details, [line], _net([line]))


# --- quantity and receipt --------------------------------------------------------------------------------------------
def _quantities(billed: int, received: int, noted: int | None) -> Json:
    return {
        "billed_quantity": str(billed), "received_quantity": str(received),
        "delivery_note_quantity": None if noted is None else str(noted),
    }  # fmt: skip


def delivered_less(stage: Stage) -> Told:
    """The delivery note admits that less came than was billed."""
    [line] = stage.lines(1)
    came = line.quantity - stage.rng.randint(1, max(1, line.quantity // 3))
    details = _quantities(line.quantity, came, came)
    return _told(
        stage, "counterparty", details, lines=[line], billed=_net([line]), receipts=[stage.receipt([line], [came])]
    )


def receipt_not_posted(stage: Stage) -> Told:
    """All of it came; the second receipt did not get through to the books."""
    [line] = stage.lines(1)
    posted = line.quantity * stage.rng.randint(40, 80) // 100
    details = {**_quantities(line.quantity, posted, line.quantity)}
    details[stage.rng.choice(("posting_job", "interface_status"))] = stage.broken()
    return _told(
        stage, "integration_failure", details, lines=[line], billed=_net([line]),
        receipts=[stage.receipt([line], [posted])],
    )  # fmt: skip


def miscounted(stage: Stage) -> Told:
    """The delivery note says what was billed, every interface ran, and our warehouse typed another number."""
    [line] = stage.lines(1)
    typed = int(str(line.quantity)[::-1]) if line.quantity % 11 and line.quantity > 12 else line.quantity - 3
    typed = min(typed, line.quantity - 1)
    details = {**_quantities(line.quantity, typed, line.quantity), "interface_status": stage.good()}
    return _told(
        stage, "data_quality", details, lines=[line], billed=_net([line]), receipts=[stage.receipt([line], [typed])]
    )


def delivered_more(stage: Stage) -> Told:
    """More came than was ordered, and all of it was billed."""
    [line] = stage.lines(1)
    came = line.quantity + stage.rng.randint(2, 20)
    return _told(
        stage, "counterparty", _quantities(came, came, came), lines=[line], billed=came * line.price,
        receipts=[stage.receipt([line], [came])],
    )  # fmt: skip


def billed_ahead(stage: Stage) -> Told:
    """Part of the order is still on its way, and all of it is billed."""
    [line] = stage.lines(1)
    came = line.quantity * stage.rng.randint(30, 70) // 100
    details = {**_quantities(line.quantity, came, came), "expected_delivery": stage.day(3, 20)}
    return _told(
        stage, "counterparty", details, lines=[line], billed=_net([line]), receipts=[stage.receipt([line], [came])]
    )


def not_delivered(stage: Stage) -> Told:
    lines = stage.lines()
    details = {"delivery_note": None, "expected_delivery": stage.day(-6, 15)}
    return _told(stage, "counterparty", details, lines=lines, billed=_net(lines))


def receipt_lost(stage: Stage) -> Told:
    """Delivered and signed for; the receipt stuck in the interface from the warehouse."""
    lines = stage.lines()
    details = {
        "delivery_note": f"LS{digits(stage.rng, 5)}", "expected_delivery": stage.day(-15, -5),
        stage.rng.choice(("posting_job", "interface_status")): stage.broken(),
    }  # fmt: skip
    return _told(stage, "integration_failure", details, lines=lines, billed=_net(lines))


def service_unconfirmed(stage: Stage) -> Told:
    """A service: the person who asked for it has not confirmed it."""
    lines = stage.lines()
    details = {"approver": f"requester-{digits(stage.rng, 2)}", "waiting_days": str(stage.rng.randint(8, 30))}
    return _told(stage, "approval_bottleneck", details, lines=lines, billed=_net(lines))


# --- tax, master data, bank ------------------------------------------------------------------------------------------
def wrong_rate(stage: Stage) -> Told:
    lines = stage.lines()
    expected, billed = stage.rng.choice(((19, 7), (20, 10), (21, 10), (22, 10), (19, 16), (21, 9)))
    details = {"billed_rate_percent": str(billed), "expected_rate_percent": str(expected)}
    return _taken_in(stage, "counterparty", details, lines, _net(lines))


def other_establishment(stage: Stage) -> Told:
    """Billed by an establishment in another country: the rate is right there, the books hold the old VAT id."""
    told = wrong_rate(stage)
    assert told.supplier is not None
    other = vat_id(stage.rng, next(one for one in ("NL", "IT", "ES") if one != told.supplier.country))
    details = {**told.details, "books_vat_id": told.supplier.vat_id, "document_vat_id": other}
    reads = {**told.reads, "supplier_vat_id": other}
    return replace(told, cause="supplier_master_mismatch", details=details, reads=reads)


def renamed(stage: Stage) -> Told:
    lines = stage.lines()
    told = _taken_in(stage, "supplier_master_mismatch", {}, lines, _net(lines))
    assert told.supplier is not None
    name = f"{told.supplier.name.split()[0]} Holding {stage.rng.choice(('International', 'Europe', '2000'))}"
    details = {"books_name": told.supplier.name, "document_name": name}
    return replace(told, details=details, reads={**told.reads, "supplier": name})


def other_tax_number(stage: Stage) -> Told:
    lines = stage.lines()
    told = _taken_in(stage, "supplier_master_mismatch", {}, lines, _net(lines))
    assert told.supplier is not None
    other = vat_id(stage.rng, told.supplier.country or "DE")
    details = {"books_vat_id": told.supplier.vat_id, "document_vat_id": other}
    return replace(told, details=details, reads={**told.reads, "supplier_vat_id": other})


def unknown_sender(stage: Stage) -> Told:
    """Nobody in the books has that name."""
    told = order_left_out(stage)
    return replace(told, cause="supplier_master_mismatch", supplier=None, accounts=(),
                   contributing=frozenset({"missing_order_reference"}))  # fmt: skip


def other_account(stage: Stage) -> Told:
    lines = stage.lines()
    told = _taken_in(stage, "supplier_master_mismatch", {}, lines, _net(lines))
    assert told.supplier is not None
    other = stage.account(told.supplier)
    details: Json = {"books_iban": told.accounts[0], "document_iban": other} if stage.rng.random() < 0.6 else {}
    return replace(told, details=details, reads={**told.reads, "iban": other})


# --- twins, approvals ------------------------------------------------------------------------------------------------
def _booked(told: Told, supplier: Party, number: str) -> Invoice:
    sent = date.fromisoformat(str(told.reads["issue_date"]))
    return Invoice(
        invoice_id=f"B-{number}", entity="E2", vendor_id=supplier.id, vendor_name=supplier.name,
        tax_id=supplier.vat_id, iban=told.accounts[0], invoice_no=number, invoice_date=sent, posting_date=sent,
        currency=told.currency, amount=told.amount, po=told.reads.get("purchase_order"), description=None,
        doc_type="invoice",
    )  # fmt: skip


def keyed_twice(stage: Stage) -> Told:
    lines = stage.lines()
    told = _taken_in(stage, "data_quality", {}, lines, _net(lines))
    assert told.supplier is not None
    return replace(told, ledger=(_booked(told, told.supplier, str(told.reads["invoice_number"])),))


def sent_through_twice(stage: Stage) -> Told:
    """The interface broke off and sent its batch again."""
    told = keyed_twice(stage)
    return replace(told, cause="integration_failure", details={"interface_status": stage.broken()},
                   contributing=frozenset({"data_quality"}))  # fmt: skip


def approver_away(stage: Stage) -> Told:
    lines = stage.lines()
    details = {
        "approver": f"head-{digits(stage.rng, 2)}", "waiting_days": str(stage.rng.randint(4, 25)),
        "absent_until": stage.day(2, 20) if stage.rng.random() < 0.6 else None,
    }  # fmt: skip
    return _taken_in(stage, "approval_bottleneck", details, lines, _net(lines))


def request_never_sent(stage: Stage) -> Told:
    """The approver never got it: the workflow's interface is down."""
    told = approver_away(stage)
    details = {**told.details, "absent_until": None, "interface_status": stage.broken()}
    return replace(told, cause="integration_failure", details=details,
                   contributing=frozenset({"approval_bottleneck"}))  # fmt: skip


def nothing_told(stage: Stage) -> Told:
    """A block without a reason, and neither order nor receipt to look at: nobody can say."""
    lines = stage.lines()
    return _told(stage, "unknown", {}, lines=lines, billed=_net(lines), order=False)


STORIES: Mapping[str, Sequence[Story]] = {
    "missing_order_reference": (order_left_out, order_misquoted, order_not_transferred, order_and_account),
    "price_variance": (
        price_raised, price_raised, price_list_not_kept, price_within_tolerance, priced_by_the_box, nothing_told
    ),
    "quantity_variance": (
        delivered_less, delivered_more, billed_ahead, receipt_not_posted, miscounted, priced_by_the_box
    ),
    "missing_receipt": (not_delivered, receipt_lost, service_unconfirmed),
    "tax_mismatch": (wrong_rate, wrong_rate, other_establishment),
    "supplier_master_mismatch": (renamed, other_tax_number, unknown_sender, other_account),
    "bank_detail_mismatch": (other_account,),
    "duplicate_suspect": (keyed_twice, keyed_twice, sent_through_twice),
    "approval_stalled": (approver_away, approver_away, request_never_sent),
    "invoice_received": (order_left_out, other_account, unknown_sender, order_and_account, price_raised),
}  # fmt: skip

"""The third maker's stories of bills that do not fit their orders: reference, price, quantity, receipt, tax."""

from __future__ import annotations

from functools import partial

from evals.causes_stage import Line, money
from evals.causes_third_stage import Desk, Row, bought, tells

_tells = partial(tells, "accounts_payable")


@_tells(
    "missing_order_reference",
    "missing_order_reference",
    "The supplier has two open orders with us and its bill names neither; everything else is in order.",
)
def bill_without_number(desk: Desk) -> Row:
    orders = [desk.id("45000"), desk.id("45000")]
    return bought(desk, {"open_orders": orders, "order_required": True, "interface_status": "ok"}, cited=None)


@_tells(
    "missing_order_reference",
    "integration_failure",
    "The supplier did send the order number in its file; our converter could not map the segment and dropped it.",
)
def order_lost_in_converter(desk: Desk) -> Row:
    return bought(
        desk,
        {
            "channel": desk.one("EDIFACT", "Peppol", "IDoc"), "order_in_supplier_file": desk.id("45000"),
            "order_after_conversion": None, "conversion_status": desk.one("error", "failed"), "conversion_errors": 1,
        },
        cited=None,
    )  # fmt: skip


@_tells(
    "missing_order_reference",
    "policy_exception",
    "Nobody ever raised an order although the house demands one at this amount: there is no number to ask for.",
    "missing_order_reference",
)
def bought_without_an_order(desk: Desk) -> Row:
    return bought(
        desk,
        {
            "ordered_by": desk.person(), "ordered_by_phone_on": desk.day(-40, -25), "requisition": None,
            "orders_raised": 0, "open_orders": [], "order_required_above": "250.00",
            "policy": desk.one("no PO, no pay", "Bestellpflicht"),
        },
        cited=None, price=41_000,
    )  # fmt: skip


@_tells(
    "missing_order_reference",
    "approval_bottleneck",
    "The requisition was written in time; the order has no number yet because its release waits for a signature.",
    "missing_order_reference",
)
def requisition_not_released(desk: Desk) -> Row:
    return bought(
        desk,
        {
            "requisition": desk.id("BANF"), "requisition_status": "waiting for release",
            "approver": desk.person(), "waiting_days": desk.rng.randint(17, 33), "purchase_order": None,
        },
        cited=None,
    )  # fmt: skip


def _dearer(desk: Desk, low: int = 103, high: int = 118) -> tuple[Line, int, dict[str, str]]:
    (line,) = desk.lines(1)
    line = Line(line.sku, line.quantity, line.price * 10)
    price = line.price * desk.rng.randint(low, high) // 100
    percent = money((price - line.price) * 10_000 // line.price)
    return line, price, {
        "ordered_unit_price": str(money(line.price)), "billed_unit_price": str(money(price)),
        "variance_percent": str(percent), "tolerance_percent": "2.0",
    }  # fmt: skip


@_tells(
    "price_variance",
    "data_quality",
    "Buyer and supplier signed exactly the billed price before delivery; nobody maintained it in the order.",
)
def agreed_price_not_loaded(desk: Desk) -> Row:
    line, price, seen = _dearer(desk)
    agreement = {
        "price_agreement": desk.id("PA-"), "agreement_signed_on": desk.day(-70, -50),
        "agreed_unit_price": seen["billed_unit_price"], "agreement_valid_from": desk.day(-45, -35),
        "order_last_changed": desk.day(-120, -100),
    }  # fmt: skip
    return bought(desk, {**seen, **agreement}, lines=[line], price=price)


@_tells(
    "price_variance",
    "counterparty",
    "The contract fixes the ordered price until next year; the supplier billed more on its own.",
)
def raised_on_its_own(desk: Desk) -> Row:
    line, price, seen = _dearer(desk)
    contract = {
        "contract": desk.id("RV-"), "contract_unit_price": seen["ordered_unit_price"],
        "contract_valid_to": desk.day(200, 500), "price_list_status": desk.good(),
    }  # fmt: skip
    return bought(desk, {**seen, **contract}, lines=[line], price=price)


@_tells(
    "price_variance",
    "integration_failure",
    "The new list holds the billed price, but the nightly load of it broke off, so the order took the old one.",
)
def price_list_not_loaded(desk: Desk) -> Row:
    line, price, seen = _dearer(desk)
    job = {
        "supplier_list_price": seen["billed_unit_price"], "price_list_job": "catalogue import",
        "price_list_job_status": desk.broken(), "price_list_job_last_run": desk.day(-60, -50),
    }  # fmt: skip
    return bought(desk, {**seen, **job}, lines=[line], price=price)


@_tells(
    "price_variance",
    "data_quality",
    "The bill is per box and the order per piece; the sums agree, and our article master holds no conversion.",
)
def boxes_and_pieces(desk: Desk) -> Row:
    pieces = desk.rng.choice((6, 10, 12))
    line = Line(desk.id("A", 5), pieces * desk.rng.randint(3, 9), desk.rng.randint(200, 2_000))
    details = {
        "ordered_unit_price": str(money(line.price)), "billed_unit_price": str(money(line.price * pieces)),
        "ordered_unit": "PCE", "billed_unit": "BOX", "pieces_per_box": pieces, "unit_conversion_in_master": None,
        "ordered_net": str(money(line.quantity * line.price)), "billed_net": str(money(line.quantity * line.price)),
    }  # fmt: skip
    return bought(desk, details, lines=[line])


@_tells(
    "price_variance",
    "policy_exception",
    "Our plant manager accepted the surcharge in writing, far above what the house lets him accept.",
)
def surcharge_above_authority(desk: Desk) -> Row:
    line, price, seen = _dearer(desk, 112, 125)
    line = Line(line.sku, line.quantity + 40, line.price)
    surcharge = {
        "surcharge": str(money((price - line.price) * line.quantity)), "surcharge_reason": "night shift, rush order",
        "surcharge_accepted_by": "plant manager", "authority_limit": "10.00", "accepted_on": desk.day(-30, -20),
    }  # fmt: skip
    return bought(desk, {**seen, **surcharge}, lines=[line], price=price)


def _counts(desk: Desk) -> tuple[Line, int]:
    line = Line(desk.id("M", 5), desk.rng.randint(5, 12) * 10, desk.rng.randint(500, 9_000))
    return line, line.quantity * desk.rng.randint(4, 8) // 10


@_tells(
    "quantity_variance",
    "counterparty",
    "The supplier's own delivery note shows the part that came; it billed the whole order all the same.",
)
def part_came_whole_billed(desk: Desk) -> Row:
    line, came = _counts(desk)
    details = {
        "billed_quantity": str(line.quantity), "received_quantity": str(came), "delivery_note_quantity": str(came),
        "delivery_note": desk.id("LS"), "warehouse_interface": desk.good(), "open_backorder": str(line.quantity - came),
    }  # fmt: skip
    return bought(desk, details, lines=[line], received=came)


@_tells(
    "quantity_variance",
    "integration_failure",
    "All pieces came; the second receipt sits in the hand scanner's queue because its upload fails.",
)
def scanner_did_not_upload(desk: Desk) -> Row:
    line, came = _counts(desk)
    details = {
        "billed_quantity": str(line.quantity), "received_quantity": str(came),
        "delivery_note_quantity": str(line.quantity), "scanner_upload_status": desk.broken(),
        "scanner_pending_quantity": str(line.quantity - came),
    }  # fmt: skip
    return bought(desk, details, lines=[line], received=came)


@_tells(
    "quantity_variance",
    "data_quality",
    "The signed delivery note agrees with the bill; our clerk keyed the receipt by hand and lost a zero.",
)
def lost_a_zero(desk: Desk) -> Row:
    line, _ = _counts(desk)
    details = {
        "billed_quantity": str(line.quantity), "received_quantity": str(line.quantity // 10),
        "delivery_note_quantity": str(line.quantity), "delivery_note_signed": True,
        "receipt_entry": "manual", "receipt_entered_by": desk.person(), "interface_status": "ok",
    }  # fmt: skip
    return bought(desk, details, lines=[line], received=line.quantity // 10)


@_tells(
    "quantity_variance",
    "counterparty",
    "We sent pieces back with a return note, and the supplier still owes the credit note for them.",
)
def returned_not_credited(desk: Desk) -> Row:
    line, kept = _counts(desk)
    details = {
        "billed_quantity": str(line.quantity), "received_quantity": str(kept),
        "delivery_note_quantity": str(line.quantity), "returned_quantity": str(line.quantity - kept),
        "return_note": desk.id("RT"), "credit_note_requested_on": desk.day(-25, -15), "credit_note": None,
    }  # fmt: skip
    return bought(desk, details, lines=[line], received=kept)


@_tells("missing_receipt", "counterparty", "Billed before delivery: the goods are still on the road.")
def billed_before_delivery(desk: Desk) -> Row:
    details = {
        "delivery_note": None, "expected_delivery": desk.day(4, 15),
        "carrier_status": desk.one("in transit", "not handed over", "unterwegs"), "warehouse_interface": "ok",
    }  # fmt: skip
    return bought(desk, details, received=0)


@_tells(
    "missing_receipt",
    "integration_failure",
    "The dock signed for the goods; the interface from the warehouse has been down since before that day.",
)
def receipt_interface_down(desk: Desk) -> Row:
    details = {
        "delivery_note": desk.id("LS"), "delivered_on": desk.day(-9, -5), "signed_at_dock_by": desk.person(),
        "warehouse_interface": desk.one("down", "failed"), "warehouse_interface_since": desk.day(-14, -10),
    }  # fmt: skip
    return bought(desk, details, received=0)


@_tells(
    "missing_receipt",
    "approval_bottleneck",
    "The service entry sheet is there and waits for a project lead who is on leave without a deputy.",
)
def acceptance_on_leave(desk: Desk) -> Row:
    details = {
        "service_entry_sheet": desk.id("ES"), "entry_sheet_status": "waiting for acceptance",
        "approver": desk.person(), "absent_until": desk.day(5, 20), "deputy": None,
        "waiting_days": desk.rng.randint(12, 25),
    }  # fmt: skip
    return bought(desk, details, received=0)


@_tells("missing_receipt", "data_quality", "The goods came, and the clerk booked the receipt to another order.")
def receipt_on_wrong_order(desk: Desk) -> Row:
    note = desk.id("LS")
    details = {
        "delivery_note": note, "delivered_on": desk.day(-9, -5), "receipt_with_this_note": desk.id("GR"),
        "receipt_booked_to_order": desk.id("45000"), "receipt_entry": "manual", "warehouse_interface": "ok",
    }  # fmt: skip
    return bought(desk, details, received=0)


@_tells("missing_receipt", "unknown", "No note, no date, no carrier, no failing system: someone has to ask.")
def nothing_known_of_delivery(desk: Desk) -> Row:
    details = {"delivery_note": None, "expected_delivery": None, "carrier_status": None, "warehouse_interface": "ok"}
    return bought(desk, details, received=0)


@_tells(
    "tax_mismatch",
    "data_quality",
    "The rate on lodging rose on 1 January; the supplier bills the new one, our tax table still holds the old.",
)
def our_table_is_old(desk: Desk) -> Row:
    details = {
        "billed_rate_percent": "21.0", "expected_rate_percent": "9.0", "service": "lodging",
        "rate_in_force_percent": "21.0", "rate_in_force_since": "2026-01-01", "tax_table_last_changed": "2024-03-12",
    }  # fmt: skip
    return bought(desk, details, country="NL", rate=21)


@_tells("tax_mismatch", "counterparty", "Our table has the rate of 1 January; the supplier still bills the old one.")
def supplier_bills_old_rate(desk: Desk) -> Row:
    details = {
        "billed_rate_percent": "9.0", "expected_rate_percent": "21.0", "service": "lodging",
        "service_date": desk.day(-30, -15), "rate_in_force_percent": "21.0", "rate_in_force_since": "2026-01-01",
        "tax_table_last_changed": "2025-12-18",
    }  # fmt: skip
    return bought(desk, details, country="NL", rate=9)


@_tells(
    "tax_mismatch",
    "integration_failure",
    "The tax service did not answer, so the expected rate is a fallback of nought and not a finding.",
)
def tax_service_silent(desk: Desk) -> Row:
    details = {
        "billed_rate_percent": "22.0", "expected_rate_percent": "0.0", "expected_rate_source": "fallback",
        "tax_service_status": desk.one("timeout", "failed"), "place_of_supply": "IT",
    }  # fmt: skip
    return bought(desk, details, country="IT", rate=22)


STORIES = (
    bill_without_number, order_lost_in_converter, bought_without_an_order, requisition_not_released,
    agreed_price_not_loaded, raised_on_its_own, price_list_not_loaded, boxes_and_pieces, surcharge_above_authority,
    part_came_whole_billed, scanner_did_not_upload, lost_a_zero, returned_not_credited, billed_before_delivery,
    receipt_interface_down, acceptance_on_leave, receipt_on_wrong_order, nothing_known_of_delivery, our_table_is_old,
    supplier_bills_old_rate, tax_service_silent,
)  # fmt: skip

"""The third maker's later stories from payables and order to cash, told after the rules had learned from the first.

Their author had by then seen which of the first stories the rules missed, and still no rule.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from evals.causes_stage import Line, money
from evals.causes_third_stage import Desk, Row, bought, owed, silent, tells, waiting
from models.invoice import Invoice

_bills = partial(tells, "accounts_payable")
_cash = partial(tells, "order_to_cash")


@_bills(
    "price_variance", "integration_failure", "The order was valued at an exchange rate a month old: the feed stands."
)
def rate_feed_stands(desk: Desk) -> Row:
    (line,) = desk.lines(1)
    price = line.price * 106 // 100
    details = {
        "ordered_unit_price": str(money(line.price)), "billed_unit_price": str(money(price)),
        "variance_percent": "6.0", "tolerance_percent": "2.0", "price_in_usd_ordered": "100.00",
        "price_in_usd_billed": "100.00", "exchange_rate_feed": desk.one("stopped", "down", "error"),
        "exchange_rate_of": desk.day(-60, -50),
    }  # fmt: skip
    return bought(desk, details, lines=[line], price=price)


@_bills(
    "quantity_variance", "counterparty", "The supplier sent and billed more than ordered; the dock refused the surplus."
)
def sent_more_than_ordered(desk: Desk) -> Row:
    line = Line(desk.id("M", 5), desk.rng.randint(40, 90), desk.rng.randint(500, 9_000))
    more = line.quantity + desk.rng.randint(8, 20)
    details = {
        "ordered_quantity": str(line.quantity), "billed_quantity": str(more), "received_quantity": str(line.quantity),
        "delivery_note_quantity": str(more), "surplus_refused_at_dock": True, "over_delivery_allowed_percent": "0",
    }  # fmt: skip
    return bought(desk, details, lines=[line], billed=more)


@_bills(
    "missing_receipt", "approval_bottleneck", "The goods stand in quality inspection; the inspector has not decided."
)
def lot_not_decided(desk: Desk) -> Row:
    details = {
        "delivery_note": desk.id("LS"), "delivered_on": desk.day(-30, -26), "inspection_lot": desk.id("QL"),
        "usage_decision": "pending", "decision_by": desk.person(), "in_inspection_days": desk.rng.randint(18, 25),
        "inspection_target_days": 3, "warehouse_interface": "ok",
    }  # fmt: skip
    return bought(desk, details, received=0)


@_bills(
    "missing_receipt",
    "data_quality",
    "A clerk closed the order before all had come, so no receipt can be posted to it.",
)
def order_closed_early(desk: Desk) -> Row:
    details = {
        "delivery_note": desk.id("LS"), "delivered_on": desk.day(-9, -5), "order_status": "closed",
        "order_closed_on": desk.day(-30, -20), "order_closed_by": desk.person(), "open_quantity_when_closed": "all",
        "receipt_message": "item is already closed", "warehouse_interface": "ok",
    }  # fmt: skip
    return bought(desk, details, received=0)


@_bills(
    "tax_mismatch",
    "supplier_master_mismatch",
    "The supplier has become a small business without VAT, as its certificate shows; our master still says standard.",
)
def small_business_in_master(desk: Desk) -> Row:
    details = {
        "billed_rate_percent": "0.0", "expected_rate_percent": "19.0", "tax_note": "Kleinunternehmer, § 19 UStG",
        "certificate_received_on": desk.day(-90, -60), "tax_status_on_certificate": "small business",
        "tax_status_in_supplier_master": "standard", "supplier_master_last_changed": desk.day(-900, -700),
    }  # fmt: skip
    return bought(desk, details, country="DE", rate=0)


@_bills(
    "supplier_master_mismatch",
    "counterparty",
    "A sister company billed what our contract partner delivered, against the contract; our master is right.",
)
def sister_company_bills(desk: Desk) -> Row:
    details = {
        "register_status_of_books_name": "active", "register_status_of_document_name": "active, same group",
        "contract_partner_is": "the name in the books", "billing_by_affiliates_agreed": False,
        "supplier_master_verified_on": desk.day(-20, -10),
    }  # fmt: skip
    row = bought(desk, details)
    sister = desk.party("supplier", row["supplier"].country)
    row["reads"].update(supplier=sister.name, supplier_vat_id=sister.vat_id)
    known = row["supplier"]
    row["details"].update(
        books_name=known.name, document_name=sister.name, books_vat_id=known.vat_id, document_vat_id=sister.vat_id
    )
    return row


@_bills(
    "bank_detail_mismatch",
    "approval_bottleneck",
    "The new account is confirmed by call-back and entered; its second signature is missing.",
    "supplier_master_mismatch",
)
def account_change_unsigned(desk: Desk) -> Row:
    row = bought(desk, {"callback_result": "confirmed by supplier", "bank_change_request": desk.id("BC")})
    old = desk.account(row["supplier"])
    row["accounts"] = (old,)
    row["details"].update(
        books_iban=old, document_iban=row["reads"]["iban"], bank_change_status="waiting for second approval",
        **waiting(desk, 12, 25),
    )  # fmt: skip
    return row


@_bills("duplicate_suspect", "data_quality", "One paper came, and our mail room scanned it on two days.")
def paper_scanned_twice(desk: Desk) -> Row:
    row = bought(
        desk,
        {
            "channel": "scanner", "earlier_channel": "scanner", "papers_received": 1, "scanned_by": desk.person(),
            "earlier_scanned_by": desk.person(), "import_job_status": "ok",
        },
    )  # fmt: skip
    supplier, reads = row["supplier"], row["reads"]
    issued = desk.today.fromisoformat(reads["issue_date"])
    row["ledger"] = (
        Invoice(
            invoice_id=desk.id("51"), entity="E2", vendor_id=supplier.id, vendor_name=supplier.name,
            tax_id=supplier.vat_id, iban=reads["iban"], invoice_no=reads["invoice_number"], invoice_date=issued,
            posting_date=issued, currency="EUR", amount=row["amount"], po=reads["purchase_order"], description=None,
            doc_type="invoice",
        ),
    )  # fmt: skip
    return row


@_bills(
    "approval_stalled", "counterparty", "The approver asked the supplier for its time sheets; the supplier is silent."
)
def approver_waits_for_supplier(desk: Desk) -> Row:
    details = {
        **waiting(desk, 12, 30), "absent_until": None, "approver_commented_on": desk.day(-11, -10),
        "approver_comment": "time sheets requested from supplier", "supplier_reminded": 2, "supplier_answered_on": None,
    }  # fmt: skip
    return bought(desk, details)


@_bills(
    "invoice_received", "policy_exception", "The buyer agreed to full prepayment, which the house's rules rule out."
)
def prepayment_agreed(desk: Desk) -> Row:
    details = {
        "terms_on_invoice": "100 % in advance", "terms_agreed_by": "buyer", "prepayment_allowed_by_policy": False,
        "treasury_waiver": None, "delivery_after_payment": True,
    }  # fmt: skip
    return bought(desk, details, received=0)


@_bills(
    "case_abandoned", "integration_failure", "The posting left and the ERP gave no answer: nobody knows if it is there."
)
def posting_without_answer(desk: Desk) -> Row:
    details = silent(desk, "awaiting_reconciliation", connector="ERP posting", connector_status="timeout")
    return {"supplier": desk.party("supplier"), "amount": desk.eur(300, 9_000), "details": details}


@_bills(
    "missing_order_reference", "missing_order_reference", "The bill names the supplier's own quotation, not our order."
)
def quotation_instead_of_order(desk: Desk) -> Row:
    details = {
        "reference_on_document": f"Angebot {desk.id('', 4)}", "open_orders": [desk.id("45000")],
        "order_required": True, "channel": "mail", "conversion_status": "ok",
    }  # fmt: skip
    return bought(desk, details, cited=None)


@_cash(
    "overdue",
    "data_quality",
    "The customer's portal sends our invoice back as it lacks the order number, which our clerk forgot to key.",
)
def forgot_customer_order(desk: Desk) -> Row:
    late = desk.rng.randint(10, 40)
    details = {
        "days_overdue": late, "reminders_sent": 1, "promised_date": None, "customer_order_in_contract": desk.id("PO-"),
        "customer_order_on_invoice": None, "order_entry": "manual", "portal_message": "returned: order number missing",
        "interface_status": "ok",
    }  # fmt: skip
    return owed(desk, details, late=late)


@_cash("overdue", "counterparty", "The customer has filed for insolvency and pays nobody.")
def customer_insolvent(desk: Desk) -> Row:
    late = desk.rng.randint(20, 50)
    details = {
        "days_overdue": late, "reminders_sent": 1, "promised_date": None, "insolvency_filed_on": desk.day(-19, -8),
        "court_file": f"36 IN {desk.id('', 3)}/26", "dispatch_status": "delivered",
    }  # fmt: skip
    return owed(desk, details, late=late)


@_cash("short_payment", "counterparty", "The customer sets off a claim of its own, which we have refused in writing.")
def set_off_refused_claim(desk: Desk) -> Row:
    total, gap = desk.eur(9_000, 50_000), desk.eur(700, 5_000)
    details = {
        "billed": str(total), "received": str(total - gap), "difference": str(gap),
        "remittance_text": desk.one("Verrechnung Gegenforderung", "compensation", "set-off"),
        "counterclaim_refused_on": desk.day(-40, -30), "counterclaim_accepted": False,
    }  # fmt: skip
    return owed(desk, details, total, 5)


@_cash("short_payment", "data_quality", "The rest came a day later, and our clerk put it on the suspense account.")
def rest_on_suspense(desk: Desk) -> Row:
    total, gap = desk.eur(9_000, 50_000), desk.eur(700, 5_000)
    details = {
        "billed": str(total), "received": str(total - gap), "difference": str(gap), "remittance_text": "Teil 1 von 2",
        "second_payment": str(gap), "second_payment_posted_to": "1790 suspense",
        "second_payment_posted_by": desk.person(),
    }  # fmt: skip
    return owed(desk, details, total, 5)


@_cash("dispute", "integration_failure", "The customer was billed twice since our billing job timed out and ran again.")
def billed_twice_by_job(desk: Desk) -> Row:
    details = {
        "reason": desk.one("billed twice", "doppelt berechnet", "facturé deux fois"),
        "proof_of_delivery": desk.id("POD"), "other_invoice": desk.number(), "billing_runs": 2,
        "billing_job_status": "restarted after timeout",
        "deliveries": 1,
    }  # fmt: skip
    return owed(desk, details, late=3)


@_cash(
    "credit_limit",
    "integration_failure",
    "The insurer raised its cover weeks ago; the import of covers fails, so our limit is the old one.",
)
def cover_not_imported(desk: Desk) -> Row:
    limit = desk.rng.randint(10, 80) * 1_000
    details = {
        "credit_limit": f"{limit}.00", "exposure": f"{limit * 115 // 100}.00", "overdue_amount": "0.00",
        "order_id": desk.id("SO"), "insurer_cover": f"{limit * 2}.00", "limit_follows_cover": True,
        "cover_import_status": desk.broken(), "cover_import_last_success": desk.day(-60, -40),
    }  # fmt: skip
    return {"customer": desk.party("customer"), "amount": desk.eur(500, 9_000), "details": details}


@_cash(
    "unapplied_cash",
    "approval_bottleneck",
    "The money is matched but for 12 euros, whose write-off waits for a signature.",
)
def write_off_waits(desk: Desk) -> Row:
    customer = desk.party("customer")
    number = desk.number()
    details = {
        "bank_line": desk.id("BL"), "payer": customer.name, "remittance_text": number, "candidates": [number],
        "difference": "12.00", "write_off_status": "waiting for approval", **waiting(desk),
    }  # fmt: skip
    return {"customer": replace(customer), "amount": desk.eur(300, 9_000), "details": details}


@_cash("open_item", "policy_exception", "Sales gave four months to pay, and the credit rules stop at two.")
def terms_beyond_policy(desk: Desk) -> Row:
    details = {
        "days_overdue": 0, "reminders_sent": 0, "terms_granted_days": 120, "max_terms_days": 60,
        "terms_granted_by": "sales", "credit_waiver": None,
    }  # fmt: skip
    return owed(desk, details, late=-60)


STORIES = (
    rate_feed_stands, sent_more_than_ordered, lot_not_decided, order_closed_early, small_business_in_master,
    sister_company_bills, account_change_unsigned, paper_scanned_twice, approver_waits_for_supplier, prepayment_agreed,
    posting_without_answer, quotation_instead_of_order, forgot_customer_order, customer_insolvent,
    set_off_refused_claim, rest_on_suspense, billed_twice_by_job, cover_not_imported, write_off_waits,
    terms_beyond_policy,
)  # fmt: skip

"""The third maker's stories from order to cash: overdue, paid short, disputed, over the limit, not applied."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from evals.causes_stage import money
from evals.causes_third_stage import Desk, Row, owed, silent, tells, waiting

_tells = partial(tells, "order_to_cash")


@_tells("overdue", "counterparty", "The invoice arrived, nobody disputes it, three reminders and a promise went by.")
def broken_promise(desk: Desk) -> Row:
    late = desk.rng.randint(35, 80)
    details = {
        "days_overdue": late, "reminders_sent": 3, "promised_date": desk.day(-14, -6), "dispatch_status": "delivered",
        "dispute_open": False,
    }  # fmt: skip
    return owed(desk, details, late=late)


@_tells(
    "overdue",
    "data_quality",
    "The customer paid in full on time; our clerk posted the money to another customer's account.",
)
def paid_but_posted_elsewhere(desk: Desk) -> Row:
    late, total = desk.rng.randint(12, 40), desk.eur(900, 40_000)
    details = {
        "days_overdue": late, "reminders_sent": 1, "promised_date": None, "payment_received_on": desk.day(-60, -42),
        "payment_amount": str(total), "payment_posted_to_customer": desk.id("20"), "posting_mode": "manual",
    }  # fmt: skip
    return owed(desk, details, total, late)


@_tells(
    "overdue",
    "integration_failure",
    "The customer never got the invoice: the e-invoice network rejected our file and nothing else was sent.",
)
def einvoice_never_arrived(desk: Desk) -> Row:
    late = desk.rng.randint(10, 30)
    details = {
        "days_overdue": late, "reminders_sent": 0, "promised_date": None,
        "dispatch_channel": desk.one("Peppol", "Chorus Pro", "SdI"), "dispatch_status": desk.one("rejected", "failed"),
        "delivery_receipt": None,
    }  # fmt: skip
    return owed(desk, details, late=late)


@_tells(
    "overdue",
    "integration_failure",
    "The customer's bank confirms the transfer; our bank statements have not been loaded since before that day.",
)
def statements_not_loaded(desk: Desk) -> Row:
    late = desk.rng.randint(5, 9)
    details = {
        "days_overdue": late, "reminders_sent": 1, "promised_date": None, "customer_says_paid_on": desk.day(-7, -5),
        "transfer_confirmation": True, "bank_statement_import_status": desk.broken(),
        "bank_statement_last_loaded": desk.day(-12, -9),
    }  # fmt: skip
    return owed(desk, details, late=late)


@_tells(
    "overdue",
    "data_quality",
    "The contract gives 60 days and our invoice 14: by the contract nothing is late, our terms are keyed wrong.",
)
def terms_keyed_wrong(desk: Desk) -> Row:
    late = desk.rng.randint(12, 40)
    details = {
        "days_overdue": late, "reminders_sent": 2, "promised_date": None, "terms_on_invoice_days": 14,
        "terms_in_contract_days": 60, "terms_in_master_days": 14, "dispatch_status": "delivered",
    }  # fmt: skip
    return owed(desk, details, late=late)


@_tells(
    "overdue",
    "policy_exception",
    "Sales granted instalments that the credit rules do not know; the customer keeps to them exactly.",
)
def instalments_by_sales(desk: Desk) -> Row:
    late = desk.rng.randint(20, 60)
    details = {
        "days_overdue": late, "reminders_sent": 0, "promised_date": None, "instalment_plan": desk.id("IP-"),
        "instalments_due": 3, "instalments_paid": 3, "plan_granted_by": "sales", "plan_within_policy": False,
    }  # fmt: skip
    return owed(desk, details, late=late)


def _short(desk: Desk, parts: int, text: str, **more: object) -> Row:
    """Paid short by `parts` thousandths."""
    total = desk.eur(2_000, 50_000)
    gap = (total * parts / 1000).quantize(Decimal("0.01"))
    details = {
        "billed": str(total), "received": str(total - gap), "difference": str(gap), "remittance_text": text, **more,
    }  # fmt: skip
    return owed(desk, details, total, 5)


@_tells("short_payment", "counterparty", "The customer took a cash discount long after the days for it were over.")
def discount_taken_late(desk: Desk) -> Row:
    text = desk.one("abzgl. 2% Skonto", "escompte 2% déduit", "less 2% cash discount", "sconto 2%")
    return _short(desk, 20, text, discount_percent="2.0", discount_days=10, paid_after_days=desk.rng.randint(28, 45))


@_tells(
    "short_payment",
    "approval_bottleneck",
    "The customer deducts a credit note that we owe: it is written and waits for its release.",
)
def credit_note_not_released(desk: Desk) -> Row:
    row = _short(desk, 60, "minus Gutschrift lt. Zusage")
    gap = row["details"]["difference"]
    row["details"].update(
        credit_note=desk.id("CN"), credit_note_amount=gap, credit_note_status="waiting for approval", **waiting(desk)
    )
    return row


@_tells(
    "short_payment",
    "data_quality",
    "We billed more than the contract says; the customer paid the contract's price to the cent.",
)
def billed_above_contract(desk: Desk) -> Row:
    row = _short(desk, 50, desk.one("prix contrat", "as per contract price", "lt. Vertrag"))
    seen = row["details"]
    seen.update(billed_price=seen["billed"], agreed_price=seen["received"], contract=desk.id("K-"), price_sync="ok")
    return row


@_tells("short_payment", "unknown", "A gap that fits no discount, no note and no claim, and not a word with the money.")
def odd_gap(desk: Desk) -> Row:
    return _short(desk, 137, "", credit_notes_open=0, claims_open=0, discount_percent=None)


@_tells("dispute", "counterparty", "The customer says that nothing came; its own warehouse signed for all of it.")
def denies_a_signed_delivery(desk: Desk) -> Row:
    details = {
        "reason": desk.one("not delivered", "goods not received"), "proof_of_delivery": desk.id("POD"),
        "signed_by": "customer's warehouse", "signed_quantity_complete": True, "agreed_price": None,
        "billed_price": None,
    }  # fmt: skip
    return owed(desk, details, late=8)


@_tells(
    "dispute",
    "data_quality",
    "The price in the agreement is lower than the one that we billed; it was never changed in our price list.",
)
def old_price_billed(desk: Desk) -> Row:
    price = desk.rng.randint(2_000, 90_000)
    details = {
        "reason": "price", "agreed_price": str(money(price)), "billed_price": str(money(price * 108 // 100)),
        "agreement_signed_on": desk.day(-120, -90), "price_list_last_changed": desk.day(-500, -400),
        "proof_of_delivery": desk.id("POD"), "interface_status": "ok",
    }  # fmt: skip
    return owed(desk, details, late=11)


@_tells(
    "dispute",
    "integration_failure",
    "The carrier delivered, yet its messages stopped reaching us, so that we cannot send the customer the proof.",
)
def carrier_feed_gap(desk: Desk) -> Row:
    details = {
        "reason": "no proof of delivery", "proof_of_delivery": None, "carrier_portal_status": "delivered, signed",
        "carrier_feed_status": desk.one("down", "gap", "error"), "carrier_feed_last_message": desk.day(-40, -30),
    }  # fmt: skip
    return owed(desk, details, late=6)


@_tells("dispute", "unknown", "The customer complains of quality, we say nothing yet: the inspection is not done.")
def quality_not_inspected(desk: Desk) -> Row:
    details = {
        "reason": "quality", "proof_of_delivery": desk.id("POD"), "inspection_report": None,
        "inspection_planned_on": desk.day(3, 9), "agreed_price": None, "billed_price": None,
    }  # fmt: skip
    return owed(desk, details, late=4)


def _limit(desk: Desk, over: int, **more: object) -> Row:
    """A customer over its limit by `over` percent, with an order that waits."""
    limit = desk.rng.randint(10, 80) * 1_000
    exposure = limit * (100 + over) // 100
    details = {
        "credit_limit": f"{limit}.00", "exposure": f"{exposure}.00", "overdue_amount": "0.00",
        "order_id": desk.id("SO"), **more,
    }  # fmt: skip
    return {"customer": desk.party("customer"), "amount": desk.eur(500, 20_000), "details": details}


@_tells("credit_limit", "counterparty", "The limit is full of invoices that the customer leaves unpaid.")
def limit_full_of_overdue(desk: Desk) -> Row:
    row = _limit(desk, 22, unapplied_payments="0.00", reminders_sent=4)
    row["details"]["overdue_amount"] = str(Decimal(row["details"]["credit_limit"]) * 6 / 10)
    return row


@_tells(
    "credit_limit",
    "data_quality",
    "The customer paid; the money was posted to a wrong account, without which the exposure is within the limit.",
)
def blocked_by_misposting(desk: Desk) -> Row:
    row = _limit(desk, 15)
    paid = str(Decimal(row["details"]["credit_limit"]) * 3 / 10)
    row["details"].update(
        overdue_amount=paid, payment_received=paid, posting_mode="manual", payment_posted_by=desk.person(),
        payment_posted_to_account=desk.one("1790 clearing", "other customer"),
    )  # fmt: skip
    return row


@_tells(
    "credit_limit",
    "approval_bottleneck",
    "A higher limit is justified and asked for; the credit committee has had it for weeks.",
)
def limit_request_waits(desk: Desk) -> Row:
    row = _limit(desk, 12, limit_request_status="waiting for approval", **waiting(desk, 14, 30))
    row["details"]["requested_limit"] = str(Decimal(row["details"]["credit_limit"]) * 2)
    return row


@_tells(
    "credit_limit",
    "policy_exception",
    "A good payer with nothing overdue wants one big order, and the rules stop at a tenth above the limit.",
)
def one_big_order(desk: Desk) -> Row:
    return _limit(
        desk, 38, max_overrun_percent="10", overrun_percent="38", exception_requested_by="sales", reminders_sent=0,
        payment_behaviour="always on time",
    )  # fmt: skip


def _unapplied(desk: Desk, text: str, **more: object) -> Row:
    customer = desk.party("customer")
    details = {"bank_line": desk.id("BL"), "payer": customer.name, "remittance_text": text, **more}
    return {"customer": customer, "amount": desk.eur(200, 30_000), "details": details}


@_tells(
    "unapplied_cash",
    "counterparty",
    "The customer is known and paid one sum for several invoices without saying which, and did not answer when asked.",
)
def paid_without_saying_what(desk: Desk) -> Row:
    open_items = [desk.number() for _ in range(4)]
    return _unapplied(
        desk, desk.one("Zahlung", "payment", "pago", "diverse"), candidates=open_items,
        remittance_advice_requested_on=desk.day(-12, -8), remittance_advice=None, statement_import_status="ok",
    )  # fmt: skip


@_tells(
    "unapplied_cash",
    "integration_failure",
    "The bank's file holds the invoice numbers; our import cut the text off in the middle of one.",
)
def text_cut_by_import(desk: Desk) -> Row:
    full = f"Rechnung {desk.id('RE-')} {desk.id('RE-')} vom Oktober"
    return _unapplied(
        desk, full[:14], text_in_bank_file=full, candidates=[], statement_import_status=desk.one("truncated", "error"),
    )  # fmt: skip


@_tells(
    "unapplied_cash",
    "data_quality",
    "The payer stands twice among our customers; the money came in under one number, the invoice is under the other.",
)
def customer_stands_twice(desk: Desk) -> Row:
    return _unapplied(
        desk, f"INV {desk.id('')}", candidates=[desk.number()], candidate_customer_id=desk.id("20"),
        same_vat_id_as_candidate=True, possible_duplicate_customer=True,
    )  # fmt: skip


@_tells("open_item", "counterparty", "Past due, delivered, undisputed, reminded twice: the customer does not pay.")
def open_and_silent(desk: Desk) -> Row:
    details = {"days_overdue": 33, "reminders_sent": 2, "promised_date": None, "dispatch_status": "delivered"}
    return owed(desk, details, late=33)


@_tells("open_item", "unknown", "It is not due yet and nothing is wrong with it, so there is nothing to explain.")
def not_due_yet(desk: Desk) -> Row:
    return owed(desk, {"days_overdue": 0, "reminders_sent": 0, "dispute_open": False}, late=-12)


@_tells("approval_stalled", "approval_bottleneck", "A credit note lies with a head of sales who is present and busy.")
def credit_note_lies(desk: Desk) -> Row:
    return owed(desk, {**waiting(desk), "absent_until": None, "reminders_to_approver": 3, "workflow_engine": "ok"})


@_tells(
    "case_abandoned", "integration_failure", "The reminder was approved and cannot go out: the mail gateway is down."
)
def reminder_cannot_leave(desk: Desk) -> Row:
    return owed(desk, silent(desk, "delivering", connector="mail gateway", connector_status=desk.one("down", "error")))


STORIES = (
    broken_promise, paid_but_posted_elsewhere, einvoice_never_arrived, statements_not_loaded, terms_keyed_wrong,
    instalments_by_sales, discount_taken_late, credit_note_not_released, billed_above_contract, odd_gap,
    denies_a_signed_delivery, old_price_billed, carrier_feed_gap, quality_not_inspected, limit_full_of_overdue,
    blocked_by_misposting, limit_request_waits, one_big_order, paid_without_saying_what, text_cut_by_import,
    customer_stands_twice, open_and_silent, not_due_yet, credit_note_lies, reminder_cannot_leave,
)  # fmt: skip

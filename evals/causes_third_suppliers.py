"""The third maker's stories of suppliers, accounts, twins, and bills that lie on somebody's desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from evals.causes_stage import Json
from evals.causes_third_stage import Desk, Row, bought, silent, tells
from models.invoice import Invoice
from models.synthetic_numbers import vat_id

_tells = partial(tells, "accounts_payable")


def _named(row: Row, books_name: str | None = None, books_vat: str | None = None) -> Row:
    """The books know the supplier by this name or VAT id; the document keeps its own."""
    known, reads = row["supplier"], row["reads"]
    row["supplier"] = replace(known, name=books_name or known.name, vat_id=books_vat or known.vat_id)
    row["details"] = {
        "books_name": row["supplier"].name, "document_name": reads["supplier"],
        "books_vat_id": row["supplier"].vat_id, "document_vat_id": reads["supplier_vat_id"], **row["details"],
    }  # fmt: skip
    return row


@_tells(
    "supplier_master_mismatch",
    "supplier_master_mismatch",
    "The register shows that the supplier was merged into another firm; our master still holds the old one.",
)
def merged_into_another(desk: Desk) -> Row:
    row = bought(
        desk,
        {
            "register_event": desk.one("merger", "fusion par absorption", "Verschmelzung"),
            "register_date": desk.day(-200, -150), "master_last_changed": desk.day(-900, -700),
        },
    )  # fmt: skip
    return _named(row, desk.party("supplier").name, vat_id(desk.rng, row["supplier"].country))


@_tells(
    "supplier_master_mismatch",
    "data_quality",
    "It is the same supplier: a VAT id with a letter where digits stand, read with little confidence, is a misreading.",
)
def misread_vat_id(desk: Desk) -> Row:
    row = bought(desk, {"vat_id_check": "invalid format", "read_confidence": "0.38", "scan_dpi": 96}, country="DE")
    known = row["reads"]["supplier_vat_id"]
    row["reads"]["supplier_vat_id"] = known[:6] + "O" + known[7:]
    return _named(row)


@_tells(
    "supplier_master_mismatch",
    "approval_bottleneck",
    "The right data were entered weeks ago; the change request waits for its second pair of eyes.",
    "supplier_master_mismatch",
)
def change_not_released(desk: Desk) -> Row:
    row = bought(
        desk,
        {
            "change_request": desk.id("MD-"), "change_request_status": "waiting for approval",
            "approver": desk.person(), "waiting_days": desk.rng.randint(15, 40),
        },
    )  # fmt: skip
    row["details"]["change_request_name"] = row["reads"]["supplier"]
    return _named(row, desk.party("supplier").name)


@_tells(
    "supplier_master_mismatch",
    "integration_failure",
    "The master hub holds the document's name; the copy in the ERP is old because the replication broke off.",
)
def hub_not_replicated(desk: Desk) -> Row:
    row = bought(desk, {"replication_status": desk.broken(), "replication_last_success": desk.day(-40, -30)})
    row["details"]["master_hub_name"] = row["reads"]["supplier"]
    return _named(row, desk.party("supplier").name)


def _account(desk: Desk, details: Json) -> Row:
    """A bill that asks for money to another account than the books hold."""
    row = bought(desk, details)
    books = desk.account(row["supplier"])
    row["accounts"] = (books,)
    row["details"] = {"books_iban": books, "document_iban": row["reads"]["iban"], **row["details"]}
    return row


@_tells(
    "bank_detail_mismatch",
    "supplier_master_mismatch",
    "A notice of assignment, confirmed by call-back, is on file: the account is the factor's and our master lacks it.",
)
def assigned_to_factor(desk: Desk) -> Row:
    return _account(
        desk,
        {
            "assignment_notice_on": desk.day(-80, -60), "factor": "Crédit Nord Factoring",
            "callback_result": "confirmed by supplier", "factor_in_master": False,
        },
    )  # fmt: skip


@_tells(
    "bank_detail_mismatch",
    "unknown",
    "Another account, no letter, no call-back, no change on record: it may be a new bank or a fraud.",
)
def account_from_nowhere(desk: Desk) -> Row:
    return _account(desk, {"callback_result": None, "change_letter": None, "master_last_changed": desk.day(-800, -600)})


@_tells(
    "bank_detail_mismatch",
    "data_quality",
    "Our own record swaps two digits since it was keyed, so its check fails; older payments went to the billed one.",
)
def swapped_in_our_books(desk: Desk) -> Row:
    row = bought(desk, {"books_iban_check": "invalid", "books_iban_entry": "manual"})
    right = row["reads"]["iban"]
    at = next(at for at in range(len(right) - 2, 4, -1) if right[at].isdigit() and right[at - 1].isdigit()
              and right[at] != right[at - 1])  # fmt: skip
    wrong = right[: at - 1] + right[at] + right[at - 1] + right[at + 1 :]
    row["accounts"] = (wrong,)
    row["details"].update(books_iban=wrong, document_iban=right, last_payments_went_to=right)
    return row


def _twin(desk: Desk, row: Row, days: int, **changed: object) -> Row:
    """The same bill stands in the ledger already."""
    supplier, reads = row["supplier"], row["reads"]
    issued = desk.today.fromisoformat(reads["issue_date"])
    booked = Invoice(
        invoice_id=desk.id("51"), entity="E2", vendor_id=supplier.id, vendor_name=supplier.name,
        tax_id=supplier.vat_id, iban=reads["iban"], invoice_no=reads["invoice_number"], invoice_date=issued,
        posting_date=issued + timedelta(days), currency="EUR", amount=row["amount"], po=reads["purchase_order"],
        description=None, doc_type="invoice",
    )  # fmt: skip
    twin = replace(booked, **changed)  # type: ignore[arg-type]
    row["ledger"] = (twin,)
    row["details"].update(earlier_invoice=twin.invoice_id)
    return row


@_tells("duplicate_suspect", "counterparty", "The supplier sent one and the same bill by mail and through the portal.")
def by_mail_and_portal(desk: Desk) -> Row:
    details = {
        "channel": "mail", "received_from": "supplier", "earlier_channel": "portal", "earlier_received_from": "supplier"
    }  # fmt: skip
    return _twin(desk, bought(desk, details), 1)


@_tells(
    "duplicate_suspect",
    "integration_failure",
    "The supplier sent it once; our import timed out and ran the same batch again.",
)
def batch_ran_again(desk: Desk) -> Row:
    batch = desk.id("B-")
    details = {
        "batch": batch, "earlier_batch": batch, "import_job_status": "timeout, restarted", "import_runs": 2,
        "files_received_from_supplier": 1,
    }  # fmt: skip
    return _twin(desk, bought(desk, details), 1)


@_tells(
    "duplicate_suspect",
    "supplier_master_mismatch",
    "One supplier stands twice in our master under one VAT id, and the bill was booked under the other number.",
)
def supplier_stands_twice(desk: Desk) -> Row:
    row = bought(desk, {"files_received_from_supplier": 1})
    other = desk.id("10")
    row["details"].update(
        earlier_supplier_id=other,
        suppliers_with_this_vat_id=[row["supplier"].id, other],
        possible_master_duplicate=True,
    )
    return _twin(desk, row, 3, vendor_id=other)


@_tells("approval_stalled", "approval_bottleneck", "The approver is away for weeks and nobody stands in.")
def approver_on_leave(desk: Desk) -> Row:
    details = {
        "approver": desk.person(), "waiting_days": desk.rng.randint(11, 30), "absent_until": desk.day(3, 25),
        "deputy": None, "workflow_engine": "ok",
    }  # fmt: skip
    return bought(desk, details)


@_tells(
    "approval_stalled",
    "integration_failure",
    "The approver is at the desk but was never asked: the workflow could not deliver the task.",
)
def task_never_delivered(desk: Desk) -> Row:
    details = {
        "approver": desk.person(), "waiting_days": desk.rng.randint(9, 20), "absent_until": None,
        "task_delivery_status": desk.one("failed", "error"), "task_delivered_on": None,
    }  # fmt: skip
    return bought(desk, details)


@_tells(
    "approval_stalled",
    "policy_exception",
    "Nobody in the chain may sign so much: the amount is above the highest limit, so a special leave is needed.",
)
def above_all_limits(desk: Desk) -> Row:
    details = {
        "approver": None, "waiting_days": desk.rng.randint(9, 20), "highest_approval_limit": "2500.00",
        "eligible_approvers": 0, "workflow_engine": "ok",
    }  # fmt: skip
    return bought(desk, details, price=95_000)


@_tells("invoice_received", "missing_order_reference", "An order is demanded, one is open, and the bill names none.")
def arrives_without_order(desk: Desk) -> Row:
    return bought(desk, {"order_required": True, "open_orders": [desk.id("45000")], "channel": "mail"}, cited=None)


@_tells(
    "invoice_received",
    "supplier_master_mismatch",
    "The bill cites a good order, but its supplier number is one that our master closed after a renaming.",
)
def supplier_number_closed(desk: Desk) -> Row:
    row = bought(desk, {"master_status": "blocked: renamed", "successor_supplier": desk.id("10")})
    return _named(row, desk.party("supplier").name)


@_tells("document_received", "data_quality", "The scan is so poor that nothing could be read from it.")
def unreadable_scan(desk: Desk) -> Row:
    return {
        "document_class": "other", "supplier": desk.party("supplier"), "amount": desk.eur(50, 900),
        "details": {"pages": 1, "scan_dpi": 60, "text_found": False, "read_confidence": "0.04", "channel": "scanner"},
    }  # fmt: skip


@_tells("document_received", "unknown", "A readable paper that asks for nothing and names neither order nor bill.")
def paper_that_asks_nothing(desk: Desk) -> Row:
    return {
        "document_class": "other",
        "supplier": desk.party("supplier"),
        "details": {"pages": 2, "text_found": True, "read_confidence": "0.97", "channel": desk.one("mail", "post")},
    }


@_tells(
    "case_abandoned",
    "integration_failure",
    "The case lies in the dead-letter room since the ERP refused the connection five times.",
)
def erp_refused_five_times(desk: Desk) -> Row:
    details = silent(desk, "dead_letter", attempts=5, last_error="HTTP 503 from ERP")
    return {"supplier": desk.party("supplier"), "amount": desk.eur(300, 9_000), "details": details}


STORIES = (
    merged_into_another, misread_vat_id, change_not_released, hub_not_replicated, assigned_to_factor,
    account_from_nowhere, swapped_in_our_books, by_mail_and_portal, batch_ran_again, supplier_stands_twice,
    approver_on_leave, task_never_delivered, above_all_limits, arrives_without_order, supplier_number_closed,
    unreadable_scan, paper_that_asks_nothing, erp_refused_five_times,
)  # fmt: skip

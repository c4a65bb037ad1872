"""What the records say in whatever names a system gives them: families of names and words, never one company's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.diagnose_records import records
from agents.diagnosis import CAUSES
from agents.recommend import choice_of
from tests.agents.scenes import CUSTOMER, OTHER_IBAN, brief, view

AP, O2C, R2R, ONB, PRT = (
    "accounts_payable", "order_to_cash", "record_to_report", "customer_onboarding", "partner_settlement",
)  # fmt: skip
LIMIT = {"credit_limit": "1000", "exposure": "1400"}
BREAK = {"ledger_balance": "500.00", "statement_balance": "620.00", "difference": "120.00"}

# (queue, type, details, cause): names as different systems have them.
SAID: list[tuple[str, str, dict[str, Any], str]] = [
    # A system failed.
    (AP, "missing_receipt", {"warehouse_gateway_state": "timed out"}, "integration_failure"),
    (O2C, "overdue", {"lockbox_import_result": "aborted"}, "integration_failure"),
    (ONB, "document_missing", {"missing": ["id"], "scanner_errors": 3}, "integration_failure"),
    (PRT, "usage_mismatch", {"records_sent": 900, "records_loaded": 850}, "integration_failure"),
    (AP, "missing_receipt", {"idoc_status": "51"}, "integration_failure"),
    (R2R, "unmatched_bank_line", {"gateway_http_status": 503}, "integration_failure"),
    (AP, "missing_order_reference", {"order_in_edi_file": "PO-77", "order_after_import": ""}, "integration_failure"),
    (AP, "duplicate_suspect", {"message_id": "M-1", "earlier_message_id": "M-1"}, "integration_failure"),
    (O2C, "unapplied_cash", {"bank_feed_last_loaded": "2026-09-01"}, "integration_failure"),
    # Somebody of ours has to sign.
    (AP, "missing_order_reference", {"requisition_state": "parked, awaiting release"}, "approval_bottleneck"),
    (O2C, "short_payment", {"credit_memo_status": "Freigabe ausstehend"}, "approval_bottleneck"),
    (AP, "price_variance", {"approver": "m-4", "pending_since": "2026-10-01"}, "approval_bottleneck"),
    # A rule of the house.
    (ONB, "contract_billing_mismatch", {"rebate_percent": "30", "max_rebate_percent": "15"}, "policy_exception"),
    (O2C, "overdue", {"deferral_within_policy": False}, "policy_exception"),
    (AP, "approval_stalled", {"signing_authority": "10.00"}, "policy_exception"),
    (AP, "approval_stalled", {"entered_by": "k.lind", "approver": "k.lind"}, "policy_exception"),
    (PRT, "payout_blocked", {"sanctions_screening": "possible match"}, "policy_exception"),
    (AP, "missing_order_reference", {"order_required": False}, "policy_exception"),
    # Where the money is.
    (O2C, "overdue", {"cash_booked_to_account": "suspense 1999"}, "data_quality"),
    (O2C, "credit_limit", {**LIMIT, "unallocated_receipts": "600"}, "data_quality"),
    (R2R, "reconciliation_break", {**BREAK, "unposted_bank_fee": "120.00"}, "data_quality"),
    (R2R, "reconciliation_break", {**BREAK, "parked_journal_amount": "120.00"}, "approval_bottleneck"),
    (R2R, "reconciliation_break", {**BREAK, "not_loaded_lines": "70.00", "lost_lines": "50.00"}, "integration_failure"),
    (R2R, "reconciliation_break", {**BREAK, "difference_without_reversal": "0.00"}, "data_quality"),
    (PRT, "usage_mismatch", {"our_units": 90, "partner_units": 99, "partner_duplicates": 9}, "counterparty"),
    # One thing said twice.
    (O2C, "overdue", {"contract_terms_days": "60", "invoice_terms_days": "30"}, "data_quality"),
    (R2R, "reconciliation_break", {"booked_period": "2026-09", "correct_period": "2026-10"}, "data_quality"),
    (AP, "invoice_received", {"register_name": "Nordlicht KG", "books_name": "Abend OHG"}, "supplier_master_mismatch"),
    (R2R, "unmatched_bank_line", {"reference_keyed": "8812345", "reference_on_line": "8813245"}, "data_quality"),
    # Somebody outside.
    (ONB, "provisioning_stalled", {"waiting_for": "landlord", "stalled_days": 30}, "counterparty"),
    (R2R, "unmatched_bank_line", {"return_code": "AC04", "candidates": []}, "counterparty"),
    (ONB, "credit_check_adverse", {"score": 3, "threshold": 50, "proceedings": "insolvent since May"}, "counterparty"),
    (R2R, "close_task_overdue", {"requested_on": "2026-10-01", "auditor_reply": None}, "counterparty"),
    (R2R, "reconciliation_break", {"bank_confirmed_its_error": True}, "counterparty"),
    # Our own record.
    (AP, "tax_mismatch", {"material_status": "entered in error"}, "data_quality"),
    (AP, "quantity_variance", {"purchase_order_status": "closed"}, "data_quality"),
    (AP, "invoice_received", {"vendor_status": "merged", "successor_vendor": "S-9"}, "supplier_master_mismatch"),
    (AP, "invoice_received", {"books_vat_id": "DE811907980", "document_vat_id": "DE81190798O"}, "data_quality"),
    (AP, "duplicate_suspect", {"vendors_with_same_tax_id": ["S-1", "S-8"]}, "supplier_master_mismatch"),
    (ONB, "document_missing", {"missing": ["id"], "request_delivered": False}, "data_quality"),
    (AP, "quantity_variance", {"ordered_quantity": "5", "billed_quantity": "6", "received_quantity": "5"},
     "counterparty"),
    (PRT, "usage_mismatch", {"contract_step": "30", "partner_step": "30", "our_step": "60"}, "data_quality"),
    (ONB, "credit_check_adverse", {"score": 3, "threshold": 9, "file_used_of": "2024-01-02",
                                   "latest_file_of": "2026-11-01"}, "data_quality"),
    (R2R, "reconciliation_break", {**BREAK, "bank_admitted_error_on": "2026-11-02"}, "counterparty"),
    # Nobody knows.
    (O2C, "short_payment", {"remittance_text": "", "claims_open": 0, "credit_notes_open": 0}, "unknown"),
    (O2C, "dispute", {"reason": "quality", "proof_of_delivery": "P-1", "inspection_report": None}, "unknown"),
]  # fmt: skip


def seen(queue: str, kind: str, details: dict[str, Any]) -> Any:
    party: dict[str, Any] = {} if queue == AP else {"supplier": None, "customer": CUSTOMER}
    return view(brief(kind, queue, details=details, **party))


@pytest.mark.parametrize(("queue", "kind", "details", "cause"), SAID)
def test_what_the_records_name_is_the_cause(queue: str, kind: str, details: dict[str, Any], cause: str) -> None:
    found = seen(queue, kind, details).cause
    assert found["primary"] == cause, found
    for reason in found["reasons"]:
        assert reason["facts"]
        assert reason["refuted_by"] or reason["cause"] == "unknown"


@pytest.mark.parametrize(
    "details",
    [
        {"warehouse_gateway_state": "timed out, rerun ok"},
        {"interface_last_fault": "2026-09-01 error", "feed_note": "failed"},
        {"carrier_status": "delayed", "archive_status": "failed to archive"},
        {"conversion_status": "error", "conversion_fault_resolved": True},
        {"files_expected": 3, "files_received": 3, "import_status": "ok", "import_errors": 0},
        {"max_rebate_percent": "15", "rebate_percent": "15", "deferral_within_policy": True},
        {"task_state": "waiting", "approver": "m-1", "waiting_days": 1},
        {"contract_terms_days": "30", "invoice_terms_days": "30"},
        {"booked_on": "2026-09-12", "correct_on": "2026-09-21"},
        {"payment_posted_to_customer": CUSTOMER.id},
        {"created_by": "a", "approver": "b", "is_posted": True},
    ],
)
def test_what_was_put_right_is_as_it_should_be_or_is_of_no_consequence_is_no_sign(details: dict[str, Any]) -> None:
    assert list(records(seen(O2C, "overdue", details))) == []


WORDS = (
    "our", "partner", "contract", "billed", "max", "limit", "status", "import", "job", "posted", "to", "customer",
    "name", "vat", "error", "waiting", "approver", "reply", "units", "difference", "on", "within", "policy", "order",
    "in", "file", "after", "amount", "percent", "earlier", "batch",
)  # fmt: skip
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("_".join)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.integers(), max_size=2),
    st.sampled_from(["failed", "waiting for release", "2026-01-01", "12.50", "above limit", "customer"]),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(
        [(AP, "price_variance"), (O2C, "short_payment"), (R2R, "reconciliation_break"), (PRT, "usage_mismatch")]
    ),
    st.dictionaries(NAMES, VALUES, max_size=10),
)
def test_whatever_a_system_calls_its_fields_there_is_one_cause_of_the_list_with_its_support(
    of: tuple[str, str], details: dict[str, Any]
) -> None:
    found = seen(*of, details).cause
    assert found["primary"] in CAUSES
    assert all(reason["facts"] for reason in found["reasons"] if reason["cause"] != "unknown")


def test_another_tax_number_makes_it_a_high_risk_whatever_else_is_named_first() -> None:
    details = {"import_status": "failed", "books_vat_id": "DE811907980", "document_vat_id": "FR40303265045"}
    made = seen(AP, "price_variance", details)
    assert made.cause["primary"] == "integration_failure"
    assert "supplier_master_mismatch" in made.cause["contributing"]
    assert choice_of(made)["risk"] == "high"


@pytest.mark.parametrize("details", [{"callback_result": None, "change_letter": None}, {"books_iban_check": "invalid"}])
def test_a_foreign_account_is_asked_about_by_telephone_whatever_its_cause_is_said_to_be(
    details: dict[str, Any],
) -> None:
    made = view(brief("bank_detail_mismatch", details=details, iban=OTHER_IBAN))
    assert made.cause["primary"] in ("unknown", "data_quality")
    assert "supplier_master_mismatch" in made.cause["contributing"]
    choice = choice_of(made)
    assert (choice["action"]["name"], choice["risk"]) == ("verify_bank_details_by_callback", "high")

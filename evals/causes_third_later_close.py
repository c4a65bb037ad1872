"""The third maker's later stories from record to report, onboarding and settlement."""

from __future__ import annotations

from functools import partial
from typing import Any

from evals.causes_stage import money
from evals.causes_third_stage import Desk, Row, silent, tells, waiting

_close = partial(tells, "record_to_report")
_new = partial(tells, "customer_onboarding")
_settled = partial(tells, "partner_settlement")


def _of(desk: Desk, **details: Any) -> Row:
    return {"amount": desk.eur(300, 40_000), "details": details}


def _customer(desk: Desk, **details: Any) -> Row:
    return {**_of(desk, **details), "customer": desk.party("customer")}


def _partner(desk: Desk, **details: Any) -> Row:
    return {**_of(desk, **details), "supplier": desk.party("supplier")}


def _break(desk: Desk, **more: Any) -> Row:
    ledger, gap = desk.eur(20_000, 900_000), desk.eur(60, 9_000)
    row = _of(
        desk, ledger_account=desk.one("1200", "1360", "1800"), ledger_balance=str(ledger),
        statement_balance=str(ledger + gap), difference=str(gap), **more,
    )  # fmt: skip
    return {**row, "amount": gap}


@_close("reconciliation_break", "integration_failure", "The bank's statement has four pages and our import took three.")
def page_not_imported(desk: Desk) -> Row:
    return _break(desk, statement_pages=4, pages_imported=3, import_status=desk.one("incomplete", "aborted"))


@_close(
    "reconciliation_break",
    "counterparty",
    "The sister company booked another sum than the invoice says and has admitted it.",
)
def sister_booked_wrong(desk: Desk) -> Row:
    row = _break(desk, partner_entity="E7", interface_status="ok", partner_admitted_error_on=desk.day(-4, -2))
    seen = row["details"]
    seen.update(
        our_posting=seen["statement_balance"], invoice_amount=seen["statement_balance"],
        partner_posting=seen["ledger_balance"],
    )  # fmt: skip
    return row


@_close("unmatched_bank_line", "approval_bottleneck", "The match is found and proposed; it waits for a release.")
def match_not_released(desk: Desk) -> Row:
    number = desk.number()
    return _of(
        desk, bank_line=desk.id("BL"), booking_text=number, candidates=[number], match_proposal=desk.id("MP"),
        match_proposal_status=desk.one("waiting for approval", "waiting for release"), **waiting(desk, 6, 15),
    )  # fmt: skip


@_close(
    "unmatched_bank_line",
    "supplier_master_mismatch",
    "A supplier's refund came under its new name, of which it had told us; our master holds the former.",
)
def refund_under_new_name(desk: Desk) -> Row:
    supplier = desk.party("supplier")
    row = _of(
        desk, bank_line=desk.id("BL"), booking_text=desk.one("Erstattung", "refund", "remboursement"),
        payer=desk.party("supplier").name, supplier_name_in_books=supplier.name, credit_note_open=desk.number(),
        renaming_notified_on=desk.day(-90, -60), supplier_master_last_changed=desk.day(-900, -700),
    )  # fmt: skip
    return {**row, "supplier": supplier}


@_close("close_task_overdue", "counterparty", "The tax adviser has had our figures for weeks and sends no calculation.")
def adviser_has_not_sent(desk: Desk) -> Row:
    return _of(
        desk, task=desk.one("Income tax", "Ertragsteuern"), owner=desk.person(), due=desk.day(-6, -2),
        depends_on="calculation of the tax adviser", figures_sent_to_adviser_on=desk.day(-30, -24),
        adviser_reminded_on=desk.day(-8, -5), calculation_received_on=None, period="2026-10",
    )  # fmt: skip


@_close(
    "accrual_missing", "counterparty", "One accrues by the supplier's meter report, and the supplier has not sent it."
)
def meter_report_missing(desk: Desk) -> Row:
    return _of(
        desk, goods_received_value=None, accrued_value="0.00", period="2026-10", posting_job=desk.good(),
        accrual_basis="meter report of the supplier", report_requested_on=desk.day(-25, -20), reminders_sent=2,
        report_received_on=None,
    )  # fmt: skip


@_close(
    "accrual_missing", "unknown", "The job ran, skipped nothing and gave no reason; the receipt is above the threshold."
)
def accrual_unexplained(desk: Desk) -> Row:
    value = str(desk.eur(9_000, 60_000))
    return _of(
        desk, goods_received_value=value, accrued_value="0.00", period="2026-10", posting_job=desk.good(),
        accrual_threshold="5000.00", skipped_reason=None, skipped_lines=0, proposal=None,
    )  # fmt: skip


@_close(
    "approval_stalled", "policy_exception", "The only one who may approve prepared the journal, which four eyes forbid."
)
def preparer_is_approver(desk: Desk) -> Row:
    person = desk.person()
    return _of(
        desk, journal=desk.id("SA"), prepared_by=person, approver=person, waiting_days=desk.rng.randint(8, 15),
        absent_until=None, preparer_may_approve=False, other_eligible_approvers=0,
    )  # fmt: skip


@_new("document_missing", "counterparty", "The customer sent a paper that had expired, was told so and sent no other.")
def expired_paper_sent(desk: Desk) -> Row:
    return _customer(
        desk, missing=[desk.one("identity card", "Gewerbeanmeldung")], requested_on=desk.day(-40, -35),
        received_on=desk.day(-30, -26), received_valid_until=desk.day(-200, -100), refused_as="expired",
        customer_told_on=desk.day(-25, -22), reminders_sent=2, upload_status="ok",
    )  # fmt: skip


@_new(
    "credit_check_adverse",
    "data_quality",
    "We judged by a report two years old that lay in the file; the new one is good.",
)
def old_report_used(desk: Desk) -> Row:
    return _customer(
        desk, score=desk.rng.randint(20, 40), threshold=50, requested_limit="20000.00",
        report_used_of=desk.day(-800, -700), newer_report_of=desk.day(-20, -10),
        newer_report_score=desk.rng.randint(70, 90), bureau_status="ok",
        report_picked="manual",
    )  # fmt: skip


@_new(
    "contract_billing_mismatch", "counterparty", "We bill the signed rate; the customer claims one that no paper shows."
)
def customer_claims_other_rate(desk: Desk) -> Row:
    rate = desk.rng.randint(590, 4_990)
    return _customer(
        desk, contract=desk.id("K-"), contract_rate=str(money(rate)), billing_rate=str(money(rate)),
        rate_claimed_by_customer=str(money(rate * 8 // 10)), amendments=0, contract_signed_by_customer=True,
        sync_status="ok",
    )  # fmt: skip


@_new(
    "provisioning_stalled", "approval_bottleneck", "Digging for the line costs more than planned and waits for a leave."
)
def digging_not_approved(desk: Desk) -> Row:
    return _customer(
        desk, order_id=desk.id("SO"), stalled_days=desk.rng.randint(20, 40), exposure="0.00", credit_limit="9000.00",
        blocked_by=desk.one("cost approval", "Freigabe Tiefbau"), cost_request=desk.id("CR"),
        cost_request_status="waiting for approval", **waiting(desk, 15, 19),
    )  # fmt: skip


@_new(
    "provisioning_stalled",
    "counterparty",
    "The technician stood twice before a closed door; the customer gives no date.",
)
def nobody_at_home(desk: Desk) -> Row:
    return _customer(
        desk, order_id=desk.id("SO"), stalled_days=desk.rng.randint(12, 30), exposure="0.00", credit_limit="9000.00",
        blocked_by="appointment at customer", appointments_missed_by_customer=2, new_appointment=None,
        technician_available=True, activation_status="ok",
    )  # fmt: skip


@_new(
    "case_abandoned",
    "integration_failure",
    "The case fell out of the line when the identity service could not be reached.",
)
def identity_service_unreachable(desk: Desk) -> Row:
    return _customer(desk, **silent(desk, "dead_letter", attempts=5, last_error="identity service unreachable"))


def _usage(desk: Desk, gap: int, **more: Any) -> Row:
    ours = desk.rng.randint(20_000, 400_000)
    return _partner(desk, our_units=ours, partner_units=ours + gap, feed_status="ok", **more)


@_settled("usage_mismatch", "counterparty", "The partner cut its month by another clock than the contract's.")
def partner_in_another_time_zone(desk: Desk) -> Row:
    gap = desk.rng.randint(500, 4_000)
    return _usage(
        desk, gap, contract_time_zone="Europe/Berlin", our_time_zone="Europe/Berlin",
        partner_file_time_zone="America/Los_Angeles", units_in_shifted_hours=gap,
    )  # fmt: skip


@_settled(
    "usage_mismatch", "data_quality", "Our filter drops calls below a minute; the contract counts from half of one."
)
def our_filter_is_wrong(desk: Desk) -> Row:
    gap = desk.rng.randint(500, 4_000)
    return _usage(
        desk, gap, contract_minimum_seconds=30, our_minimum_seconds=60, partner_minimum_seconds=30,
        units_dropped_by_our_filter=gap, filter_entry="manual",
    )  # fmt: skip


@_settled(
    "share_variance", "approval_bottleneck", "The amended share is entered and waits for its release by a controller."
)
def amended_share_unreleased(desk: Desk) -> Row:
    return _partner(
        desk, contract_share_percent="42.0", applied_share_percent="40.0", pending_share_percent="42.0",
        share_change_status=desk.one("waiting for release", "waiting for approval"), period="2026-10",
        contract_sync_status="ok", **waiting(desk),
    )  # fmt: skip


@_settled(
    "payout_blocked", "policy_exception", "The partner manager asked for an advance, which our payout rules forbid."
)
def advance_forbidden(desk: Desk) -> Row:
    return _partner(
        desk, blocked_days=desk.rng.randint(8, 30), block_reason=desk.one("advance payout", "Vorauszahlung"),
        statement_agreed=True, advance_allowed_by_policy=False, advance_requested_by="partner manager",
    )  # fmt: skip


@_settled("payout_blocked", "unknown", "Somebody set the block without a reason; all else is in order.")
def block_without_reason(desk: Desk) -> Row:
    return _partner(
        desk, blocked_days=desk.rng.randint(8, 30), block_reason="", statement_agreed=True, payment_file_status=None,
        tax_form="on file", block_set_by="system",
    )  # fmt: skip


@_settled(
    "case_abandoned", "integration_failure", "The payout was approved, and the link to the bank has been down since."
)
def bank_link_down(desk: Desk) -> Row:
    return _partner(
        desk, **silent(desk, "delivering", connector="bank link", connector_status=desk.one("down", "failed"))
    )


STORIES = (
    page_not_imported, sister_booked_wrong, match_not_released, refund_under_new_name, adviser_has_not_sent,
    meter_report_missing, accrual_unexplained, preparer_is_approver, expired_paper_sent, old_report_used,
    customer_claims_other_rate, digging_not_approved, nobody_at_home, identity_service_unreachable,
    partner_in_another_time_zone, our_filter_is_wrong, amended_share_unreleased, advance_forbidden,
    block_without_reason, bank_link_down,
)  # fmt: skip

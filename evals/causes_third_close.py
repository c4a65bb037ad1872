"""The third maker's stories from record to report: breaks, bank lines, close tasks, accruals."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from evals.causes_stage import money
from evals.causes_third_stage import Desk, Row, silent, tells, waiting

_tells = partial(tells, "record_to_report")


def _break(desk: Desk, gap: Decimal | None = None, **more: object) -> Row:
    """A ledger account that differs from what it is reconciled with."""
    ledger = desk.eur(20_000, 900_000)
    gap = gap if gap is not None else desk.eur(30, 9_000)
    details = {
        "ledger_account": desk.one("1200", "1360", "1590", "1800"), "ledger_balance": str(ledger),
        "statement_balance": str(ledger + gap), "difference": str(gap), **more,
    }  # fmt: skip
    return {"amount": gap, "details": details}


@_tells(
    "reconciliation_break",
    "integration_failure",
    "The sub-ledger's transfer broke off, and the difference is the batch that did not arrive.",
)
def batch_did_not_arrive(desk: Desk) -> Row:
    gap = desk.eur(500, 9_000)
    return _break(
        desk, gap, interface_status=desk.broken(), batches_sent=31, batches_received=30, missing_batch_total=str(gap)
    )


@_tells(
    "reconciliation_break",
    "data_quality",
    "Two digits were swapped in a manual posting; the interface had a fault last month that was repaired and re-run.",
)
def swapped_digits(desk: Desk) -> Row:
    tens, ones = desk.rng.sample(range(1, 10), 2)
    tens, ones = sorted((tens, ones))
    gap = money((ones - tens) * 900)
    base = desk.rng.randint(10, 90) * 100
    return _break(
        desk, gap, interface_status="ok", interface_last_fault=desk.day(-45, -38), interface_fault_resolved=True,
        manual_posting=desk.id("SA"), manual_posting_amount=f"{base + tens * 10 + ones}.00",
        bank_line_amount=f"{base + ones * 10 + tens}.00", posted_by=desk.person(),
    )  # fmt: skip


@_tells(
    "reconciliation_break",
    "approval_bottleneck",
    "The correcting entry for exactly this difference is parked and waits for its second signature.",
)
def correction_parked(desk: Desk) -> Row:
    gap = desk.eur(300, 20_000)
    return _break(
        desk, gap, interface_status="ok", parked_entry=desk.id("PE"), parked_entry_amount=str(gap),
        parked_entry_status="waiting for approval", **waiting(desk, 5, 14),
    )  # fmt: skip


@_tells(
    "reconciliation_break",
    "data_quality",
    "The foreign account was valued at a rate that somebody keyed wrong; at the official one nothing differs.",
)
def rate_keyed_wrong(desk: Desk) -> Row:
    usd = desk.rng.randint(20, 200) * 1_000
    gap = money(usd * 9)
    return _break(
        desk, gap, interface_status="ok", account_currency="USD", balance_in_currency=f"{usd}.00",
        rate_used="0.8530", official_rate="0.9430", rate_entry="manual", difference_at_official_rate="0.00",
    )  # fmt: skip


@_tells("reconciliation_break", "unknown", "Interfaces run, nothing is parked, nothing open explains the difference.")
def unexplained_break(desk: Desk) -> Row:
    return _break(desk, interface_status="ok", open_lines=0, parked_entries=0, manual_postings=0)


def _line(desk: Desk, text: str, **more: object) -> Row:
    return {"amount": desk.eur(40, 25_000), "details": {"bank_line": desk.id("BL"), "booking_text": text, **more}}


@_tells(
    "unmatched_bank_line",
    "integration_failure",
    "The bank moved to a new statement format, and our parser reads no references out of it since that day.",
)
def new_statement_format(desk: Desk) -> Row:
    return _line(
        desk, desk.one("NTRFNONREF", "<RmtInf/>"), candidates=[], statement_format="camt.053.001.08",
        parser_expects="MT940", parser_status=desk.one("error", "failed"), lines_unmatched_since_change=412,
    )  # fmt: skip


@_tells(
    "unmatched_bank_line",
    "data_quality",
    "The customer pays from an account that we were told of long ago; our customer record still has the former one.",
)
def account_not_maintained(desk: Desk) -> Row:
    customer = desk.party("customer")
    row = _line(
        desk, customer.name, candidates=[desk.number()], payer_iban=desk.account(customer),
        customer_iban_in_books=desk.account(customer), account_change_notified_on=desk.day(-300, -200),
        customer_master_last_changed=desk.day(-900, -700),
    )  # fmt: skip
    return {**row, "customer": customer}


@_tells(
    "unmatched_bank_line",
    "counterparty",
    "The customer's bank returned our direct debit for lack of funds; the line is that return.",
)
def debit_returned(desk: Desk) -> Row:
    return _line(
        desk, desk.one("RLS SEPA AM04", "R-transaction AM04 insufficient funds", "impayé AM04 provision insuffisante"),
        return_reason="AM04", returned_debit=desk.id("DD"), candidates=[], statement_import_status="ok",
    ) | {"customer": desk.party("customer")}  # fmt: skip


@_tells(
    "unmatched_bank_line", "unknown", "Money without payer, purpose or candidate, through a statement that read well."
)
def money_from_nobody(desk: Desk) -> Row:
    return _line(
        desk, desk.one("GUTSCHRIFT", "ABONO", "CREDIT"), candidates=[], payer=None, statement_import_status="ok"
    )


def _task(desk: Desk, task: str, depends_on: str | None, **more: object) -> Row:
    details = {
        "task": task, "owner": desk.person(), "due": desk.day(-9, -2), "depends_on": depends_on, "period": "2026-10",
        **more,
    }  # fmt: skip
    return {"details": details}


@_tells(
    "close_task_overdue",
    "approval_bottleneck",
    "The owner finished in time; the reviewer has not signed off.",
)
def done_but_not_signed(desk: Desk) -> Row:
    return _task(
        desk, desk.one("Bank reconciliations", "Abstimmung Debitoren", "Rapprochement TVA"), None,
        work_completed_on=desk.day(-14, -11), task_status="waiting for sign-off", **waiting(desk, 6, 12),
    )  # fmt: skip


@_tells(
    "close_task_overdue",
    "integration_failure",
    "The depreciation run on which the task depends ended with an error; its owner can do nothing before it is re-run.",
)
def run_ended_with_error(desk: Desk) -> Row:
    return _task(
        desk,
        "Asset roll-forward",
        "depreciation run",
        depends_on_status=desk.broken(),
        depends_on_last_run=desk.day(-12, -10),
    )


@_tells(
    "close_task_overdue",
    "counterparty",
    "The task needs the lessor's statement; it was asked for twice and has not come.",
)
def lessor_has_not_sent(desk: Desk) -> Row:
    return _task(
        desk, "Lease liabilities", "statement of the lessor", external_document="lessor's statement",
        requested_on=desk.day(-25, -20), reminders_sent=2, received_on=None,
    )  # fmt: skip


@_tells(
    "close_task_overdue",
    "data_quality",
    "The intercompany list cannot be closed as the new entity has no partner code in the master data.",
)
def partner_code_missing(desk: Desk) -> Row:
    return _task(
        desk, "Intercompany matching", None, validation_result="17 postings without partner code",
        postings_missing_partner_code=17, partner_code_in_master=None, interface_status="ok",
    )  # fmt: skip


def _accrual(desk: Desk, value: Decimal, job: str, **more: object) -> Row:
    details = {
        "goods_received_value": str(value), "accrued_value": "0.00", "period": "2026-10", "posting_job": job, **more,
    }  # fmt: skip
    return {"amount": value, "details": details}


@_tells("accrual_missing", "integration_failure", "The accrual job stopped in the middle of the night of the close.")
def job_stopped(desk: Desk) -> Row:
    return _accrual(desk, desk.eur(8_000, 90_000), desk.broken(), posting_job_last_success=desk.day(-52, -48))


@_tells(
    "accrual_missing",
    "policy_exception",
    "The job ran and left the receipt out as the house's rule demands: it is below the value from which one accrues.",
)
def below_the_threshold(desk: Desk) -> Row:
    return _accrual(
        desk, desk.eur(1_200, 4_800), desk.good(), accrual_threshold="5000.00", skipped_reason="below threshold"
    )


@_tells(
    "accrual_missing",
    "data_quality",
    "The job ran and had to skip the order: its cost centre was closed by mistake in our master.",
)
def cost_centre_closed(desk: Desk) -> Row:
    return _accrual(
        desk, desk.eur(8_000, 90_000), desk.good(), skipped_reason="account assignment invalid",
        cost_centre_status="closed in error", skipped_lines=desk.rng.randint(2, 9),
    )  # fmt: skip


@_tells(
    "accrual_missing", "approval_bottleneck", "The proposal was made by the job and waits to be released by a person."
)
def proposal_not_released(desk: Desk) -> Row:
    return _accrual(
        desk, desk.eur(8_000, 90_000), desk.good(), proposal=desk.id("AP"), proposal_status="waiting for release",
        **waiting(desk, 4, 12),
    )  # fmt: skip


@_tells("approval_stalled", "approval_bottleneck", "A journal waits for a controller who is away.")
def journal_waits(desk: Desk) -> Row:
    details = {**waiting(desk), "absent_until": desk.day(4, 16), "journal": desk.id("SA"), "deputy": None}
    return {"amount": desk.eur(500, 70_000), "details": details}


@_tells("case_abandoned", "approval_bottleneck", "A proposal has lain before the reviewers for weeks; nobody looked.")
def nobody_reviewed(desk: Desk) -> Row:
    return {"amount": desk.eur(500, 7_000), "details": silent(desk, "awaiting_review", open_seats=1)}


STORIES = (
    batch_did_not_arrive, swapped_digits, correction_parked, rate_keyed_wrong, unexplained_break, new_statement_format,
    account_not_maintained, debit_returned, money_from_nobody, done_but_not_signed, run_ended_with_error,
    lessor_has_not_sent, partner_code_missing, job_stopped, below_the_threshold, cost_centre_closed,
    proposal_not_released, journal_waits, nobody_reviewed,
)  # fmt: skip

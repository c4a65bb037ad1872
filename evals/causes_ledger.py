"""What goes wrong at the close, with new customers and with partners, told from what happened. See causes_stage.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.causes_stage import Stage, Story, Told, money
from models.synthetic_numbers import digits

Json = dict[str, Any]


def _told(stage: Stage, cause: str, details: Mapping[str, Any], who: str = "", also: Sequence[str] = ()) -> Told:
    amount = money(stage.rng.randint(15_000, 5_000_000))
    return Told(
        cause, details, frozenset(also), amount,
        customer=stage.party("customer") if who == "customer" else None,
        supplier=stage.party("supplier") if who == "partner" else None,
        reads={"currency": "EUR", "total_amount": str(amount)},
    )  # fmt: skip


def _waiting(stage: Stage) -> Json:
    return {"approver": f"lead-{digits(stage.rng, 1)}", "waiting_days": str(stage.rng.randint(4, 20))}


# --- record to report ------------------------------------------------------------------------------------------------
def _break(stage: Stage) -> Json:
    ledger, off = stage.rng.randint(100_000, 90_000_000), stage.rng.randint(1_000, 900_000)
    return {"ledger_account": f"{digits(stage.rng, 4)} Clearing", "ledger_balance": str(money(ledger)),
            "statement_balance": str(money(ledger - off)), "difference": str(money(off))}  # fmt: skip


def batch_broke_off(stage: Stage) -> Told:
    return _told(stage, "integration_failure", {**_break(stage), "interface_status": stage.broken()})


def difference_without_trace(stage: Stage) -> Told:
    return _told(stage, "unknown", {**_break(stage), "interface_status": stage.good()})


def item_not_entered(stage: Stage) -> Told:
    """One open entry of exactly that amount was found, and every interface ran."""
    found = [f"JE{digits(stage.rng, 5)}"]
    return _told(stage, "data_quality", {**_break(stage), "interface_status": stage.good(), "candidates": found})


def journal_waits(stage: Stage) -> Told:
    """The entry that would close it waits for a signature."""
    details = {**_break(stage), "interface_status": stage.good(), **_waiting(stage)}
    return _told(stage, "approval_bottleneck", details)


def _line(stage: Stage, candidates: Sequence[str]) -> Json:
    return {"bank_line": f"BL{digits(stage.rng, 6)}", "booking_text": stage.rng.choice(("SEPA", "TRANSFER 00", "div.")),
            "candidates": list(candidates)}  # fmt: skip


def line_with_candidates(stage: Stage) -> Told:
    return _told(stage, "data_quality", _line(stage, [f"AR{digits(stage.rng, 6)}"]))


def line_of_nobody(stage: Stage) -> Told:
    return _told(stage, "unknown", _line(stage, []))


def ledger_not_loaded(stage: Stage) -> Told:
    return _told(stage, "integration_failure", {**_line(stage, []), "interface_status": stage.broken()})


def _task(stage: Stage) -> Json:
    return {"task": stage.rng.choice(("Leases", "Payroll tax", "Intercompany")), "owner": f"gl-{digits(stage.rng, 1)}",
            "due": stage.day(-9, -1), "depends_on": None}  # fmt: skip


def owner_has_not_done_it(stage: Stage) -> Told:
    return _told(stage, "approval_bottleneck", _task(stage))


def job_before_it_failed(stage: Stage) -> Told:
    details = {**_task(stage), "depends_on": "Depreciation run", "posting_job": stage.broken()}
    return _told(stage, "integration_failure", details, also=("approval_bottleneck",))


def waits_for_an_outsider(stage: Stage) -> Told:
    details = {**_task(stage), "depends_on": "external confirmation", "missing": ["bank confirmation"]}
    return _told(stage, "counterparty", details, also=("approval_bottleneck",))


def _accrual(stage: Stage, job: str) -> Json:
    return {"goods_received_value": str(money(stage.rng.randint(50_000, 4_000_000))), "accrued_value": "0.00",
            "period": "2026-10", "posting_job": job}  # fmt: skip


def accrual_job_failed(stage: Stage) -> Told:
    return _told(stage, "integration_failure", _accrual(stage, stage.broken()))


def accrual_forgotten(stage: Stage) -> Told:
    return _told(stage, "data_quality", _accrual(stage, stage.good()))


def accrual_unsigned(stage: Stage) -> Told:
    return _told(stage, "approval_bottleneck", {**_accrual(stage, stage.good()), **_waiting(stage)})


# --- customer onboarding ---------------------------------------------------------------------------------------------
def customer_sends_nothing(stage: Stage) -> Told:
    details = {"missing": stage.rng.choice((["register extract"], ["tax_form", "bank confirmation"])),
               "requested_on": stage.day(-20, -2) if stage.rng.random() < 0.6 else None}  # fmt: skip
    return _told(stage, "counterparty", details, "customer")


def upload_lost(stage: Stage) -> Told:
    details = {"missing": ["tax_form"], "requested_on": stage.day(-20, -8), "interface_status": stage.broken()}
    return _told(stage, "integration_failure", details, "customer", ("counterparty",))


def poor_score(stage: Stage) -> Told:
    details = {"score": str(stage.rng.randint(3, 39)), "threshold": "40", "requested_limit": "25000"}
    return _told(stage, "policy_exception", details, "customer")


def bureau_did_not_answer(stage: Stage) -> Told:
    details = {"score": None, "threshold": "40", "requested_limit": "25000", "interface_status": stage.broken()}
    return _told(stage, "integration_failure", details, "customer")


def _rates(stage: Stage) -> Json:
    rate = stage.rng.randint(20_000, 90_000)
    return {"contract": f"K{digits(stage.rng, 4)}", "contract_rate": str(money(rate)),
            "billing_rate": str(money(rate * stage.rng.choice((90, 95, 107, 118)) // 100))}  # fmt: skip


def rate_mistyped(stage: Stage) -> Told:
    return _told(stage, "data_quality", _rates(stage), "customer")


def amendment_not_transferred(stage: Stage) -> Told:
    details = {**_rates(stage), "interface_status": stage.broken()}
    return _told(stage, "integration_failure", details, "customer", ("data_quality",))


def _blocked(stage: Stage, by: str, exposure: int = 2000) -> Json:
    return {"order_id": f"SO{digits(stage.rng, 5)}", "stalled_days": str(stage.rng.randint(3, 20)), "blocked_by": by,
            "exposure": f"{exposure}.00", "credit_limit": "10000.00"}  # fmt: skip


def set_up_broke_off(stage: Stage) -> Told:
    return _told(stage, "integration_failure", _blocked(stage, "interface_error"), "customer")


def hold_not_lifted(stage: Stage) -> Told:
    """The customer is inside the limit; nobody has lifted the hold."""
    return _told(stage, "approval_bottleneck", _blocked(stage, "credit_hold", stage.rng.randint(0, 9000)), "customer")


def hold_deserved(stage: Stage) -> Told:
    return _told(
        stage, "policy_exception", _blocked(stage, "credit_hold", stage.rng.randint(11_000, 90_000)), "customer"
    )


def no_access_on_site(stage: Stage) -> Told:
    by = stage.rng.choice(("customer", "customer_access", "customer_site_not_ready"))
    return _told(stage, "counterparty", _blocked(stage, by), "customer")


def signature_outstanding(stage: Stage) -> Told:
    return _told(stage, "approval_bottleneck", _blocked(stage, "approval"), "customer")


# --- partner settlement ----------------------------------------------------------------------------------------------
def _usage(stage: Stage, feed: str | None) -> Json:
    ours = stage.rng.randint(50_000, 500_000)
    return {
        "partner_units": str(ours * stage.rng.randint(106, 135) // 100),
        "our_units": str(ours),
        "feed_status": feed,
    }


def our_feed_has_holes(stage: Stage) -> Told:
    return _told(stage, "integration_failure", _usage(stage, stage.rng.choice(("gap", "failed", "partial"))), "partner")


def partner_counts_more(stage: Stage) -> Told:
    return _told(stage, "counterparty", _usage(stage, stage.good()), "partner")


def counts_differ_and_nothing_else(stage: Stage) -> Told:
    return _told(stage, "unknown", _usage(stage, None), "partner")


def share_mistyped(stage: Stage) -> Told:
    share = stage.rng.choice((20, 25, 30, 40))
    applied = share + stage.rng.choice((-5, 2, 5))
    details = {"contract_share_percent": str(share), "applied_share_percent": str(applied), "period": "2026-10"}
    return _told(stage, "data_quality", details, "partner")


def _payout(stage: Stage, reason: str, agreed: bool = True) -> Json:
    return {"blocked_days": str(stage.rng.randint(3, 40)), "block_reason": reason, "statement_agreed": agreed}


def payout_unsigned(stage: Stage) -> Told:
    return _told(
        stage, "approval_bottleneck", _payout(stage, stage.rng.choice(("approval", "awaiting approval"))), "partner"
    )


def payout_to_another_account(stage: Stage) -> Told:
    reason = stage.rng.choice(("bank_details", "bank details changed"))
    return _told(stage, "supplier_master_mismatch", _payout(stage, reason), "partner")


def statement_not_agreed(stage: Stage) -> Told:
    return _told(stage, "counterparty", _payout(stage, "statement", agreed=False), "partner")


def payment_run_failed(stage: Stage) -> Told:
    details = {**_payout(stage, "interface_error"), "interface_status": stage.broken()}
    return _told(stage, "integration_failure", details, "partner")


RECORD_TO_REPORT: Mapping[str, Sequence[Story]] = {
    "reconciliation_break": (
        batch_broke_off, batch_broke_off, difference_without_trace, item_not_entered, journal_waits
    ),
    "unmatched_bank_line": (line_with_candidates, line_with_candidates, line_of_nobody, ledger_not_loaded),
    "close_task_overdue": (
        owner_has_not_done_it, owner_has_not_done_it, job_before_it_failed, waits_for_an_outsider
    ),
    "accrual_missing": (accrual_job_failed, accrual_forgotten, accrual_unsigned),
}  # fmt: skip
CUSTOMER_ONBOARDING: Mapping[str, Sequence[Story]] = {
    "document_missing": (customer_sends_nothing, customer_sends_nothing, upload_lost),
    "credit_check_adverse": (poor_score, poor_score, bureau_did_not_answer),
    "contract_billing_mismatch": (rate_mistyped, rate_mistyped, amendment_not_transferred),
    "provisioning_stalled": (
        set_up_broke_off, hold_not_lifted, hold_deserved, no_access_on_site, signature_outstanding
    ),
}  # fmt: skip
PARTNER_SETTLEMENT: Mapping[str, Sequence[Story]] = {
    "usage_mismatch": (our_feed_has_holes, partner_counts_more, counts_differ_and_nothing_else),
    "share_variance": (share_mistyped,),
    "payout_blocked": (payout_unsigned, payout_to_another_account, statement_not_agreed, payment_run_failed),
}

"""The third maker's stories of new customers: documents, credit checks, contracts, lines."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from evals.causes_stage import money
from evals.causes_third_stage import Desk, Row, silent, tells, waiting

_new = partial(tells, "customer_onboarding")


def _customer(desk: Desk, amount: Decimal | None = None, **details: Any) -> Row:
    return {
        "customer": desk.party("customer"), "amount": amount if amount is not None else desk.eur(300, 30_000),
        "details": details,
    }  # fmt: skip


def _paper(desk: Desk) -> list[str]:
    return [desk.one("certificate of registration", "Handelsregisterauszug", "extrait Kbis", "visura camerale")]


@_new("document_missing", "counterparty", "Asked for a month ago, reminded twice, and the customer has sent nothing.")
def customer_sends_nothing(desk: Desk) -> Row:
    return _customer(
        desk, missing=_paper(desk), requested_on=desk.day(-35, -28), due=desk.day(-15, -10), reminders_sent=2,
        customer_uploads=0, request_delivered=True,
    )  # fmt: skip


@_new(
    "document_missing",
    "integration_failure",
    "The customer uploaded it three times; our portal's virus scan times out and throws it away.",
)
def portal_throws_away(desk: Desk) -> Row:
    return _customer(
        desk, missing=_paper(desk), requested_on=desk.day(-35, -28), reminders_sent=2, customer_uploads=3,
        upload_status=desk.one("timeout", "failed"), portal_error="virus scan did not answer",
    )  # fmt: skip


@_new(
    "document_missing",
    "data_quality",
    "The customer never got the request: we keyed its address wrong, and the mail came back.",
)
def asked_at_wrong_address(desk: Desk) -> Row:
    return _customer(
        desk, missing=_paper(desk), requested_on=desk.day(-35, -28), reminders_sent=2, request_delivered=False,
        mail_result="550 no such user", address_used="ofice@kunde.example", address_in_contract="office@kunde.example",
    )  # fmt: skip


@_new("document_missing", "approval_bottleneck", "The paper came in time and waits for the legal department's check.")
def paper_waits_for_legal(desk: Desk) -> Row:
    return _customer(
        desk, missing=_paper(desk), requested_on=desk.day(-35, -28), received_on=desk.day(-20, -16),
        check_status="waiting for approval", **waiting(desk, 14, 20),
    )  # fmt: skip


@_new(
    "document_missing",
    "policy_exception",
    "The customer may not give the paper out and offers another; our rules accept no other without a special leave.",
)
def another_paper_offered(desk: Desk) -> Row:
    return _customer(
        desk, missing=["annual accounts"], requested_on=desk.day(-35, -28), substitute_offered="bank guarantee",
        substitute_received_on=desk.day(-12, -9), substitute_allowed_by_policy=False, waiver_requested_by="sales",
    )  # fmt: skip


def _scored(desk: Desk, score: int | None, **more: Any) -> Row:
    limit = desk.rng.randint(10, 60) * 1_000
    return _customer(desk, money(limit * 100), score=score, threshold=50, requested_limit=f"{limit}.00", **more)


@_new(
    "credit_check_adverse", "counterparty", "The score is low for good reason: the customer has filed for insolvency."
)
def insolvent_customer(desk: Desk) -> Row:
    return _scored(
        desk, desk.rng.randint(8, 30), insolvency_filed_on=desk.day(-60, -40), report_date=desk.day(-6, -2),
        report_matches_customer=True, bureau_status="ok",
    )  # fmt: skip


@_new("credit_check_adverse", "data_quality", "We asked with a wrong register number and got a namesake's report.")
def namesake_scored(desk: Desk) -> Row:
    return _scored(
        desk, desk.rng.randint(15, 40), report_register_number=f"HRB {desk.id('', 5)}",
        customer_register_number=f"HRB {desk.id('', 5)}", report_matches_customer=False, register_number_entry="manual",
        bureau_status="ok", report_date=desk.day(-6, -2),
    )  # fmt: skip


@_new(
    "credit_check_adverse", "integration_failure", "The bureau's service did not answer; nought is a default, no score."
)
def bureau_did_not_answer(desk: Desk) -> Row:
    return _scored(
        desk, 0, bureau_status=desk.one("timeout", "failed", "down"), report_date=None, score_source="default"
    )


@_new(
    "credit_check_adverse",
    "policy_exception",
    "The score is good; the limit asked for is three times what the rules give for it.",
)
def asks_more_than_rules_give(desk: Desk) -> Row:
    row = _scored(desk, desk.rng.randint(66, 80), bureau_status="ok", report_matches_customer=True)
    row["details"]["max_limit_for_score"] = str(Decimal(row["details"]["requested_limit"]) / 3 // 1)
    return row


def _rates(desk: Desk, **more: Any) -> Row:
    rate = desk.rng.randint(590, 4_990)
    return _customer(
        desk, contract=desk.id("K-"), contract_rate=str(money(rate)), billing_rate=str(money(rate * 112 // 100)), **more
    )  # fmt: skip


@_new(
    "contract_billing_mismatch",
    "data_quality",
    "The amendment lowered the rate in summer; billing was never told and bills the old one.",
)
def amended_but_not_billed(desk: Desk) -> Row:
    return _rates(
        desk, amendment_signed_on=desk.day(-150, -130), amendment_effective=desk.day(-120, -100),
        billing_rate_last_changed=desk.day(-700, -600), billing_rate_entry="manual", sync_status="ok",
    )  # fmt: skip


@_new("contract_billing_mismatch", "integration_failure", "The rate was changed in CRM; its transfer to billing fails.")
def rate_not_transferred(desk: Desk) -> Row:
    row = _rates(desk, sync_status=desk.broken(), sync_last_success=desk.day(-60, -45))
    row["details"]["crm_rate"] = row["details"]["contract_rate"]
    return row


@_new(
    "contract_billing_mismatch",
    "policy_exception",
    "The account manager granted a rate below what the price rules allow, so billing refuses to load it.",
)
def discount_above_authority(desk: Desk) -> Row:
    return _rates(
        desk, discount_percent="35", max_discount_percent="20", discount_granted_by="account manager",
        billing_load_result="refused: discount above limit", sync_status="ok",
    )  # fmt: skip


@_new(
    "contract_billing_mismatch", "approval_bottleneck", "The new rate is entered in billing and waits for its release."
)
def rate_change_not_released(desk: Desk) -> Row:
    row = _rates(desk, rate_change_status="waiting for approval", **waiting(desk))
    row["details"]["pending_billing_rate"] = row["details"]["contract_rate"]
    return row


def _line(desk: Desk, blocked_by: str, **more: Any) -> Row:
    details: dict[str, Any] = {
        "order_id": desk.id("SO"), "stalled_days": desk.rng.randint(12, 50), "blocked_by": blocked_by,
        "exposure": "900.00", "credit_limit": "20000.00", **more,
    }  # fmt: skip
    return _customer(desk, None, **details)


@_new("provisioning_stalled", "counterparty", "The network partner has our order and has given no date for the line.")
def network_partner_waits(desk: Desk) -> Row:
    return _line(
        desk, desk.one("network partner", "access line of the carrier"), partner_order=desk.id("WITA-"),
        partner_order_status="accepted, no date", partner_reminded_on=desk.day(-8, -4), partner_interface="ok",
    )  # fmt: skip


@_new("provisioning_stalled", "integration_failure", "All is ready, but the activation service answers with an error.")
def activation_fails(desk: Desk) -> Row:
    return _line(
        desk, "activation", activation_status=desk.one("error", "failed"), activation_attempts=9, line_ready=True
    )


@_new(
    "provisioning_stalled",
    "data_quality",
    "The credit hold stands only because the customer's deposit was posted to a clearing account.",
)
def deposit_misposted(desk: Desk) -> Row:
    return _line(
        desk, "credit hold", exposure="21500.00", deposit_required="5000.00", deposit_received="5000.00",
        deposit_posted_to="1790 clearing", deposit_posted_by=desk.person(),
    )  # fmt: skip


@_new("provisioning_stalled", "data_quality", "The order holds an address that does not exist, unlike the contract.")
def address_does_not_exist(desk: Desk) -> Row:
    return _line(
        desk, "site survey", address_in_order="Hauptstr. 112", address_in_contract="Hauptstr. 12",
        address_check="not found", activation_status="ok",
    )  # fmt: skip


@_new("approval_stalled", "approval_bottleneck", "The contract has lain with our signatory, who is at work, for weeks.")
def contract_not_signed_by_us(desk: Desk) -> Row:
    return _customer(
        desk, **waiting(desk), absent_until=None, document="contract", customer_signed_on=desk.day(-40, -33)
    )


@_new("case_abandoned", "unknown", "The watcher saw no move on the case, and nothing says what it waited for.")
def silent_without_reason(desk: Desk) -> Row:
    return _customer(desk, **silent(desk, "queued", last_error=None))


STORIES = (
    customer_sends_nothing, portal_throws_away, asked_at_wrong_address, paper_waits_for_legal, another_paper_offered,
    insolvent_customer, namesake_scored, bureau_did_not_answer, asks_more_than_rules_give, amended_but_not_billed,
    rate_not_transferred, discount_above_authority, rate_change_not_released, network_partner_waits, activation_fails,
    deposit_misposted, address_does_not_exist, contract_not_signed_by_us, silent_without_reason,
)  # fmt: skip

"""Planted exceptions of the four workflows beside accounts payable.

Each maker names the keys of its `details`: the evidence that tells one cause from another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from models.synthetic_collections import ORDER_TO_CASH
from models.synthetic_exceptions import REGION, PlantedException
from models.synthetic_numbers import cents, digits
from models.synthetic_scene import Found, Scene, money, of_customer, of_entity, of_item


def _reconciliation_break(scene: Scene) -> Found:
    """details: ledger_account, ledger_balance, statement_balance, difference, interface_status."""
    failed = scene.rng.random() < 0.6
    balance, difference = money(scene, 10_000_000, 90_000_000), money(scene, 1_000, 2_000_000)
    details = {
        "ledger_account": scene.rng.choice(("1200 Bank", "1590 Clearing", "3300 Intercompany")),
        "ledger_balance": str(cents(balance)),
        "statement_balance": str(cents(balance - difference)),
        "difference": str(cents(difference)),
        "interface_status": "failed" if failed else "ok",
    }
    cause = "integration_failure" if failed else "unknown"
    action = "escalate_close_task" if failed else "refer_to_person"
    return Found(cause, action, "Ledger and statement differ", of_entity(scene, difference), details)


def _unmatched_bank_line(scene: Scene) -> Found:
    """details: bank_line, booking_text, candidates (open item ids; may be empty)."""
    item = scene.item(overdue=False)
    known = scene.rng.random() < 0.7
    details = {
        "bank_line": f"BL-{digits(scene.rng, 7)}",
        "booking_text": f"SEPA CREDIT {scene.customer(item.customer_id).name.upper()}" if known else "DIVERSE",
        "candidates": [item.invoice_id] if known else [],
    }
    action = "propose_match" if known else "refer_to_person"
    cause = "data_quality" if known else "unknown"
    fields = of_item(scene, item) if known else of_entity(scene, money(scene))
    return Found(cause, action, "Bank line without a ledger entry", fields, details)


def _close_task_overdue(scene: Scene) -> Found:
    """details: task, owner, due, depends_on."""
    task = scene.rng.choice(("Intercompany balances", "Fixed assets", "Accruals", "VAT return", "Payroll posting"))
    due = scene.today - timedelta(days=scene.rng.randint(1, 8))
    owner = f"accountant-{scene.rng.randint(1, 9)}"
    details = {"task": task, "owner": owner, "due": due.isoformat(), "depends_on": None}
    fields = of_entity(scene, money(scene)) | {"due_date": due.isoformat()}
    return Found("approval_bottleneck", "escalate_close_task", f"Close task is overdue: {task}", fields, details)


def _accrual_missing(scene: Scene) -> Found:
    """details: goods_received_value, accrued_value, period, posting_job."""
    value = money(scene)
    failed = scene.rng.random() < 0.5
    details = {
        "goods_received_value": str(cents(value)),
        "accrued_value": "0.00",
        "period": f"{scene.today:%Y-%m}",
        "posting_job": "failed" if failed else "done",
    }
    cause = "integration_failure" if failed else "data_quality"
    action = "escalate_close_task" if failed else "route_for_approval"
    return Found(cause, action, "Goods received but not accrued", of_entity(scene, value), details)


def _document_missing(scene: Scene) -> Found:
    """details: missing (document names), requested_on."""
    names = ("tax_form", "signed contract", "register extract", "bank confirmation")
    missing = scene.rng.sample(names, k=scene.rng.choice((1, 1, 2)))
    details = {"missing": missing, "requested_on": None}
    fields = of_customer(scene.customer(), money(scene))
    return Found("counterparty", "request_missing_document", "Onboarding document is missing", fields, details)


def _credit_check_adverse(scene: Scene) -> Found:
    """details: score (0-100), threshold, requested_limit."""
    customer = scene.customer()
    details = {"score": scene.rng.randint(8, 39), "threshold": 40, "requested_limit": str(customer.credit_limit)}
    fields = of_customer(customer, customer.credit_limit * 100)
    return Found("policy_exception", "escalate_credit_review", "Credit check is adverse", fields, details)


def _contract_billing_mismatch(scene: Scene) -> Found:
    """details: contract_rate, billing_rate, contract."""
    rate = scene.rng.randint(2_000, 90_000)
    details = {
        "contract": f"CT-{digits(scene.rng, 5)}",
        "contract_rate": str(cents(rate)),
        "billing_rate": str(cents(rate * scene.rng.choice((90, 95, 105, 110, 120)) // 100)),
    }
    fields = of_customer(scene.customer(), rate * 12)
    return Found("data_quality", "route_for_approval", "Billing set-up differs from the contract", fields, details)


def _provisioning_stalled(scene: Scene) -> Found:
    """details: order_id, stalled_days, blocked_by (credit_hold | interface_error), exposure, credit_limit."""
    customer = scene.customer()
    held = scene.rng.random() < 0.5
    limit = customer.credit_limit * 100
    details = {
        "order_id": f"SO-{digits(scene.rng, 6)}",
        "stalled_days": scene.rng.randint(3, 20),
        "blocked_by": "credit_hold" if held else "interface_error",
        "exposure": str(cents(limit * scene.rng.randint(20, 70) // 100)),
        "credit_limit": str(cents(limit)),
    }
    truth = ("approval_bottleneck", "release_order") if held else ("integration_failure", "route_for_approval")
    return Found(*truth, "Provisioning does not move on", of_customer(customer, money(scene)), details)


def _usage_mismatch(scene: Scene) -> Found:
    """details: partner_units, our_units, feed_status."""
    units = scene.rng.randint(2_000, 400_000)
    failed = scene.rng.random() < 0.6
    off = units * scene.rng.randint(3, 25) // 100
    details = {"partner_units": units, "our_units": units - off, "feed_status": "gap" if failed else "complete"}
    cause = "integration_failure" if failed else "counterparty"
    action = "hold_payout" if failed else "open_dispute"
    fields = of_customer(scene.customer(), off * 7)
    return Found(cause, action, "Partner reports other usage than we do", fields, details)


def _share_variance(scene: Scene) -> Found:
    """details: contract_share_percent, applied_share_percent, period."""
    share = scene.rng.choice((20, 25, 30, 35))
    details = {
        "contract_share_percent": share,
        "applied_share_percent": share + scene.rng.choice((-5, -2, 2, 5)),
        "period": f"{scene.today:%Y-%m}",
    }
    fields = of_customer(scene.customer(), money(scene))
    return Found("data_quality", "hold_payout", "Revenue share differs from the contract", fields, details)


def _payout_blocked(scene: Scene) -> Found:
    """details: blocked_days, block_reason (approval | bank_details), statement_agreed."""
    bank = scene.rng.random() < 0.35
    details = {
        "blocked_days": scene.rng.randint(4, 40),
        "block_reason": "bank_details" if bank else "approval",
        "statement_agreed": True,
    }
    truth = ("supplier_master_mismatch", "refer_to_person") if bank else ("approval_bottleneck", "approve_payout")
    fields = of_customer(scene.customer(), money(scene))
    return Found(*truth, "Payout to a partner is blocked", fields, details)


MAKERS: dict[str, dict[str, Callable[[Scene], Found]]] = {
    "order_to_cash": ORDER_TO_CASH,
    "record_to_report": {
        "reconciliation_break": _reconciliation_break, "unmatched_bank_line": _unmatched_bank_line,
        "close_task_overdue": _close_task_overdue, "accrual_missing": _accrual_missing,
    },
    "customer_onboarding": {
        "document_missing": _document_missing, "credit_check_adverse": _credit_check_adverse,
        "contract_billing_mismatch": _contract_billing_mismatch, "provisioning_stalled": _provisioning_stalled,
    },
    "partner_settlement": {
        "usage_mismatch": _usage_mismatch, "share_variance": _share_variance, "payout_blocked": _payout_blocked,
    },
}  # fmt: skip
_KEY = {"order_to_cash": "OTC", "record_to_report": "RTR", "customer_onboarding": "ONB", "partner_settlement": "PRT"}
_EMPTY = (
    "supplier_id", "customer_id", "invoice_number", "purchase_order", "iban", "issue_date", "due_date",
    "document_class",
)  # fmt: skip


def workflow_exception(scene: Scene, queue: str, exception_type: str, number: int) -> PlantedException:
    """One exception of a workflow beside accounts payable."""
    found = MAKERS[queue][exception_type](scene)
    key = f"{_KEY[queue]}-EX-{number:04d}"
    row: dict[str, Any] = {
        "queue": queue,
        "exception_type": exception_type,
        "source_key": key,
        "title": found.title,
        **dict.fromkeys(_EMPTY),
        **found.fields,
        "region": REGION[found.fields["entity"]],
        "details": found.details,
    }
    return PlantedException(queue, exception_type, found.cause, found.action, key, row)

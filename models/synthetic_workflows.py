"""Planted exceptions of the four workflows beside accounts payable.

Each maker returns the cause, the right action, a title, the row's fields that differ from None, and `details`:
the evidence that tells one cause from another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from models.features import Receivable
from models.synthetic_company import ENTITIES, Company, Customer
from models.synthetic_exceptions import REGION, PlantedException
from models.synthetic_numbers import cents, digits


@dataclass(frozen=True, slots=True)
class Scene:
    """What the makers draw from. `open_items` are overdue or open receivables of the firm's customers."""

    rng: Random
    firm: Company
    open_items: Sequence[Receivable]
    today: date
    used: set[str] = field(default_factory=set)

    def customer(self, customer_id: str | None = None) -> Customer:
        if customer_id is None:
            return self.rng.choice(self.firm.customers)
        return next(customer for customer in self.firm.customers if customer.id == customer_id)

    def item(self, overdue: bool) -> Receivable:
        """An open item that no other exception is about, as long as there is one."""
        fit = [item for item in self.open_items if item.due_date < self.today or not overdue]
        chosen = self.rng.choice([item for item in fit if item.invoice_id not in self.used] or fit)
        self.used.add(chosen.invoice_id)
        return chosen


@dataclass(frozen=True, slots=True)
class Found:
    cause: str
    action: str
    title: str
    fields: dict[str, Any]
    details: dict[str, Any]


def _of_item(scene: Scene, item: Receivable, amount: Decimal | None = None) -> dict[str, Any]:
    customer = scene.customer(item.customer_id)
    return {
        "entity": customer.entity,
        "amount": str(item.amount if amount is None else amount),
        "currency": customer.currency,
        "customer_id": customer.id,
        "invoice_number": item.invoice_id,
        "issue_date": item.posting_date.isoformat(),
        "due_date": item.due_date.isoformat(),
    }


def _of_customer(scene: Scene, customer: Customer, amount: int) -> dict[str, Any]:
    return {
        "entity": customer.entity,
        "amount": str(cents(amount)),
        "currency": customer.currency,
        "customer_id": customer.id,
    }


def _of_entity(scene: Scene, amount: int) -> dict[str, Any]:
    entity = scene.rng.choice(ENTITIES)
    return {"entity": entity["id"], "amount": str(cents(amount)), "currency": entity["currency"]}


def _money(scene: Scene, low: int = 20_000, high: int = 4_000_000) -> int:
    """An amount in hundredths."""
    return scene.rng.randint(low, high)


def _overdue(scene: Scene) -> Found:
    """details: days_overdue, reminders_sent, promised_date."""
    item = scene.item(overdue=True)
    days = (scene.today - item.due_date).days
    sent = 0 if days < 10 else (1 if days < 30 else 3)
    promised = (scene.today + timedelta(days=5)).isoformat() if scene.rng.random() < 0.2 else None
    action = "send_customer_reminder"
    if promised:
        action = "wait_until"
    elif days > 60:
        action = "escalate_to_collections"
    elif days > 20 and item.amount > 15_000:
        action = "schedule_call"
    details = {"days_overdue": days, "reminders_sent": sent, "promised_date": promised}
    return Found("counterparty", action, "Overdue invoice", _of_item(scene, item), details)


def _short_payment(scene: Scene) -> Found:
    """details: billed, received, difference, remittance_text."""
    item = scene.item(overdue=False)
    discount = scene.rng.random() < 0.4
    share = Decimal("0.02") if discount else Decimal(scene.rng.randint(5, 40)) / 100
    difference = (item.amount * share).quantize(Decimal("0.01"))
    text = "2% cash discount deducted" if discount else scene.rng.choice(("less damaged goods", "price per offer", ""))
    details = {
        "billed": str(item.amount),
        "received": str(item.amount - difference),
        "difference": str(difference),
        "remittance_text": text or None,
    }
    truth = ("policy_exception", "route_for_approval") if discount else ("counterparty", "open_dispute")
    if not text:
        truth = ("data_quality", "request_missing_document")
    return Found(*truth, "Customer paid less than billed", _of_item(scene, item, difference), details)


def _dispute(scene: Scene) -> Found:
    """details: reason, proof_of_delivery (number or None), agreed_price, billed_price."""
    item = scene.item(overdue=False)
    ours = scene.rng.random() < 0.4
    price = scene.rng.randint(900, 90_000)
    details = {
        "reason": "price differs from the contract" if ours else "goods not received",
        "proof_of_delivery": f"POD-{digits(scene.rng, 6)}",
        "agreed_price": str(cents(price)),
        "billed_price": str(cents(price * 11 // 10 if ours else price)),
    }
    cause = "data_quality" if ours else "counterparty"
    return Found(cause, "open_dispute", "Customer disputes an invoice", _of_item(scene, item), details)


def _credit_limit(scene: Scene) -> Found:
    """details: credit_limit, exposure, overdue_amount, order_id."""
    customer = scene.customer()
    limit = customer.credit_limit * 100
    exposure = limit * scene.rng.randint(104, 180) // 100
    overdue = exposure * scene.rng.choice((0, 0, 30, 60)) // 100
    details = {
        "credit_limit": str(cents(limit)),
        "exposure": str(cents(exposure)),
        "overdue_amount": str(cents(overdue)),
        "order_id": f"SO-{digits(scene.rng, 6)}",
    }
    action = "place_credit_hold" if overdue else "escalate_credit_review"
    fields = _of_customer(scene, customer, exposure - limit)
    return Found("policy_exception", action, "Exposure is above the credit limit", fields, details)


def _unapplied_cash(scene: Scene) -> Found:
    """details: bank_line, payer, remittance_text, candidates (invoice ids)."""
    item = scene.item(overdue=False)
    customer = scene.customer(item.customer_id)
    details = {
        "bank_line": f"BL-{digits(scene.rng, 7)}",
        "payer": customer.name.upper(),
        "remittance_text": scene.rng.choice(("INV", "payment on account", item.invoice_id[:-2], "thank you")),
        "candidates": [item.invoice_id],
    }
    return Found("data_quality", "propose_match", "Receipt without a matching invoice", _of_item(scene, item), details)


def _reconciliation_break(scene: Scene) -> Found:
    """details: ledger_account, ledger_balance, statement_balance, difference, interface_status."""
    failed = scene.rng.random() < 0.6
    balance, difference = _money(scene, 10_000_000, 90_000_000), _money(scene, 1_000, 2_000_000)
    details = {
        "ledger_account": scene.rng.choice(("1200 Bank", "1590 Clearing", "3300 Intercompany")),
        "ledger_balance": str(cents(balance)),
        "statement_balance": str(cents(balance - difference)),
        "difference": str(cents(difference)),
        "interface_status": "failed" if failed else "ok",
    }
    cause = "integration_failure" if failed else "unknown"
    action = "escalate_close_task" if failed else "refer_to_person"
    return Found(cause, action, "Ledger and statement differ", _of_entity(scene, difference), details)


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
    fields = _of_item(scene, item) if known else _of_entity(scene, _money(scene))
    return Found(cause, action, "Bank line without a ledger entry", fields, details)


def _close_task_overdue(scene: Scene) -> Found:
    """details: task, owner, due, depends_on."""
    task = scene.rng.choice(("Intercompany balances", "Fixed assets", "Accruals", "VAT return", "Payroll posting"))
    due = scene.today - timedelta(days=scene.rng.randint(1, 8))
    owner = f"accountant-{scene.rng.randint(1, 9)}"
    details = {"task": task, "owner": owner, "due": due.isoformat(), "depends_on": None}
    fields = _of_entity(scene, _money(scene)) | {"due_date": due.isoformat()}
    return Found("approval_bottleneck", "escalate_close_task", f"Close task is overdue: {task}", fields, details)


def _accrual_missing(scene: Scene) -> Found:
    """details: goods_received_value, accrued_value, period, posting_job."""
    value = _money(scene)
    failed = scene.rng.random() < 0.5
    details = {
        "goods_received_value": str(cents(value)),
        "accrued_value": "0.00",
        "period": f"{scene.today:%Y-%m}",
        "posting_job": "failed" if failed else "done",
    }
    cause = "integration_failure" if failed else "data_quality"
    action = "escalate_close_task" if failed else "route_for_approval"
    return Found(cause, action, "Goods received but not accrued", _of_entity(scene, value), details)


def _document_missing(scene: Scene) -> Found:
    """details: missing (document names), requested_on."""
    names = ("tax_form", "signed contract", "register extract", "bank confirmation")
    missing = scene.rng.sample(names, k=scene.rng.choice((1, 1, 2)))
    details = {"missing": missing, "requested_on": None}
    fields = _of_customer(scene, scene.customer(), _money(scene))
    return Found("counterparty", "request_missing_document", "Onboarding document is missing", fields, details)


def _credit_check_adverse(scene: Scene) -> Found:
    """details: score (0-100), threshold, requested_limit."""
    customer = scene.customer()
    details = {"score": scene.rng.randint(8, 39), "threshold": 40, "requested_limit": str(customer.credit_limit)}
    fields = _of_customer(scene, customer, customer.credit_limit * 100)
    return Found("policy_exception", "escalate_credit_review", "Credit check is adverse", fields, details)


def _contract_billing_mismatch(scene: Scene) -> Found:
    """details: contract_rate, billing_rate, contract."""
    rate = scene.rng.randint(2_000, 90_000)
    details = {
        "contract": f"CT-{digits(scene.rng, 5)}",
        "contract_rate": str(cents(rate)),
        "billing_rate": str(cents(rate * scene.rng.choice((90, 95, 105, 110, 120)) // 100)),
    }
    fields = _of_customer(scene, scene.customer(), rate * 12)
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
    return Found(*truth, "Provisioning does not move on", _of_customer(scene, customer, _money(scene)), details)


def _usage_mismatch(scene: Scene) -> Found:
    """details: partner_units, our_units, feed_status."""
    units = scene.rng.randint(2_000, 400_000)
    failed = scene.rng.random() < 0.6
    off = units * scene.rng.randint(3, 25) // 100
    details = {"partner_units": units, "our_units": units - off, "feed_status": "gap" if failed else "complete"}
    cause = "integration_failure" if failed else "counterparty"
    action = "hold_payout" if failed else "open_dispute"
    fields = _of_customer(scene, scene.customer(), off * 7)
    return Found(cause, action, "Partner reports other usage than we do", fields, details)


def _share_variance(scene: Scene) -> Found:
    """details: contract_share_percent, applied_share_percent, period."""
    share = scene.rng.choice((20, 25, 30, 35))
    details = {
        "contract_share_percent": share,
        "applied_share_percent": share + scene.rng.choice((-5, -2, 2, 5)),
        "period": f"{scene.today:%Y-%m}",
    }
    fields = _of_customer(scene, scene.customer(), _money(scene))
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
    fields = _of_customer(scene, scene.customer(), _money(scene))
    return Found(*truth, "Payout to a partner is blocked", fields, details)


MAKERS: dict[str, dict[str, Callable[[Scene], Found]]] = {
    "order_to_cash": {
        "overdue": _overdue, "short_payment": _short_payment, "dispute": _dispute, "credit_limit": _credit_limit,
        "unapplied_cash": _unapplied_cash,
    },
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

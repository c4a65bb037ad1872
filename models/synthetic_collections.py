"""Planted exceptions of order to cash. Each maker names the keys of its `details`: the evidence of the cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from models.synthetic_numbers import cents, digits
from models.synthetic_scene import Found, Scene, of_customer, of_item


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
    return Found("counterparty", action, "Overdue invoice", of_item(scene, item), details)


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
    return Found(*truth, "Customer paid less than billed", of_item(scene, item, difference), details)


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
    return Found(cause, "open_dispute", "Customer disputes an invoice", of_item(scene, item), details)


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
    fields = of_customer(customer, exposure - limit)
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
    return Found("data_quality", "propose_match", "Receipt without a matching invoice", of_item(scene, item), details)


ORDER_TO_CASH: dict[str, Callable[[Scene], Found]] = {
    "overdue": _overdue,
    "short_payment": _short_payment,
    "dispute": _dispute,
    "credit_limit": _credit_limit,
    "unapplied_cash": _unapplied_cash,
}

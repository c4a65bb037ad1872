"""What the exceptions beside accounts payable are drawn from: customers, open items, amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from models.features import Receivable
from models.synthetic_company import ENTITIES, Company, Customer
from models.synthetic_numbers import cents


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


def of_item(scene: Scene, item: Receivable, amount: Decimal | None = None) -> dict[str, Any]:
    """The row fields of a case about one open item."""
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


def of_customer(customer: Customer, amount: int) -> dict[str, Any]:
    """The row fields of a case about a customer; the amount is in hundredths."""
    return {
        "entity": customer.entity,
        "amount": str(cents(amount)),
        "currency": customer.currency,
        "customer_id": customer.id,
    }


def of_entity(scene: Scene, amount: int) -> dict[str, Any]:
    """The row fields of a case about an entity; the amount is in hundredths."""
    entity = scene.rng.choice(ENTITIES)
    return {"entity": entity["id"], "amount": str(cents(amount)), "currency": entity["currency"]}


def money(scene: Scene, low: int = 20_000, high: int = 4_000_000) -> int:
    """An amount in hundredths."""
    return scene.rng.randint(low, high)

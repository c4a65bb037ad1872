"""What the second maker of planted causes draws from: another firm's parties, orders, receipts, and a case about them.

It was written from the definitions of the causes alone, without a look at the rules that diagnose: first something
goes wrong, then the systems show of it what they would show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from governance.case import CaseFacts, Party
from governance.record.queue import Brief, Job
from models.duplicates import Invoice
from models.synthetic_numbers import digits, iban, vat_id

Json = dict[str, Any]
TODAY = date(2026, 11, 20)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_HEADS = ("Acorn", "Birken", "Colline", "Dragoste", "Esker", "Ferrand", "Gallego", "Hollander", "Ijssel", "Juniper")
_TAILS = ("Metall", "Logistik", "Papiers", "Elettrica", "Chimie", "Systems", "Verpakking", "Suministros", "Textil")
_FORMS = {"DE": "GmbH", "FR": "SARL", "ES": "S.L.", "IT": "S.r.l.", "NL": "B.V."}
_RATES = {"DE": 19, "FR": 20, "ES": 21, "IT": 22, "NL": 21}
GOOD = ("ok", "OK", "done", "complete", "completed")
BROKEN = ("failed", "FAILED", "error", "timeout", "down", "rejected", "gap")


@dataclass(frozen=True, slots=True)
class PlantedCause:
    """One case whose cause is known. `mechanism` names what happened, `contributing` what else went wrong beside it.

    `ledger`: booked invoices that stand beside the case; empty where no earlier one matters.
    """

    key: str
    queue: str
    exception_type: str
    mechanism: str
    cause: str
    contributing: frozenset[str]
    brief: Brief
    ledger: tuple[Invoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a story hands back: the truth, and what the systems show of it."""

    cause: str
    details: Mapping[str, Any] = field(default_factory=dict)
    contributing: frozenset[str] = frozenset()
    amount: Decimal = Decimal("1000.00")
    currency: str = "EUR"
    supplier: Party | None = None
    accounts: tuple[str, ...] = ()
    customer: Party | None = None
    order: Mapping[str, Any] | None = None
    receipts: tuple[Mapping[str, Any], ...] = ()
    reads: Mapping[str, str | None] = field(default_factory=dict)
    document_class: str = "other"
    ledger: tuple[Invoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order; the price is net, in hundredths."""

    sku: str
    quantity: int
    price: int


class Stage:
    """One random stream and what can be drawn from it."""

    def __init__(self, rng: Random, today: date = TODAY) -> None:
        self.rng, self.today = rng, today

    def day(self, low: int, high: int) -> str:
        """ISO date between `low` and `high` days from today (before it: below 0)."""
        return (self.today + timedelta(self.rng.randint(low, high))).isoformat()

    def party(self, kind: str) -> Party:
        country = self.rng.choice(sorted(_FORMS))
        name = f"{self.rng.choice(_HEADS)} {self.rng.choice(_TAILS)} {_FORMS[country]}"
        number = digits(self.rng, 5)
        return Party(
            id=f"{kind[0].upper()}{number}", name=name, kind=kind, email=f"office@party{number}.example",
            language=self.rng.choice(("de", "en", "fr", "es", "it", "nl")), vat_id=vat_id(self.rng, country),
            country=country,
        )  # fmt: skip

    def account(self, party: Party) -> str:
        return iban(self.rng, party.country or "DE")

    def lines(self, count: int | None = None) -> list[Line]:
        many = count or self.rng.randint(1, 4)
        return [
            Line(f"X{at}{digits(self.rng, 4)}", self.rng.randint(4, 90), self.rng.randint(300, 40_000))
            for at in range(many)
        ]

    def order(self, supplier: Party, lines: Sequence[Line]) -> Json:
        return {
            "id": f"PO{digits(self.rng, 7)}", "supplier_id": supplier.id, "entity": "E2", "currency": "EUR",
            "total": money(sum(one.quantity * one.price for one in lines)),
            "lines": [
                {"line": at, "sku": one.sku, "description": "article", "quantity": str(one.quantity),
                 "unit_price": str(money(one.price)), "amount": str(money(one.quantity * one.price))}
                for at, one in enumerate(lines, 1)
            ],
        }  # fmt: skip

    def receipt(self, lines: Sequence[Line], shares: Sequence[int] | None = None) -> Json:
        """A goods receipt; `shares` are the quantities taken in, all of them by default."""
        counts = shares if shares is not None else [one.quantity for one in lines]
        return {
            "id": f"GR{digits(self.rng, 6)}", "date": self.day(-20, -4),
            "lines": [{"line": at, "sku": one.sku, "quantity": str(count)}
                      for at, (one, count) in enumerate(zip(lines, counts, strict=True), 1)],
        }  # fmt: skip

    def bill(self, supplier: Party, account: str | None, net: int, order: str | None) -> tuple[Decimal, Json]:
        """Gross amount and the fields of an invoice about `net` hundredths."""
        gross = money((net * (100 + _RATES[supplier.country or "DE"]) + 50) // 100)
        return gross, {
            "supplier": supplier.name, "supplier_vat_id": supplier.vat_id, "invoice_number": self.number(),
            "issue_date": self.day(-12, -3), "due_date": self.day(5, 40), "iban": account, "purchase_order": order,
            "currency": "EUR", "total_amount": str(gross),
        }  # fmt: skip

    def number(self) -> str:
        return self.rng.choice(("RE-{}", "F/{}", "{}", "INV{}")).format(digits(self.rng, 6))

    def broken(self) -> str:
        return self.rng.choice(BROKEN)

    def good(self) -> str:
        return self.rng.choice(GOOD)

    def beside(self) -> Json:
        """What stands in rows and says nothing about the cause."""
        rng = self.rng
        noise: Json = {
            "cost_center": f"CC{digits(rng, 3)}", "created_by": rng.choice(("batch", "clerk-4", "clerk-9")),
            "priority": rng.choice(("low", "normal")), "note": None,
        }  # fmt: skip
        return {key: noise[key] for key in noise if rng.random() < 0.4}


def money(hundredths: int) -> Decimal:
    """An amount with two decimals."""
    return Decimal(hundredths).scaleb(-2)


Story = Callable[[Stage], Told]


def planted(key: str, queue: str, exception_type: str, mechanism: str, told: Told, stage: Stage) -> PlantedCause:
    """The case as the record would hold it. What is beside the point is mixed in."""
    details = {**stage.beside(), **told.details}
    if queue == "accounts_payable":
        details = {"invoice_id": key, **details}
    brief = Brief(
        job=Job(0, key, 1, "triage", None, 0, 1, _NEVER),
        facts=_facts(key, queue, exception_type, told, details),
        facts_digest="",
        title=exception_type.replace("_", " "),
        reading={
            "document_class": told.document_class, "abstained": False, "basis": "structured",
            "fields": dict(told.reads),
        },
        supplier=told.supplier, supplier_ibans=told.accounts, customer=told.customer, order=told.order,
        receipts=told.receipts, allowed_actions=("refer_to_person",), returned=None,
    )  # fmt: skip
    return PlantedCause(key, queue, exception_type, mechanism, told.cause, told.contributing, brief, told.ledger)


def _facts(key: str, queue: str, exception_type: str, told: Told, details: Json) -> CaseFacts:
    def read(name: str) -> date | None:
        found = told.reads.get(name)
        return date.fromisoformat(found) if found else None

    return CaseFacts(
        case_id=key, revision=1, queue=queue, exception_type=exception_type, document_class=told.document_class,
        amount=told.amount, currency=told.currency, entity="E2", region="EU", initiator="intake",
        supplier_id=told.supplier.id if told.supplier else None,
        customer_id=told.customer.id if told.customer else None, payee_iban=told.reads.get("iban"),
        issue_date=read("issue_date"), due_date=read("due_date"), details=details,
    )  # fmt: skip

"""Builders for the agent's tests: a brief, a view, small models, an encoder that needs no weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.classify import kind_json
from agents.diagnose import cause_of
from agents.match import match_brief
from agents.state import View
from agents.tolerances import Tolerances
from governance.case import CaseFacts, Party
from governance.plan import NO_PLAN, Plan
from governance.policy import standard_policy
from governance.record.queue import Brief, Job, Returned
from models.duplicates import PairScorer
from models.risk import CollectionRisk

TODAY = date(2026, 11, 20)
SUPPLIER = Party("S-1", "Supplier One GmbH", "supplier", "ap@supplier.example", "en", "DE558960221", "DE")
CUSTOMER = Party("C-1", "Customer One Ltd", "customer", "pay@customer.example", "en", None, "GB")
IBAN = "DE02120300000000202051"
OTHER_IBAN = "DE89370400440532013000"
ORDER = {"id": "PO-7", "supplier_id": "S-1", "entity": "DE01", "currency": "EUR", "total": Decimal("1000"), "lines": [
    {"line": 1, "sku": "A", "quantity": "10", "unit_price": "100.00"}]}  # fmt: skip
RECEIPT = {"id": "GR-1", "date": "2026-11-10", "lines": [{"line": 1, "sku": "A", "quantity": "10"}]}


def allowed(queue: str, exception_type: str) -> tuple[str, ...]:
    """What the policy that comes with the product lets an agent propose."""
    for workflow in standard_policy().workflows:
        if (workflow.queue, workflow.exception_type) == (queue, exception_type):
            return ("refer_to_person", *(name for name in workflow.actions if name != "refer_to_person"))
    return ("refer_to_person",)


def plan_of(queue: str, exception_type: str) -> Plan:
    """What the policy that comes with the product says of the type as data."""
    for workflow in standard_policy().workflows:
        if (workflow.queue, workflow.exception_type) == (queue, exception_type):
            return workflow.plan
    return NO_PLAN


def brief(
    exception_type: str = "missing_order_reference",
    queue: str = "accounts_payable",
    *,
    details: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    supplier: Party | None = SUPPLIER,
    customer: Party | None = None,
    ibans: tuple[str, ...] = (IBAN,),
    iban: str | None = IBAN,
    amount: str | None = "1190.00",
    document_class: str | None = "invoice",
    order: Mapping[str, Any] | None = None,
    receipts: tuple[Mapping[str, Any], ...] = (),
    actions: tuple[str, ...] | None = None,
    returned: Returned | None = None,
    reading: Mapping[str, Any] | None = None,
    due: date | None = date(2026, 12, 3),
    plan: Plan | None = None,
) -> Brief:
    """An invoice of 1,190 EUR from supplier S-1 unless told otherwise."""
    job = Job(1, "case-1", 1, "triage", None, 1, 1, datetime(2026, 11, 20, tzinfo=UTC))
    facts = CaseFacts(
        case_id="case-1",
        revision=1,
        queue=queue,
        exception_type=exception_type,
        document_class=document_class,
        amount=None if amount is None else Decimal(amount),
        currency="EUR",
        entity="DE01",
        region="EU",
        initiator="intake",
        supplier_id=supplier.id if supplier else None,
        customer_id=customer.id if customer else None,
        payee_iban=iban,
        issue_date=date(2026, 11, 3),
        due_date=due,
        details={"invoice_id": "INV-1", **(details or {})},
    )
    return Brief(
        job=job,
        facts=facts,
        facts_digest="sha256:" + "0" * 64,
        title="Invoice 2026-1",
        reading={"fields": {"invoice_number": "2026-1", **(fields or {})}, **(reading or {})},
        supplier=supplier,
        supplier_ibans=ibans,
        customer=customer,
        order=order,
        receipts=receipts,
        allowed_actions=actions or allowed(queue, exception_type),
        returned=returned,
        plan=plan_of(queue, exception_type) if plan is None else plan,
    )


def view(made: Brief, *, duplicates: Sequence[Mapping[str, Any]] = (), **values: Any) -> View:
    """The case as the later nodes see it, the earlier nodes run on it for real."""
    tolerances = Tolerances()
    matched = match_brief(made, tolerances)
    defaults: dict[str, Any] = {
        "brief": made,
        "today": TODAY,
        "tolerances": tolerances,
        "kind": kind_json(made, TODAY),
        "match": matched.as_dict() if matched else None,
        "duplicates": [dict(one) for one in duplicates],
        "risk": None,
        "precedents": [],
        "cause": {},
        "sender": "Halden & Brook GmbH",
    }
    seen = View(**{**defaults, **values})
    return seen if seen.cause else View(**{**defaults, **values, "cause": cause_of(seen).as_dict()})


def twin(probability: float = 0.97, *, earlier: bool = True, invoice_id: str = "AP-000123") -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "probability": probability,
        "kind": "exact",
        "reasons": ["same invoice number 2026-1"],
        "earlier": earlier,
    }


class HashEncoder:
    """Vectors from the words of a text: the same text, the same vector; a shared word brings two texts nearer."""

    name = "hash-words"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        rows = np.zeros((len(texts), 384), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % 384] += 1.0
            row /= max(float(np.linalg.norm(row)), 1e-6)
        return rows


@dataclass(frozen=True)
class SmallBundle:
    pair_scorer: PairScorer
    risk: CollectionRisk
    digest: str = "sha256:small"

"""Node 1: what kind of exception is this, and do we know whose?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from agents import facts
from governance.record.queue import Brief

_PARTY = {
    "accounts_payable": "supplier",
    "order_to_cash": "customer",
    "customer_onboarding": "customer",
    "partner_settlement": "partner",
    "record_to_report": "none",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """The case's kind.

    `party`: supplier | customer | partner | none, whom it takes to act; `party_known`: it is in the books.
    `exception_type` is what was recorded, else what follows from queue and document class; None where nothing does.
    """

    queue: str
    exception_type: str | None
    document_class: str | None
    abstained: bool
    basis: str
    party: str
    party_known: bool
    warnings: tuple[str, ...]


def derived_type(queue: str, document_class: str | None, due: date | None, today: date) -> str | None:
    """The exception type of a case that came without one, or None."""
    if queue == "accounts_payable":
        return "invoice_received" if document_class in ("invoice", "credit_note") else "document_received"
    if queue == "order_to_cash" and due is not None:
        return "overdue" if due < today else "open_item"
    return None


def kind_of(brief: Brief, today: date) -> Kind:
    """Raises nothing: what is not known is None, False or 'none'."""
    reading, case = brief.reading, brief.facts
    document_class = case.document_class or facts.text(reading, "document_class")
    party = _PARTY.get(case.queue, "none")
    known = {
        "supplier": brief.supplier is not None,
        "customer": brief.customer is not None,
        "partner": brief.supplier is not None or brief.customer is not None,
        "none": True,
    }
    return Kind(
        queue=case.queue,
        exception_type=case.exception_type or derived_type(case.queue, document_class, case.due_date, today),
        document_class=document_class,
        abstained=bool(reading.get("abstained")),
        basis=facts.text(reading, "basis") or "none",
        party=party,
        party_known=known[party],
        warnings=facts.texts(reading, "warnings") + facts.texts(case.details, "warnings"),
    )


def kind_json(brief: Brief, today: date) -> dict[str, Any]:
    return {**asdict(found := kind_of(brief, today)), "warnings": list(found.warnings)}

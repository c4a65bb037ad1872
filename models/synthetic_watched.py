"""What the company month leaves out, drawn from its books: the types that come without a named exception, or that the
clock opens; and what the clock watches.

A stream of its own: the month of a seed is the same with it or without.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from models.synthetic import CompanyMonth
from models.synthetic_exceptions import REGION, PlantedException
from models.synthetic_numbers import cents, digits, stream

_QUEUES = {
    "accounts_payable": "AP", "order_to_cash": "OTC", "record_to_report": "RTR", "customer_onboarding": "ONB",
    "partner_settlement": "PRT",
}  # fmt: skip
_TASKS = ("Intercompany balances", "Fixed assets", "Accruals", "VAT return", "Payroll posting")
_DOCUMENTS = ("tax_form", "signed contract", "register extract", "bank confirmation")
Json = dict[str, Any]


def watched_books(month: CompanyMonth) -> dict[str, list[Json]]:
    """{close_tasks, expected_documents}: some done, some due, and of each kind two that are late on the month's day."""
    rng = stream(month.seed, "watched books")
    entities = [row["id"] for row in month.books["entity"]]
    customers = [row["id"] for row in month.books["customer"]]
    tasks = [
        {"id": f"CT-{number:03d}", "task": task, "owner": f"accountant-{rng.randint(1, 9)}",
         "entity": rng.choice(entities), "period": f"{month.today:%Y-%m}", "depends_on": None,
         **_dates(month.today, number, "due_date", "done_on")}
        for number, task in enumerate(_TASKS, 1)
    ]  # fmt: skip
    documents = [
        {"id": f"ED-{number:03d}", "document": document, "customer_id": rng.choice(customers),
         "entity": rng.choice(entities), "requested_on": (month.today - timedelta(days=30)).isoformat(),
         **_dates(month.today, number, "due_date", "received_on")}
        for number, document in enumerate(_DOCUMENTS, 1)
    ]  # fmt: skip
    return {"close_tasks": tasks, "expected_documents": documents}


def _dates(today: date, number: int, due: str, done: str) -> dict[str, str | None]:
    """The first two are late, the third is done, the others are still to come."""
    day = today + timedelta(days=-5 * (3 - number) if number < 3 else 5 * number)
    return {due: day.isoformat(), done: today.isoformat() if number == 3 else None}


def other_exceptions(month: CompanyMonth) -> list[PlantedException]:
    """One of every type that company_month plants none of: with them, every type of the standard policy is there. And
    a partner whose usage statement has not come, for whom there is a letter."""
    rng = stream(month.seed, "other exceptions")
    found = [_received(month, rng), _passed_on(month, rng), _not_due(month, rng)]
    for queue in _QUEUES:
        found += [] if queue == "accounts_payable" else [_stalled(month, rng, queue)]
        found.append(_abandoned(month, rng, queue))
    return [*found, _statement_missing(month, rng)]


def _case(
    month: CompanyMonth, rng: Random, queue: str, kind: str, truth: tuple[str, str], **row: Any
) -> PlantedException:
    entity = row.pop("entity", None) or rng.choice(month.books["entity"])["id"]
    key = f"{_QUEUES[queue]}-MORE-{kind}"
    empty = dict.fromkeys(("supplier_id", "customer_id", "invoice_number", "purchase_order", "iban", "issue_date",
                           "due_date", "document_class"))  # fmt: skip
    party = _party(month, rng, queue)
    filled = {
        "queue": queue, "exception_type": kind, "source_key": key, "entity": entity, "region": REGION[entity],
        "amount": str(cents(rng.randint(20_000, 4_000_000))), "currency": "EUR", **empty, **party, "details": {}, **row,
    }  # fmt: skip
    return PlantedException(queue, kind, truth[0], truth[1], key, filled)


def _party(month: CompanyMonth, rng: Random, queue: str) -> Json:
    if queue == "record_to_report":
        return {}
    kind = "supplier" if queue == "accounts_payable" else "customer"
    return {f"{kind}_id": rng.choice(month.books[kind])["id"]}


def _received(month: CompanyMonth, rng: Random) -> PlantedException:
    """An invoice without a named exception that names no order."""
    number = f"R-{digits(rng, 6)}"
    return _case(
        month, rng, "accounts_payable", "invoice_received", ("missing_order_reference", "request_purchase_order"),
        title=f"Invoice received: {number}", invoice_number=number, document_class="invoice",
        issue_date=(month.today - timedelta(days=6)).isoformat(),
        due_date=(month.today + timedelta(days=24)).isoformat(),
    )  # fmt: skip


def _passed_on(month: CompanyMonth, rng: Random) -> PlantedException:
    return _case(
        month, rng, "accounts_payable", "document_received", ("unknown", "route_for_approval"),
        title="A contract arrived that nobody asked for", document_class="contract",
    )  # fmt: skip


def _not_due(month: CompanyMonth, rng: Random) -> PlantedException:
    due = [row for row in month.books["open_item"] if row["clear_date"] is None and row["due_date"] > str(month.today)]
    item = rng.choice(due or month.books["open_item"])
    return _case(
        month, rng, "order_to_cash", "open_item", ("unknown", "wait_until"), title="Invoice that is not due yet",
        customer_id=item["customer_id"], invoice_number=item["invoice_id"], amount=item["amount"],
        currency=item["currency"], issue_date=item["posting_date"], due_date=item["due_date"],
    )  # fmt: skip


def _statement_missing(month: CompanyMonth, rng: Random) -> PlantedException:
    """details: our_units, feed_status; what the partner counts is not known."""
    return _case(
        month, rng, "partner_settlement", "usage_mismatch", ("counterparty", "request_missing_document"),
        title="Partner has not sent its usage statement",
        details={"our_units": rng.randint(2_000, 400_000), "feed_status": "complete"},
    )  # fmt: skip


def _stalled(month: CompanyMonth, rng: Random, queue: str) -> PlantedException:
    """details: approver, waiting_days, absent_until."""
    details = {"approver": f"manager-{rng.randint(1, 9)}", "waiting_days": rng.randint(4, 20), "absent_until": None}
    return _case(
        month, rng, queue, "approval_stalled", ("approval_bottleneck", "route_for_approval"),
        title="Approval stalled", details=details,
    )  # fmt: skip


def _abandoned(month: CompanyMonth, rng: Random, queue: str) -> PlantedException:
    """details: state, silent_since, silent_days."""
    lost, days = rng.random() < 0.4, rng.randint(15, 40)
    details = {
        "state": "dead_letter" if lost else "awaiting_review", "silent_days": days,
        "silent_since": (month.today - timedelta(days=days)).isoformat(),
    }  # fmt: skip
    cause = "integration_failure" if lost else "approval_bottleneck"
    return _case(
        month, rng, queue, "case_abandoned", (cause, "route_for_approval"), title="Nobody works on it", details=details
    )

"""What an item adds to the books: a supplier's invoice with the keys that find its duplicates, or a receivable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from agents.twin_keys import KEYS_VERSION, stored_keys
from governance.record.books import OpenItem
from governance.record.twin_ids import Booked
from models.invoice import Invoice

BILLS = ("invoice", "credit_note")
UNKNOWN = "unknown"
"""The entity of a document that names none."""


def bill(
    item: Mapping[str, Any], fields: Mapping[str, str | None], posted: str | None = None, description: str | None = None
) -> Invoice | None:
    """The supplier invoice that an item is, or None where it is none or lacks what tells one from another."""
    number = fields.get("invoice_number")
    if item["queue"] != "accounts_payable" or item["invoice_id"] is None or not number or item["amount"] is None:
        return None
    return Invoice(
        invoice_id=item["invoice_id"],
        entity=item["entity"],
        vendor_id=item["supplier_id"] or "",
        vendor_name=fields.get("supplier") or "",
        tax_id=fields.get("supplier_vat_id"),
        iban=item["iban"],
        invoice_no=number,
        invoice_date=_day(item["issue_date"]),
        posting_date=_day(posted),
        currency=item["currency"] or "",
        amount=Decimal(item["amount"]),
        po=fields.get("purchase_order"),
        description=description,
        doc_type="credit_note" if item["document_class"] == "credit_note" else "invoice",
    )


def ledger_rows(invoices: Sequence[tuple[Invoice, str | None]]) -> list[dict[str, Any]]:
    """(invoice, case id) as rows for the books' `invoices`, with the keys by which duplicates are found."""
    rows: list[dict[str, Any]] = [
        {
            "invoice_id": invoice.invoice_id,
            "case_id": case_id,
            "entity": invoice.entity,
            "vendor_id": invoice.vendor_id,
            "vendor_name": invoice.vendor_name,
            "tax_id": invoice.tax_id,
            "iban": invoice.iban,
            "invoice_no": invoice.invoice_no,
            "invoice_date": _iso(invoice.invoice_date),
            "posting_date": _iso(invoice.posting_date),
            "currency": invoice.currency,
            "amount": str(invoice.amount),
            "po": invoice.po,
            "description": invoice.description,
            "doc_type": invoice.doc_type,
            "keys": keys,
            "keys_version": KEYS_VERSION,
        }
        for (invoice, case_id), keys in zip(invoices, stored_keys([one for one, _ in invoices]), strict=True)
    ]
    return [clean(row) for row in rows]


def own_id(invoice: Invoice, known: Mapping[str, Booked]) -> str:
    """The id of an invoice in the ledger: its own, with its entity before it where a document of another entity has
    that id already. Twin: cs._own_id. What says the same but for its entity is one document that moved."""
    first = known.get(invoice.invoice_id)
    if first is None or UNKNOWN in (first.entity, invoice.entity) or first.entity == invoice.entity:
        return invoice.invoice_id
    one = (invoice.vendor_id, invoice.invoice_no, invoice.amount)
    same = one == (first.vendor_id, first.invoice_no, first.amount)
    return invoice.invoice_id if same else f"{invoice.entity}/{invoice.invoice_id}"


def booked(invoice: Invoice) -> Booked:
    """What `own_id` asks of an invoice that came before."""
    return Booked(invoice.entity, invoice.vendor_id, invoice.invoice_no, invoice.amount)


def open_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the books' receivables, from the values of a receivable's row."""
    names = ("invoice_id", "customer_id", "entity", "posting_date", "due_date", "amount", "currency", "clear_date")
    disputed = values.get("disputed_at")
    return {name: values[name] for name in names} | ({"disputed_at": disputed} if disputed else {})


def one_an_invoice(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last row of each invoice: a statement may not touch a row of the books twice."""
    return list({row["invoice_id"]: row for row in rows}.values())


def same_item(known: OpenItem, values: Mapping[str, Any]) -> bool:
    """Whether the books say already what a paid receivable's row says."""
    return (known.customer_id, known.posting_date, known.due_date, known.amount, known.clear_date) == (
        values["customer_id"],
        date.fromisoformat(values["posting_date"]),
        date.fromisoformat(values["due_date"]),
        Decimal(values["amount"]),
        date.fromisoformat(values["clear_date"]),
    )


def clean(value: Any) -> Any:
    """The same JSON without what Postgres cannot store: NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {clean(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return value


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()

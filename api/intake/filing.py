"""From what was read to what the record takes: the facts that the law judges, stated once and by intake alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from api.intake.bills import BILLS, bill, booked, clean, own_id
from api.intake.reader import Accepted
from api.intake.resolve import UNKNOWN, Directory
from api.intake.rows import Row
from governance.case import Reading, parse_amount, parse_currency
from governance.errors import Malformed
from governance.record.twin_ids import Booked
from models.invoice import Invoice, normal_id
from models.supplier_match import Clues, SupplierMatch

TEXT_LIMIT = 20_000
"""Characters of a document's text that the record keeps beside the document itself."""

# The account on these is the reader's own, or a third party's: nobody asks to be paid there.
_OWN_ACCOUNT = frozenset({"bank_statement", "remittance_advice"})


@dataclass(frozen=True, slots=True)
class Filing:
    """One item for cs.accept, the document behind it, and the supplier invoice that it adds to the ledger."""

    item: dict[str, Any]
    content: bytes | None = None
    invoice: Invoice | None = None


def sha256_key(content: bytes) -> str:
    """The source key of a document that brings none: the same bytes are the same case."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def document(
    read: Accepted, content: bytes, directory: Directory, *, queue: str | None = None, row: Row | None = None
) -> Filing:
    """A document, with the case row that an ERP sent along where there is one.

    The row says what kind of exception it is and wins where both state a fact; the account is the document's,
    for that is where the sender wants the money.
    """
    stated = dict(row.values) if row is not None else {}
    reading = read.reading
    fields = reading.fields
    currency = stated.get("currency") or _currency(fields.get("currency"))
    amount, warning = _amount(stated.get("amount") or fields.get("total_amount"), currency)
    judged = amount
    if stated.get("amount") is None and reading.contested & {"total_amount", "currency"}:
        # Which of two sums is meant, nobody knows yet: whom the larger would ask must be asked.
        judged, warning = None, "total_amount: it is contested; for approval the amount counts as unknown"
    iban = fields.get("iban") or stated.get("iban")
    asked = iban if reading.document_class not in _OWN_ACCOUNT else None
    match = directory.match(
        Clues(stated.get("supplier_id"), fields.get("supplier_vat_id"), fields.get("supplier"), asked)
    )
    supplier = match.supplier
    order = fields.get("purchase_order") or stated.get("purchase_order")
    billed = directory.entity(order=order, text=reading.text, supplier=fields.get("supplier"))
    entity = stated.get("entity") or (billed.id if billed is not None else UNKNOWN)
    is_bill = reading.document_class in BILLS
    key = stated.get("source_key") or sha256_key(content)
    item = {
        "name": read.name,
        "source_key": key,
        "queue": stated.get("queue") or queue or "accounts_payable",
        "exception_type": stated.get("exception_type") or ("invoice_received" if is_bill else "document_received"),
        "title": stated.get("title") or _document_title(read.name, reading),
        "document_sha256": hashlib.sha256(content).hexdigest(),
        "media_type": read.media_type,
        "document_class": reading.document_class,
        "amount": judged,
        "currency": currency,
        "entity": entity,
        "region": stated.get("region") or directory.region(entity),
        "supplier_id": supplier.id if supplier is not None else stated.get("supplier_id"),
        "customer_id": stated.get("customer_id"),
        "iban": normal_id(iban) or None,
        "invoice_id": key if is_bill else None,
        "issue_date": stated.get("issue_date") or fields.get("issue_date"),
        "due_date": stated.get("due_date") or fields.get("due_date"),
        "reading": _with(match, _reading(reading, warning)),
        "details": {**_origin(reading), **(stated.get("details") or {})},
    }
    return Filing(clean(item), content, bill({**item, "amount": amount}, fields))


def case_row(name: str, row: Row, directory: Directory) -> Filing:
    """A case as an ERP states it (`row.kind` is case)."""
    stated = row.values
    match = directory.match(
        Clues(stated["supplier_id"], _detail(stated, "supplier_vat_id"), _detail(stated, "supplier"), stated["iban"]),
        near=False,
    )
    supplier = match.supplier
    document_class = stated["document_class"]
    fields = {
        "supplier": supplier.name if supplier is not None else _detail(stated, "supplier"),
        "supplier_vat_id": supplier.vat_id if supplier is not None else _detail(stated, "supplier_vat_id"),
        "invoice_number": stated["invoice_number"],
        "total_amount": stated["amount"],
        **{key: stated[key] for key in ("issue_date", "due_date", "currency", "iban", "purchase_order")},
    }
    named = stated["invoice_number"]
    plan = {
        "source_key": row.source_key,
        "queue": stated["queue"],
        "exception_type": stated["exception_type"],
        "title": stated["title"] or f"{stated['exception_type']}: {named or row.source_key}",
        "document_class": document_class,
        "supplier_id": supplier.id if supplier is not None else stated["supplier_id"],
        "customer_id": stated["customer_id"],
        "iban": normal_id(stated["iban"]) or None,
        # Receivables are known by their own number; a supplier's number is not unique, the case's key is.
        "invoice_id": row.source_key if stated["queue"] == "accounts_payable" else named,
        "issue_date": stated["issue_date"],
        "due_date": stated["due_date"],
    }
    item = _row_item(name, row, directory, plan, fields, match)
    return Filing(item, None, bill(item, fields) if document_class in (None, *BILLS) else None)


def payable_row(name: str, row: Row, directory: Directory, queue: str | None = None) -> Filing:
    """A supplier's invoice out of a ledger (`row.kind` is ap_invoice)."""
    stated = row.values
    match = directory.match(
        Clues(stated["vendor_id"], stated["tax_id"], stated["vendor_name"], stated["iban"]), near=False
    )
    supplier = match.supplier
    known_name = supplier.name if supplier is not None else None
    fields = {
        "supplier": stated["vendor_name"] or known_name,
        "supplier_vat_id": stated["tax_id"],
        "invoice_number": stated["invoice_no"],
        "issue_date": stated["invoice_date"],
        "currency": stated["currency"],
        "total_amount": stated["amount"],
        "iban": stated["iban"],
        "purchase_order": stated["po"],
    }
    plan = {
        "source_key": row.source_key,
        "queue": queue or "accounts_payable",
        "exception_type": "invoice_received",
        "title": _bill_title(stated["doc_type"], stated["invoice_no"], fields["supplier"] or stated["vendor_id"]),
        "document_class": stated["doc_type"],
        "supplier_id": supplier.id if supplier is not None else stated["vendor_id"],
        "customer_id": None,
        "iban": normal_id(stated["iban"]) or None,
        "invoice_id": stated["invoice_id"],
        "issue_date": stated["invoice_date"],
        "due_date": None,
    }
    item = _row_item(name, row, directory, plan, fields, match)
    return Filing(item, None, bill(item, fields, posted=stated["posting_date"], description=stated["description"]))


def told_apart(made: Filing, known: dict[str, Booked]) -> Filing:
    """The same under an id of its own, where another entity's document has it already. What stands in `known` grows."""
    invoice = made.invoice
    if invoice is None:
        return made
    name = own_id(invoice, known)
    known.setdefault(name, booked(invoice))
    if name == invoice.invoice_id:
        return made
    return replace(made, item={**made.item, "invoice_id": name}, invoice=replace(invoice, invoice_id=name))


def receivable_row(name: str, row: Row, directory: Directory, *, today: date, queue: str | None = None) -> Filing:
    """What a customer owes (`row.kind` is ar_open_item), or no longer owes (ar_paid: nothing is open any more)."""
    stated = row.values
    customer = directory.party("customer", stated["customer_id"])
    overdue = date.fromisoformat(stated["due_date"]) < today
    paid = row.kind == "ar_paid"
    fields = {
        "invoice_number": stated["invoice_id"],
        "issue_date": stated["posting_date"],
        "due_date": stated["due_date"],
        "currency": stated["currency"],
        "total_amount": stated["amount"],
        "amount_due": "0.00" if paid else stated["amount"],
    }
    who = customer.name if customer is not None else stated["customer_id"]
    plan = {
        "source_key": row.source_key,
        "queue": queue or "order_to_cash",
        "exception_type": "overdue" if overdue else "open_item",
        "title": f"{'Overdue' if overdue else 'Open'} invoice {stated['invoice_id']} of {who}",
        "document_class": None,
        "amount": fields["amount_due"],
        "supplier_id": None,
        "customer_id": stated["customer_id"],
        "iban": None,
        "invoice_id": stated["invoice_id"],
        "issue_date": stated["posting_date"],
        "due_date": stated["due_date"],
    }
    item = _row_item(name, row, directory, plan, fields)
    if stated.get("disputed_at"):  # a new fact: an open case is looked at again
        item["disputed_at"] = stated["disputed_at"]
        item["details"] = {**item["details"], "disputed_at": stated["disputed_at"]}
    if paid:
        item["details"] = {**item["details"], "paid_on": stated["clear_date"]}
    return Filing(item)


def _row_item(
    name: str,
    row: Row,
    directory: Directory,
    plan: Mapping[str, Any],
    fields: Mapping[str, str | None],
    match: SupplierMatch | None = None,
) -> dict[str, Any]:
    """What all rows have in common around the `plan` of their kind."""
    stated = row.values
    entity = stated.get("entity") or UNKNOWN
    reading = Reading(plan["document_class"] or "other", None, False, "structured", fields)
    shape = {**reading.as_dict(), "document_class": plan["document_class"], "text": ""}
    if match is not None and (match.supplier is not None or fields.get("supplier") is not None):
        shape = _with(match, shape)
    item = {
        "name": name,
        "row": row.index,
        "amount": stated["amount"],
        "currency": stated["currency"],
        "entity": entity,
        "region": stated.get("region") or directory.region(entity),
        "reading": shape,
        "details": stated["details"],
        **plan,
    }
    cleaned: dict[str, Any] = clean(item)
    return cleaned


def _with(match: SupplierMatch, shape: Mapping[str, Any]) -> dict[str, Any]:
    """The reading with who sent it by the books, and what people should know of that."""
    return {
        **shape,
        "warnings": shape["warnings"] + [one.detail for one in match.findings if one.level != "note"],
        "findings": shape["findings"] + [one.as_dict() for one in match.findings],
        "supplier_match": match.as_dict(),
    }


def _reading(reading: Reading, warning: str | None) -> dict[str, Any]:
    shape = reading.as_dict()
    if warning is not None:
        shape["warnings"] = [*shape["warnings"], warning]
    return {**shape, "text": reading.text[:TEXT_LIMIT]}


def _amount(text: str | None, currency: str | None) -> tuple[str | None, str | None]:
    """The amount for the law, and why there is none. What cannot be exact is unknown, which policy treats as most."""
    if text is None:
        return None, None
    try:
        return str(parse_amount(text, currency or "EUR")), None
    except Malformed as error:
        return None, f"total_amount: {error.detail}; for approval the amount counts as unknown"


def _currency(text: str | None) -> str | None:
    try:
        return parse_currency(text)
    except Malformed:
        return None


def _origin(reading: Reading) -> dict[str, Any]:
    """What a document came with: the mail, without its text, and the file that it is a part of."""
    found = {name: dict(reading.details[name]) for name in ("mail", "part_of") if name in reading.details}
    found.get("mail", {}).pop("text", None)
    return found


def _document_title(name: str, reading: Reading) -> str:
    if reading.document_class in BILLS:
        return _bill_title(reading.document_class, reading.fields.get("invoice_number"), reading.fields.get("supplier"))
    mail = reading.details.get("mail") or {}
    shown = mail.get("subject") if mail.get("file") == name else None
    return f"{reading.document_class.replace('_', ' ').capitalize()}: {shown or name.rpartition('/')[2]}"


def _bill_title(document_class: str, number: str | None, supplier: str | None) -> str:
    words = "Credit note" if document_class == "credit_note" else "Invoice"
    return f"{words} {number or '(no number)'} from {supplier or 'an unknown supplier'}"


def _detail(stated: Mapping[str, Any], name: str) -> str | None:
    value = stated["details"].get(name)
    return value if isinstance(value, str) else None

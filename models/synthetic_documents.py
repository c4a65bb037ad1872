"""Documents of the demo company: what suppliers and customers send, with the fields that stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.synthetic_ubl import Bill, ubl_invoice


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """One document. `fields` holds what it says (governance.case.FIELD_NAMES; absent = not in it)."""

    name: str
    media_type: str
    content: bytes
    text: str
    document_class: str
    language: str
    fields: Mapping[str, str]


def bill_fields(bill: Bill) -> dict[str, str]:
    """The fields that an invoice of this bill shows."""
    fields = {
        "supplier": bill.supplier_name,
        "supplier_vat_id": bill.vat_id,
        "invoice_number": bill.number,
        "issue_date": bill.issued.isoformat(),
        "due_date": bill.due.isoformat(),
        "currency": bill.supplier.currency,
        "total_amount": str(bill.total),
        "amount_due": str(bill.total),
        "iban": bill.iban,
    }
    return fields | ({"purchase_order": bill.order} if bill.order is not None else {})


def bill_document(bill: Bill, name: str) -> SyntheticDocument:
    """The bill as a UBL 2.1 invoice."""
    return SyntheticDocument(
        name=name,
        media_type="application/xml",
        content=ubl_invoice(bill),
        text="",
        document_class="invoice",
        language=bill.supplier.language,
        fields=bill_fields(bill),
    )

"""The columns of a supplier ledger by their usual names, and one row of it as an invoice."""

from __future__ import annotations

from api.commands.cells import BadCell, Habit, amount, currency, day
from api.commands.tables import Row
from models.invoice import Invoice

# Words are compared in one language (api.commands.headers): what stands here once in English is known in six.
FIELDS = {
    "invoice_id": ("id", "document id", "document no", "voucher no", "voucher", "transaction id", "transaction no",
                   "record id", "internal id", "invoice id", "belnr", "document", "document reference", "entry no",
                   "posting document no", "line id"),
    "entity": ("company", "company code", "legal entity", "business unit", "body name", "bukrs", "company name",
               "company no", "company id", "organisation", "organization", "department"),
    "vendor_id": ("supplier id", "supplier no", "address book no", "lifnr", "supplier account", "supplier account no",
                  "supplier reference no", "supplier company id", "~supplier"),
    "vendor_name": ("supplier name", "supplier", "name1", "name 1", "supplier company name", "supplier company",
                    "supplier text"),
    "tax_id": ("vat id", "vat no", "vat registration no", "supplier vat id", "supplier vat no", "ustid", "ust id",
               "nif", "cif", "siret", "siren", "partita iva", "kvk", "tax no", "supplier tax id", "vat",
               "stcd1", "stceg"),
    "iban": ("bank account", "supplier iban", "account no", "bank account no", "supplier bank account"),
    "invoice_no": ("invoice no", "supplier invoice no", "invoice reference", "supplier reference", "reference no",
                   "external document no", "supplier invoice", "supplier document no", "invoice document no",
                   "reference", "invoice", "xblnr", "~no"),
    "invoice_date": ("invoice date", "document date", "issue date", "bldat", "tax date", "transaction date", "date",
                     "gl date", "payment date"),
    "posting_date": ("posting date", "date posted", "gl date", "received date", "budat", "effective date"),
    "currency": ("currency code", "waers", "invoice currency", "document currency", "iso currency"),
    "amount": ("invoice amount", "gross amount", "total amount", "invoice total", "total gross", "total", "gross",
               "document amount", "wrbtr", "transaction amount", "invoice amount gross", "invoice gross", "line amount",
               "payment amount", "net amount", "invoice net amount", "net", "dmbtr", "total net", "amount currency",
               "amount document currency",
               "amount local currency", "amount eur", "amount gbp", "amount usd", "amount chf"),
    "po": ("order no", "order", "purchase order", "order id", "order reference", "ebeln"),
    "description": ("text", "line text", "posting text", "invoice text", "sgtxt", "line description"),
    "doc_type": ("document type", "type", "invoice type", "transaction type", "blart"),
}  # fmt: skip
REQUIRED = (("invoice_id",), ("vendor_id", "vendor_name"), ("invoice_no",), ("invoice_date",), ("amount",))
_LONGEST = {
    "invoice_no": 200, "vendor_id": 200, "po": 1_000, "tax_id": 200, "iban": 200, "entity": 200, "currency": 20,
}  # fmt: skip
"""Characters of a cell that names something. What is longer names nothing: columns are mixed up, or somebody tries."""
_CREDIT_WORDS = ("credit", "gutschrift", "avoir", "abono", "nota di credito", "creditnota", "storno")
_ID = 500
_CREDIT_CODES = frozenset(("cn", "cm", "cr", "kg", "381", "credit_note"))


def _is_credit(row: Row, value_is_negative: bool) -> bool:
    said = row["doc_type"].strip().casefold()
    return value_is_negative or said in _CREDIT_CODES or any(word in said for word in _CREDIT_WORDS)


def invoice(row: Row, how: Habit) -> Invoice:
    """One row as an invoice. A negative amount is a credit note. Raises BadCell where a required cell is unusable."""
    return loose(row, how, row.required("invoice_id").strip(), frozenset())


def loose(row: Row, how: Habit, invoice_id: str, missing: frozenset[str]) -> Invoice:
    """One row as an invoice of this id. `missing`: invoice_no or invoice_date, where the file has none."""
    if long := [name for name, most in _LONGEST.items() if name not in missing and len(row[name].strip()) > most]:
        raise BadCell(f"{long[0]} has {len(row[long[0]].strip()):,} characters")
    if len(invoice_id) > _ID:
        raise BadCell(f"invoice_id has {len(invoice_id):,} characters")
    value = amount(row.required("amount"), how)
    vendor_id, vendor_name = row.optional("vendor_id") or "", row["vendor_name"].strip()
    if not vendor_id and not vendor_name:
        raise BadCell("vendor_id and vendor_name are empty")
    posted = row.optional("posting_date")
    return Invoice(
        invoice_id=invoice_id,
        entity=row.optional("entity") or "",
        vendor_id=vendor_id,
        vendor_name=vendor_name,
        tax_id=row.optional("tax_id"),
        iban=row.optional("iban"),
        invoice_no="" if "invoice_no" in missing else row.required("invoice_no").strip(),
        invoice_date=None if "invoice_date" in missing else day(row.required("invoice_date"), how, "invoice_date"),
        posting_date=day(posted, how, "posting_date") if posted else None,
        currency=(row.optional("currency") or currency(row["amount"])).upper(),
        amount=value,
        po=row.optional("po"),
        description=row.optional("description"),
        doc_type="credit_note" if _is_credit(row, value < 0) else "invoice",
    )

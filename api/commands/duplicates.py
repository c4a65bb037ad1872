"""countersign duplicates: likely duplicates in a ledger, or between a ledger and its history."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.commands.cells import BadCell, Habit, amount, blank, day
from api.commands.listing import say, say_rejected, show
from api.commands.mapping import ColumnMap, read_map
from api.commands.tables import Rejected, Row, read_table
from governance.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from models.duplicates import DuplicatePair, Invoice, Join

HELP = "find likely duplicates in a ledger of supplier invoices"

FIELDS = {
    "invoice_id": ("id", "document id", "doc id", "document no", "document number", "voucher", "voucher no",
                   "transaction id", "trans no", "belegnummer", "record id", "internal id"),
    "entity": ("company", "company code", "legal entity", "business unit", "body name", "buchungskreis", "societe"),
    "vendor_id": ("supplier id", "vendor no", "vendor number", "supplier no", "supplier number", "creditor no",
                  "kreditor", "lieferantennummer", "address book no", "vendor code", "supplier code"),
    "vendor_name": ("supplier name", "supplier", "vendor", "creditor name", "beneficiary", "payee", "lieferant",
                    "fournisseur", "proveedor", "fornitore", "merchant name"),
    "tax_id": ("vat id", "vat no", "vat number", "vat registration number", "supplier vat id", "ust id", "ustid", "nif",
               "siret", "tax number", "vat"),
    "iban": ("bank account", "supplier iban", "account number", "bank account number"),
    "invoice_no": ("invoice number", "invoice num", "inv no", "inv number", "supplier invoice no", "invoice reference",
                   "reference", "external document no", "rechnungsnummer", "numero facture", "rechnungsnr", "invoice"),
    "invoice_date": ("date", "document date", "issue date", "inv date", "bill date", "belegdatum", "rechnungsdatum",
                     "date facture", "gl date", "payment date", "paid date"),
    "posting_date": ("posted", "posted date", "booking date", "entry date", "gl date", "buchungsdatum",
                     "received date"),
    "currency": ("curr", "ccy", "currency code", "wahrung", "waehrung", "devise"),
    "amount": ("total", "total amount", "gross amount", "invoice amount", "value", "invoiced value", "net amount",
               "amount gross", "betrag", "montant", "importe", "invoice value"),
    "po": ("po number", "po no", "purchase order", "purchase order number", "order no", "order number",
           "bestellnummer"),
    "description": ("text", "memo", "narrative", "line description", "buchungstext", "details"),
    "doc_type": ("type", "document type", "doc type", "belegart", "transaction type"),
}  # fmt: skip
REQUIRED = (("invoice_id",), ("vendor_id", "vendor_name"), ("invoice_no",), ("invoice_date",), ("amount",))
COLUMNS = ("left_id", "right_id", "probability", "kind", "reasons")
_CREDIT_WORDS = ("credit", "gutschrift", "avoir", "abono", "nota di credito", "creditnota", "storno")
_CREDIT_CODES = frozenset(("cn", "cm", "cr", "kg", "381", "credit_note"))


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ledger", type=Path, metavar="LEDGER.csv", help="invoices, one a row")
    parser.add_argument("--against", type=Path, metavar="HISTORY.csv", help="older invoices to compare the ledger with")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb", help="what joins the keys")
    parser.add_argument("--map", type=Path, metavar="TOML", help="which column is which field")
    parser.add_argument("--threshold", type=float, default=0.5, help="least probability to report (default 0.5)")


def _is_credit(row: Row, value_is_negative: bool) -> bool:
    said = row["doc_type"].strip().casefold()
    return value_is_negative or said in _CREDIT_CODES or any(word in said for word in _CREDIT_WORDS)


def invoice(row: Row, how: Habit) -> Invoice:
    """One row as an invoice. A negative amount is a credit note. Raises BadCell where a required cell is unusable."""
    from models.duplicates import Invoice

    value = amount(row.required("amount"), how)
    vendor_id, vendor_name = row.optional("vendor_id") or "", row["vendor_name"].strip()
    if not vendor_id and not vendor_name:
        raise BadCell("vendor_id and vendor_name are empty")
    posted = row.optional("posting_date")
    return Invoice(
        invoice_id=row.required("invoice_id").strip(),
        entity=row.optional("entity") or "",
        vendor_id=vendor_id,
        vendor_name=vendor_name,
        tax_id=row.optional("tax_id"),
        iban=row.optional("iban"),
        invoice_no=row.required("invoice_no").strip(),
        invoice_date=day(row.required("invoice_date"), how),
        posting_date=day(posted, how) if posted else None,
        currency=(row.optional("currency") or "").upper(),
        amount=value,
        po=row.optional("po"),
        description=row.optional("description"),
        doc_type="credit_note" if _is_credit(row, value < 0) else "invoice",
    )


def read_invoices(path: Path, mapping: ColumnMap) -> tuple[list[Invoice], bool]:
    """The invoices of a file, and True where rows were left out. What a person should know goes to stderr."""
    table = read_table(path, FIELDS, REQUIRED, mapping, amounts=("amount",), dates=("invoice_date", "posting_date"))
    for note in table.notes:
        say(f"{path}: {note}")
    made, rejected = table.made(lambda row, how: (row.line, invoice(row, how)))
    kept, repeated = _by_id(made, lines=mapping.format.get("rows") == "lines")
    rejected += repeated
    _say_unusual(path, list(kept.values()))
    say_rejected(path, sorted(rejected, key=lambda one: one.line), len(table.rows) + len(table.rejected))
    return list(kept.values()), bool(rejected)


def _by_id(made: list[tuple[int, Invoice]], *, lines: bool) -> tuple[dict[str, Invoice], list[Rejected]]:
    """Invoices by id, in order, and the rows that repeat an id. With `lines`, lines of one invoice are summed."""
    kept: dict[str, Invoice] = {}
    repeated = []
    for line, one in made:
        first = kept.setdefault(one.invoice_id, one)
        if first is one:
            continue
        if lines and (first.invoice_no, first.vendor_id, first.vendor_name) == (
            one.invoice_no,
            one.vendor_id,
            one.vendor_name,
        ):
            kept[one.invoice_id] = replace(first, amount=first.amount + one.amount)
        elif lines:
            repeated.append(Rejected(line, f"invoice_id {one.invoice_id} stands on an earlier row with another number"))
        else:
            hint = 'set rows = "lines" in [format] where rows are lines'
            repeated.append(Rejected(line, f"invoice_id {one.invoice_id} stands on an earlier row already; {hint}"))
    return kept, repeated


def _say_unusual(path: Path, invoices: list[Invoice]) -> None:
    from models.duplicates import normal_name

    negative = sum(one.amount < 0 for one in invoices)
    hidden = [one for one in invoices if not blank(one.vendor_name) and not normal_name(one.vendor_name)]
    nameless = sum(not one.vendor_id for one in hidden)
    if negative:
        say(f"{path}: {negative} rows with a negative amount are read as credit notes")
    if hidden:
        say(
            f"{path}: {len(hidden)} vendor names are redacted and not compared; {nameless} of these rows have no "
            "vendor_id and are compared by number and amount alone"
        )


def _join(engine: str) -> Join:
    from models.duplicates import candidate_pairs, spark_candidate_pairs

    return spark_candidate_pairs if engine == "spark" else candidate_pairs


def _records(pairs: list[DuplicatePair]) -> list[dict[str, object]]:
    return [
        {"left_id": pair.left_id, "right_id": pair.right_id, "probability": pair.probability, "kind": pair.kind,
         "reasons": list(pair.reasons)}
        for pair in pairs
    ]  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """0 done, 1 rows were left out (the result holds the others). Raises Malformed for files or options of no use."""
    from models.bundle import default_bundle
    from models.duplicates import find_duplicates, require_spark

    if not 0.0 <= args.threshold <= 1.0:
        raise Malformed("--threshold must be between 0 and 1")
    if args.engine == "spark":
        try:
            require_spark()
        except Unavailable as missing:
            raise Malformed(missing.detail) from None
    mapping = read_map(args.map, FIELDS)
    ledger, lost = read_invoices(args.ledger, mapping)
    history, lost_too = read_invoices(args.against, mapping) if args.against else ([], False)
    scorer = default_bundle(args.home).pair_scorer
    found = find_duplicates(ledger, scorer, against=history, threshold=args.threshold, join=_join(args.engine))
    show(args, COLUMNS, _records(found))
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(pair.kind for pair in found).most_common())
    say(f"{len(found)} likely pairs among {len(ledger)} invoices" + (f": {kinds}" if kinds else ""))
    return 1 if lost or lost_too else 0

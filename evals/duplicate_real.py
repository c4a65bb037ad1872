"""Real ledgers of a folder as invoices. The files are read in place, and what they say is data."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from evals.datasets import held_out, sized
from evals.second_suppliers import Supplier, make_supplier, number_of
from models.duplicates import Invoice

LEAST_ROWS = 50
_HEADERS = {
    "document": ("invoice id", "document no", "trans no"),
    "number": ("invoice no", "invoice number"),
    "vendor_id": ("vendor id", "address book no", "supplier no", "supplier id"),
    "vendor_name": ("vendor name", "supplier name", "supplier"),
    "amount": ("amount", "invoiced value", "value"),
    "day": ("invoice date", "gl date", "paid date"),
    "unit": ("organisational unit", "organisatonal unit", "portfolio", "service area", "organisation"),
    "text": ("description", "expense code description", "object code description", "expenditure category",
             "expenditure catergory", "expenditure unit", "expenditure code"),
}  # fmt: skip
_NEEDED = ("document", "vendor_name", "amount", "day")


@dataclass(frozen=True, slots=True)
class RealLedger:
    """A folder's ledger. `numbered`: the invoice numbers are the suppliers' own, not made up for this measurement."""

    name: str
    invoices: list[Invoice]
    numbered: bool


def real_ledgers(folder: Path, seed: int, scale: float) -> list[RealLedger]:
    """One ledger for each folder in duplicates/ whose tables hold invoices; below scale 1 of some vendors alone."""
    found = []
    for part in sorted(path for path in (folder / "duplicates").glob("*") if path.is_dir()):
        lines = [line for path in sorted(part.glob("*.csv")) for line in _lines(path)]
        numbered = any(line["number"] for line in lines)
        invoices = _documents(lines)
        if len(invoices) < LEAST_ROWS:
            continue
        if scale < 1.0:
            invoices = _some_vendors(invoices, seed, sized(len(invoices), scale, 300))
        found.append(RealLedger(part.name, invoices if numbered else _with_numbers(invoices, seed), numbered))
    return found


# Lines -------------------------------------------------------------------------------------------------------------


def _lines(path: Path) -> list[dict[str, str]]:
    """The lines of a ledger by our names, '' where a column is missing; none of a table that is no ledger."""
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = csv.reader(stream)
        header = [re.sub(r"[._\s]+", " ", cell).strip().lower() for cell in next(rows, [])]
        places = {
            ours: next((header.index(name) for name in names if name in header), None)
            for ours, names in _HEADERS.items()
        }
        if places["document"] is None:
            places["document"] = places["number"]
        if any(places[name] is None for name in _NEEDED):
            return []
        return [
            {"file": path.stem}
            | {name: row[at].strip() if at is not None and at < len(row) else "" for name, at in places.items()}
            for row in rows
        ]


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(re.sub(r"[,£€ ]", "", text))
    except InvalidOperation:
        return None


def _day(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    return None


def _documents(lines: Iterable[Mapping[str, str]]) -> list[Invoice]:
    """Lines of one document summed, in order of booking. What has no usable amount or no vendor is left out."""
    totals: dict[tuple[str, ...], Decimal] = {}
    first: dict[tuple[str, ...], Mapping[str, str]] = {}
    for line in lines:
        amount = _amount(line["amount"])
        if amount is None or not (line["vendor_id"] or line["vendor_name"]):
            continue
        document = line["document"] if line["number"] else re.split(r"\s*[-_]\s*", line["document"])[0]
        vendor = line["vendor_id"] or line["vendor_name"]
        key = (line["file"], document, line["number"], vendor, line["day"])
        totals[key] = totals.get(key, Decimal(0)) + amount
        first.setdefault(key, line)
    made = [_invoice(first[key], total, place) for place, (key, total) in enumerate(totals.items()) if total]
    return sorted(made, key=lambda one: (one.posting_date or date.min, one.invoice_id))


def _invoice(line: Mapping[str, str], amount: Decimal, place: int) -> Invoice:
    day = _day(line["day"])
    return Invoice(
        invoice_id=f"{line['file']}-{place:07d}",
        entity=line["unit"],
        vendor_id=line["vendor_id"],
        vendor_name=line["vendor_name"],
        tax_id=None,
        iban=None,
        invoice_no=line["number"],
        invoice_date=day,
        posting_date=day,
        currency="GBP",
        amount=amount,
        po=None,
        description=line["text"] or None,
        doc_type="credit_note" if amount < 0 else "invoice",
    )


def vendor_of(one: Invoice) -> str:
    return one.vendor_id or one.vendor_name


def _some_vendors(invoices: Sequence[Invoice], seed: int, most: int) -> list[Invoice]:
    """All invoices of randomly drawn vendors, until there are `most`."""
    count = Counter(map(vendor_of, invoices))
    names = sorted(count)
    kept: set[str] = set()
    for at in np.random.default_rng(held_out(seed, 700)).permutation(len(names)):
        if count[names[at]] <= most:
            kept.add(names[at])
            most -= count[names[at]]
    return [one for one in invoices if vendor_of(one) in kept]


def _with_numbers(invoices: Sequence[Invoice], seed: int) -> list[Invoice]:
    """A ledger that leaves the suppliers' numbers out gets some, each vendor in a style of its own."""
    rng = np.random.default_rng(held_out(seed, 701))
    styles: dict[str, Supplier] = {}
    count: Counter[str] = Counter()
    made = []
    for place, one in enumerate(invoices):
        vendor = vendor_of(one)
        if vendor not in styles:
            styles[vendor] = make_supplier(rng, place, recurring=False)
        count[vendor] += 1 + int(rng.integers(0, 6))
        day = one.invoice_date or date(2014, 5, 1)
        made.append(replace(one, invoice_no=number_of(styles[vendor], count[vendor], day, rng)))
    return made

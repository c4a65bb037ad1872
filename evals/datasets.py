"""What the suites measure on: made-up companies with seeds that no training uses, and a folder of real files.

The folder has the parts documents, duplicates and risk; what is missing in it is left out and said so. Its files are
read in place, and what they say is data.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from api.commands import duplicates as ledgers
from api.commands import risk as receivables
from api.commands.mapping import ColumnMap
from api.commands.tables import read_table
from governance.case import DOCUMENT_CLASSES
from governance.errors import Malformed, Unavailable
from models.duplicates import Invoice
from models.features import Receivable
from models.pair_drills import drill
from models.synthetic import CompanyMonth, company_month
from models.synthetic_company import Company
from models.synthetic_duplicates import add_duplicates
from models.synthetic_numbers import stream

SEED = 1
"""The seed of `run`, `train` and `bench` where none is given."""

_APART = 910_000_000
# Beside a checkout of the project the development data may lie.
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
_PLANTED_SHARE = 0.03


def held_out(seed: int, number: int = 0) -> int:
    """A generator seed that no training uses: the shipped bundle's lie below 10**9 / 2 (models.bundle.SEED)."""
    return _APART + 1000 * (seed % 80_000) + number


def sized(count: int, scale: float, least: int = 1) -> int:
    """`count` at this scale, and no fewer than `least`."""
    return max(least, round(count * scale))


def data_folder(given: Path | None) -> Path | None:
    """The folder of real files: the given one, else the one beside the checkout, else None. Raises Malformed."""
    if given is not None and not given.is_dir():
        raise Malformed(f"--data {given}: there is no such folder")
    if given is not None:
        return given
    return DEFAULT_FOLDER if DEFAULT_FOLDER.is_dir() else None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Supplier invoices. `pairs`: its duplicates (first id, second id, kind). `complete`: no others are in there."""

    name: str
    invoices: list[Invoice]
    duplicate_pairs: list[tuple[str, str, str]]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Receivables, paid and open, of one company. `end`: the first day of which nothing is known."""

    name: str
    items: list[Receivable]
    end: date


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with its class. Texts of one `group` come from one writer; `source` is the collection."""

    text: str
    label: str
    source: str
    group: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A file and the fields that it holds, by our names; None = not in it."""

    name: str
    content: bytes
    fields: Mapping[str, str | None]
    document_class: str | None = None


# Duplicates ------------------------------------------------------------------------------------------------------


def company_ledgers(seed: int, scale: float) -> list[Ledger]:
    """Ledgers of two made-up companies."""
    months = [
        company_month(held_out(seed, number), suppliers=sized(120, scale, 20), customers=5,
                      invoices=sized(1800, scale, 150), exceptions=0, mail=0)
        for number in (1, 2)
    ]  # fmt: skip
    return [Ledger("company", month.invoices, month.duplicate_pairs) for month in months]


def near_miss_ledgers(seed: int, scale: float) -> list[Ledger]:
    """Ledgers full of invoices that look alike and are not."""
    drills = [drill(held_out(seed, 100 + number)) for number in range(sized(6, scale, 1))]
    return [Ledger("near_misses", one.invoices, one.duplicate_pairs) for one in drills]


def real_ledgers(folder: Path, seed: int, scale: float) -> Iterator[Ledger]:
    """One ledger for each folder in duplicates/ that holds one, with copies planted in it.

    A ledger with a column duplicate_of is taken with its own truth.
    """
    for part in sorted(path for path in (folder / "duplicates").glob("*") if path.is_dir()):
        for path in sorted(part.glob("*.csv")):
            try:
                invoices = _read_ledger(path)
            except Malformed:
                continue
            if len(invoices) >= 50:
                yield planted(part.name, _whole_vendors(invoices, seed, sized(6000, scale, 300)), seed)
                break


def _read_ledger(path: Path) -> list[Invoice]:
    """The invoices of a real ledger; lines of one invoice are summed."""
    table = read_table(
        path, ledgers.FIELDS, ledgers.REQUIRED, ColumnMap(), amounts=("amount",), dates=("invoice_date", "posting_date")
    )
    made, _ = table.made(ledgers.invoice)
    whole: dict[tuple[str, str, str], Invoice] = {}
    for one in made:
        key = (one.invoice_id, one.invoice_no, one.vendor_id or one.vendor_name)
        first = whole.get(key)
        whole[key] = one if first is None else replace(first, amount=first.amount + one.amount)
    return [replace(one, invoice_id=f"{path.stem}-{at:07d}") for at, one in enumerate(whole.values()) if one.amount]


def _whole_vendors(invoices: Sequence[Invoice], seed: int, most: int) -> list[Invoice]:
    """All invoices of randomly drawn vendors, until there are `most`: what a vendor's bills share stays together."""
    vendors: dict[str, list[Invoice]] = {}
    for one in invoices:
        vendors.setdefault(one.vendor_id or one.vendor_name, []).append(one)
    names = sorted(vendors)
    stream(seed, "vendors").shuffle(names)
    kept: list[Invoice] = []
    for name in names:
        if len(kept) + len(vendors[name]) <= most:
            kept += vendors[name]
    return kept


def planted(name: str, invoices: Sequence[Invoice], seed: int) -> Ledger:
    """The ledger with copies of 3 % of its invoices in it; what else is in there nobody knows."""
    last = max(one.posting_date or one.invoice_date or date.min for one in invoices)
    dated = [replace(one, posting_date=one.posting_date or one.invoice_date) for one in invoices]
    everything, pairs = add_duplicates(Company((), ()), held_out(seed, 300), dated, _PLANTED_SHARE, last)
    return Ledger(name, everything, pairs, complete=False)


# Risk --------------------------------------------------------------------------------------------------------------


def company_portfolio(seed: int, scale: float) -> Portfolio:
    """The receivables of a made-up company."""
    month = company_month(
        held_out(seed, 400), suppliers=14, customers=sized(110, scale, 20), invoices=20, exceptions=0, mail=0
    )
    return Portfolio("company", month.receivables, month.today)


def real_portfolios(folder: Path) -> Iterator[Portfolio]:
    """The receivables of every file in risk/ that holds some. The data ends with its last payment."""
    for path in sorted((folder / "risk").glob("*.csv")):
        try:
            table = read_table(
                path, receivables.FIELDS, (*receivables.REQUIRED, ("clear_date",)), ColumnMap(),
                amounts=("amount",), dates=("posting_date", "due_date", "clear_date"),
            )  # fmt: skip
        except Malformed:
            continue
        items, _ = table.made(receivables.receivable)
        paid = [one.clear_date for one in items if one.clear_date is not None]
        if paid:
            yield Portfolio(path.stem.split("_")[0], items, max(paid))


# Documents ---------------------------------------------------------------------------------------------------------


def company_documents(seed: int, scale: float) -> CompanyMonth:
    """A made-up month whose suppliers send UBL; the same bills as text are beside them."""
    exceptions = sized(200, scale, 40)
    return company_month(held_out(seed, 500), suppliers=40, customers=12, invoices=120, exceptions=exceptions, mail=0)


def labelled_documents(folder: Path) -> list[Labelled]:
    """The labelled texts of documents/classification_text.jsonl; weak labels are left out. Raises Unavailable."""
    path = folder / "documents" / "classification_text.jsonl"
    rows = [row for row in _json_lines(path) if not row.get("weak_label")]
    return [
        Labelled(row["text"], row["label"], row["source"], f"{row['source']}|{row.get('group') or row['id']}")
        for row in rows
    ]


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise Unavailable(f"{path} is not there")
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


_NAMES = {
    "supplier": "supplier", "supplier_vat_id": "vat", "invoice_number": "number", "issue_date": "date",
    "due_date": "due", "currency": "currency", "total_amount": "total", "amount_due": "payable", "iban": "iban",
    "purchase_order": "po",
}  # fmt: skip
_CLASS_OF_ROOT = {
    "Order": "purchase_order", "OrderResponse": "order_response", "OrderResponseSimple": "order_response",
    "DespatchAdvice": "delivery_note", "Statement": "statement_of_account", "RemittanceAdvice": "remittance_advice",
    "Reminder": "payment_reminder", "CreditNote": "credit_note",
}  # fmt: skip


def expected_documents(folder: Path, seed: int, scale: float) -> tuple[dict[str, list[Expected]], int]:
    """(files of documents/expected_fields.json by top folder, how many of them are not there). Raises Unavailable."""
    path = folder / "documents" / "expected_fields.json"
    if not path.is_file():
        raise Unavailable(f"{path} is not there")
    corpora: dict[str, list[Expected]] = {}
    missing = 0
    for row in _share(json.loads(path.read_text("utf-8")), seed, scale):
        file, said = folder / "documents" / row["file"], row["expected"]
        if not file.is_file():
            missing += 1
            continue
        known = {ours: said.get(theirs) for ours, theirs in _NAMES.items()} if "number" in said else {}
        corpus = corpora.setdefault(row["file"].split("/")[0], [])
        corpus.append(Expected(file.name, file.read_bytes(), known, _class_of(said)))
    return corpora, missing


def _class_of(said: Mapping[str, Any]) -> str | None:
    """The class that type code (UNTDID 1001) or root element name; None where they leave it open."""
    if said.get("type") == "bank_statement":
        return "bank_statement"
    if said.get("root") in ("Invoice", "CrossIndustryInvoice", "CrossIndustryDocument"):
        return {"380": "invoice", "381": "credit_note"}.get(str(said.get("type")))
    return _CLASS_OF_ROOT.get(str(said.get("root")))


def receipts(folder: Path, seed: int, scale: float, day: Callable[[str], str | None]) -> list[Expected]:
    """Scanned receipts as OCR read them, piece by piece, with supplier, date and total. `day` reads a written date."""
    keys = sorted((folder / "documents" / "sroie" / "key").glob("*.json"))
    made = []
    for key in _share(keys, seed, scale * 0.5):
        box = key.parent.parent / "box" / f"{key.stem}.csv"
        if not box.is_file():
            continue
        with box.open(encoding="utf-8", errors="replace", newline="") as lines:
            pieces = [",".join(cells[8:]) for cells in csv.reader(lines, quoting=csv.QUOTE_NONE) if len(cells) > 8]
        said = json.loads(key.read_text("utf-8"))
        fields = {
            "supplier": said.get("company"),
            "total_amount": said.get("total"),
            "issue_date": day(said.get("date", "")),
        }
        made.append(Expected(f"{key.stem}.txt", "\n".join(pieces).encode(), fields, "receipt"))
    return made


_CLASS_OF_FOLDER = {"payment_advice": "remittance_advice", "bill": "invoice"}


def filed_pdfs(folder: Path, seed: int, scale: float) -> list[Expected]:
    """PDFs, scans among them, that somebody filed in folders named by class: documents/*_pdf/CLASS/*.pdf."""
    found = []
    for path in sorted((folder / "documents").glob("*_pdf/*/*.pdf")):
        name = path.parent.name.lower().replace(" ", "_")
        name = _CLASS_OF_FOLDER.get(name, name)
        if name in DOCUMENT_CLASSES:
            found.append(Expected(path.name, path.read_bytes(), {}, name))
    return list(_share(found, seed, scale))


def _share(rows: Sequence[Any], seed: int, scale: float) -> list[Any]:
    """A random share of the rows, in their order; all of them at scale 1."""
    if scale >= 1.0:
        return list(rows)
    chosen = stream(seed, "share").sample(range(len(rows)), k=min(len(rows), sized(len(rows), scale, 8)))
    return [rows[at] for at in sorted(chosen)]

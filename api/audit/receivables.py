"""Receivables out of an export: rows become invoices, parts are put together, and nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from api.commands.cells import BadCell, Habit, amount, currency, day
from api.commands.mapping import ColumnMap
from api.commands.tables import Rejected, Row, read_table
from models.receivable import Receivable

FIELDS = {
    "invoice_id": ("id", "invoice no", "invoice number", "invoice", "document no", "document number", "doc id",
                   "belegnummer", "rechnungsnummer"),
    "customer_id": ("customer", "customer no", "customer number", "cust number", "debtor", "debtor id", "client",
                    "client id", "account", "account id", "kunde", "kundennummer", "debitor"),
    "posting_date": ("invoice date", "document date", "issue date", "document create date", "posted", "date",
                     "rechnungsdatum", "buchungsdatum", "belegdatum"),
    "due_date": ("due", "due in date", "net due date", "payment due date", "falligkeit", "faelligkeit",
                 "falligkeitsdatum"),
    "amount": ("invoice amount", "total", "total amount", "total open amount", "open amount", "gross amount", "value",
               "betrag"),
    "clear_date": ("clearing date", "paid date", "payment date", "settled date", "date paid", "settlement date",
                   "paid on", "zahldatum", "ausgleichsdatum"),
    "currency": ("currency code", "invoice currency", "document currency", "waers", "wahrung"),
    "disputed_at": ("dispute date", "disputed on", "date of dispute"),
}  # fmt: skip
REQUIRED = (("invoice_id",), ("customer_id",), ("posting_date",), ("due_date",), ("amount",))
DATES = ("posting_date", "due_date", "clear_date", "disputed_at")


@dataclass(frozen=True, slots=True)
class Booked:
    """One row: its line, the receivable, its currency ('' where nothing says it), the day of a dispute."""

    line: int
    item: Receivable
    currency: str = ""
    disputed_at: date | None = None


@dataclass(frozen=True, slots=True)
class ReceivablesFile:
    """A file as it was read. `count`: rows below its header; `rejected`: those of no use."""

    path: Path
    sha256: str
    count: int
    rows: tuple[Booked, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scorable:
    """What of a file is to be scored: the invoices with what is open of each, and the rows that are not."""

    rows: list[Booked]
    rejected: list[Rejected]
    notes: list[str]


def receivable(row: Row, how: Habit) -> Receivable:
    """One row as a receivable; a negative amount is a credit note. Raises BadCell where a required cell is
    unusable."""
    cleared = row.optional("clear_date")
    return Receivable(
        invoice_id=row.required("invoice_id").strip(),
        customer_id=row.required("customer_id").strip(),
        posting_date=day(row.required("posting_date"), how, "posting_date"),
        due_date=day(row.required("due_date"), how, "due_date"),
        amount=amount(row.required("amount"), how),
        clear_date=day(cleared, how, "clear_date") if cleared else None,
    )


def read_receivables(path: Path, mapping: ColumnMap, *, history: bool) -> ReceivablesFile:
    """The rows of an export; a history must have clear_date. Raises Malformed for a file of no use."""
    required = (*REQUIRED, ("clear_date",)) if history else REQUIRED
    table = read_table(path, FIELDS, required, mapping, amounts=("amount",), dates=DATES)
    kept: list[Booked] = []
    rejected = list(table.rejected)
    first: dict[tuple[int, Receivable], int] = {}
    for row in table.rows:
        try:
            one = _booked(row, table.how)
        except BadCell as error:
            rejected.append(Rejected(row.line, str(error)))
            continue
        earlier = first.setdefault((row.seal, one.item), row.line)
        if earlier == row.line:
            kept.append(one)
        else:
            why = f"invoice_id {one.item.invoice_id} stands on an earlier row already, line {earlier}, cell by cell"
            rejected.append(Rejected(row.line, why))
    return ReceivablesFile(
        path, table.sha256, len(table.rows) + len(table.rejected), tuple(kept),
        tuple(sorted(rejected, key=lambda one: one.line)), (*table.notes, *_unusual(kept)),
        tuple(table.headers.items()), table.unused,
    )  # fmt: skip


def _booked(row: Row, how: Habit) -> Booked:
    raised = row.optional("disputed_at")
    return Booked(
        row.line,
        receivable(row, how),
        (row.optional("currency") or currency(row["amount"])).upper(),
        day(raised, how, "disputed_at") if raised else None,
    )


def _unusual(rows: Sequence[Booked]) -> list[str]:
    """What a person should know of rows that are kept."""
    items = [one.item for one in rows]
    said = [
        (sum(one.amount < 0 for one in items), "negative amounts are read as credit notes"),
        (sum(one.due_date < one.posting_date for one in items), "invoices are due before they were posted"),
        (sum(one.clear_date is not None and one.clear_date < one.posting_date for one in items),
         "invoices were paid before they were posted"),
        (len(items) - len({key_of(one) for one in items}), "rows repeat an invoice: they are read as parts of it"),
        (sum(one.amount == 0 for one in items), "invoices have the amount 0"),
    ]  # fmt: skip
    return [f"{count} {what}" for count, what in said if count]


def key_of(one: Receivable) -> tuple[str, str, date, date]:
    """What rows of one debt have in common; another due date is an instalment, a debt of its own."""
    return one.invoice_id, one.customer_id, one.posting_date, one.due_date


def scorable(rows: Iterable[Booked], as_of: date | None) -> Scorable:
    """The invoices that were open on the day, each with what was open of it (None: each on its own posting day)."""
    kept: dict[tuple[str, str, date, date], Booked] = {}
    rejected: list[Rejected] = []
    credits = parts = 0
    for row in rows:
        one = row.item
        if one.amount < 0:
            credits += 1
        elif as_of is not None and one.posting_date > as_of:
            rejected.append(Rejected(row.line, f"posted on {one.posting_date}, after {as_of}: not known yet"))
        elif as_of is not None and one.clear_date is not None and one.clear_date < as_of:
            rejected.append(Rejected(row.line, f"paid on {one.clear_date}, before {as_of}: nothing to collect"))
        elif key_of(one) in kept:
            parts += 1
            kept[key_of(one)] = _with(kept[key_of(one)], row)
        else:
            kept[key_of(one)] = row
    notes = [f"{credits} credit notes are no debts: they are known, not scored"] if credits else []
    if parts:
        notes.append(f"{parts} open rows are further parts of an invoice and were added to it")
    return Scorable(list(kept.values()), rejected, notes)


def _with(first: Booked, part: Booked) -> Booked:
    raised = [one for one in (first.disputed_at, part.disputed_at) if one is not None]
    return replace(
        first,
        item=replace(first.item, amount=first.item.amount + part.item.amount),
        disputed_at=min(raised) if raised else None,
    )


def beside(history: Sequence[Booked], rows: Sequence[Booked]) -> list[Booked]:
    """What a file of open invoices adds to the history: what else the customers owe. A row that the history has, too,
    counts once."""
    known = {(key_of(one.item), one.item.amount) for one in history}
    return [one for one in rows if (key_of(one.item), one.item.amount) not in known]


def total(rows: Iterable[Booked]) -> dict[str, Decimal]:
    """Open amounts by currency."""
    found: dict[str, Decimal] = {}
    for one in rows:
        found[one.currency] = found.get(one.currency, Decimal(0)) + one.item.amount
    return found

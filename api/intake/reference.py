"""Reference data out of files: rows for the books, checked one by one. A bad row is named; its neighbours go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from api.intake import bills, rows, sniff
from api.intake.columns import AmountColumn, DateColumn, absent
from api.intake.tables import ColumnMap, Record, Table, loads, read_table
from governance.case import parse_currency
from governance.errors import Malformed, Unreadable
from governance.record.twin_ids import Booked
from models.invoice import Invoice, normal_id

_TEXT_LIMIT = 2000
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}")
_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be used. `row` counts from 1 without the header."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows of one kind as the books take them, and the rows that were left out."""

    rows: list[dict[str, Any]]
    bad: list[Bad]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one kind of the books holds. `key`: what tells two rows apart; the columns by how they are read."""

    key: tuple[str, ...]
    required: tuple[str, ...]
    texts: tuple[str, ...]
    special: Mapping[str, str] = field(default_factory=dict)
    """Column → amount | number | whole | date | currency | account | mail | lines | owner."""


_KINDS: Mapping[str, _Kind] = {
    "entities": _Kind(("id",), ("id", "name"), ("id", "name", "country", "region"), {"currency": "currency"}),
    "suppliers": _Kind(
        ("id",), ("id", "name"), ("id", "name", "vat_id", "country", "language"),
        {"email": "mail", "payment_terms_days": "whole"},
    ),
    "customers": _Kind(
        ("id",), ("id", "name"), ("id", "name", "country", "language"),
        {"email": "mail", "credit_limit": "amount", "currency": "currency"},
    ),
    "bank_accounts": _Kind(
        ("owner_kind", "owner_id", "iban"), ("owner_kind", "owner_id", "iban"), ("owner_id", "bic", "holder"),
        {"owner_kind": "owner", "iban": "account"},
    ),
    "orders": _Kind(
        ("id",), ("id",), ("id", "supplier_id", "entity"),
        {"currency": "currency", "total": "amount", "lines": "lines"},
    ),
    "receipts": _Kind(("id",), ("id", "order_id"), ("id", "order_id"), {"date": "date", "lines": "lines"}),
    "payments": _Kind(
        ("id",), ("id", "amount"), ("id", "kind", "party_id", "invoice_id"),
        {"date": "date", "amount": "amount", "currency": "currency"},
    ),
    "fx": _Kind(
        ("day", "currency"), ("day", "currency", "per_eur"), (),
        {"day": "date", "currency": "currency", "per_eur": "number"},
    ),
    "close_tasks": _Kind(
        ("id",), ("id", "task", "entity", "due_date"), ("id", "task", "owner", "entity", "period", "depends_on"),
        {"due_date": "date", "done_on": "date"},
    ),
    "expected_documents": _Kind(
        ("id",), ("id", "document", "customer_id", "entity", "due_date"), ("id", "document", "customer_id", "entity"),
        {"requested_on": "date", "due_date": "date", "received_on": "date"},
    ),
}  # fmt: skip


def read(
    kind: str, name: str, content: bytes, *, columns: ColumnMap | None = None, default_currency: str | None = None
) -> Reference:
    """The rows of a CSV, JSON or JSON Lines file.

    `kind`: see governance.record.books.KINDS. Raises Unreadable where the file is no table of this kind.
    """
    text, _ = sniff.decode(content)
    sniffed = sniff.sniff(content)
    if sniffed not in ("text", "json", "jsonl"):
        raise Unreadable(f"{name} is no table: write it as CSV, JSON or JSON Lines")
    if kind in ("invoices", "open_items"):
        return _ledger(
            kind, name, rows.read_rows(name, text, sniffed, columns=columns, default_currency=default_currency)
        )
    table = read_table(text, sniffed, columns or {})
    if table is None:
        raise Unreadable(f"{name} is no table: write it as CSV with a header, JSON or JSON Lines")
    return _read(_KINDS[kind], name, table)


def _read(kind: _Kind, name: str, table: Table) -> Reference:
    if missing := [column for column in kind.required if column not in table.columns]:
        raise Unreadable(
            f"{name}: the columns {', '.join(missing)} are missing; it has {', '.join(table.columns)}. "
            "Say which is which with --map"
        )
    readers = _readers(kind, [record.cells for record in table.records if record.problem is None])
    good: list[dict[str, Any]] = []
    bad: list[Bad] = []
    seen: dict[tuple[Any, ...], int] = {}
    for record in table.records:
        try:
            row = _row(kind, readers, record)
            first = seen.setdefault(tuple(row[column] for column in kind.key), record.index)
            if first != record.index:
                raise Malformed(f"the same {' and '.join(kind.key)} as in row {first}")
            good.append(row)
        except Malformed as error:
            bad.append(Bad(record.index, error.detail))
    known = {*kind.texts, *kind.special}
    ignored = [column for column in table.columns if column not in known]
    notes = (f"columns that the books do not know were left out: {', '.join(ignored)}",) if ignored else ()
    return Reference(good, bad, notes)


def _row(kind: _Kind, readers: Mapping[str, Callable[[Any], Any]], record: Record) -> dict[str, Any]:
    if record.problem is not None:
        raise Malformed(record.problem)
    cells = record.cells
    row = {column: None if absent(cells.get(column)) else read(cells[column]) for column, read in readers.items()}
    if missing := [column for column in kind.required if row[column] is None]:
        raise Malformed(f"{', '.join(missing)} must be given")
    cleaned: dict[str, Any] = bills.clean(row)
    return cleaned


def _readers(kind: _Kind, cells: Sequence[Mapping[str, Any]]) -> dict[str, Callable[[Any], Any]]:
    """How each column is read; dates and amounts by the convention of the whole column."""
    readers: dict[str, Callable[[Any], Any]] = {column: partial(_text, column) for column in kind.texts}
    for column, how in kind.special.items():
        values = [row.get(column) for row in cells]
        if how == "amount":
            amounts = AmountColumn.infer(column, values)
            readers[column] = partial(_amount, amounts)
        elif how == "date":
            readers[column] = partial(_date, DateColumn.infer(column, values))
        else:
            readers[column] = partial(_PLAIN[how], column)
    return readers


def _text(column: str, value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise Malformed(f"{column} must be a text")
    text = " ".join(str(value).split())
    if len(text) > _TEXT_LIMIT or not text.isprintable():
        raise Malformed(f"{column} must be printable text of at most {_TEXT_LIMIT} characters")
    return text


def _amount(column: AmountColumn, value: Any) -> str:
    return str(column.parse(value, None))


def _date(column: DateColumn, value: Any) -> str:
    return column.parse(value).isoformat()


def _number(column: str, value: Any) -> str:
    try:
        number = Decimal(_text(column, value))
    except InvalidOperation:
        raise Malformed(f"{column}: {str(value)[:40]!r} is not a number; write decimals with a point") from None
    if not number.is_finite() or number <= 0 or number >= Decimal(10) ** 15:
        raise Malformed(f"{column} must be above 0")
    return str(number)


def _whole(column: str, value: Any) -> int:
    text = _text(column, value).removesuffix(".0")
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Malformed(f"{column}: {text[:40]!r} is not a whole number")
    return int(text)


def _currency(column: str, value: Any) -> str:
    return parse_currency(_text(column, value).upper())


def _mail(column: str, value: Any) -> str:
    text = _text(column, value)
    if not _MAIL.fullmatch(text):
        raise Malformed(f"{column}: {text[:60]!r} is not a mail address")
    return text


def _account(column: str, value: Any) -> str:
    """Capitals and digits. What looks like an IBAN must have right check digits (ISO 13616, ISO 7064 MOD 97-10)."""
    compact = normal_id(_text(column, value))
    if _IBAN.fullmatch(compact):
        turned = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
        if int(turned) % 97 != 1:
            raise Malformed(f"{column}: the check digits of {compact} are wrong")
    if not compact:
        raise Malformed(f"{column} must be given")
    return compact


def _owner(column: str, value: Any) -> str:
    text = _text(column, value).lower()
    if text not in ("supplier", "customer", "entity"):
        raise Malformed(f"{column} must be supplier, customer or entity")
    return text


def _lines(column: str, value: Any) -> list[Any]:
    """A list of objects, or its JSON in a CSV cell."""
    try:
        lines = loads(value) if isinstance(value, str) else value
    except Unreadable:
        lines = None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise Malformed(f"{column} must be a list of JSON objects")
    return lines


_PLAIN: Mapping[str, Callable[[str, Any], Any]] = {
    "number": _number, "whole": _whole, "currency": _currency, "mail": _mail, "account": _account, "owner": _owner,
    "lines": _lines,
}  # fmt: skip


def _ledger(kind: str, name: str, found: rows.RowFile | None) -> Reference:
    """Supplier invoices or receivables, as the intake reads them, but for the books alone."""
    wanted = {"invoices": "ap_invoices", "open_items": "ar_items"}[kind]
    if found is None or found.kind != wanted:
        columns = "invoice_id, vendor_id or vendor_name, invoice_no, invoice_date, amount"
        if kind == "open_items":
            columns = "invoice_id, customer_id, posting_date, due_date, amount"
        raise Unreadable(f"{name} does not hold {kind}: the columns {columns} must be there")
    bad = [Bad(row.index, row.reason) for row in found.rejected_rows]
    kept: dict[str, rows.Row] = {}
    known: dict[str, Booked] = {}
    for row in found.rows:
        name = row.values["invoice_id"]
        if kind == "invoices":
            one = _invoice(row.values)
            name = bills.own_id(one, known)
            known.setdefault(name, bills.booked(one))
        first = kept.setdefault(name, row)
        if first is not row:
            bad.append(Bad(row.index, f"the same invoice_id as in row {first.index}"))
    if kind == "invoices":
        good = bills.ledger_rows([(replace(_invoice(row.values), invoice_id=name), None) for name, row in kept.items()])
    else:
        good = [bills.open_item(row.values) for row in kept.values()]
    return Reference(good, sorted(bad, key=lambda one: one.row), found.notes)


def _invoice(values: Mapping[str, Any]) -> Invoice:
    posted = values["posting_date"]
    return Invoice(
        invoice_id=values["invoice_id"],
        entity=values["entity"] or "unknown",
        vendor_id=values["vendor_id"] or "",
        vendor_name=values["vendor_name"] or "",
        tax_id=values["tax_id"],
        iban=normal_id(values["iban"]) or None,
        invoice_no=values["invoice_no"],
        invoice_date=date.fromisoformat(values["invoice_date"]),
        posting_date=None if posted is None else date.fromisoformat(posted),
        currency=values["currency"] or "",
        amount=Decimal(values["amount"]),
        po=values["po"],
        description=values["description"],
        doc_type=values["doc_type"],
    )

"""Row files: supplier invoices, receivables and cases in CSV, JSON, JSON Lines or a spreadsheet.

Values are plain JSON: dates ISO, money decimal strings, None = absent; columns that are not ours go to `details`.
A bad row is refused with a reason and its neighbours go on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.intake.columns import AmountColumn, DateColumn, absent
from api.intake.tables import ColumnMap, Record, Table, is_regular, loads, read_table, sheet_table
from governance.case import DOCUMENT_CLASSES, QUEUES, parse_currency
from governance.errors import Malformed, Unreadable

_TEXT_LIMIT, _DETAILS_LIMIT = 2000, 100_000
_CREDIT = frozenset({"credit_note", "credit note", "credit memo", "credit", "cn", "gutschrift", "avoir", "381"})
_INVOICE = frozenset({"invoice", "inv", "rechnung", "facture", "380"})
_TRUE = frozenset({"1", "true", "yes", "y", "t"})


@dataclass(frozen=True, slots=True)
class Row:
    """One good row. `kind`: ap_invoice | ar_open_item | ar_paid | case. `index` counts from 1, header excluded."""

    index: int
    kind: str
    source_key: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    index: int
    reason: str
    source_key: str | None = None


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file of rows. `kind`: ap_invoices | ar_items | cases. `notes` say what was inferred for whole columns."""

    name: str
    kind: str
    rows: tuple[Row, ...]
    rejected_rows: tuple[RejectedRow, ...]
    notes: tuple[str, ...]
    media_type: str


@dataclass(frozen=True, slots=True)
class _Shape:
    kind: str
    texts: tuple[str, ...]
    dates: tuple[str, ...]
    required: tuple[str, ...]
    signs: tuple[str, ...]  # two of these columns say that the file is of this kind

    @property
    def columns(self) -> frozenset[str]:
        return frozenset((*self.texts, *self.dates, "amount", "currency", "details"))


_AP = _Shape(
    "ap_invoices",
    ("invoice_id", "entity", "vendor_id", "vendor_name", "tax_id", "iban", "invoice_no", "po", "description",
     "doc_type"),
    ("invoice_date", "posting_date"),
    ("invoice_id", "invoice_no", "invoice_date", "amount"),
    ("vendor_id", "vendor_name", "invoice_no", "invoice_date"),
)  # fmt: skip
_AR = _Shape(
    "ar_items",
    ("invoice_id", "customer_id", "entity", "is_open"),
    ("posting_date", "due_date", "clear_date", "disputed_at"),
    ("invoice_id", "customer_id", "posting_date", "due_date", "amount"),
    ("customer_id", "due_date", "clear_date", "posting_date"),
)
_CASE = _Shape(
    "cases",
    ("queue", "exception_type", "source_key", "title", "entity", "region", "supplier_id", "customer_id",
     "invoice_number", "purchase_order", "iban", "document_class"),
    ("issue_date", "due_date"),
    ("queue", "exception_type"),
    ("queue",),
)  # fmt: skip


_KNOWN = _AP.columns | _AR.columns | _CASE.columns
_MEDIA_TYPES = {"csv": "text/csv", "json": "application/json", "jsonl": "application/jsonl"}


def read_rows(
    name: str, text: str, kind: str, *, columns: ColumnMap | None = None, default_currency: str | None = None
) -> RowFile | None:
    """The rows of a file whose decoded text is given (`kind` as sniffed), or None where it is no row file.

    `columns` maps our names to theirs. Raises Unreadable where it is a table that cannot be used: reason_code
    `missing_columns`, `unknown_columns`, `malformed_rows`, `malformed_json`.
    """
    table = read_table(text, kind, columns or {}, _KNOWN)
    return None if table is None else _of_table(name, table, _MEDIA_TYPES[table.media], default_currency)


def read_sheet(
    name: str,
    rows: Sequence[Sequence[Any]],
    media_type: str,
    *,
    columns: ColumnMap | None = None,
    default_currency: str | None = None,
) -> RowFile | None:
    """The rows of one sheet (cells as `workbook` has them), or None where it holds none; raises as read_rows does."""
    table = sheet_table(rows, columns or {}, _KNOWN)
    return None if table is None else _of_table(name, table, media_type, default_currency)


def _of_table(name: str, table: Table, media_type: str, default_currency: str | None) -> RowFile | None:
    shape = _shape(table)
    if shape is None:
        if table.media in ("csv", "sheet") and is_regular(table):
            raise Unreadable(
                f"The columns of this table are not known: {', '.join(table.columns[:6])[:120]}. Name them with --map.",
                reason_code="unknown_columns",
            )
        return None
    return _row_file(name, table, shape, media_type, default_currency)


def case_row(cells: Mapping[str, Any], *, index: int = 1, default_currency: str | None = None) -> Row:
    """One case from a JSON object, as POST /v1/cases takes it. Raises Malformed."""
    record = Record(index, dict(cells))
    return _Reader(_CASE, [record], default_currency).row(record)


def _shape(table: Table) -> _Shape | None:
    present = set(table.columns)
    if "queue" in present:
        return _CASE
    fits = [shape for shape in (_AP, _AR) if len(present & set(shape.signs)) >= 2]
    if not fits:
        return None
    shape = max(fits, key=lambda candidate: len(present & set(candidate.signs)))
    missing = [name for name in shape.required if name not in present]
    if shape is _AP and not present & {"vendor_id", "vendor_name"}:
        missing.append("vendor_id or vendor_name")
    if missing:
        raise Unreadable(
            f"The columns {', '.join(missing)} are missing. Add them, or name yours with --map.",
            reason_code="missing_columns",
        )
    return shape


def _row_file(name: str, table: Table, shape: _Shape, media_type: str, default_currency: str | None) -> RowFile:
    reader = _Reader(shape, table.records, default_currency)
    good: list[Row] = []
    bad: list[RejectedRow] = []
    for record in table.records:
        if record.problem:
            bad.append(RejectedRow(record.index, record.problem))
            continue
        try:
            good.append(reader.row(record))
        except Malformed as error:
            bad.append(RejectedRow(record.index, error.detail, _stated_key(record)))
    return RowFile(name, shape.kind, tuple(good), tuple(bad), reader.notes(), media_type)


def _stated_key(record: Record) -> str | None:
    value = record.cells.get("source_key") or record.cells.get("invoice_id")
    return str(value)[:200] if value is not None else None


class _Reader:
    """Reads the records of one shape after the conventions of their columns have been inferred."""

    def __init__(self, shape: _Shape, records: Iterable[Record], default_currency: str | None) -> None:
        usable = [record.cells for record in records if record.problem is None]
        self.shape = shape
        self.default_currency = default_currency
        self.amount = AmountColumn.infer("amount", (cells.get("amount") for cells in usable))
        self.dates = [DateColumn.infer(name, (cells.get(name) for cells in usable)) for name in shape.dates]

    def notes(self) -> tuple[str, ...]:
        found = [self.amount.note(), *(column.note() for column in self.dates)]
        return tuple(note for note in found if note)

    def row(self, record: Record) -> Row:
        cells = record.cells
        values: dict[str, Any] = {name: _text(name, cells.get(name)) for name in self.shape.texts}
        details = _details(cells, self.shape.columns)
        values["currency"] = self._currency(cells.get("currency"), details)
        values["amount"] = None
        if not absent(cells.get("amount")) or (isinstance(cells.get("amount"), str) and cells["amount"].strip()):
            values["amount"] = str(self.amount.parse(cells["amount"], values["currency"]))
        for column in self.dates:
            cell = cells.get(column.name)
            values[column.name] = None if absent(cell) else column.parse(cell).isoformat()
        missing = [name for name in self.shape.required if values[name] is None]
        if missing:
            raise Malformed(f"{', '.join(missing)} must be given")
        values["details"] = details
        finish = {"ap_invoices": _ap_row, "ar_items": _ar_row, "cases": _case_row}[self.shape.kind]
        kind, source_key = finish(values)
        return Row(record.index, kind, source_key, values)

    def _currency(self, cell: Any, details: dict[str, Any]) -> str | None:
        if not absent(cell):
            return parse_currency(cell.strip().upper() if isinstance(cell, str) else cell)
        if self.default_currency is None:
            details["warnings"] = ["the currency is not stated"]
        else:
            details["warnings"] = [f"the currency is not stated: {self.default_currency} is assumed, as configured"]
        return self.default_currency


def _ap_row(values: dict[str, Any]) -> tuple[str, str]:
    if values["vendor_id"] is None and values["vendor_name"] is None:
        raise Malformed("vendor_id or vendor_name must be given")
    written = (values["doc_type"] or "invoice").lower()
    if written not in _CREDIT | _INVOICE:
        raise Malformed("doc_type must be invoice or credit_note")
    values["doc_type"] = "credit_note" if written in _CREDIT else "invoice"
    return "ap_invoice", f"ap_invoice:{values['entity'] or ''}:{values['invoice_id']}"


def _ar_row(values: dict[str, Any]) -> tuple[str, str]:
    flag = values.pop("is_open")
    is_open = values["clear_date"] is None
    if flag is not None and is_open is not (flag.lower() in _TRUE):
        raise Malformed("is_open and clear_date contradict each other")
    return "ar_open_item" if is_open else "ar_paid", f"ar_item:{values['entity'] or ''}:{values['invoice_id']}"


def _case_row(values: dict[str, Any]) -> tuple[str, str]:
    if values["queue"] not in QUEUES:
        raise Malformed(f"queue must be one of {', '.join(QUEUES)}")
    if values["document_class"] is not None and values["document_class"] not in DOCUMENT_CLASSES:
        raise Malformed(f"document_class must be one of {', '.join(DOCUMENT_CLASSES)}")
    if values["source_key"] is None:
        # Without a key of the sender's own, the same content is the same case.
        content = json.dumps(values, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
        values["source_key"] = "row:" + hashlib.sha256(content).hexdigest()
    return "case", values["source_key"]


def _text(name: str, value: Any) -> str | None:
    """A short text. Numbers from JSON become their digits; anything nested is refused."""
    if absent(value):
        return None
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int):
        raise Malformed(f"{name} must be a text")
    text = " ".join(str(value).split())
    if len(text) > _TEXT_LIMIT or not text.isprintable():
        raise Malformed(f"{name} must be printable text of at most {_TEXT_LIMIT} characters")
    return text


def _details(cells: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The sender's `details` (an object, or its JSON in a CSV cell) and all columns that are not ours."""
    given = cells.get("details")
    if isinstance(given, str) and not absent(given):
        try:
            given = loads(given)
        except Unreadable:
            raise Malformed("details must be a JSON object") from None
    if absent(given):
        given = {}
    if not isinstance(given, dict):
        raise Malformed("details must be a JSON object")
    others = {name: value for name, value in cells.items() if name not in known and not absent(value)}
    details: dict[str, Any] = {**others, **given}
    written = json.dumps(details, ensure_ascii=False)
    if len(written) > _DETAILS_LIMIT:
        raise Malformed(f"details must be below {_DETAILS_LIMIT} characters")
    # Postgres stores neither, and a text that cannot be stored is no record. Lone surrogates do not encode.
    if any("\x00" in text or not _encodes(text) for text in _texts(details)):
        raise Malformed("details must not hold NUL characters or broken Unicode")
    return details


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

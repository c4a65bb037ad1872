"""OPEN FIRST: the one way in for documents and rows. Read, find the party, file the case; say what became of each.

A batch is one transaction: after a crash the same files are sent again and what was filed is already known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import Any

from api.intake import bills, filing, recall
from api.intake.filing import Filing
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult, Rejected
from api.intake.resolve import Directory
from api.intake.results import documents
from api.intake.rows import RejectedRow, Row, RowFile
from governance.errors import Malformed
from governance.record import books, twin_ids
from governance.record.db import Connection, Database, retrying

FILES = 50
"""Files that are read together and stored in one transaction, unless they are large."""
ROWS = 500
"""Rows that are stored in one transaction; of paid history HISTORY."""
HISTORY = 5000
_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class File:
    """A file as it came. `row`: the case that an ERP states beside its document (kind `case`)."""

    name: str
    content: bytes
    media_type: str | None = None
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case without a document, as POST /v1/cases takes it (see api.intake.rows.case_row)."""

    row: Row
    name: str = "api"


@dataclass(frozen=True, slots=True)
class Unopened:
    """A file that could not even be opened, and why."""

    name: str
    reason: str


Item = File | CaseRow | Unopened


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one file or row. `status`: accepted | already_known | rejected.

    `row` counts from 1 without the header and is None for a document; `case_id` is None for what was rejected and
    for paid rows, which are history of the books (reason `history`).
    """

    path: str
    row: int | None
    source_key: str | None
    status: str
    case_id: str | None
    document_class: str | None
    reason: str | None

    def as_dict(self) -> dict[str, Any]:
        """The wire shape of `countersign intake`."""
        return asdict(self)


class IntakeDoor:
    """Brings items in as whoever holds `token`. `queue`: where a document goes that names none, and ledger rows."""

    def __init__(self, database: Database, token: str, reader: DocumentReader, *, queue: str | None = None) -> None:
        self.database = database
        self.token = token
        self.reader = reader
        self.queue = queue

    def receive(self, items: Iterable[Item]) -> Iterator[Receipt]:
        """One receipt a document, one a row, in the order of the items; stored before it is given out.

        Raises NotPermitted where the token may not bring things in, Unavailable without database or PDF parser.
        """
        for batch in _batches(items):
            yield from self._receive(batch)

    def _receive(self, batch: Sequence[Item]) -> Iterator[Receipt]:
        files = [item for item in batch if isinstance(item, File)]
        results = iter(self.reader.read([Incoming(file.name, file.content, file.media_type) for file in files]))
        read = [one for item in batch for one in _documents(item, next(results) if isinstance(item, File) else None)]
        # Documents and single cases share a transaction; a row file has some of its own.
        for has_rows, group in groupby(read, key=lambda pair: isinstance(pair[1], RowFile)):
            if not has_rows:
                yield from self._store_items(list(group))
                continue
            for _, table in group:
                assert isinstance(table, RowFile)
                yield from self._store_table(table)

    def _store_items(self, read: Sequence[tuple[Item, Accepted | Rejected | RowFile | None]]) -> list[Receipt]:
        def store(conn: Connection) -> list[Receipt]:
            directory = _directory(conn, _orders(read))
            receipts: list[Receipt] = []
            kept: list[tuple[Filing, str]] = []
            for item, result in self._by_memory(conn, read, directory):
                if isinstance(result, Accepted) and isinstance(item, File):
                    made = filing.document(result, item.content, directory, queue=self.queue, row=item.row)
                elif isinstance(item, CaseRow):
                    made = filing.case_row(item.name, item.row, directory)
                else:
                    receipts.append(_refused_file(conn, item, result))
                    continue
                receipts.append(_file(conn, made, kept))
            _post(conn, kept)
            return receipts

        return self._transaction(store)

    def _by_memory(
        self, conn: Connection, read: Sequence[tuple[Item, ReadResult | None]], directory: Directory
    ) -> list[tuple[Item, ReadResult | None]]:
        """The same, with documents as the memories of their suppliers read them."""
        documents = [
            (result, item.content, item.row)
            for item, result in read
            if isinstance(result, Accepted) and isinstance(item, File)
        ]
        again = iter(recall.remembered(conn, documents, directory, self.reader))
        return [
            (item, next(again) if isinstance(result, Accepted) and isinstance(item, File) else result)
            for item, result in read
        ]

    def _store_table(self, table: RowFile) -> Iterator[Receipt]:
        """The rows of one file in their order, in runs that are paid history or are not."""
        everything: list[Row | RejectedRow] = sorted((*table.rows, *table.rejected_rows), key=lambda row: row.index)
        for paid, run in groupby(everything, key=_is_paid):
            for chunk in _chunks(run, HISTORY if paid else ROWS):
                store = self._history if paid else self._rows
                yield from self._transaction(store(table.name, chunk))

    def _rows(self, name: str, chunk: Sequence[Row | RejectedRow]) -> Callable[[Connection], list[Receipt]]:
        def store(conn: Connection) -> list[Receipt]:
            directory = _directory(conn, [])
            today = books.today(conn)
            receivables = [
                bills.open_item(row.values) for row in chunk if isinstance(row, Row) and row.kind == "ar_open_item"
            ]
            if receivables:
                books.import_books(conn, "open_items", bills.one_an_invoice(receivables), f"intake: {name}")
            receipts: list[Receipt] = []
            kept: list[tuple[Filing, str]] = []
            payables = [row.values["invoice_id"] for row in chunk if isinstance(row, Row) and row.kind == "ap_invoice"]
            known = twin_ids.booked(conn, payables)
            for row in chunk:
                if isinstance(row, RejectedRow):
                    item = {"name": name, "row": row.index, "source_key": row.source_key}
                    receipts.append(_refused(conn, item, row.reason))
                else:
                    made = filing.told_apart(self._filing(name, row, directory, today), known)
                    receipts.append(_file(conn, made, kept))
            _post(conn, kept)
            return receipts

        return store

    def _filing(self, name: str, row: Row, directory: Directory, today: date) -> Filing:
        if row.kind == "case":
            return filing.case_row(name, row, directory)
        if row.kind == "ap_invoice":
            return filing.payable_row(name, row, directory, self.queue)
        return filing.receivable_row(name, row, directory, today=today, queue=self.queue)

    def _history(self, name: str, chunk: Sequence[Row | RejectedRow]) -> Callable[[Connection], list[Receipt]]:
        """Paid rows are history of the books. Where a case still waits for the money, it learns that it has come."""

        def store(conn: Connection) -> list[Receipt]:
            paid = [row for row in chunk if isinstance(row, Row)]
            before = books.open_items(conn, [row.values["invoice_id"] for row in paid])
            waiting = books.open_cases(conn, [row.source_key for row in paid])
            books.import_books(
                conn,
                "open_items",
                bills.one_an_invoice([bills.open_item(row.values) for row in paid]),
                f"intake: {name}",
            )
            directory = _directory(conn, []) if waiting else None
            today = books.today(conn)
            receipts: list[Receipt] = []
            for row in paid:
                if row.source_key in waiting and directory is not None:
                    made = filing.receivable_row(name, row, directory, today=today, queue=self.queue)
                    receipts.append(_file(conn, made, []))
                    continue
                known = before.get(row.values["invoice_id"])
                status = "already_known" if known is not None and bills.same_item(known, row.values) else "accepted"
                receipts.append(Receipt(name, row.index, row.source_key, status, None, None, "history"))
            return receipts

        return store

    def _transaction(self, store: Callable[[Connection], list[Receipt]]) -> list[Receipt]:
        def whole() -> list[Receipt]:
            with self.database.transaction("intake", self.token) as conn:
                return store(conn)

        # Two intakes of the same keys at once may meet in a deadlock; the one that gives way begins again.
        return retrying(whole)


def _documents(item: Item, result: ReadResult | None) -> Iterator[tuple[Item, Accepted | Rejected | RowFile | None]]:
    """Each document of a file by itself, with its own bytes. A case row that came beside a file goes with the first."""
    if not isinstance(item, File) or result is None:
        yield item, None
        return
    row = item.row
    for content, found in documents(result, item.content):
        yield File(found.name, content, item.media_type, row), found
        row = None if isinstance(found, Accepted) else row


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        size += len(item.content) if isinstance(item, File) else 0
        batch.append(item)
        if len(batch) >= FILES or size >= _BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _chunks(rows: Iterable[Row | RejectedRow], size: int) -> Iterator[list[Row | RejectedRow]]:
    chunk: list[Row | RejectedRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _is_paid(row: Row | RejectedRow) -> bool:
    return isinstance(row, Row) and row.kind == "ar_paid"


def _directory(conn: Connection, orders: Sequence[str]) -> Directory:
    return Directory(books.load(conn), books.orders(conn, orders) if orders else {})


def _orders(read: Iterable[tuple[Item, Accepted | Rejected | RowFile | None]]) -> list[str]:
    """The purchase orders that the documents name."""
    named = (result.reading.fields.get("purchase_order") for _, result in read if isinstance(result, Accepted))
    return sorted({order for order in named if order})


def _file(conn: Connection, made: Filing, kept: list[tuple[Filing, str]]) -> Receipt:
    item = made.item
    try:
        entry = books.accept(conn, item, made.content)
    except Malformed as error:
        return _refused(conn, item, error.detail)
    revised = entry.status == "already_known" and (entry.reason or "").startswith("new facts:")
    if (entry.status == "accepted" or revised) and entry.case_id is not None:
        kept.append((made, entry.case_id))
    return _receipt(item, entry)


def _post(conn: Connection, kept: Sequence[tuple[Filing, str]]) -> None:
    """The supplier invoices among new cases and new revisions enter the ledger that duplicates are looked for in."""
    invoices = [(made.invoice, case_id) for made, case_id in kept if made.invoice is not None]
    if invoices:
        books.import_books(conn, "invoices", bills.one_an_invoice(bills.ledger_rows(invoices)), "intake")


def _refused_file(conn: Connection, item: Item, result: ReadResult | None) -> Receipt:
    if isinstance(item, File) and isinstance(result, Rejected):
        key = filing.sha256_key(item.content)
        shape = {"name": item.name, "source_key": key, "document_sha256": key.removeprefix("sha256:")}
        return _refused(conn, shape, result.reason)
    assert isinstance(item, Unopened)
    return _refused(conn, {"name": item.name}, item.reason)


def _refused(conn: Connection, item: dict[str, Any], why: str) -> Receipt:
    shape: dict[str, Any] = {key: item.get(key) for key in ("name", "row", "source_key", "document_sha256")}
    for key in ("name", "source_key"):
        # It may be the very length that was refused; the ledger's index has limits too.
        shape[key] = shape[key] and shape[key][:400]
    return _receipt(item, books.refuse(conn, bills.clean(shape), bills.clean(why)))


def _receipt(item: dict[str, Any], entry: books.Entry) -> Receipt:
    return Receipt(
        path=item["name"],
        row=item.get("row"),
        source_key=item.get("source_key"),
        status=entry.status,
        case_id=entry.case_id,
        document_class=item.get("document_class"),
        reason=entry.reason,
    )

"""The demo company moves in: its books and its month's exceptions, through the same doors as anybody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from api import demo
from api.intake import bills, rows
from api.intake.door import CaseRow, File, IntakeDoor, Item
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.system import System
from governance.record import books
from models.synthetic import CompanyMonth, company_month
from models.synthetic_watched import other_exceptions, watched_books

_SEED = 20261120
_BOOKS = {
    "entities": "entity", "suppliers": "supplier", "customers": "customer", "bank_accounts": "bank_account",
    "orders": "order", "receipts": "receipt", "payments": "payment", "fx": "fx", "open_items": "open_item",
}  # fmt: skip


def seed(system: System, today: date, progress: Callable[[str], None]) -> int:
    """Bring in the company's books and exceptions, once; how many cases were opened now.

    `today` is the company's present the first time. What was interrupted is taken up on the same day.
    """
    begun, done = demo.seeded(system.home)
    if done:
        return 0
    day = begun or today
    demo.note_seeded(system.home, day, done=False)
    month = company_month(_SEED, today=day)
    token = system.token("intake")
    progress(f"the demo company's books: {len(month.invoices)} invoices, {len(month.receivables)} receivables")
    with system.database.transaction("intake", token) as conn:
        for kind, name in _BOOKS.items():
            books.import_books(conn, kind, month.books[name], "demo company")
        ledger = bills.ledger_rows([(invoice, None) for invoice in month.invoices])
        books.import_books(conn, "invoices", ledger, "demo company")
        for kind, lines in watched_books(month).items():
            books.import_books(conn, kind, lines, "demo company")
    month = replace(month, exceptions=[*month.exceptions, *other_exceptions(month)])
    written = sum(planted.document is not None for planted in month.exceptions)
    progress(f"{len(month.exceptions)} exceptions, {written} of them with a document")
    with PdfPool(size=1) as pool:
        door = IntakeDoor(system.database, token, DocumentReader(None, pool))
        opened = sum(receipt.status == "accepted" for receipt in door.receive(_items(month)))
    demo.note_seeded(system.home, day, done=True)
    return opened


def _items(month: CompanyMonth) -> list[Item]:
    """Every planted exception as an ERP sends it: its row, and the document where there is one."""
    items: list[Item] = []
    for number, planted in enumerate(month.exceptions, 1):
        row = rows.case_row(planted.row, index=number)
        if planted.document is None:
            items.append(CaseRow(row, name="erp"))
        else:
            document = month.document(planted.document)
            items.append(File(document.name, document.content, document.media_type, row))
    return items

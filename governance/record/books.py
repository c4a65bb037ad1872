"""Reference data and the way in: what the books know of parties, and the doors by which cases and books enter.

The law is in the database (schema/functions_30_intake.sql). Every function takes a connection of role `intake`
inside the caller's transaction; its session token says who brings the item.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from governance.case import Party
from governance.errors import Malformed
from governance.record.connection import translated

KINDS = (
    "entities", "suppliers", "customers", "bank_accounts", "orders", "receipts", "payments", "fx", "open_items",
    "invoices", "close_tasks", "expected_documents",
)  # fmt: skip
"""What `import_books` takes."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One company of the group."""

    id: str
    name: str
    region: str
    currency: str


@dataclass(frozen=True, slots=True)
class BankAccount:
    owner_kind: str
    owner_id: str
    iban: str


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    supplier_id: str | None
    entity: str | None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A receivable as the books have it; `clear_date` is the day it was paid."""

    invoice_id: str
    customer_id: str
    posting_date: date
    due_date: date
    amount: Decimal
    clear_date: date | None


@dataclass(frozen=True, slots=True)
class Books:
    """The parties of one tenant, as they stand now."""

    entities: tuple[Entity, ...]
    suppliers: tuple[Party, ...]
    customers: tuple[Party, ...]
    accounts: tuple[BankAccount, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one item. `status`: accepted | already_known | rejected."""

    status: str
    case_id: str | None
    reason: str | None


_ENTITIES = "SELECT id, name, region, currency FROM cs.entities ORDER BY id"
_SUPPLIERS = "SELECT id, name, 'supplier' AS kind, email, language, vat_id, country FROM cs.suppliers ORDER BY id"
_CUSTOMERS = (
    "SELECT id, name, 'customer' AS kind, email, language, NULL AS vat_id, country FROM cs.customers ORDER BY id"
)
_ACCOUNTS = (
    "SELECT owner_kind, owner_id, iban FROM cs.bank_accounts WHERE valid_to IS NULL ORDER BY owner_kind, owner_id, iban"
)
_ORDERS = "SELECT id, supplier_id, entity FROM cs.orders WHERE id = ANY (%s)"
_OPEN_ITEMS = """
SELECT invoice_id, customer_id, posting_date, due_date, amount, clear_date FROM cs.open_items WHERE invoice_id = ANY (%s)
"""
_OPEN_CASES = """
SELECT source_key, id FROM cs.cases
WHERE source_key = ANY (%s) AND state IN ('queued', 'triaging', 'awaiting_review', 'approved', 'dead_letter')
"""
_TODAY = "SELECT current_date"
_ACCEPT = "SELECT cs.accept(%s, %s)"
_REFUSE = "SELECT cs.refuse_item(%s, %s)"
_IMPORT = "SELECT cs.import_books(%s, %s, %s)"


def load(conn: Connection[Any]) -> Books:
    """All parties: four queries, whatever is asked of them afterwards."""
    with conn.cursor(row_factory=class_row(Entity)) as cursor:
        entities = tuple(cursor.execute(_ENTITIES))
    with conn.cursor(row_factory=class_row(Party)) as cursor:
        suppliers = tuple(cursor.execute(_SUPPLIERS))
        customers = tuple(cursor.execute(_CUSTOMERS))
    with conn.cursor(row_factory=class_row(BankAccount)) as cursor:
        accounts = tuple(cursor.execute(_ACCOUNTS))
    return Books(entities, suppliers, customers, accounts)


def orders(conn: Connection[Any], ids: Sequence[str]) -> dict[str, Order]:
    """The purchase orders with these ids."""
    with conn.cursor(row_factory=class_row(Order)) as cursor:
        return {order.id: order for order in cursor.execute(_ORDERS, (list(ids),))}


def open_items(conn: Connection[Any], invoice_ids: Sequence[str]) -> dict[str, OpenItem]:
    """The receivables with these ids, paid ones too."""
    with conn.cursor(row_factory=class_row(OpenItem)) as cursor:
        return {item.invoice_id: item for item in cursor.execute(_OPEN_ITEMS, (list(invoice_ids),))}


def open_cases(conn: Connection[Any], source_keys: Sequence[str]) -> dict[str, str]:
    """Source key → case id, of cases that nothing has been done about yet."""
    return dict(conn.execute(_OPEN_CASES, (list(source_keys),)).fetchall())


def today(conn: Connection[Any]) -> date:
    """The day by the database's clock (UTC), which decides what is overdue."""
    row = conn.execute(_TODAY).fetchone()
    assert row is not None
    found: date = row[0]
    return found


def accept(conn: Connection[Any], item: Mapping[str, Any], content: bytes | None = None) -> Entry:
    """One item becomes a case, a new revision of a known case, or is known already.

    `item`: see cs.accept; plain JSON, money decimal strings, dates ISO. A refusal leaves the caller's transaction
    usable. Raises NotPermitted for an agent, Malformed for an item that the tables cannot hold.
    """
    with _tellable(), conn.transaction():
        row = conn.execute(_ACCEPT, (Jsonb(dict(item)), content)).fetchone()
    assert row is not None
    return Entry(**row[0])


def refuse(conn: Connection[Any], item: Mapping[str, Any], why: str) -> Entry:
    """Record an item that could not become a case, with the reason."""
    row = conn.execute(_REFUSE, (Jsonb(dict(item)), why)).fetchone()
    assert row is not None
    return Entry(**row[0])


def import_books(conn: Connection[Any], kind: str, rows: Sequence[Mapping[str, Any]], source: str) -> int:
    """Rows of one of KINDS, upserted; the number that were new or changed. `source` says where they come from.

    A refusal leaves the caller's transaction usable. Raises Malformed for an unknown kind or a row that the tables
    cannot hold, NotPermitted for a person whose roles do not allow it.
    """
    with _tellable(), conn.transaction():
        row = conn.execute(_IMPORT, (kind, Jsonb([dict(row) for row in rows]), source)).fetchone()
    assert row is not None
    return int(row[0])


@contextlib.contextmanager
def _tellable() -> Iterator[None]:
    """What the tables cannot hold, as a refusal of this item rather than a failure of its whole batch."""
    try:
        with translated():
            yield
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
        raise Malformed(f"the record cannot hold this: {error.diag.message_primary}") from error

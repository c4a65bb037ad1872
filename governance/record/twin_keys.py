"""The keys by which twins of an invoice are found, as the record stores them: one 64-bit number each.

models/blocking.py says which keys there are; the database mixes each number with the tenant (cs._own_keys). Its two lowest bits say what becomes of it when the invoice's party is erased.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

_STAYS, _GOES, _GOES_WITHOUT_VENDOR = 0, 1, 2
# By the first word of the kind. What is not named here goes: it may be made of a name, an account, a tax id or words.
_WHEN_ERASED = {"number": _STAYS, "order": _STAYS, "amount": _STAYS, "vendor": _GOES_WITHOUT_VENDOR}
_BATCH = 500
_WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Bill:
    """What keys are made of: an invoice of the books. Erased texts are ''."""

    invoice_id: str
    entity: str
    vendor_id: str
    vendor_name: str
    tax_id: str | None
    iban: str | None
    invoice_no: str
    invoice_date: date | None
    posting_date: date | None
    currency: str
    amount: Decimal
    po: str | None
    description: str | None
    doc_type: str


@dataclass(frozen=True, slots=True)
class AskedKey:
    """One key of one case. Invoices that share it are twins by that alone while they are `sure` or fewer; up to `cap` of
    them it is a sign (one bit, `sign`), and a twin needs two different ones; beyond, it says nothing."""

    case_id: str
    key: int
    sure: int
    cap: int
    sign: int


_STALE = "SELECT * FROM cs.stale_bills(%s, %s)"
_REKEY = "SELECT cs.rekey(%s, %s)"
_SHARING = "SELECT asker, invoice_id FROM cs.sharing(%s::int[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s)"
_LATEST = "SELECT DISTINCT cs.latest_sharing(%s::bigint[], %s)"
_USERS = "SELECT key, vendors, bills FROM cs.users_of(%s::bigint[], %s)"
_LEFT = "SELECT EXISTS (SELECT FROM cs.invoices WHERE keys_version < %s)"


def packed(kind: str, key: int | str) -> int:
    """A key as the signed 64-bit number that is stored for it; a text is hashed.

    The first word of `kind` says what becomes of it when its party is erased.
    """
    number = (
        key
        if isinstance(key, int)
        else int.from_bytes(blake2b(f"{kind}\x1f{key}".encode(), digest_size=8).digest(), signed=True)
    )
    return number & ~3 | _WHEN_ERASED.get(kind.partition("_")[0], _GOES)


def rekey(
    transaction: Callable[[], AbstractContextManager[Connection[Any]]],
    keys_of: Callable[[Sequence[Bill]], Sequence[Sequence[int]]],
    version: int,
) -> Iterator[int]:
    """Makes the keys of all invoices that have older ones, batch by batch; yields how many each batch was.

    `transaction` opens one of role `agent`; `keys_of` gives the numbers of each bill. Several may do this at once: they
    share the work, and each ends when none is left. Whoever is stopped goes on where it was.
    """
    while True:
        with transaction() as conn:
            row = conn.execute(_LEFT, (version,)).fetchone()
            if row is None or not row[0]:
                return
            with conn.cursor(row_factory=class_row(Bill)) as cursor:
                bills = cursor.execute(_STALE, (version, _BATCH)).fetchall()
            rows = [
                {"invoice_id": bill.invoice_id, "keys": list(keys)}
                for bill, keys in zip(bills, keys_of(bills), strict=True)
            ]
            if rows:
                conn.execute(_REKEY, (version, Jsonb(rows)))
        if rows:
            yield len(rows)
        else:
            time.sleep(_WAIT_SECONDS)  # others hold the last ones


def sharing(conn: Connection[Any], asked: Sequence[AskedKey], *, most: int) -> dict[str, list[str]]:
    """Case id → ids of the invoices that share enough with it, its own too where it is booked.

    At most `most` invoices a case, those with most keys in common first.
    """
    if not asked:
        return {}
    cases = list(dict.fromkeys(one.case_id for one in asked))
    at = {case: place for place, case in enumerate(cases)}
    columns = (
        [at[one.case_id] for one in asked],
        [one.key for one in asked],
        [one.sure for one in asked],
        [one.cap for one in asked],
        [one.sign for one in asked],
    )
    found: dict[str, list[str]] = {case: [] for case in cases}
    for asker, invoice_id in conn.execute(_SHARING, (*columns, most)):
        found[cases[asker]].append(invoice_id)
    return found


def latest_sharing(conn: Connection[Any], keys: Collection[int], *, most: int) -> list[str]:
    """Ids of the invoices that have one of these keys, of each key the `most` of the latest days."""
    return [row[0] for row in conn.execute(_LATEST, (sorted(set(keys)), most))] if keys else []


def users_of(conn: Connection[Any], keys: Collection[int], *, most: int) -> dict[int, tuple[int, int]]:
    """Key → (vendors, invoices) that have it, counted over `most` invoices at the most; keys that none has are missing."""
    rows = conn.execute(_USERS, (sorted(set(keys)), most)) if keys else ()
    return {key: (vendors, bills) for key, vendors, bills in rows}

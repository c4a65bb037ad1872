"""Which numbers stand in the record for an invoice's keys, and which are asked for when its twins are looked for.

Intake and worker use this alone, so that what one writes the other finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from governance.record import twin_keys
from governance.record.twin_keys import AskedKey, Bill, packed
from models.blocking import KINDS, NAMES, key_tables
from models.invoice import Invoice, normal_name, number_forms

KEYS_VERSION = 3
"""Raised whenever an invoice's keys change: what the record holds under a lower number is made again."""


def _rows(invoices: Sequence[Invoice]) -> Iterator[tuple[int, str, int]]:
    """(row, kind, number) of the blocking keys."""
    for table in key_tables(invoices):
        for row, kind, value in zip(table.item.tolist(), table.kind.tolist(), table.value.tolist(), strict=True):
            yield row, NAMES[kind], packed(NAMES[kind], value)


def stored_keys(invoices: Sequence[Invoice]) -> list[list[int]]:
    """The keys of each invoice as the record stores them: those of blocking, and those of its background."""
    keys: list[list[int]] = [[] for _ in invoices]
    for row, _, number in _rows(invoices):
        keys[row].append(number)
    for one, own in zip(invoices, keys, strict=True):
        own += [key for key in (number_key(one), name_key(one)) if key is not None]
    return [sorted(set(own)) for own in keys]


def asked_keys(cases: Mapping[str, Invoice]) -> list[AskedKey]:
    """What `governance.record.twin_keys.sharing` asks for these invoices, by case id."""
    ids, invoices = list(cases), list(cases.values())
    return [
        AskedKey(ids[row], number, KINDS[kind].sure, KINDS[kind].cap, KINDS[kind].mask)
        for row, kind, number in _rows(invoices)
    ]


def number_key(invoice: Invoice) -> int | None:
    """Under which the invoices stand that have this number, whoever sent them; None without a number."""
    number = number_forms(invoice.invoice_no).folded
    return packed("number", number) if number else None


def name_key(invoice: Invoice) -> int | None:
    """Under which a vendor's invoices stand that has a name and no id, else None."""
    name = "" if invoice.vendor_id.strip() else normal_name(invoice.vendor_name)
    return packed("name", name) if name else None


def rekey(transaction: Callable[[], AbstractContextManager[Any]]) -> Iterator[int]:
    """Brings the keys of all invoices on record to this program's version; yields how many each batch was.

    `transaction` opens one of role `agent`. Cases that are triaged before it has ended may miss twins.
    """

    def keys_of(bills: Sequence[Bill]) -> list[list[int]]:
        return stored_keys([Invoice(**{name: getattr(bill, name) for name in Bill.__slots__}) for bill in bills])

    return twin_keys.rekey(transaction, keys_of, KEYS_VERSION)

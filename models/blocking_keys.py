"""The kinds of keys, and the table of keys of a ledger: what is shared, and how much that says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.blocking_parts import Ints, Parts, Rates, Words, mixed, parts
from models.invoice import Invoice

Key = tuple[int, str, str]
"""(row, kind, key): row is the position of the invoice, key 16 hexadecimal digits, other ones for every kind."""

SURE = 3
_NUMBER, _AMOUNT, _DAY, _WORK, _AMOUNT_DAY = 4, 8, 16, 32, 64


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of key: the parts it is made of, and what it says when n invoices share it.

    n ≤ sure: they are pairs (`SURE`, two bits). n ≤ cap: a sign of its family (`mask`, one bit), and a pair
    needs two bits. More: nothing. parts: of one value each. each: a part with several values, one key for each.
    """

    sure: int
    cap: int
    mask: int
    parts: tuple[str, ...]
    each: str = ""


# Chosen by measuring on the package's own generators and two real ledgers with copies planted in them.
KINDS: dict[str, Kind] = {
    "vendor_number": Kind(20, 80, _NUMBER, ("vendor",), "number"),
    "vendor_near_number": Kind(4, 40, _NUMBER, ("vendor",), "near"),
    "vendor_amount": Kind(10, 40, _AMOUNT, ("vendor", "amount")),
    "vendor_amount_day": Kind(30, 30, _AMOUNT, ("vendor", "amount", "day")),
    "vendor_amount_period": Kind(40, 40, _AMOUNT, ("vendor", "amount"), "period"),
    "vendor_worth": Kind(0, 40, _AMOUNT, ("vendor",), "worth"),
    "vendor_day": Kind(2, 60, _DAY, ("vendor", "day")),
    "vendor_period": Kind(2, 40, _DAY, ("vendor",), "period"),
    "vendor_order": Kind(2, 60, _WORK, ("vendor", "order")),
    "text_vendor": Kind(0, 20, _WORK, ("vendor", "text")),
    "number_amount": Kind(10, 20, _AMOUNT, ("amount",), "identifying"),
    "number_day": Kind(8, 20, _DAY, ("day",), "identifying"),
    "number_amount_day": Kind(10, 10, _AMOUNT, ("amount", "day"), "brief"),
    "amount_day": Kind(4, 12, _AMOUNT_DAY, ("amount", "day")),
    "order_amount": Kind(6, 20, _WORK, ("order", "amount")),
    "party_amount": Kind(5, 20, _AMOUNT, ("amount",), "party"),
    "party_number": Kind(6, 20, _NUMBER, (), "party_stem"),
}
NAMES = tuple(KINDS)
CAP = max(kind.cap for kind in KINDS.values())
"""No kind of key joins more invoices than this."""

_SLICE = 50_000


@dataclass(frozen=True, slots=True)
class KeyTable:
    """Rows of the table of keys as arrays, (n,) each: item = the invoice, kind = place in NAMES, value = 64 bits."""

    item: NDArray[np.int32]
    kind: NDArray[np.int8]
    value: Ints


Keys = KeyTable | Sequence[Key] | Iterable[KeyTable]


def _of_kind(at: int, kind: Kind, made: Parts) -> tuple[Ints, Words]:
    if kind.each:
        rows, values = made.many[kind.each]
    else:
        rows, values = np.arange(made.count, dtype=np.int64), np.ones(made.count, dtype=np.uint64)
    said = np.ones(len(rows), dtype=bool)
    values = mixed(values, np.uint64(at + 1))
    for name in kind.parts:
        part = made.one[name][rows]
        said &= part != 0
        values = mixed(values, part)
    return rows[said], values[said]


def _table(invoices: Sequence[Invoice], rates: Rates | None, first: int) -> KeyTable:
    made = parts(invoices, rates)
    held = [_of_kind(at, kind, made) for at, kind in enumerate(KINDS.values())]
    return KeyTable(
        item=np.concatenate([rows + first for rows, _ in held]).astype(np.int32),
        kind=np.repeat(np.arange(len(held), dtype=np.int8), [len(rows) for rows, _ in held]),
        value=np.concatenate([values for _, values in held]).view(np.int64),
    )


def key_tables(invoices: Sequence[Invoice], rates: Rates | None = None) -> Iterator[KeyTable]:
    """The table of keys in slices of 50,000 invoices: what the engines read, without all of it in memory.

    rates: the value of a currency on a day; with them, amounts in two currencies can be a sign too.
    """
    for first in range(0, len(invoices), _SLICE):
        yield _table(invoices[first : first + _SLICE], rates, first)


def blocking_keys(invoices: Sequence[Invoice], rates: Rates | None = None) -> list[Key]:
    """The same rows one by one, sorted by row. No row occurs twice."""
    rows: set[Key] = set()
    for table in key_tables(invoices, rates):
        shown = (f"{value & 0xFFFFFFFFFFFFFFFF:016x}" for value in table.value.tolist())
        rows.update(zip(table.item.tolist(), (NAMES[at] for at in table.kind.tolist()), shown, strict=True))
    return sorted(rows)


def as_tables(keys: Keys) -> Iterator[KeyTable]:
    """Keys in any of their forms as tables. Raises KeyError for a kind that is not in KINDS."""
    if isinstance(keys, KeyTable):
        yield keys
        return
    loose: list[Key] = []
    for one in keys:
        if isinstance(one, KeyTable):
            yield one
        else:
            loose.append(one)
    if loose:
        place = {name: at for at, name in enumerate(NAMES)}
        values = np.array([int(key, 16) for _, _, key in loose], dtype=np.uint64)
        yield KeyTable(
            item=np.array([row for row, _, _ in loose], dtype=np.int32),
            kind=np.array([place[kind] for _, kind, _ in loose], dtype=np.int8),
            value=values.view(np.int64),
        )


def limits() -> dict[str, NDArray[Any]]:
    """KINDS as columns kind, sure, cap, mask."""
    kinds = list(KINDS.values())
    return {
        "kind": np.arange(len(kinds), dtype=np.int8),
        "sure": np.array([kind.sure for kind in kinds], dtype=np.int32),
        "cap": np.array([kind.cap for kind in kinds], dtype=np.int32),
        "mask": np.array([kind.mask for kind in kinds], dtype=np.int32),
    }

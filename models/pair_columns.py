"""The rows that pairs are made of: a ledger's arrays with the habits of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.invoice import Invoice
from models.pair_context import HABITS, LedgerContext
from models.pair_ledger import Rows, taken

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """n invoices. habits: (n, len(HABITS)). bills: sorted (vendor, amount) keys of the whole context."""

    rows: Rows
    habits: NDArray[np.float32]
    bills: Ints

    def habit(self, name: str) -> Floats:
        """One habit of every row."""
        return self.habits[:, HABITS.index(name)].astype(float)


def columns(invoices: Sequence[Invoice], context: LedgerContext) -> Columns:
    """The arrays of `invoices`. Raises KeyError for an invoice that `context` was not fitted on."""
    if invoices is context.invoices:
        return Columns(context.rows, context.habits, context.bills)
    at = np.array([context.at[one.invoice_id] for one in invoices], dtype=np.int64)
    return Columns(taken(context.rows, at), context.habits[at], context.bills)


def chosen(table: Columns, at: Ints) -> Columns:
    """The rows at these places."""
    return Columns(taken(table.rows, at), table.habits[at], table.bills)

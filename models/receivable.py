"""An invoice to a customer, as every part of collection risk sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Receivable:
    """One invoice to a customer, or a part of it; a negative amount is a credit note.

    clear_date: the day it was paid, None while it is open. recorded: the day on which the ledger learned of the
    payment; None: on the day it was made.
    """

    invoice_id: str
    customer_id: str
    posting_date: date
    due_date: date
    amount: Decimal
    clear_date: date | None
    recorded: date | None = None

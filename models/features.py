"""What was known about a customer's payments at a moment: one pure function of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Receivable:
    """One invoice to a customer. `clear_date` is the day it was paid, None while it is open."""

    invoice_id: str
    customer_id: str
    posting_date: date
    due_date: date
    amount: Decimal
    clear_date: date | None

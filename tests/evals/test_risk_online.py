"""Over all rows of others' data: no look ahead, and the live service's rows give the same bytes as the whole ledger."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from agents.risk_scores import receivable_of
from evals.risk_leak import rows_that_moved, rows_unlike_alone, seen_at, seen_rows
from governance.record import candidates
from governance.record.db import Database
from models.risk import Ledger, Receivable
from tests.build import world

FILES = ("highradius_invoices", "ibm_invoices")


def read(path: Path) -> list[Receivable]:
    with path.open(encoding="utf-8") as stream:
        return [
            Receivable(
                row["invoice_id"], row["customer_id"], date.fromisoformat(row["posting_date"]),
                date.fromisoformat(row["due_date"]), Decimal(row["amount"]),
                date.fromisoformat(row["clear_date"]) if row["clear_date"] else None,
            )
            for row in csv.DictReader(stream)
        ]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_no_row_sees_its_future(shared: Path, name: str) -> None:
    past = Ledger(read(shared / "risk" / f"{name}.csv"))
    asked, moved = rows_that_moved(past, np.unique(past.bills.post).tolist(), seed=1)
    assert (asked, moved) == (len(past.items), 0)


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_one_customers_rows_are_enough(shared: Path, name: str) -> None:
    items = read(shared / "risk" / f"{name}.csv")
    assert rows_unlike_alone(items) == (len(items), 0)


def test_the_leak_test_finds_a_leak() -> None:
    """A feature that knew the payment would move: here the ledger itself is changed before the day."""
    day = date(2026, 3, 1)
    items = [
        Receivable(f"R{at}", "A", date(2026, 1, 1 + at), date(2026, 1, 20), Decimal(10), date(2026, 1, 25 + at))
        for at in range(5)
    ]
    asked = [Receivable("new", "A", day, date(2026, 4, 1), Decimal(10), None)]
    before = seen_at(Ledger(items).ask(asked, [day]))
    paid = [*items[:4], Receivable("R4", "A", date(2026, 1, 5), date(2026, 1, 20), Decimal(10), date(2026, 2, 27))]
    assert seen_at(Ledger(paid).ask(asked, [day])) != before


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_what_the_database_hands_out_gives_the_same_bytes(database: Database, shared: Path, name: str) -> None:
    """The agent's own way: customers' rows from Postgres alone, asked on each invoice's posting day."""
    acme = world(database)
    items = read(shared / "risk" / f"{name}.csv")
    rows = [
        {
            "invoice_id": one.invoice_id, "customer_id": one.customer_id, "entity": None, "currency": "USD",
            "posting_date": one.posting_date.isoformat(), "due_date": one.due_date.isoformat(),
            "amount": str(one.amount), "clear_date": one.clear_date.isoformat() if one.clear_date else None,
        }
        for one in items
    ]  # fmt: skip
    for at in range(0, len(rows), 5000):
        acme.import_books("open_items", rows[at : at + 5000])
    whole = Ledger(items)
    table = seen_rows(whole)
    customers = sorted(whole.customers)
    differences = asked = 0
    for at in range(0, len(customers), 40):
        with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
            booked = candidates.receivables(conn, customers[at : at + 40])
        online = Ledger([receivable_of(one) for one in booked])
        for key, row in seen_rows(online).items():
            asked += 1
            differences += row != table[key]
    assert (asked, differences) == (len(items), 0)

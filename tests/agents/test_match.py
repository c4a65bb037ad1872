"""The three-way match: one table of invoices against orders, receipts and accounts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.match import Billed, Line, Ordered, Supplier, match_brief, three_way
from agents.tolerances import Tolerances
from tests.agents.scenes import CUSTOMER, IBAN, ORDER, OTHER_IBAN, RECEIPT, brief

D = Decimal
LINES = (Line("A", D(10), D("100.00")),)
BILLED = Billed(order="PO-7", currency="EUR", total=D("1190.00"), net=D("1000.00"), tax=D("190.00"), iban=IBAN)
ORDERED = Ordered("PO-7", "S-1", "EUR", D("1000.00"), LINES)
BOOKS = Supplier("S-1", "DE", (IBAN,))
ALL = ("order_reference", "order", "currency", "price", "receipt", "arithmetic", "bank")


def test_an_invoice_that_agrees_with_everything_is_matched() -> None:
    found = three_way(BILLED, ORDERED, LINES, BOOKS, Tolerances())
    assert found.outcome == "matched"
    assert [check.name for check in found.checks] == list(ALL)
    assert {check.status for check in found.checks} == {"ok"}


# what changes -> (check, its status, the outcome)
TABLE: dict[str, tuple[dict[str, Any], dict[str, Any] | None, str, str, str]] = {
    "no order named": ({"order": None}, {}, "order_reference", "missing", "incomplete"),
    "order not in the books": ({}, None, "order", "missing", "incomplete"),
    "order of another supplier": ({}, {"supplier_id": "S-9"}, "order", "differs", "differs"),
    "another currency": ({"currency": "USD"}, {}, "currency", "differs", "differs"),
    "net above the order": ({"net": D("1030.00"), "tax": D("160.00")}, {}, "price", "differs", "differs"),
    "net within two percent": ({"net": D("1015.00"), "tax": D("175.00")}, {}, "price", "ok", "matched"),
    "gross that fits the standard rate": ({"net": None, "tax": None}, {}, "price", "ok", "matched"),
    "gross above every rate": ({"net": None, "tax": None, "total": D("1300")}, {}, "price", "differs", "differs"),
    "gross below the order": ({"net": None, "tax": None, "total": D("600")}, {}, "price", "unknown", "incomplete"),
    "unit price above the order": (
        {"lines": (Line("A", D(10), D("106.00")),)}, {}, "price", "differs", "differs"),
    "unit price within tolerance": ({"lines": (Line("A", D(10), D("102.00")),)}, {}, "price", "ok", "matched"),
    "quantity above the order": ({"lines": (Line("A", D(11), D("100.00")),)}, {}, "quantity", "differs", "differs"),
    "a line that nobody ordered": ({"lines": (Line("Z", D(1), D("5.00")),)}, {}, "quantity", "differs", "differs"),
    "sums that do not add up": ({"tax": D("180.00")}, {}, "arithmetic", "differs", "differs"),
    "a cent of rounding": ({"tax": D("190.03")}, {}, "arithmetic", "ok", "matched"),
    "another account": ({"iban": OTHER_IBAN}, {}, "bank", "differs", "differs"),
    "the account in groups of four": ({"iban": "DE02 1203 0000 0000 2020 51"}, {}, "bank", "ok", "matched"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_difference_is_found_by_its_own_check(name: str) -> None:
    billed, order, check, status, outcome = TABLE[name]
    ordered = None if order is None else replace(ORDERED, **order)
    found = three_way(replace(BILLED, **billed), ordered, LINES, BOOKS, Tolerances())
    assert (found.status(check), found.outcome) == (status, outcome)


def test_receipts_add_up_and_what_is_short_differs() -> None:
    halves = (Line("A", D(6)), Line("A", D(4)))
    assert three_way(BILLED, ORDERED, halves, BOOKS, Tolerances()).status("receipt") == "ok"
    short = three_way(BILLED, ORDERED, halves[:1], BOOKS, Tolerances())
    assert short.status("receipt") == "differs"
    assert next(c for c in short.checks if c.name == "receipt").expected == "10"
    assert three_way(BILLED, ORDERED, (), BOOKS, Tolerances()).status("receipt") == "missing"


def test_books_without_an_account_do_not_vouch_for_any() -> None:
    found = three_way(BILLED, ORDERED, LINES, replace(BOOKS, ibans=()), Tolerances())
    assert (found.status("bank"), found.outcome) == ("unknown", "incomplete")


@settings(deadline=None)
@given(st.decimals(D("0.01"), D("1e9"), places=2), st.decimals(D("0"), D("3"), places=3))
def test_a_price_is_accepted_exactly_up_to_the_tolerance(agreed: Decimal, factor: Decimal) -> None:
    lines = (Line("A", D(1), agreed),)
    billed = replace(BILLED, net=None, tax=None, lines=(Line("A", D(1), agreed * factor),))
    limits = Tolerances()
    status = three_way(billed, replace(ORDERED, lines=lines), lines, BOOKS, limits).status("price")
    over = abs(agreed * factor - agreed) > max(agreed * limits.price_percent / 100, limits.rounding)
    assert status == ("differs" if over else "ok")


def test_a_case_is_matched_from_its_brief() -> None:
    made = brief("invoice_received", fields={"purchase_order": "PO-7"}, order=ORDER, receipts=(RECEIPT,))
    found = match_brief(made, Tolerances())
    assert found is not None
    assert found.outcome == "matched"
    assert match_brief(brief("overdue", "order_to_cash", supplier=None, customer=CUSTOMER), Tolerances()) is None
    assert match_brief(brief("document_received", document_class="contract"), Tolerances()) is None


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["sku", "line", "quantity", "unit_price", "price"]),
            st.one_of(st.none(), st.text(max_size=8), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)),
        ),
        max_size=4,
    )
)
def test_whatever_an_erp_writes_into_its_lines_is_no_error(lines: list[dict[str, object]]) -> None:
    made = brief("invoice_received", details={"lines": lines}, fields={"purchase_order": "PO-7"}, order=ORDER)
    found = match_brief(made, Tolerances())
    assert found is not None
    assert found.outcome in ("matched", "differs", "incomplete")

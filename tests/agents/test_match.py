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
from evals.match_cases import MatchCase, failures, match_cases
from tests.agents.scenes import CUSTOMER, IBAN, ORDER, OTHER_IBAN, RECEIPT, brief

D = Decimal
LINES = (Line("A", D(10), D("100.00")),)
BILLED = Billed(order="PO-7", currency="EUR", total=D("1190.00"), net=D("1000.00"), tax=D("190.00"), iban=IBAN)
ORDERED = Ordered("PO-7", "S-1", "EUR", D("1000.00"), LINES)
BOOKS = Supplier("S-1", "DE", (IBAN,))
ALL = ("order_reference", "order", "currency", "price", "receipt", "tax", "arithmetic", "bank")


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
    "net within two percent": (
        {"net": D("1015.00"), "tax": D("192.85"), "total": D("1207.85")}, {}, "price", "ok", "matched"),
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
@given(st.decimals(D("0.01"), D("1e6"), places=2), st.decimals(D("0.97"), D("1.03"), places=4))
def test_a_price_is_accepted_exactly_up_to_the_tolerance(agreed: Decimal, factor: Decimal) -> None:
    lines = (Line("A", D(1), agreed),)
    billed = replace(BILLED, net=None, tax=None, lines=(Line("A", D(1), agreed * factor),))
    limits = Tolerances()
    status = three_way(billed, replace(ORDERED, lines=lines), lines, BOOKS, limits).status("price")
    allowed = min(max(agreed * limits.price_percent / 100, limits.rounding), limits.line_most)
    over = abs(agreed * factor - agreed) > allowed
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


CASES = match_cases()


def test_the_table_has_sixty_rows_and_every_check_comes_out_in_more_than_one_way() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    seen: dict[str, set[str]] = {}
    for case in CASES:
        for name, status in case.expect.items():
            seen.setdefault(name, set()).add(status)
    # Where a unit agrees there is nothing to say about it.
    assert {name for name, statuses in seen.items() if len(statuses) < 2} <= {"unit"}
    assert {case.outcome for case in CASES} == {"matched", "differs", "incomplete"}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_row_of_the_table_comes_out_as_it_should(case: MatchCase) -> None:
    assert failures(case) == []


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(CASES), st.data())
def test_the_order_of_lines_and_receipts_does_not_matter(case: MatchCase, data: st.DataObject) -> None:
    turned = replace(
        case,
        billed=replace(case.billed, lines=tuple(data.draw(st.permutations(case.billed.lines)))),
        received=tuple(data.draw(st.permutations(case.received))),
    )
    assert failures(turned) == []


@settings(deadline=None, max_examples=80)
@given(st.sampled_from([case for case in CASES if case.outcome == "matched" and not case.billed.credit]))
def test_wider_tolerances_never_stop_what_agreed(case: MatchCase) -> None:
    wide = {name: getattr(case.limits, name) * 2 for name in
            ("price_percent", "quantity_percent", "total_percent", "line_most", "total_most", "rounding")}  # fmt: skip
    assert failures(replace(case, limits=replace(case.limits, **wide))) == []


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([case for case in CASES if case.billed.lines and not case.billed.credit]), st.integers(2, 50))
def test_a_bill_of_many_times_as_much_is_never_matched(case: MatchCase, times: int) -> None:
    more = tuple(replace(one, quantity=one.quantity * times if one.quantity else None,
                         amount=one.amount * times if one.amount else None) for one in case.billed.lines)  # fmt: skip
    found = replace(case, billed=replace(case.billed, lines=more)).matched()
    assert found.outcome != "matched"


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([case for case in CASES if case.billed.lines and not case.billed.credit]),
    st.integers(2, 50),
    st.sampled_from(["net and tax", "net", "tax", "neither"]),
)
def test_a_total_of_many_times_the_lines_is_never_matched_whatever_was_read(
    case: MatchCase, times: int, read: str
) -> None:
    billed = case.billed
    assert billed.lines
    found = replace(
        case,
        billed=replace(
            billed,
            total=billed.total * times if billed.total else Decimal(10_000),
            net=billed.net if "net" in read else None,
            tax=billed.tax if "tax" in read else None,
        ),
    ).matched()
    assert found.outcome != "matched"


def test_what_was_billed_before_comes_with_the_case() -> None:
    lines = [{"sku": "A", "quantity": "6", "unit_price": "100.00"}]
    values: dict[str, Any] = {"fields": {"purchase_order": "PO-7"}, "order": ORDER, "receipts": (RECEIPT,)}
    for earlier, status in (("4", "ok"), ("5", "differs")):
        details = {"lines": lines, "billed_before": [{"sku": "A", "quantity": earlier}]}
        found = match_brief(brief("invoice_received", details=details, amount="714.00", **values), Tolerances())
        assert found is not None
        assert found.status("quantity") == status

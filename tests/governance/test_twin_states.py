"""What became of an invoice of the ledger: the rule on rows, and the query against a real Postgres."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.action import Action
from governance.record.db import Database
from governance.record.twin_states import TwinState, derived, states
from tests.build import World, genesis, letter, world

DAY = date(2026, 3, 1)


def bill(invoice_id: str, day: str = "2026-03-01", **values: Any) -> dict[str, Any]:
    return {"invoice_id": invoice_id, "vendor_id": "S-1", "invoice_no": f"N{invoice_id}", "day": day,
            "amount": "100.00", "currency": "EUR", "doc_type": "invoice", "description": None, **values}  # fmt: skip


def credit(invoice_id: str, day: str, **values: Any) -> dict[str, Any]:
    return bill(invoice_id, day, doc_type="credit_note", **values)


def payment(payment_id: str, of: str, amount: str = "100.00", **values: Any) -> dict[str, Any]:
    return {"id": payment_id, "party_id": "S-1", "invoice_id": of, "day": "2026-04-01", "amount": amount,
            "currency": "EUR", **values}  # fmt: skip


def effect(number: int, action: str, about: str, **values: Any) -> dict[str, Any]:
    return {"id": f"r-{number}", "action": action, "invoice_id": about, "of": None,
            "at": f"2026-05-{number:02d}T00:00:00Z", **values}  # fmt: skip


KNOWN = [{"vendor_id": "S-1", "until": "2026-06-30"}]
A, B, C = bill("A"), bill("B", "2026-03-04"), bill("C", "2026-03-09")

# rows by kind -> the states of A and B
TABLE: list[tuple[str, dict[str, list[dict[str, Any]]], str, str]] = [
    ("nothing is known", {}, "unknown", "unknown"),
    ("payments to the supplier are known, none for these", {"known": KNOWN}, "open", "open"),
    ("one is paid", {"known": KNOWN, "payment": [payment("p", "A")]}, "paid", "open"),
    ("both are paid", {"payment": [payment("p", "A"), payment("q", "B")]}, "paid", "paid"),
    ("half is paid", {"payment": [payment("p", "A", "50")]}, "partly_paid", "unknown"),
    ("in two halves", {"payment": [payment("p", "A", "50"), payment("q", "A", "50")]}, "paid", "unknown"),
    ("less a cash discount", {"payment": [payment("p", "A", "97")]}, "paid", "unknown"),
    ("in another currency", {"payment": [payment("p", "A", "90", currency="GBP")]}, "paid", "unknown"),
    ("by the supplier's number", {"payment": [payment("p", "NB")]}, "unknown", "paid"),
    ("a payment to somebody else", {"payment": [payment("p", "NB", party_id="S-2")]}, "unknown", "unknown"),
    ("a credit note after both is the later one's", {"bill": [credit("X", "2026-03-06")]}, "unknown", "reversed"),
    ("a credit note between is the earlier one's", {"bill": [credit("X", "2026-03-02")]}, "reversed", "unknown"),
    ("a credit note before both is nobody's", {"bill": [credit("X", "2026-02-20")]}, "unknown", "unknown"),
    ("a negative one is a credit note", {"bill": [bill("X", "2026-03-06", amount="-100.00")]}, "unknown", "reversed"),
    ("two letters are no number", {"bill": [credit("X", "2026-03-06", description="of NA")]}, "unknown", "reversed"),
    ("another amount", {"bill": [credit("X", "2026-03-06", amount="99.00")]}, "unknown", "unknown"),
    ("another currency", {"bill": [credit("X", "2026-03-06", currency="GBP")]}, "unknown", "unknown"),
    ("another supplier", {"bill": [credit("X", "2026-03-06", vendor_id="S-2")]}, "unknown", "unknown"),
    ("it was for a third one", {"bill": [C, credit("X", "2026-03-10")]}, "unknown", "unknown"),
    ("one each", {"bill": [credit("X", "2026-03-06"), credit("Y", "2026-03-07")]}, "reversed", "reversed"),
    ("paid and credited", {"payment": [payment("p", "B")], "bill": [credit("X", "2026-03-06")]}, "unknown", "reversed"),
    ("held", {"effect": [effect(1, "hold_payment", "A")], "known": KNOWN}, "on_hold", "open"),
    ("held and let go", {"effect": [effect(1, "hold_payment", "A"), effect(2, "release_payment_hold", "A")]},
     "unknown", "unknown"),
    ("marked", {"effect": [effect(1, "mark_duplicate", "B", of="A")]}, "unknown", "duplicate"),
    ("marked and unmarked", {"effect": [effect(1, "mark_duplicate", "B"), effect(2, "undo_duplicate", "B")],
                             "known": KNOWN}, "open", "open"),
    ("released", {"effect": [effect(1, "hold_payment", "A"), effect(2, "release_payment", "A")]},
     "released", "unknown"),
    ("released and paid", {"effect": [effect(2, "release_payment", "A")], "payment": [payment("p", "A")]},
     "paid", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rows", "one", "other"), TABLE, ids=[row[0] for row in TABLE])
def test_state(what: str, rows: dict[str, list[dict[str, Any]]], one: str, other: str) -> None:
    found = derived(["A", "B"], {**rows, "bill": [A, B, *rows.get("bill", [])]})
    assert (found["A"].state, found["B"].state) == (one, other)


def test_a_credit_note_that_names_an_invoice_is_that_ones() -> None:
    first, second = bill("A", invoice_no="RE-4711"), bill("B", "2026-03-04", invoice_no="RE-4712")
    named = credit("X", "2026-03-06", invoice_no="CN to RE 4711")
    found = derived(["A", "B"], {"bill": [first, second, named]})
    assert (found["A"].state, found["B"].state) == ("reversed", "unknown")
    assert (found["A"].credit_note, found["A"].credited_on) == ("X", date(2026, 3, 6))


def test_one_transfer_under_a_number_pays_one_of_two_invoices_of_it() -> None:
    same = [bill("A", invoice_no="7"), bill("B", "2026-03-04", invoice_no="7")]
    once = derived(["A", "B"], {"bill": same, "payment": [payment("p", "7")], "known": KNOWN})
    assert (once["A"].state, once["B"].state) == ("paid", "open")
    twice = derived(["A", "B"], {"bill": same, "payment": [payment("p", "7"), payment("q", "7", day=None)]})
    assert (twice["A"].state, twice["B"].state) == ("paid", "paid")
    assert {*twice["A"].payments, *twice["B"].payments} == {"p", "q"}


def test_what_the_ledger_does_not_hold_may_still_have_been_paid() -> None:
    found = derived(["Z"], {"payment": [payment("p", "Z")], "known": KNOWN})
    assert found["Z"] == TwinState("Z", "paid", Decimal("100.00"), "EUR", date(2026, 4, 1), ("p",))


DAYS = st.integers(1, 28).map(lambda day: f"2026-03-{day:02d}")


@given(st.lists(DAYS, min_size=1, max_size=6), st.lists(DAYS, max_size=6))
def test_a_credit_note_reverses_one_invoice_and_none_after_it(bills: list[str], credits: list[str]) -> None:
    rows = [bill(f"A{n}", day) for n, day in enumerate(bills)] + [credit(f"X{n}", day) for n, day in enumerate(credits)]
    found = derived([f"A{n}" for n in range(len(bills))], {"bill": rows})
    by = [(one.credit_note, day) for one, day in zip(found.values(), bills, strict=True) if one.credit_note]
    assert len({name for name, _ in by}) == len(by) <= len(credits)
    assert all(day <= credits[int(name[1:])] for name, day in by)


def read(made: World, *ids: str) -> dict[str, TwinState]:
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        return states(conn, ids)


def booked(invoice_id: str, **values: Any) -> dict[str, Any]:
    return {"invoice_id": invoice_id, "entity": "DE01", "vendor_id": "S-1", "vendor_name": "Supplier One",
            "invoice_no": f"N-{invoice_id}", "invoice_date": "2026-03-01", "currency": "EUR", "amount": "100.00",
            "doc_type": "invoice", **values}  # fmt: skip


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def test_states_of_a_batch(acme: World) -> None:
    acme.import_books("invoices", [
        booked("paid"), booked("number", amount="7.00"), booked("open", amount="55.00"),
        booked("back", amount="300.00"),
        booked("credit", amount="300.00", doc_type="credit_note", invoice_date="2026-03-09"),
        booked("minus", amount="-55.00", vendor_id="S-3"), booked("plus", amount="55.00", vendor_id="S-3"),
        booked("elsewhere", vendor_id="S-2"),
    ])  # fmt: skip
    acme.import_books("payments", [
        {"id": "P-1", "party_id": "S-1", "invoice_id": "paid", "date": "2026-04-02", "amount": "100.00"},
        {"id": "P-2", "party_id": "S-1", "invoice_id": "N-number", "date": "2026-04-03", "amount": "7.00"},
        {"id": "P-3", "kind": "customer", "party_id": "S-1", "invoice_id": "open", "date": "2026-04-04", "amount": "5"},
    ])  # fmt: skip
    found = read(acme, "paid", "number", "open", "back", "plus", "minus", "elsewhere", "never heard of")
    assert {one: state.state for one, state in found.items()} == {
        "paid": "paid", "number": "paid", "open": "open", "back": "reversed", "plus": "reversed", "minus": "unknown",
        "elsewhere": "unknown", "never heard of": "unknown",
    }  # fmt: skip
    assert found["paid"] == TwinState("paid", "paid", Decimal("100.00"), "EUR", date(2026, 4, 2), ("P-1",))
    assert (found["back"].credit_note, found["back"].credit_number) == ("credit", "N-credit")
    assert found["open"].known_until == date(2026, 4, 3)
    assert read(acme) == {}


def decided(made: World, action: Action, *, key: str, kind: str = "duplicate_suspect") -> str:
    """A recommendation on the case of `key` that people approve."""
    made.accept(source_key=key, invoice_id=key, exception_type=kind, details={"n": key})
    (job,) = made.claim(1)
    with made.database.transaction("owner") as conn:
        digest = conn.execute(
            "SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", (job.case_id,)
        ).fetchone()
    assert digest is not None
    filed = made.file(job, letter(digest[0], action=action, draft=None))
    made.import_books("invoices", [booked(key, case_id=job.case_id)])
    row = made.recommendation(filed.recommendation_id)
    made.decide("reviewer", row, "approve")
    return str(row["id"])


def test_what_people_decided_is_the_state(acme: World) -> None:
    marked = decided(acme, Action("mark_duplicate", {"invoice_id": "copy", "duplicate_of": "first"}), key="copy")
    # About a twin that came without a case of its own.
    held = decided(acme, Action("hold_payment", {"invoice_id": "late", "reason": "a copy"}), key="first")
    acme.import_books("invoices", [booked("late")])
    found = read(acme, "copy", "first", "late")
    assert (found["copy"].state, found["copy"].effect, found["copy"].duplicate_of) == ("duplicate", marked, "first")
    assert found["first"].state == "unknown"
    assert (found["late"].state, found["late"].effect) == ("on_hold", held)
    assert read(acme, "late")["late"].state == "unknown", "decided on the other's case, which nobody asked about"


def test_nothing_of_another_tenant(acme: World) -> None:
    acme.import_books("invoices", [booked("paid")])
    other = genesis(acme.database, "other")
    other.import_books("payments", [{"id": "P-1", "party_id": "S-1", "invoice_id": "paid", "amount": "100.00"}])
    assert read(acme, "paid")["paid"].state == "unknown"
    assert read(other, "paid")["paid"].state == "paid"

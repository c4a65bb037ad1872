"""From the ledger to the filed recommendation: what became of two twins decides what is proposed, and about which."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from api.intake.bills import ledger_rows
from models.duplicates import Invoice
from models.synthetic import CompanyMonth
from tests.agents.conftest import Workers
from tests.build import World

Json = dict[str, Any]
CASE = {"exception_type": "duplicate_suspect", "document_class": "invoice"}


@pytest.fixture
def bill(acme: World, month: CompanyMonth) -> Invoice:
    """An invoice of supplier S-1 that stands in the books among its supplier's others."""
    vendor = max({one.vendor_id for one in month.invoices}, key=[one.vendor_id for one in month.invoices].count)
    theirs = [replace(one, vendor_id="S-1") for one in month.invoices if one.vendor_id == vendor]
    acme.import_books("invoices", ledger_rows([(one, None) for one in theirs]))
    amounts = [one.amount for one in theirs]
    return next(
        one for one in theirs if amounts.count(one.amount) == 1 and one.doc_type == "invoice" and one.amount > 0
    )


def arrives(acme: World, bill: Invoice, invoice_id: str = "copy", **item: Any) -> str:
    """The same invoice comes again, as a case of its own."""
    made = replace(bill, invoice_id=invoice_id, posting_date=None)
    case = acme.accept(
        **{**CASE, "source_key": invoice_id, "invoice_id": invoice_id, "amount": str(bill.amount),
           "currency": bill.currency, "entity": bill.entity, "supplier_id": "S-1", "iban": None,
           "issue_date": bill.invoice_date and bill.invoice_date.isoformat(),
           "reading": {"fields": {"invoice_number": bill.invoice_no, "supplier": bill.vendor_name,
                                  "purchase_order": bill.po}},
           "details": {"description": bill.description}, **item}
    )  # fmt: skip
    acme.import_books("invoices", ledger_rows([(replace(made, iban=None, tax_id=None), case["case_id"])]))
    return str(case["case_id"])


def paid(acme: World, payment_id: str, invoice_id: str, bill: Invoice) -> None:
    acme.import_books("payments", [{"id": payment_id, "party_id": "S-1", "invoice_id": invoice_id, "date": "2026-11-01",
                                    "amount": str(bill.amount), "currency": bill.currency}])  # fmt: skip


def proposed(
    acme: World, workers: Workers, case_id: str
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """(the recommendation, its twins, its letter or nothing)"""
    counts = workers().drain()
    assert counts.failed == 0
    row = acme.recommendation(acme.scalar("SELECT id FROM cs.recommendations WHERE case_id = %s", case_id))
    leaves = {name: json.loads(content) for name, content in row["leaves"].items()}
    return row, leaves["findings"]["duplicates"], leaves["draft"] or {}


def test_the_twin_was_paid_so_the_copy_is_marked(acme: World, workers: Workers, bill: Invoice) -> None:
    paid(acme, "P-1", bill.invoice_id, bill)
    row, (twin, *_), _ = proposed(acme, workers, arrives(acme, bill))
    assert row["envelope"]["action"] == {
        "name": "mark_duplicate", "args": {"invoice_id": "copy", "duplicate_of": bill.invoice_id},
    }  # fmt: skip
    assert (twin["own_state"]["state"], twin["twin_state"]["state"], twin["twin_state"]["by"]) == (
        "open",
        "paid",
        ["P-1"],
    )
    assert {one["name"]: one["agreement"] for one in twin["fields"]}["invoice_number"] == "same"
    assert "number" in twin["exact_check"]["found_by"]
    assert twin["parts"]


def test_both_were_paid_so_the_money_is_claimed_back_by_letter(acme: World, workers: Workers, bill: Invoice) -> None:
    paid(acme, "P-1", bill.invoice_id, bill)
    paid(acme, "P-2", "copy", bill)
    row, (twin, *_), letter = proposed(acme, workers, arrives(acme, bill))
    assert row["envelope"]["action"]["name"] == "request_credit_note", twin
    assert row["envelope"]["action"]["args"]["invoice_number"] == bill.invoice_no
    assert "paid both" in letter["body"]
    assert letter["to"] == "ap@supplier.example"


def test_this_one_was_paid_so_the_other_is_marked(acme: World, workers: Workers, bill: Invoice) -> None:
    """The signatures of this case stop the other invoice: the database takes the action as it is."""
    paid(acme, "P-2", "copy", bill)
    row, (twin, *_), _ = proposed(acme, workers, arrives(acme, bill))
    assert row["envelope"]["action"] == {
        "name": "mark_duplicate", "args": {"invoice_id": bill.invoice_id, "duplicate_of": "copy"},
    }  # fmt: skip
    assert twin["remedy"]["about"] == "twin"


def test_a_credit_note_took_the_twin_back(acme: World, workers: Workers, bill: Invoice) -> None:
    assert bill.invoice_date is not None
    credit = replace(bill, invoice_id="credit", invoice_no="CN-1", doc_type="credit_note", description=bill.invoice_no)
    acme.import_books("invoices", ledger_rows([(credit, None)]))
    rebill = replace(bill, invoice_date=bill.invoice_date.replace(day=28))
    row, twins, _ = proposed(acme, workers, arrives(acme, rebill))
    (twin,) = [one for one in twins if one["invoice_id"] == bill.invoice_id]
    assert twin["probability"] <= 0.1, "what was taken back is no twin of the bill that came instead"
    said = (
        f"was twin of {bill.invoice_no}, which was taken back by credit note CN-1 of {bill.invoice_date}: nothing to do"
    )
    assert twin["taken_back"] == said
    assert f"but: {said}" in twin["reasons"]
    assert twin["remedy"]["action"] is None
    assert row["envelope"]["action"]["name"] == "refer_to_person", "the sender's suspicion is a person's to settle"
    why = row["envelope"]["action"]["args"]["reason"]
    assert "taken back by credit note CN-1" in why
    assert bill.invoice_no in why


def test_a_bill_that_nobody_suspects_is_not_told_of_every_credited_one(
    acme: World, workers: Workers, bill: Invoice
) -> None:
    """Under another number, a bill in place of a credited one is the supplier's daily business."""
    assert bill.invoice_date is not None
    credit = replace(bill, invoice_id="credit", invoice_no="CN-1", doc_type="credit_note", description=bill.invoice_no)
    acme.import_books("invoices", ledger_rows([(credit, None)]))
    rebill = replace(bill, invoice_no="ZZ/99-4471", invoice_date=bill.invoice_date.replace(day=28))
    for key, kind in (("copy", "duplicate_suspect"), ("other", "invoice_received")):
        _, twins, _ = proposed(acme, workers, arrives(acme, rebill, key, exception_type=kind))
        taken = [one for one in twins if one["invoice_id"] == bill.invoice_id and one.get("taken_back")]
        assert len(taken) == (kind == "duplicate_suspect")


def test_without_its_credit_note_the_same_twin_is_told(acme: World, workers: Workers, bill: Invoice) -> None:
    assert bill.invoice_date is not None
    rebill = replace(bill, invoice_date=bill.invoice_date.replace(day=28))
    _, (twin, *_), _ = proposed(acme, workers, arrives(acme, rebill))
    assert twin["invoice_id"] == bill.invoice_id


def test_what_people_held_is_seen_by_the_next_case(acme: World, workers: Workers, bill: Invoice) -> None:
    first = arrives(acme, bill)
    row, _, _ = proposed(acme, workers, first)
    for seat in row["seats"]:
        acme.decide(seat["role"], row, "approve")
    assert acme.recommendation(row["id"])["state"] == "approved"
    _, twins, _ = proposed(acme, workers, arrives(acme, bill, "again"))
    states = {one["invoice_id"]: one["twin_state"] for one in twins}
    assert (states["copy"]["state"], states["copy"]["by"]) == ("duplicate", [row["id"]])

"""Whose document is it: what identifies a supplier or a company of the group, and what leaves it open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.intake import filing
from api.intake.reader import Accepted
from api.intake.resolve import Directory
from governance.case import Party, Reading
from governance.record.books import BankAccount, Books, Entity, Order
from models.supplier_match import Clues


def _supplier(id: str, name: str, vat: str | None = None) -> Party:
    return Party(id=id, name=name, kind="supplier", vat_id=vat)


BOOKS = Books(
    entities=(Entity("DE01", "Acme GmbH", "EU", "EUR"), Entity("DE02", "Acme GmbH Nord", "EU", "EUR")),
    suppliers=(
        _supplier("S-1", "Talwick Supplies Ltd", "GB111"),
        _supplier("S-2", "Talwick Supplies plc", "GB222"),
        _supplier("S-3", "Marmora SARL", "FR333"),
        _supplier("S-4", "MARMORA", "FR333"),
    ),
    customers=(),
    accounts=(BankAccount("supplier", "S-2", "GB00ONE"), BankAccount("supplier", "S-3", "FR00TWO")),
)


@pytest.mark.parametrize(
    ("vat_id", "name", "iban", "expected"),
    [
        ("gb 111", None, None, "S-1"),
        ("GB111", "Talwick Supplies plc", "GB00ONE", "S-1"),  # the VAT id outweighs name and account
        (None, "talwick  supplies PLC", None, "S-2"),
        (None, "Talwick Supplies", None, None),  # two firms have this name
        (None, "Talwick Supplies", "GB 00 ONE", "S-2"),  # the account tells them apart
        (None, "Talwick Supplies Ltd", "FR00TWO", "S-1"),  # somebody else's account does not change the party
        ("FR333", None, None, "S-3"),  # one firm entered twice is its first record
        (None, None, "FR00TWO", "S-3"),
        ("XX", "Nobody", "YY", None),
        (None, None, None, None),
    ],
)
def test_whose_invoice_it_is(vat_id: str | None, name: str | None, iban: str | None, expected: str | None) -> None:
    found = Directory(BOOKS).supplier(vat_id=vat_id, name=name, iban=iban)
    assert (found.id if found else None) == expected


@pytest.mark.parametrize(
    ("order", "text", "expected"),
    [
        (None, "Bill to: ACME  GmbH, Berlin", "DE01"),
        (None, "Bill to: Acme GmbH Nord", "DE02"),
        (None, "Acme GmbH; Acme GmbH Nord", "DE02"),  # the longer name contains the shorter one
        (None, "Acme GmbHs", None),
        ("PO-1", "", "DE01"),
        ("PO-1", "Acme GmbH Nord", None),  # order and document disagree
        ("PO-9", "Acme GmbH", "DE01"),
    ],
)
def test_which_company_was_billed(order: str | None, text: str, expected: str | None) -> None:
    found = Directory(BOOKS, {"PO-1": Order("PO-1", "S-1", "DE01")}).entity(order=order, text=text, supplier=None)
    assert (found.id if found else None) == expected


def _read(document_class: str = "invoice", **fields: str) -> Accepted:
    reading = Reading(document_class, 0.99, False, "model", fields, warnings=("first",))
    return Accepted("bill.pdf", "application/pdf", reading, 1)


def test_what_was_found_is_kept_with_the_reading() -> None:
    read = _read(supplier="Talwick Supplies plc", iban="DE89370400440532013000")
    item = filing.document(read, b"x", Directory(BOOKS)).item
    assert (item["supplier_id"], item["iban"]) == ("S-2", "DE89370400440532013000")
    kept = item["reading"]
    assert kept["supplier_match"]["outcome"] == "bank_details_differ"
    assert kept["warnings"][0] == "first"
    assert kept["warnings"][1].startswith("iban: ")
    assert [one["code"] for one in kept["findings"]] == ["bank_details_differ"]


def test_an_account_on_a_bank_statement_is_nobodys_claim() -> None:
    read = _read("bank_statement", iban="GB00ONE")
    item = filing.document(read, b"x", Directory(BOOKS)).item
    assert (item["supplier_id"], item["reading"]["supplier_match"]["account"]) == (None, "not_said")


def test_a_supplier_that_only_looks_like_one_is_not_taken_for_it() -> None:
    item = filing.document(_read(supplier="Tаlwick Supplies Ltd"), b"x", Directory(BOOKS)).item
    match = item["reading"]["supplier_match"]
    assert (item["supplier_id"], match["outcome"]) == (None, "probable")
    assert match["candidates"][0]["supplier_id"] == "S-1"
    assert item["reading"]["findings"][0]["level"] == "contested"


def test_the_index_is_made_anew_when_the_books_change() -> None:
    known = Clues(name="New Firm Ltd")
    assert Directory(BOOKS).match(known).supplier is None
    more = replace(BOOKS, suppliers=(*BOOKS.suppliers, _supplier("S-9", "New Firm Ltd")))
    found = Directory(more).match(known).supplier
    assert found is not None
    assert found.id == "S-9"
    assert Directory(BOOKS).match(known).supplier is None

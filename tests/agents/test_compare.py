"""Two invoices side by side, and what an exact check would have said: marks to the character, verdicts in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.compare import FIELDS, compared, masked, segments
from agents.exact_check import RULES, exact_check, number_difference
from models.invoice import Invoice

ONE = Invoice(
    invoice_id="A", entity="DE01", vendor_id="S-1", vendor_name="Talwick Supplies Ltd", tax_id="GB 123 4567 89",
    iban="DE02 1203 0000 0000 2020 51", invoice_no="265-008542", invoice_date=date(2026, 3, 1),
    posting_date=date(2026, 3, 2), currency="EUR", amount=Decimal("100.00"), po="PO-7", description="Pallets March",
    doc_type="invoice",
)  # fmt: skip


def pair(**changes: Any) -> tuple[Invoice, Invoice]:
    return ONE, replace(ONE, invoice_id="B", **changes)


def agreement(**changes: Any) -> dict[str, str]:
    return {one.name: one.agreement for one in compared(*pair(**changes))}


def test_what_is_the_same_is_the_same() -> None:
    assert agreement() == dict.fromkeys(FIELDS, "same")
    # Written otherwise, but the same thing.
    assert set(agreement(
        tax_id="GB123456789", iban="de02120300000000202051", po="po 7", vendor_name="TALWICK SUPPLIES LIMITED",
        amount=Decimal("100.0"), description="pallets  march",
    ).values()) == {"same"}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"invoice_no": "265-008542."}, "invoice_number", "differs"),
        ({"invoice_date": None}, "invoice_date", "missing_there"),
        ({"posting_date": date(2026, 3, 3)}, "posting_date", "differs"),
        ({"amount": Decimal("100.01")}, "amount", "differs"),
        ({"currency": "GBP"}, "currency", "differs"),
        ({"vendor_id": " "}, "supplier_id", "missing_there"),
        ({"tax_id": None}, "tax_id", "missing_there"),
        ({"iban": "DE89370400440532013000"}, "bank_account", "differs"),
        ({"doc_type": "credit_note"}, "document_type", "differs"),
    ],
)
def test_one_field_differs_and_the_others_do_not(changes: dict[str, Any], field: str, expected: str) -> None:
    found = agreement(**changes)
    assert found.pop(field) == expected
    assert set(found.values()) == {"same"}


def test_what_both_lack_is_not_compared_and_what_this_one_lacks_is_missing_here() -> None:
    bare = replace(ONE, tax_id=None, description="  ")
    found = {one.name: one.agreement for one in compared(bare, replace(bare, po=None))}
    assert "tax_id" not in found
    assert "description" not in found
    assert found["purchase_order"] == "missing_there"
    assert {one.name: one.agreement for one in compared(replace(ONE, po=None), ONE)}["purchase_order"] == "missing_here"


def test_a_redacted_name_is_no_name() -> None:
    hidden = replace(ONE, vendor_name="REDACTED PERSONAL DATA")
    assert "supplier" not in {one.name for one in compared(hidden, hidden)}
    assert {one.name: one.agreement for one in compared(ONE, hidden)}["supplier"] == "missing_there"


def test_accounts_are_masked_and_texts_are_cut() -> None:
    long = "x" * 5000
    found = {
        one.name: one for one in compared(*pair(iban="DE89370400440532013000", description=long, vendor_name=long))
    }
    assert found["bank_account"].own == "DE02 … 2051"
    assert found["bank_account"].segments == ()
    assert masked("12345") == "… 45"
    assert len(str([one.as_dict() for one in found.values()])) < 4000


@pytest.mark.parametrize(
    ("own", "twin", "marks"),
    [
        ("265-008542", "265-008542.", [("same", "265-008542"), ("twin", ".")]),
        ("586026", "586026--", [("same", "586026"), ("twin", "--")]),
        ("003411", "A3411", [("own", "00"), ("twin", "A"), ("same", "3411")]),
        ("RE-12", "991/7745", [("own", "RE-12"), ("twin", "991/7745")]),
        ("a\u200bb", "ab", [("same", "a"), ("own", "\u200b"), ("same", "b")]),
        ("", "7", [("twin", "7")]),
    ],
)
def test_marks(own: str, twin: str, marks: list[tuple[str, str]]) -> None:
    assert list(segments(own, twin)) == marks


def test_texts_are_marked_word_by_word() -> None:
    found = segments("Office rent March 2026", "Office rent April 2026", words=True)
    assert found == (("same", "Office rent "), ("own", "March"), ("twin", "April"), ("same", " 2026"))


TEXTS = st.text(st.sampled_from("ab1 -\u200bé"), max_size=20)


@given(TEXTS, TEXTS, st.booleans())
def test_the_parts_make_up_both_texts(own: str, twin: str, words: bool) -> None:
    parts = segments(own, twin, words=words)
    assert "".join(text for side, text in parts if side != "twin") == own
    assert "".join(text for side, text in parts if side != "own") == twin
    assert all(text for _, text in parts)
    if own == twin and own:
        assert parts == (("same", own),)


@pytest.mark.parametrize(
    ("own", "twin", "words"),
    [
        ("265-008542", "265-008542.", "the number differs by a trailing dot"),
        ("586026", "586026--", "the number differs by a trailing “--”"),
        ("003411", "3411", "the number differs by leading zeros"),
        ("A-0007", "A-7", "the number differs by leading zeros"),
        ("003411", "A3411", "the number differs by its beginning (“00” and “A”)"),
        ("INV-4711", "4711", "the number differs by a leading “INV-”"),
        ("2026 101", "2026101", "the number differs by a space"),
        ("2026/101", "2026-101", "the number differs by its punctuation only"),
        ("A1O1", "A101", "the number differs by characters that look alike (O for 0)"),
        ("INV123", "INV132", "the number differs by two characters that changed places (23 and 32)"),
        ("12345", "12845", "the number differs in one character (3 for 8)"),
        ("12345", "1245", "the number differs by an inner “3”"),
        ("12\u200b345", "12345", "the number differs by characters that nobody sees"),
        ("\u0410B12", "AB12", "the number differs by letters of another alphabet that look the same"),
        ("INV-12", "4477/9981", "the number is another one"),
        ("", "12", "one of them has no number"),
        (" ", "", "neither has a number"),
        (" ab12 ", "AB12", None),
    ],
)
def test_how_two_numbers_differ(own: str, twin: str, words: str | None) -> None:
    assert number_difference(own, twin) == words


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_difference_is_named_where_there_is_one(own: str, twin: str) -> None:
    said = number_difference(own, twin)
    alike = own.strip().upper() == twin.strip().upper() != ""
    assert (said is None) == alike
    assert said is None or len(said) < 200


EXACT: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({}, ("full", "usual", "number", "no_number"), "would have found this too"),
    ({"invoice_no": "265-008542."}, ("no_number",),
     "would not have found this: the number differs by a trailing dot; one without the number would have"),
    ({"invoice_date": date(2026, 3, 4)}, ("number",),
     "would not have found this: the date differs by 3 days; one on supplier and number alone would have"),
    ({"invoice_date": date(2026, 1, 3)}, ("number",), "day and month of the date are exchanged"),
    ({"invoice_date": date(2025, 3, 1)}, ("number",), "the date has another year"),
    ({"invoice_date": None}, ("number",), "one of them has no invoice date"),
    ({"amount": Decimal("100.01")}, ("number",), "the amount differs by 0.01"),
    ({"amount": Decimal("-100.00")}, ("number",), "the sign of the amount is the opposite"),
    ({"entity": "FR01"}, ("usual", "number", "no_number"),
     "only if it looks beyond one entity and currency: it is booked in another entity (DE01 and FR01)"),
    ({"currency": "GBP"}, ("usual", "number", "no_number"), "the currency is another (EUR and GBP)"),
    ({"vendor_id": "S-2"}, (), "would not have found this: it is booked under another supplier record (S-1 and S-2)"),
    ({"vendor_id": ""}, ("full", "usual", "number", "no_number"), "would have found this too"),
    ({"vendor_id": "", "vendor_name": "TALWICK"}, (), "another name (TALWICK SUPPLIES LTD and TALWICK)"),
    ({"vendor_id": "", "vendor_name": "REDACTED"}, (), "one of them does not say which supplier it is of"),
    ({"invoice_no": "77/1", "amount": Decimal("99"), "vendor_id": "S-2"}, (),
     "it is booked under another supplier record (S-1 and S-2), the number is another one and the amount differs by 1"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "found_by", "words"), EXACT)
def test_what_an_exact_check_would_have_said(changes: dict[str, Any], found_by: tuple[str, ...], words: str) -> None:
    found = exact_check(*pair(**changes))
    assert set(found.found_by) == set(found_by)
    assert words in found.says
    assert [field for field, _ in found.slips] == [name for name in RULES["full"] if name in dict(found.slips)]
    # A check finds a pair just where nothing that it compares slipped.
    for name, fields in RULES.items():
        assert (name in found.found_by) == (not set(fields) & set(dict(found.slips)))

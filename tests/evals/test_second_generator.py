"""The second generator tells the truth about its own ledgers, and each class is what its name says."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import date
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban as iban_rules
from stdnum.at import uid
from stdnum.de import vat as de_vat
from stdnum.gb import vat as gb_vat
from stdnum.ie import vat as ie_vat

from evals.second_business import HARD_NEGATIVES
from evals.second_generator import FEWEST_INVOICES, SecondLedger, second_ledger
from evals.second_suppliers import iban, make_supplier, tax_id
from evals.second_twins import CLASSES
from evals.second_writing import ending, keyed, other_spelling, rewritten, scanned
from models.invoice import Invoice

TAX_RULES = {"AT": uid, "DE": de_vat, "GB": gb_vat, "IE": ie_vat}


@lru_cache(maxsize=4)
def large(seed: int = 3) -> SecondLedger:
    return second_ledger(seed, 4000, 0.1)


def by_id(ledger: SecondLedger) -> dict[str, Invoice]:
    return {invoice.invoice_id: invoice for invoice in ledger.invoices}


def twins(kind: str) -> list[tuple[Invoice, Invoice]]:
    known = by_id(large())
    return [(known[pair.left_id], known[pair.right_id]) for pair in large().true_pairs if pair.kind == kind]


def lookalikes(kind: str) -> list[tuple[Invoice, Invoice]]:
    known = by_id(large())
    return [(known[pair.left_id], known[pair.right_id]) for pair in large().hard_negatives if pair.kind == kind]


def figures(number: str) -> str:
    """Sorted, because a clerk may turn the parts of a number round; zeros come and go."""
    return "".join(sorted(letter for letter in unicodedata.normalize("NFKC", number) if letter in "123456789"))


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    invoices=st.integers(FEWEST_INVOICES, 900),
    share=st.sampled_from([0.0, 0.02, 0.1]),
)
def test_truth_is_sound_for_any_seed_and_size(seed: int, invoices: int, share: float) -> None:
    ledger = second_ledger(seed, invoices, share)
    known = by_id(ledger)
    assert len(ledger.invoices) == len(known) == invoices
    pairs = [*ledger.true_pairs, *ledger.hard_negatives]
    named = [(pair.left_id, pair.right_id) for pair in pairs]
    assert len(set(named)) == len(named)
    assert all(left < right and left in known and right in known for left, right in named)
    assert {pair.kind for pair in ledger.hard_negatives} == set(HARD_NEGATIVES)
    assert {pair.kind for pair in ledger.true_pairs} == (set(CLASSES) if share else set())
    cases = Counter(pair.kind for pair in ledger.true_pairs if pair.kind != "split")
    cases["split"] = sum(group.kind == "split" for group in ledger.groups)
    assert cases.total() == (max(len(CLASSES), round(invoices * share)) if share else 0)
    assert not share or max(cases.values()) - min(cases.values()) <= 1
    assert all(len(group.invoice_ids) >= 3 and set(group.invoice_ids) <= set(known) for group in ledger.groups)


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_same_seed_gives_the_same_ledger(seed: int) -> None:
    first = second_ledger(seed, 300)
    assert first == second_ledger(seed, 300)
    assert first.invoices != second_ledger(seed + 1, 300).invoices


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10**6), country=st.sampled_from(sorted(TAX_RULES)))
def test_check_digits_are_sound(seed: int, country: str) -> None:
    rng = np.random.default_rng(seed)
    assert iban_rules.is_valid(iban(rng, country), check_country=False)
    assert TAX_RULES[country].is_valid(tax_id(rng, country))


def test_chosen_classes_alone_are_planted() -> None:
    ledger = second_ledger(5, 400, 0.05, classes=["ocr", "split"])
    assert {pair.kind for pair in ledger.true_pairs} == {"ocr", "split"}


@pytest.mark.parametrize(
    ("invoices", "share", "classes", "says"),
    [
        (FEWEST_INVOICES - 1, 0.02, None, "invoices or more"),
        (400, 0.5, None, "share"),
        (400, 0.02, ["ocr", "forged"], "forged"),
        (400, 0.02, [], "no classes"),
    ],
)
def test_what_cannot_be_made_is_refused(invoices: int, share: float, classes: list[str] | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        second_ledger(1, invoices, share, classes)


@pytest.mark.parametrize("kind", ["format", "ocr", "typo", "suffix"])
def test_number_classes_change_the_number_and_nothing_firm(kind: str) -> None:
    for one, two in twins(kind):
        assert one.invoice_no != two.invoice_no
        assert (one.amount, one.invoice_date, one.vendor_id, one.currency, one.entity) == (
            two.amount,
            two.invoice_date,
            two.vendor_id,
            two.currency,
            two.entity,
        )


def test_each_class_is_what_it_says() -> None:
    for one, two in twins("exact"):
        assert (one.invoice_no, one.amount, one.invoice_date) == (two.invoice_no, two.amount, two.invoice_date)
        assert (one.vendor_id, one.description, one.po) == (two.vendor_id, two.description, two.po)
    for one, two in twins("format"):
        bare = [figures(each.invoice_no) for each in (one, two)]
        assert not Counter(bare[0]) - Counter(bare[1]) or not Counter(bare[1]) - Counter(bare[0])
    for one, two in twins("ocr"):
        assert len(one.invoice_no) == len(two.invoice_no)
        assert 1 <= sum(a != b for a, b in zip(one.invoice_no, two.invoice_no, strict=True)) <= 2
    for one, two in twins("suffix"):
        assert two.invoice_no.startswith(one.invoice_no) or one.invoice_no.startswith(two.invoice_no)
    for one, two in twins("vendor_double"):
        assert one.vendor_id != two.vendor_id
        assert (one.invoice_no, one.amount) == (two.invoice_no, two.amount)
    for one, two in twins("date"):
        assert one.invoice_date != two.invoice_date
        assert one.invoice_no == two.invoice_no
    for one, two in twins("amount"):
        assert 0 < abs(one.amount - two.amount) <= 1
    for one, two in twins("other_entity"):
        assert one.entity != two.entity
        assert one.invoice_no == two.invoice_no
    for one, two in twins("renumbered"):
        assert one.invoice_no != two.invoice_no
        assert (one.amount, one.po, one.description) == (two.amount, two.po, two.description)
        assert one.po or one.description
    for one, two in twins("currency"):
        assert one.currency != two.currency


def test_the_parts_of_a_split_add_up_to_the_whole() -> None:
    known = by_id(large())
    wholes = {pair.left_id for pair in large().true_pairs if pair.kind == "split"}
    for group in large().groups:
        if group.kind == "split":
            whole = [known[each] for each in group.invoice_ids if each in wholes]
            parts = [known[each] for each in group.invoice_ids if each not in wholes]
            assert len(whole) == 1
            assert len(parts) in (2, 3)
            assert sum(part.amount for part in parts) == whole[0].amount
            assert len({each.invoice_no for each in (*whole, *parts)}) == len(parts) + 1


def test_each_lookalike_is_what_it_says() -> None:
    for one, two in lookalikes("recurring_reference"):
        assert one.invoice_no == two.invoice_no
        assert one.invoice_date != two.invoice_date
    for one, two in lookalikes("recurring_sequence"):
        assert one.invoice_no != two.invoice_no
    for one, two in lookalikes("same_day"):
        assert (one.invoice_date, one.amount, one.vendor_id) == (two.invoice_date, two.amount, two.vendor_id)
        assert one.invoice_no != two.invoice_no
    for one, two in lookalikes("two_entities"):
        assert one.entity != two.entity
        assert (one.currency, one.amount) == (two.currency, two.amount)
        assert one.invoice_no != two.invoice_no
    for one, two in lookalikes("number_restarts"):
        years = [each.invoice_date.year for each in (one, two) if isinstance(each.invoice_date, date)]
        assert one.invoice_no == two.invoice_no
        assert years[0] != years[1]


def test_a_rebilled_invoice_was_reversed_whole() -> None:
    known = by_id(large())
    rebilled = [group for group in large().groups if group.kind == "credit_and_rebill"]
    assert rebilled
    for group in rebilled:
        members = [known[each] for each in group.invoice_ids]
        notes = [each for each in members if each.doc_type == "credit_note"]
        assert len(notes) == 1
        assert any(each.amount == -notes[0].amount for each in members)


def test_no_unplanted_pair_is_an_exact_duplicate() -> None:
    """What agrees in vendor, number, date and amount was planted: no false negative hides among the plain rows."""
    planted = {(pair.left_id, pair.right_id) for pair in large().true_pairs}
    seen: dict[tuple[object, ...], str] = {}
    for invoice in large().invoices:
        key = (invoice.vendor_id, invoice.invoice_no, invoice.invoice_date, invoice.amount)
        if key in seen:
            assert (seen[key], invoice.invoice_id) in planted
        seen[key] = invoice.invoice_id


def test_suppliers_and_columns_vary() -> None:
    invoices = large().invoices
    assert len({invoice.entity for invoice in invoices}) == 6
    assert {invoice.currency for invoice in invoices} >= {"GBP", "EUR", "CHF"}
    assert len({invoice.vendor_id for invoice in invoices}) >= 80
    for column in ("tax_id", "iban", "po", "description", "posting_date"):
        missing = sum(getattr(invoice, column) is None for invoice in invoices) / len(invoices)
        assert 0.02 < missing < 0.9, column


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 10**6), number=st.from_regex(r"[A-Z]{0,3}[-/ ]?[0-9]{4,9}(/[A-Z]{1,2})?", fullmatch=True))
def test_every_way_of_writing_changes_the_number_and_no_more_than_it_says(seed: int, number: str) -> None:
    rng = np.random.default_rng(seed)
    if figures(number):
        assert rewritten(number, rng) != number
    read = scanned(number, rng)
    assert len(read) == len(number)
    assert 1 <= sum(a != b for a, b in zip(read, number, strict=True)) <= 2
    assert abs(len(keyed(number, rng)) - len(number)) <= 1
    assert keyed(number, rng) != number
    assert ending(rng).strip()


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 10**6), recurring=st.booleans())
def test_a_second_vendor_record_is_spelt_otherwise(seed: int, recurring: bool) -> None:
    rng = np.random.default_rng(seed)
    supplier = make_supplier(rng, 3, recurring)
    other = other_spelling(rng, supplier.name)
    assert other != supplier.name
    assert other == other.strip()

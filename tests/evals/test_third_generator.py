"""The third ledger: what it promises to plant is there, and nothing else in it is a duplicate."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from functools import lru_cache
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.third_bill import alike
from evals.third_generator import ThirdLedger, third_ledger
from evals.third_hard import HARD
from evals.third_noise import plain
from evals.third_twins import CLASSES, mistaken

SEEDS = st.integers(0, 10**6)


@lru_cache(maxsize=8)
def ledger(seed: int, rows: int = 2500, share: float = 0.04) -> ThirdLedger:
    return third_ledger(seed, rows, share)


@given(seed=SEEDS, rows=st.integers(60, 700), share=st.floats(0, 0.25), classes=st.sets(st.sampled_from(CLASSES)))
@settings(deadline=None, max_examples=40)
def test_counts_ids_and_classes(seed: int, rows: int, share: float, classes: set[str]) -> None:
    made = third_ledger(seed, rows, share, classes or None)
    ids = {invoice.invoice_id for invoice in made.invoices}
    assert len(ids) == len(made.invoices) == rows
    assert all(left in ids and right in ids and left != right for left, right, _ in made.pairs)
    assert len({frozenset(pair[:2]) for pair in made.pairs}) == len(made.pairs) <= round(rows * share)
    assert {kind for *_, kind in made.pairs} <= (classes or set(CLASSES))
    assert all(set(group) <= ids and len(set(group)) == len(group) > 1 for group, _ in made.hard)
    assert {kind for _, kind in made.hard} <= set(HARD)


@given(seed=SEEDS)
@settings(deadline=None, max_examples=6)
def test_the_same_seed_is_the_same_ledger_and_another_is_not(seed: int) -> None:
    assert third_ledger(seed, 300) == third_ledger(seed, 300)
    assert third_ledger(seed, 300) != third_ledger(seed + 1, 300)


@pytest.mark.parametrize("seed", range(6))
def test_every_class_and_every_trap_is_there(seed: int) -> None:
    made = ledger(seed)
    assert {kind for *_, kind in made.pairs} == set(CLASSES)
    assert {kind for _, kind in made.hard} == set(HARD)
    assert len(made.pairs) == 100


@pytest.mark.parametrize("kind", CLASSES)
def test_one_class_alone(kind: str) -> None:
    made = third_ledger(11, 1200, 0.03, [kind])
    assert len(made.pairs) >= 30
    assert {found for *_, found in made.pairs} == {kind}


@given(seed=SEEDS)
@settings(deadline=None, max_examples=12)
def test_nothing_else_is_a_duplicate(seed: int) -> None:
    made = third_ledger(seed, 1500, 0.05)
    related = defaultdict(set)
    for left, right, _ in made.pairs:
        related[left].add(("twin", left))
        related[right].add(("twin", left))
    for place, (group, _) in enumerate(made.hard):
        for member in group:
            related[member].add(("hard", str(place)))
    # A copy stands beside whatever its first bill stood beside.
    for left, right, _ in made.pairs:
        related[right] |= related[left]
    by_amount = defaultdict(list)
    for invoice in made.invoices:
        by_amount[(invoice.currency, abs(invoice.amount))].append(invoice)
    for same in by_amount.values():
        for one, two in combinations(same, 2):
            if related[one.invoice_id] & related[two.invoice_id]:
                continue
            numbers = plain(one.invoice_no), plain(two.invoice_no)
            near = one.invoice_date and two.invoice_date and abs((one.invoice_date - two.invoice_date).days) < 60
            assert numbers[0] != numbers[1] or (one.vendor_name != two.vendor_name and not near), (one, two)
            if one.vendor_id and one.vendor_id == two.vendor_id:
                assert not alike(*numbers), (one, two)
                assert one.po is None or one.po != two.po, (one, two)


@pytest.mark.parametrize("seed", range(6))
def test_each_class_is_what_it_says(seed: int) -> None:
    made = ledger(seed)
    rows = {invoice.invoice_id: invoice for invoice in made.invoices}
    parts = defaultdict(list)
    for left_id, right_id, kind in made.pairs:
        left, right = rows[left_id], rows[right_id]
        if kind == "exact":
            same = (left.vendor_id, left.vendor_name, left.invoice_no, left.invoice_date, left.amount, left.description)
            again = (right.vendor_id, right.vendor_name, right.invoice_no, right.invoice_date, right.amount)
            assert same == (*again, right.description)
        elif kind in ("format", "suffix"):
            assert left.invoice_no != right.invoice_no
            assert left.amount == right.amount
        elif kind in ("ocr", "typo") and left.amount == right.amount:
            assert mistaken(left.invoice_no, right.invoice_no)
        elif kind == "vendor":
            assert (left.vendor_id, left.vendor_name) != (right.vendor_id, right.vendor_name)
        elif kind == "date":
            assert left.invoice_date != right.invoice_date
            assert left.amount == right.amount
        elif kind == "penny":
            assert 0 < abs(left.amount - right.amount) <= max(left.amount / 20, Decimal(1))
        elif kind == "entity":
            assert left.entity != right.entity
            assert left.amount == right.amount
        elif kind == "currency":
            assert left.currency != right.currency
        elif kind == "renumbered":
            assert plain(left.invoice_no) != plain(right.invoice_no)
            assert left.amount == right.amount
            assert left.po or left.amount % 10
        elif kind == "split":
            parts[left_id].append(right)
        if left.posting_date and right.posting_date:
            assert left.posting_date <= right.posting_date
    for whole, bills in parts.items():
        assert len(bills) in (2, 3)
        assert sum(bill.amount for bill in bills) == rows[whole].amount


@pytest.mark.parametrize("seed", range(4))
def test_what_was_credited_or_sent_back_stands_once(seed: int) -> None:
    made = ledger(seed)
    rows = {invoice.invoice_id: invoice for invoice in made.invoices}
    for group, kind in made.hard:
        if kind in ("credit_rebill", "refund_repay"):
            signs = Counter(rows[one].doc_type == "credit_note" or rows[one].amount < 0 for one in group)
            assert signs == {True: 1, False: 2}


def test_two_seeds_are_two_firms() -> None:
    """Columns, currencies, years and number styles differ from seed to seed."""
    made = [third_ledger(seed, 100) for seed in range(40)]
    assert len({one.invoices[0].entity for one in made}) > 8
    assert len({Counter(row.currency for row in one.invoices).most_common(1)[0][0] for one in made}) > 4
    for column in ("tax_id", "iban", "po", "description", "posting_date"):
        filled = [any(getattr(row, column) for row in one.invoices) for one in made]
        assert 4 < sum(filled) < 40


@pytest.mark.parametrize(("rows", "share", "classes"), [(10, 0.02, None), (100, 0.5, None), (100, 0.02, ["made up"])])
def test_what_it_refuses(rows: int, share: float, classes: list[str] | None) -> None:
    with pytest.raises(ValueError, match="60 rows"):
        third_ledger(1, rows, share, classes)


def test_an_odd_number_alone_is_no_sign() -> None:
    """Numbers typed otherwise, misread or with a tail also stand on bills that have no twin."""
    made = [third_ledger(seed, 1500, 0) for seed in range(12)]
    assert not any(one.pairs for one in made)
    tails = [row for one in made for row in one.invoices if row.invoice_no.endswith(("-R", "*"))]
    assert len(tails) > 5

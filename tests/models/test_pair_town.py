"""A town's ledger holds what its truth says: the planted duplicates, the look-alikes, and no other double bill."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from functools import lru_cache
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.pair_town import DUPLICATE_CLASSES, HARD_KINDS, TownLedger, town_ledger
from models.pair_town_numbers import squeezed

SEEDS = st.integers(0, 10_000)


@lru_cache(maxsize=64)
def ledger(seed: int, invoices: int = 1500) -> TownLedger:
    return town_ledger(seed, invoices, 0.03)


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.integers(200, 1200), st.sampled_from([0.0, 0.01, 0.05]))
def test_as_many_rows_and_pairs_as_asked_for(seed: int, invoices: int, share: float) -> None:
    made = town_ledger(seed, invoices, share)
    assert len(made.invoices) == invoices
    assert len(made.pairs) == round(invoices * share)


@settings(deadline=None, max_examples=12)
@given(SEEDS)
def test_truth_names_rows_that_exist_once(seed: int) -> None:
    made = ledger(seed)
    ids = {row.invoice_id for row in made.invoices}
    assert len(ids) == len(made.invoices)
    pairs = [frozenset(pair[:2]) for pair in made.pairs]
    assert len(set(pairs)) == len(pairs)
    assert all(len(pair) == 2 and pair <= ids for pair in pairs)
    assert all(len(set(places)) == len(places) > 1 and ids.issuperset(places) for places, _ in made.hard)
    assert {kind for _, kind in made.hard} <= set(HARD_KINDS)


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_no_double_bill_that_the_truth_does_not_know(seed: int) -> None:
    made = ledger(seed)
    known = {frozenset(pair[:2]) for pair in made.pairs}
    groups: dict[str, set[int]] = defaultdict(set)
    for number, (places, _) in enumerate(made.hard):
        for place in places:
            groups[place].add(number)
    seen = defaultdict(list)
    for row in made.invoices:
        seen[row.vendor_id or row.vendor_name, squeezed(row.invoice_no), row.amount].append(row.invoice_id)
    for rows in seen.values():
        for left, right in combinations(rows, 2):
            assert frozenset((left, right)) in known or groups[left] & groups[right]


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_no_pair_is_called_right_or_was_taken_back(seed: int) -> None:
    made = ledger(seed)
    rows = {row.invoice_id: row for row in made.invoices}
    together = {frozenset(pair) for places, _ in made.hard for pair in combinations(places, 2)}
    credits = {(row.vendor_id or row.vendor_name, row.amount) for row in made.invoices if row.amount < 0}
    for first, second, _ in made.pairs:
        assert frozenset((first, second)) not in together
        for row in (rows[first], rows[second]):
            assert row.amount > 0
            assert (row.vendor_id or row.vendor_name, -row.amount) not in credits


def test_the_same_seed_is_the_same_firm_and_another_seed_another() -> None:
    assert town_ledger(5, 600) == town_ledger(5, 600)
    assert town_ledger(5, 600).invoices != town_ledger(6, 600).invoices


@pytest.mark.parametrize("kind", DUPLICATE_CLASSES)
def test_one_class_alone_fills_its_share(kind: str) -> None:
    for seed in range(6):
        made = town_ledger(seed, 800, 0.03, [kind])
        assert Counter(pair[2] for pair in made.pairs) == {kind: 24}


def test_every_class_and_every_look_alike_comes() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(12):
        made = ledger(seed, 2500)
        assert {pair[2] for pair in made.pairs} == set(DUPLICATE_CLASSES)
        kinds.update(kind for _, kind in made.hard)
    assert set(kinds) == set(HARD_KINDS)


def test_each_class_is_what_it_says() -> None:
    for seed in range(12):
        made = ledger(seed, 2500)
        rows = {row.invoice_id: row for row in made.invoices}
        parts = defaultdict(list)
        for first, second, kind in made.pairs:
            left, right = rows[first], rows[second]
            if kind == "split":
                parts[first].append(right.amount)
            if kind == "exact":
                assert replace(left, invoice_id="", posting_date=None) == replace(
                    right, invoice_id="", posting_date=None
                )
            if kind in ("format", "typo", "suffix", "renumbered"):
                assert left.invoice_no != right.invoice_no
            if kind == "vendor":
                assert (left.vendor_id, left.vendor_name) != (right.vendor_id, right.vendor_name)
            if kind == "date":
                assert left.invoice_date != right.invoice_date
            if kind == "penny":
                assert 0 < abs(left.amount - right.amount) <= left.amount / 10
            if kind == "entity":
                assert left.entity != right.entity
            if kind == "currency":
                assert left.currency != right.currency
        assert all(sum(amounts) == rows[whole].amount and len(amounts) > 1 for whole, amounts in parts.items())


def test_reversed_bills_and_shared_numbers_look_as_they_should() -> None:
    for seed in range(12):
        made = ledger(seed, 2500)
        rows = {row.invoice_id: row for row in made.invoices}
        for places, kind in made.hard:
            group = [rows[place] for place in places]
            if kind in ("recurring_same_reference", "batch_lines"):
                assert len({row.invoice_no for row in group}) == 1
            if kind == "recurring_sequence":
                assert len({row.invoice_no for row in group}) == len(group)
                assert len({row.amount for row in group}) == 1
            if kind == "refund_repaid":
                assert len({abs(row.amount) for row in group}) == 1
            if kind == "group_contract":
                assert len({row.entity for row in group}) > 1


def test_firms_differ() -> None:
    made = [ledger(seed, 2500).invoices for seed in range(16)]
    assert len({Counter(row.currency for row in rows).most_common(1)[0][0] for rows in made}) >= 3
    assert {any(row.vendor_id for row in rows) for rows in made} == {True, False}
    with_tax = [sum(row.tax_id is not None for row in rows) / len(rows) for rows in made]
    assert min(with_tax) == 0 < 0.2 < max(with_tax)
    with_text = [sum(row.description is not None for row in rows) / len(rows) for rows in made]
    assert max(with_text) - min(with_text) > 0.2


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ValueError, match="unknown or no classes"):
        town_ledger(1, 500, classes=["nonsense"])
    with pytest.raises(ValueError, match="at least 200"):
        town_ledger(1, 20)

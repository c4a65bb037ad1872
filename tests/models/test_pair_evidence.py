"""Evidence that stands above what was learned: parts that sum, a number written otherwise, lines of one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.duplicates import Invoice, LedgerContext, pair_features
from models.pair_drills import drill
from models.pair_features import PAIR_FEATURES
from models.pair_rules import settled
from models.pair_sums import parts_of
from models.pair_training import _strange, training_pairs

DAY = date(2026, 3, 2)


def bill(key: str, number: str, amount: str, days: int = 0, **changes: str | None) -> Invoice:
    plain = Invoice(
        invoice_id=key, entity="E1", vendor_id="V1", vendor_name="Halden Supplies", tax_id=None, iban=None,
        invoice_no=number, invoice_date=DAY + timedelta(days=days), posting_date=None, currency="EUR",
        amount=Decimal(amount), po=None, description=None, doc_type="invoice",
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def row(ledger: list[Invoice], left: int, right: int) -> np.ndarray:
    return np.asarray(pair_features([(ledger[left], ledger[right])], LedgerContext.fit(ledger)))


def moved(table: np.ndarray, logit: float) -> Mapping[str, float]:
    return {name: float(by[0]) for name, by in settled(table, np.array([logit])).items() if by[0]}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 10**7), min_size=2, max_size=3), st.integers(0, 20))
def test_parts_know_the_bill_that_they_sum_to(cents: list[int], apart: int) -> None:
    amounts = np.array([sum(cents), *cents]) / 100
    n = len(amounts)
    days = np.array([0.0, *(apart + 1.0 + at for at in range(n - 1))])
    every = np.ones(n, dtype=bool)
    assert parts_of(np.zeros(n, dtype=np.int64), days, amounts, every).tolist() == [-1, *[0] * (n - 1)]
    # Not one hundredth off, not of another group, not of another season.
    assert (parts_of(np.zeros(n, dtype=np.int64), days, amounts + np.eye(n)[0] / 100, every)[1:] != 0).all()
    assert (parts_of(np.arange(n), days, amounts, every) == -1).all()
    assert (parts_of(np.zeros(n, dtype=np.int64), days * 100, amounts, every) == -1).all()


def test_a_bill_paid_whole_and_in_parts_is_likely() -> None:
    ledger = [bill("w", "R-1001", "918.37"), bill("a", "R-1001/1", "500.12", 4), bill("b", "R-1001/2", "418.25", 9)]
    table = row(ledger, 0, 1)
    assert table[0, PAIR_FEATURES.index("amount_whole")] == 1.0
    assert moved(table, -4.0) == {"amount_whole": pytest.approx(5.4)}
    other = [*ledger[:2], replace(ledger[2], amount=Decimal("418.26"))]
    assert moved(row(other, 0, 1), -4.0) == {}


def test_parts_are_found_by_their_text_under_other_numbers() -> None:
    said = "Buffet for 29 persons"
    ledger = [bill("w", "0903", "918.37", description=said), bill("a", "1011", "500.12", 4, description=said),
              bill("b", "1388", "418.25", 9, description=said)]  # fmt: skip
    assert row(ledger, 0, 2)[0, PAIR_FEATURES.index("amount_sum")] == 1.0
    assert row(ledger, 1, 2)[0, PAIR_FEATURES.index("amount_sum")] == 0.0


def test_a_number_written_otherwise_is_likely_months_later() -> None:
    ledger = [bill("a", "586026", "364.64"), bill("b", "586026--", "364.64", 118)]
    assert moved(row(ledger, 0, 1), -3.0) == {"number_written_anew": pytest.approx(4.4)}
    same = [ledger[0], replace(ledger[1], invoice_no="586026")]
    assert moved(row(same, 0, 1), -3.0) == {}


def test_unlike_amounts_under_one_number_on_one_day_are_lines() -> None:
    ledger = [bill("a", "945608", "720.00"), bill("b", "945608", "311.15")]
    assert moved(row(ledger, 0, 1), 3.0) == {"amount_ratio": pytest.approx(-4.4)}
    assert moved(row([ledger[0], replace(ledger[1], amount=Decimal("719.98"))], 0, 1), 3.0) == {}


def test_a_credit_note_booked_twice_is_no_bill_that_was_taken_back() -> None:
    ledger = [
        bill("a", "CN-4711", "-364.64", doc_type="credit_note"),
        bill("b", "CN-4711", "-364.64", doc_type="credit_note"),
    ]
    assert moved(row(ledger, 0, 1), 0.0) == {"number_same_plain": pytest.approx(2.2)}


def test_one_thing_may_differ_but_not_the_amount() -> None:
    same = PAIR_FEATURES.index("amount_same")
    count = changed = 0
    for seed in (41, 42, 43):
        table, label = training_pairs(drill(seed, vendors=20, share=0.2))
        for at, rows in _strange(table, label, np.random.default_rng(seed)):
            assert (label[at] == 1).all()
            assert np.array_equal(rows[:, same], table[at][:, same], equal_nan=True)
            differs = np.nan_to_num(rows, nan=-9.0) != np.nan_to_num(table[at], nan=-9.0)
            changed += int(differs.any(axis=1).sum())
            count += len(at)
    assert count > 50
    assert changed > 0.8 * count

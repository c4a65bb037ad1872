"""Duplicates: one bill is found however it comes back, and what only looks alike is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from models.duplicates import (
    AGAINST,
    PAIR_FEATURES,
    Invoice,
    LedgerContext,
    PairScorer,
    find_duplicates,
    pair_features,
    score_pairs,
    train_pair_scorer,
    training_pairs,
)
from models.invoice import normal_name, number_forms
from models.pair_drills import drill
from models.synthetic import company_month

BILL = Invoice(
    "A1", "DE01", "V1", "Nordlicht Druck GmbH", "DE123456789", "DE02120300000000202051", "RE-2024-00581",
    date(2026, 3, 4), date(2026, 3, 6), "EUR", Decimal("1840.15"), "PO-77", "Flyers", "invoice",
)  # fmt: skip


def bill(number: str, day: date, amount: str = "1840.15", **other: object) -> Invoice:
    made = replace(BILL, invoice_id=f"{number}@{day}", invoice_no=number, invoice_date=day, posting_date=day)
    return replace(made, amount=Decimal(amount), po=None, **other)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scorer() -> PairScorer:
    return train_pair_scorer([company_month(3, suppliers=40, invoices=800, exceptions=0)], seed=1, drills=6)


# --- features


INVOICES = st.builds(
    Invoice,
    invoice_id=st.uuids().map(str),
    entity=st.sampled_from(["E1", "E2", ""]),
    vendor_id=st.sampled_from(["V1", "V2", ""]),
    vendor_name=st.sampled_from(["Nordlicht GmbH", "Nordlicht", "REDACTED", ""]),
    tax_id=st.sampled_from([None, "DE1", "DE2"]),
    iban=st.none(),
    invoice_no=st.from_regex(r"[A-C]{0,2}[-/]?[0-9]{1,6}", fullmatch=True),
    invoice_date=st.none() | st.dates(date(2025, 1, 1), date(2026, 1, 1)),
    posting_date=st.none() | st.dates(date(2025, 1, 1), date(2026, 1, 1)),
    currency=st.sampled_from(["EUR", "USD", ""]),
    amount=st.decimals("-5000", "5000", places=2),
    po=st.sampled_from([None, "P1"]),
    description=st.sampled_from([None, "rent 01/2025", "rent"]),
    doc_type=st.sampled_from(["invoice", "credit_note"]),
)


@given(st.lists(INVOICES, min_size=2, max_size=12))
@settings(deadline=None, max_examples=60)
def test_features_do_not_depend_on_the_order_of_a_pair(ledger: list[Invoice]) -> None:
    context = LedgerContext.fit(ledger)
    pairs = list(pairwise(ledger))
    forward = pair_features(pairs, context)
    assert forward.shape == (len(pairs), len(PAIR_FEATURES))
    assert not np.isinf(forward).any()
    assert np.array_equal(forward, pair_features([(b, a) for a, b in pairs], context), equal_nan=True)


@given(st.lists(INVOICES, min_size=2, max_size=25))
@settings(deadline=None, max_examples=60)
def test_a_context_of_the_rows_in_question_is_as_good_as_the_whole_ledger(ledger: list[Invoice]) -> None:
    """The law that lets the live service fetch only the rows of the vendors and numbers that a pair names."""
    pair = (ledger[0], ledger[1])
    folded = {number_forms(one.invoice_no).folded for one in pair}
    vendors = {(one.vendor_id, normal_name(one.vendor_name)) for one in pair}
    near = [
        one
        for one in ledger
        if (one.vendor_id, normal_name(one.vendor_name)) in vendors
        or any(one.vendor_id and one.vendor_id == vendor for vendor, _ in vendors)
        or number_forms(one.invoice_no).folded in folded
    ]
    whole, part = (pair_features([pair], LedgerContext.fit(rows)) for rows in (ledger, near))
    # A vendor without an id is known by its name, so rows of a like-named vendor with an id are not its rows.
    assert np.array_equal(whole, part, equal_nan=True)


# --- scoring


def test_it_finds_what_it_has_not_seen(scorer: PairScorer) -> None:
    month = company_month(77, suppliers=50, invoices=1200, exceptions=0)
    X, y = training_pairs(month)
    assert average_precision_score(y, scorer.predict_proba(X)[:, 1]) > 0.95
    named = {frozenset(pair[:2]) for pair in month.duplicate_pairs}
    pairs = find_duplicates(month.invoices, scorer)
    # Bills with unlike numbers wait in a queue of their own, of which less is promised.
    found = [frozenset((one.left_id, one.right_id)) for one in pairs if one.queue == "duplicate"]
    assert sum(pair in named for pair in found) / len(found) > 0.9
    assert len(named & set(found)) / len(named) > 0.8


def test_it_holds_against_near_misses(scorer: PairScorer) -> None:
    ledger = drill(99_001, vendors=45)
    X, y = training_pairs(ledger)
    chance = scorer.predict_proba(X)[:, 1]
    assert average_precision_score(y, chance) > 0.8
    assert y[chance > 0.5].mean() > 0.75


def history(amount: str = "310.00") -> list[Invoice]:
    """A year of bills from one vendor: numbers in sequence, amounts that vary, one a fortnight."""
    rng = np.random.default_rng(0)
    return [
        bill(f"RE-{4000 + 3 * number}", date(2025, 3, 1) + timedelta(days=14 * number),
             f"{float(amount) + rng.integers(10, 900):.2f}")
        for number in range(26)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (bill("RE-4411", date(2026, 3, 4)), "resubmitted"),
        (bill("re 4411", date(2026, 3, 4)), "format"),
        (bill("RE-44II", date(2026, 3, 4)), "ocr"),
        (bill("RE-4411-COPY", date(2026, 3, 4)), "suffix"),
        (bill("RE-4411", date(2026, 3, 9)), "date"),
        (bill("RE-4411", date(2026, 3, 4), "1840.16"), "penny"),
        (bill("RE-4411", date(2026, 3, 4), vendor_id="V8", vendor_name="Nordlicht Druck"), "other_vendor_record"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kinds_of_duplicates_are_found_and_named(scorer: PairScorer, second: Invoice, kind: str) -> None:
    first = bill("RE-4411", date(2026, 3, 4))
    second = replace(second, invoice_id="second", posting_date=date(2026, 3, 20))
    found = find_duplicates([*history(), first, second], scorer)
    assert [(one.left_id, one.right_id, one.kind) for one in found] == [(first.invoice_id, "second", kind)]
    assert found[0].reasons
    assert 0.5 <= found[0].probability <= 1.0


def test_rent_of_every_month_is_no_duplicate(scorer: PairScorer) -> None:
    rent = [
        bill(f"{8800 + month}", date(2025 + (month > 12), (month - 1) % 12 + 1, 1), "2400.00")
        for month in range(1, 19)
    ]  # fmt: skip
    assert find_duplicates(rent, scorer) == []


def test_rent_paid_twice_in_a_month_is_one(scorer: PairScorer) -> None:
    rent = [bill(f"{8800 + month}", date(2026, month, 1), "2400.00") for month in range(1, 11)]
    again = replace(rent[6], invoice_id="again", posting_date=date(2026, 7, 20))
    found = find_duplicates([*rent, again], scorer)
    assert [(one.left_id, one.right_id) for one in found] == [(rent[6].invoice_id, "again")]


def test_credit_and_new_bill_are_told_with_the_credit_as_counter_evidence(scorer: PairScorer) -> None:
    first = bill("RE-4411", date(2026, 3, 4))
    credit = bill("GS-91", date(2026, 3, 8), "-1840.15", doc_type="credit_note")
    rebilled = bill("RE-4415", date(2026, 3, 9))
    ledger = [*history(), first, credit, rebilled]
    told = score_pairs([(first, rebilled), (first, credit)], LedgerContext.fit(ledger), scorer)
    assert AGAINST + "a credit note of this amount followed" in told[0].reasons
    assert AGAINST + "one of them is a credit note" in told[1].reasons
    assert told[1].probability < 0.5


def test_against_compares_the_ledger_with_history_and_not_history_with_itself(scorer: PairScorer) -> None:
    past = [*history(), replace(history()[3], invoice_id="old copy")]
    new = replace(history()[5], invoice_id="new", posting_date=date(2026, 5, 1))
    found = find_duplicates([new], scorer, against=[*past, new])
    assert [(one.left_id, one.right_id) for one in found] == [(past[5].invoice_id, "new")]


def test_result_is_sorted_thresholded_and_independent_of_row_order(scorer: PairScorer) -> None:
    month = company_month(5, suppliers=30, invoices=300, exceptions=0)
    found = find_duplicates(month.invoices, scorer, threshold=0.2, renumbered=0.2)
    chances = [one.probability for one in found]
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] >= 0.2
    assert found == find_duplicates(month.invoices[::-1], scorer, threshold=0.2, renumbered=0.2)


def test_live_scores_are_those_of_the_whole_ledger(scorer: PairScorer) -> None:
    month = company_month(5, suppliers=30, invoices=300, exceptions=0)
    row = {one.invoice_id: one for one in month.invoices}
    whole = {(one.left_id, one.right_id): one for one in find_duplicates(month.invoices, scorer)}
    for ids, expected in whole.items():
        pair = (row[ids[0]], row[ids[1]])
        numbers = {number_forms(one.invoice_no).folded for one in pair}
        fetched = [
            one
            for one in month.invoices
            if one.vendor_id in {side.vendor_id for side in pair} or number_forms(one.invoice_no).folded in numbers
        ]
        assert score_pairs([pair], LedgerContext.fit(fetched), scorer) == [expected]


def test_nothing_in_nothing_out(scorer: PairScorer) -> None:
    assert find_duplicates([], scorer) == find_duplicates([BILL], scorer) == []
    assert score_pairs([], LedgerContext.fit([]), scorer) == []
    assert pair_features([], LedgerContext.fit([])).shape == (0, len(PAIR_FEATURES))
    assert scorer.predict_proba(np.empty((0, len(PAIR_FEATURES)))).shape == (0, 2)


def test_scorer_refuses_what_it_cannot_learn_from() -> None:
    with pytest.raises(ValueError, match="features"):
        PairScorer().fit(np.zeros((10, 3)), np.arange(10) % 2)
    with pytest.raises(ValueError, match="both"):
        PairScorer().fit(np.zeros((10, len(PAIR_FEATURES))), np.zeros(10))


def test_one_seed_gives_one_ledger_and_one_scorer() -> None:
    (X, y), (again, labels) = (training_pairs(drill(5, vendors=12)) for _ in range(2))
    assert np.array_equal(X, again, equal_nan=True)
    assert np.array_equal(y, labels)
    first, second = (PairScorer(seed=4, max_iter=20).fit(X, y) for _ in range(2))
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_a_long_search_tells_how_far_it_is(scorer: PairScorer) -> None:
    told: list[tuple[str, int, int]] = []
    ledger = [*history(), replace(history()[3], invoice_id="again")]
    found = find_duplicates(ledger[:-1], scorer, against=ledger[-1:], progress=lambda *now: told.append(now))
    assert [one.right_id for one in found] == ["again"]
    assert [stage for stage, _, _ in told if stage != "pairs"] == ["keys", "join", "keys", "join", "habits", "habits"]
    assert told[-1][0] == "pairs"
    assert told[-1][1] == told[-1][2] > 0


def test_a_pair_carries_its_queue_and_what_each_family_adds(scorer: PairScorer) -> None:
    first = bill("RE-4411", date(2026, 3, 4))
    ledger = [
        *history(),
        first,
        replace(first, invoice_id="second"),
        replace(first, invoice_id="3", invoice_no="X9-21"),
    ]
    found = find_duplicates(ledger, scorer, threshold=0.9, renumbered=0.0)
    queues = {frozenset((one.left_id, one.right_id)): one.queue for one in found}
    assert queues[frozenset((first.invoice_id, "second"))] == "duplicate"
    assert queues[frozenset((first.invoice_id, "3"))] == "renumbered"
    sizes = [abs(share) for _, share in found[0].parts]
    assert sizes == sorted(sizes, reverse=True)
    assert {"number", "amount", "date"} <= {family for family, _ in found[0].parts}
    never = find_duplicates(ledger, scorer, threshold=0.9, renumbered=1.1)
    assert {one.queue for one in never} == {"duplicate"}

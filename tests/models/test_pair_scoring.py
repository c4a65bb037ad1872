"""What a pair's score is made of: habits counted on arrays, contributions that sum, groups instead of pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.duplicates import DuplicatePair, Invoice, LedgerContext, PairScorer, pair_features, training_pairs
from models.pair_drills import drill
from models.pair_features import FAMILIES, PAIR_FEATURES, family, renumbered_rows
from models.pair_forest import Floats, feature_shares
from models.pair_grouping import gap_medians, makes_up, medians, nearby, others, sizes, together
from models.pair_groups import groups
from models.pair_noise import CHANGES, copies
from models.pair_reasons import kind, queue_of, reasons
from models.pair_rules import settled
from models.pair_scorer import contributions
from models.pair_training import train_pair_scorer
from models.synthetic_numbers import stream

BILL = Invoice(
    "A", "DE01", "V1", "Nordlicht Druck GmbH", None, None, "RE-4411", date(2026, 3, 4), date(2026, 3, 6), "EUR",
    Decimal("1840.15"), "PO-77", "Flyers", "invoice",
)  # fmt: skip


def pair(left: str, right: str, probability: float = 0.9, of: str = "resubmitted") -> DuplicatePair:
    return DuplicatePair(left, right, probability, of, (), "duplicate", ())


def row(a: Invoice, b: Invoice, *rest: Invoice) -> Floats:
    features: Floats = pair_features([(a, b)], LedgerContext.fit([a, b, *rest]))[0]
    return features


# --- grouping


CODES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 40), st.booleans()), max_size=25)


@given(CODES)
@settings(deadline=None, max_examples=80)
def test_groups_are_counted_as_by_hand(rows: list[tuple[int, int, int, bool]]) -> None:
    first, second, value = (np.array([one[at] for one in rows], dtype=np.int64) for at in range(3))
    where = np.array([one[3] for one in rows], dtype=bool)
    group = together(where, first, second)
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at, one in enumerate(rows):
        if one[3]:
            members[one[0], one[1]].append(at)
    counted, middle = sizes(group), medians(group, value.astype(float))
    usual, _ = gap_medians(group, value)
    sums = makes_up(group, value.astype(float))
    for at, one in enumerate(rows):
        own = members[one[0], one[1]] if one[3] else []
        assert (group[at] < 0) == (not one[3])
        if not own:
            assert np.isnan(counted[at])
            assert np.isnan(middle[at])
            assert sums[at] == 0
            continue
        values = [int(value[other]) for other in own]
        assert counted[at] == len(own)
        assert middle[at] == np.median(values)
        gaps = np.diff(sorted(set(values)))
        assert np.isnan(usual[at]) if not len(gaps) else usual[at] == np.median(gaps)
        assert sums[at] == (len(own) >= 3 and sum(values) == 2 * value[at])


@given(CODES)
@settings(deadline=None, max_examples=80)
def test_the_share_of_other_parts_leaves_the_own_part_out(rows: list[tuple[int, int, int, bool]]) -> None:
    first, second = (np.array([one[at] for one in rows], dtype=np.int64) for at in range(2))
    where = np.ones(len(rows), dtype=bool)
    found = others(together(where, first), together(where, first, second))
    for at, one in enumerate(rows):
        parts: dict[int, int] = defaultdict(int)
        for other in rows:
            if other[0] == one[0] and other[1] != one[1]:
                parts[other[1]] += 1
        assert np.isnan(found[at]) if not parts else found[at] == np.mean([count > 1 for count in parts.values()])


@given(CODES)
@settings(deadline=None, max_examples=80)
def test_the_next_marked_row_and_the_window_are_those_of_a_plain_search(rows: list[tuple[int, int, int, bool]]) -> None:
    group = np.array([one[0] for one in rows], dtype=np.int64)
    day, marked = np.array([float(one[2]) for one in rows]), np.array([one[3] for one in rows], dtype=bool)
    ahead, count = nearby(group, day, marked, 3, 10)
    for at, one in enumerate(rows):
        gaps = [other[2] - one[2] for other in rows if other[0] == one[0] and other[3]]
        coming = [max(0, gap) for gap in gaps if gap >= -3]
        assert np.isnan(ahead[at]) if not coming else ahead[at] == min(coming)
        assert count[at] == sum(-3 <= gap <= 10 for gap in gaps)


# --- contributions


def test_every_feature_belongs_to_one_family() -> None:
    assert {family(name) for name in PAIR_FEATURES} == set(FAMILIES)


def test_contributions_and_the_level_make_the_score() -> None:
    X, y = training_pairs(drill(5))
    scorer = PairScorer(seed=1, max_iter=25).fit(X, y)
    base, shares = feature_shares(scorer.booster_, X[:200])
    assert np.allclose(base + shares.sum(axis=1), scorer.booster_.decision_function(X[:200]))
    logit = np.log(scorer.predict_proba(X)[:, 1] / scorer.predict_proba(X)[:, 0])
    for alike in (~renumbered_rows(X), renumbered_rows(X)):
        rest = logit[alike] - scorer.shares(X[alike]).sum(axis=1)
        assert np.ptp(rest[np.abs(logit[alike]) < 29]) < 1e-6
    told = contributions(scorer, X[:5])
    assert {name for name, _ in told[0]} == set(FAMILIES)
    assert all(abs(one[1]) >= abs(other[1]) for parts in told for one, other in pairwise(parts))


# --- kinds, queues, reasons


COPIES: dict[str, tuple[Callable[[Invoice], Invoice], str]] = {
    "resubmitted": (lambda one: one, "duplicate"),
    "format": (lambda one: replace(one, invoice_no="re 4411."), "duplicate"),
    "suffix": (lambda one: replace(one, invoice_no="RE-4411-ZWEIT"), "duplicate"),
    "ocr": (lambda one: replace(one, invoice_no="RE-44I1"), "duplicate"),
    "typo": (lambda one: replace(one, invoice_no="RE-4141"), "duplicate"),
    "renumbered": (lambda one: replace(one, invoice_no="XB-90827"), "renumbered"),
    "date": (lambda one: replace(one, invoice_date=date(2026, 3, 9)), "duplicate"),
    "penny": (lambda one: replace(one, amount=one.amount + Decimal("0.01")), "duplicate"),
    "amount": (lambda one: replace(one, amount=one.amount * 10), "duplicate"),
    "currency": (lambda one: replace(one, currency="USD"), "duplicate"),
    "other_entity": (lambda one: replace(one, entity="FR01"), "duplicate"),
    "other_vendor_record": (lambda one: replace(one, vendor_id="V9"), "duplicate"),
}


@pytest.mark.parametrize("name", COPIES)
def test_kind_and_queue_follow_what_differs(name: str) -> None:
    change, queue = COPIES[name]
    second = replace(change(BILL), invoice_id="B")
    features = row(BILL, second)
    assert kind(BILL, second, features) == name
    assert queue_of(BILL, second, features) == queue
    assert reasons(BILL, second, features)


def test_a_part_is_told_by_what_is_left() -> None:
    parts = [
        replace(BILL, invoice_id=f"P{at}", invoice_no=f"RE-4411-{at}", amount=Decimal(amount))
        for at, amount in enumerate(("1240.15", "600.00"), 1)
    ]
    features = row(BILL, parts[0], parts[1])
    assert kind(BILL, parts[0], features) == "split"
    assert any("600.00" in reason for reason in reasons(BILL, parts[0], features))


def test_three_parts_are_told_by_their_sum() -> None:
    parts = [
        replace(BILL, invoice_id=f"P{at}", invoice_no=f"RE-4411-{at}", amount=Decimal(amount))
        for at, amount in enumerate(("1240.15", "500.00", "100.00"), 1)
    ]
    features = dict(zip(PAIR_FEATURES, row(BILL, parts[0], *parts[1:]), strict=True))
    assert features["amount_whole"] == 1.0
    alone = dict(zip(PAIR_FEATURES, row(BILL, parts[0], parts[1]), strict=True))
    assert alone["amount_whole"] == 0.0


def test_copies_are_not_a_habit() -> None:
    """Three copies of one bill do not make its number one that the vendor uses again and again."""
    three = [replace(BILL, invoice_id=f"C{at}") for at in range(3)]
    features = dict(zip(PAIR_FEATURES, row(*three), strict=True))
    assert features["number_count"] == features["amount_day_count"] == np.log1p(1.0)


# --- groups


def test_copies_of_copies_are_one_group() -> None:
    three = [replace(BILL, invoice_id=name, posting_date=date(2026, 3, 6 + at)) for at, name in enumerate("ABC")]
    (found,) = groups(three, [pair("A", "B", 0.8), pair("B", "C", 0.95)])
    assert found.ids == ("A", "B", "C")
    assert (found.probability, found.alert) == (0.95, True)
    assert found.at_risk == 2 * BILL.amount


def test_parts_and_their_whole_are_a_split() -> None:
    parts = [replace(BILL, invoice_id=f"P{at}", amount=Decimal(value)) for at, value in enumerate(("1000", "840.15"))]
    (found,) = groups([BILL, *parts], [pair("A", "P0", of="split"), pair("A", "P1", of="split")])
    assert (found.kind, found.whole, found.at_risk) == ("split", "A", BILL.amount)
    assert "1000 + 840.15 = 1840.15" in found.reason


def test_what_was_credited_and_billed_again_is_no_alert() -> None:
    credit = replace(BILL, invoice_id="C", invoice_no="GS-1", amount=-BILL.amount, doc_type="credit_note")
    again = replace(BILL, invoice_id="B", invoice_no="RE-4412", posting_date=date(2026, 3, 20))
    (found,) = groups([BILL, credit, again], [pair("A", "B")])
    assert (found.kind, found.alert, found.at_risk, found.credits) == ("credit_and_rebill", False, Decimal(0), ("C",))
    (open_still,) = groups([BILL, credit, again, replace(again, invoice_id="D")], [pair("A", "B"), pair("B", "D")])
    assert open_still.alert
    assert open_still.at_risk == BILL.amount


def test_a_credit_of_another_vendor_takes_nothing_back() -> None:
    credit = replace(BILL, invoice_id="C", vendor_id="V2", amount=-BILL.amount, doc_type="credit_note")
    (found,) = groups([BILL, credit, replace(BILL, invoice_id="B")], [pair("A", "B")])
    assert found.alert


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12))
@settings(deadline=None, max_examples=60)
def test_every_pair_is_in_one_group(linked: list[tuple[int, int]]) -> None:
    bills = [replace(BILL, invoice_id=str(at), posting_date=BILL.posting_date) for at in range(9)]
    pairs = [pair(str(a), str(b)) for a, b in linked if a != b]
    found = groups(bills, pairs)
    assert sorted((one.left_id, one.right_id) for group in found for one in group.pairs) == sorted(
        (one.left_id, one.right_id) for one in pairs
    )
    ids = [one for group in found for one in group.ids]
    assert len(ids) == len(set(ids))


# --- training material


def test_a_kind_left_out_is_in_no_drill() -> None:
    for left_out in ("renumbered", "split", "format"):
        made = {kind for seed in range(3) for _, _, kind in drill(seed, without=(left_out,)).duplicate_pairs}
        assert left_out not in made
        assert len(made) > 5


def test_every_change_changes_the_bill_or_says_that_it_cannot() -> None:
    for name, (change, _) in CHANGES.items():
        made = [change(stream(seed, name), BILL) for seed in range(40)]
        assert sum(one is not None for one in made) > 20
        assert name == "resubmitted" or all(one != BILL for one in made if one is not None)


def test_parts_sum_to_the_whole() -> None:
    splits = [
        drawn[1]
        for seed in range(400)
        if (drawn := copies(stream(seed, "split"), BILL)) is not None and drawn[0] == "split"
    ]
    assert splits
    assert all(sum(part.amount for part in parts) == BILL.amount for parts in splits)


def test_a_reversed_bill_is_left_alone_and_a_second_copy_is_not() -> None:
    scorer = train_pair_scorer([], seed=2, drills=5)
    rng = np.random.default_rng(1)
    past = [
        replace(BILL, invoice_id=f"H{at}", invoice_no=f"RE-{4000 + 7 * at}", po=f"PO-{at}", description=f"work {at}",
                invoice_date=date(2025, 3, 1) + timedelta(days=14 * at), amount=Decimal(int(rng.integers(90, 9900))),
                posting_date=date(2025, 3, 3) + timedelta(days=14 * at))
        for at in range(26)
    ]  # fmt: skip
    credit = replace(BILL, invoice_id="C", invoice_no="GS-7", amount=-BILL.amount, doc_type="credit_note")
    again = replace(BILL, invoice_id="B", invoice_no="RE-4415")
    copy = replace(BILL, invoice_id="B", invoice_no="RE-4411 x")
    reversed_, twice = (
        scorer.predict_proba(pair_features([(BILL, second)], LedgerContext.fit([*past, BILL, second, *more])))[0, 1]
        for second, more in ((again, (credit,)), (copy, ()))
    )
    assert reversed_ < 0.3
    assert twice > 0.5


# --- what needs no ledger


def settled_log_odds(a: Invoice, b: Invoice, *rest: Invoice, learned: float) -> float:
    return learned + float(sum(one[0] for one in settled(row(a, b, *rest)[None, :], np.array([learned])).values()))


def test_the_same_bill_twice_is_certain_however_often_its_number_is_used() -> None:
    again = replace(BILL, invoice_id="B")
    others = [
        replace(BILL, invoice_id=f"O{at}", invoice_date=date(2025, 1, 4) + timedelta(days=30 * at)) for at in range(9)
    ]
    assert settled_log_odds(BILL, again, *others, learned=-4.0) > 2.0
    assert settled_log_odds(BILL, again, learned=5.0) == 5.0
    assert settled_log_odds(BILL, replace(again, entity="FR01"), learned=-4.0) == -4.0
    exchanged = replace(again, invoice_date=date(2026, 4, 3))
    assert settled_log_odds(BILL, exchanged, learned=-1.0) > 2.0
    assert settled_log_odds(BILL, exchanged, *others, learned=-1.0) == -1.0


def test_what_a_credit_note_took_back_is_no_duplicate() -> None:
    credit = replace(BILL, invoice_id="C", invoice_no="GS-1", amount=-BILL.amount, doc_type="credit_note")
    assert settled_log_odds(BILL, replace(BILL, invoice_id="B"), credit, learned=4.0) < -2.0


def test_strangers_with_unlike_numbers_have_nothing_in_common() -> None:
    other = replace(BILL, invoice_id="B", vendor_id="V7", vendor_name="Quellgrund", invoice_no="XB-90827", po=None)
    assert settled_log_odds(BILL, other, learned=1.0) < -2.0
    assert settled_log_odds(BILL, replace(other, vendor_name=BILL.vendor_name), learned=1.0) == 1.0

"""The parts of the collection model: its trees, its choice, its intervals and what it says moved an answer."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import TRUSTED
from models.features import Answers
from models.outlook import REACH, falling
from models.risk import CollectionRisk, Ledger, Receivable, Seen
from models.risk_cash import expected_cash
from models.risk_choice import BLEND, BOOSTING, CANDIDATES, LOGISTIC, STACK, Heads
from models.risk_conformal import Scores, reach
from models.risk_curves import Shape, anchors_for, bent, chance_of, knots_for, own_of
from models.risk_fitting import columns_of
from models.risk_reasons import FAMILIES, family_of
from models.risk_shapley import family_effects
from models.risk_trees import FEW
from models.synthetic import company_month

TODAY = date(2026, 11, 20)
CUT = TODAY - timedelta(days=60)


@pytest.fixture(scope="module")
def book() -> list[Receivable]:
    return company_month(31, suppliers=5, customers=110, invoices=10, exceptions=0, today=TODAY).receivables


@pytest.fixture(scope="module")
def risk(book: list[Receivable]) -> CollectionRisk:
    return CollectionRisk().fit(book, CUT)


@pytest.fixture(scope="module")
def items(book: list[Receivable]) -> list[Receivable]:
    return [one for one in book if one.posting_date >= CUT]


def seen(risk: CollectionRisk, items: list[Receivable], book: list[Receivable]) -> Seen:
    return risk.seen(items, [one.posting_date for one in items], book)


def test_flat_trees_say_what_scikit_learn_says(
    risk: CollectionRisk, items: list[Receivable], book: list[Receivable]
) -> None:
    heads = with_boosters(risk, book)
    table = seen(risk, items, book).table[:FEW]
    assert heads.trees is not None
    flat = heads.trees.odds(table)
    slow = np.column_stack([one.decision_function(table) for one in heads.boosters])
    assert np.allclose(flat, slow, atol=1e-12)
    holes = np.where(np.random.default_rng(1).random(table.shape) < 0.3, np.nan, table)
    assert np.allclose(
        heads.trees.odds(holes), np.column_stack([one.decision_function(holes) for one in heads.boosters]), atol=1e-12
    )


def with_boosters(risk: CollectionRisk, book: list[Receivable]) -> Heads:
    """A blend, whatever kind the choice fell on."""
    past = Ledger(book)
    fitted = risk._book(past.at_posting(CUT.toordinal()))
    heads = fitted.fit(BLEND, CUT.toordinal(), np.ones(len(fitted.settled), dtype=bool), 0)
    other = CollectionRisk()
    other.kind_, other.boosters_ = BLEND, list(heads.boosters)
    assert heads.linear is not None
    other.linear_ = [heads.linear.mean, heads.linear.scale, heads.linear.weights, heads.linear.start]
    return other._heads()


def test_one_row_is_judged_as_in_a_batch(risk: CollectionRisk, items: list[Receivable], book: list[Receivable]) -> None:
    many = (items * (FEW // len(items) + 2))[: max(FEW + 10, len(items))]
    batch = risk.predict(many, [one.posting_date for one in many], book)
    for at in range(0, len(many), 17):
        assert risk.predict([many[at]], [many[at].posting_date], book) == [batch[at]]


def test_the_choice_is_kept_and_near_the_least_error(risk: CollectionRisk) -> None:
    rows = risk.candidates_
    assert {one["candidate"] for one in rows} == set(CANDIDATES)
    total = {name: sum(one["brier"] + one["brier_all"] for one in rows if one["candidate"] == name)
             for name in CANDIDATES}  # fmt: skip
    assert total[risk.kind_] <= 1.1 * min(total.values())
    simpler = CANDIDATES[: CANDIDATES.index(risk.kind_)]
    assert all(total[name] > min(total.values()) for name in simpler)
    assert all(one["until"] <= CUT.toordinal() for one in rows), "only what lies before the fit was looked at"


def test_what_is_saved_says_the_same(risk: CollectionRisk, items: list[Receivable], book: list[Receivable]) -> None:
    days = [one.posting_date for one in items]
    before = risk.predict(items, days, book)
    again = skops.io.loads(skops.io.dumps(risk), trusted=TRUSTED)
    assert again.predict(items, days, book) == before
    assert again.candidates_ == risk.candidates_


# --- reasons


@pytest.mark.parametrize("kind", [STACK, LOGISTIC, BOOSTING, BLEND])
def test_effects_add_up_to_what_the_model_says(
    risk: CollectionRisk, items: list[Receivable], book: list[Receivable], kind: str
) -> None:
    whole = with_boosters(risk, book)
    linear = whole.linear if kind != BOOSTING else None
    boosters = whole.boosters if kind in (BOOSTING, BLEND) else []
    heads = Heads(kind, linear, boosters)
    table = seen(risk, items, book).table[:5]
    main = int(np.flatnonzero(risk.thresholds_[risk.anchors_] == 0)[0])
    names = columns_of(risk.anchors_, risk.thresholds_)
    parts = [names.index("weekday_0"), names.index("rated_0")]
    effects = family_effects(heads, main, table, risk.typical_, [family_of(name) for name in names], parts)
    every = np.vstack([table, risk.typical_])
    rule = np.repeat(every[:, parts].sum(axis=1)[:, None], len(risk.anchors_), axis=1)
    odds = heads.odds(every, rule)[:, main]
    assert effects.shape == (5, len(FAMILIES))
    assert effects.sum(axis=1) == pytest.approx(odds[:-1] - odds[-1], abs=1e-6)


def test_the_rule_is_the_sum_of_two_columns(risk: CollectionRisk, book: list[Receivable]) -> None:
    fitted = risk._book(Ledger(book).at_posting(CUT.toordinal()))
    parts = [fitted.names.index("weekday_0"), fitted.names.index("rated_0")]
    late = fitted.own[:, fitted.anchors][:, fitted.main]
    assert fitted.table[:, parts].sum(axis=1) == pytest.approx(late, abs=1e-9)


class Sum:
    """A 'booster' of three columns with an interaction, to be worked out by hand."""

    def decision_function(self, table: np.ndarray) -> np.ndarray:
        first, second, third = table.T
        found: np.ndarray = 2 * first + first * second - third * second
        return found


def test_effects_are_the_mean_over_all_orders() -> None:
    row, usual = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 0.0])
    found = family_effects(Heads(BOOSTING, None, [Sum()]), 0, row[None, :], usual, [0, 1, 2])[0]
    expected = np.zeros(3)
    for order in permutations(range(3)):
        at = usual.copy()
        for one in order:
            before = Sum().decision_function(at[None, :])[0]
            at[one] = row[one]
            expected[one] += (Sum().decision_function(at[None, :])[0] - before) / math.factorial(3)
    assert found == pytest.approx(expected)


def test_reasons_do_not_hang_on_a_cent(risk: CollectionRisk, items: list[Receivable], book: list[Receivable]) -> None:
    shown = items[:60]
    days = [one.posting_date for one in shown]
    moved = [replace(one, amount=one.amount + Decimal("0.01")) for one in shown]
    before, after = (risk.predict(rows, days, book) for rows in (shown, moved))
    same = [one.reasons == other.reasons for one, other in zip(before, after, strict=True)]
    assert sum(same) >= 0.97 * len(same)
    assert all(abs((one.p_late or 0) - (other.p_late or 0)) < 0.05 for one, other in zip(before, after, strict=True))


# --- curves and intervals


@given(st.lists(st.integers(-60, 120), max_size=300))
@settings(deadline=None, max_examples=100)
def test_knots_rise_and_hold_the_days_that_are_asked_for(days: list[int]) -> None:
    knots = knots_for(np.array(days, dtype=np.int64))
    assert {0, 15, 30, 60} <= set(knots.tolist())
    assert (np.diff(knots) > 0).all()
    assert len(knots) <= 60
    anchors = anchors_for(np.array(days, dtype=np.int64), knots)
    assert {0, 15, 30} <= set(knots[anchors].tolist())


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4), st.lists(st.floats(0.01, 0.99), min_size=6, max_size=6))
@settings(deadline=None, max_examples=100)
def test_a_bent_curve_falls_and_passes_through_falling_anchors(odds: list[float], own: list[float]) -> None:
    knots, anchors = np.array([-5, 0, 5, 10, 15, 30]), np.array([0, 1, 4, 5])
    curve = np.log(falling(np.array([own])) / (1 - falling(np.array([own]))))
    wanted = np.sort(np.array([odds]))[:, ::-1]
    made = bent(curve, anchors, wanted, knots)
    assert (np.diff(made) <= 1e-12).all()
    assert (made[:, anchors] <= chance_of(wanted) + 1e-9).all()
    assert made[0, 0] == pytest.approx(chance_of(wanted)[0, 0])


def paid_book(customers: int, each: int, start: date, habit: int, rng: np.random.Generator) -> list[Receivable]:
    """Customers of another mean each, their payments spread alike round it."""
    made = []
    for who in range(customers):
        mean = int(rng.integers(-habit, habit + 1))
        for at in range(each):
            posted = start + timedelta(days=int(rng.integers(0, 240)))
            due = posted + timedelta(days=30)
            paid = due + timedelta(days=mean + round(rng.normal(0, 8)))
            made.append(Receivable(f"{who}-{at}", f"C{who:03}", posted, due, Decimal(100), paid))
    return made


def test_the_common_shape_tells_more_than_the_mix_of_all_customers() -> None:
    book = paid_book(150, 10, date(2025, 1, 1), 14, np.random.default_rng(8))
    cut = date(2026, 6, 1).toordinal()
    now = Ledger(book).at_posting(cut)
    said, knots = Answers(now), np.arange(-40, 66, 5)
    shape = Shape.of(said, cut, 24.0)
    assert shape.weight == 24.0
    assert (np.diff(shape.chances) <= 0).all()
    late = (now.item.clear - now.item.due)[:, None] > knots
    whole = late.mean(axis=0)
    plain, drawn = (own_of(said, knots, whole, one).rule(knots) for one in (None, shape))
    few = (own_of(said, knots, whole).settled > 0)[:, None]
    before, after = ((np.where(few, chance_of(one) - late, 0.0) ** 2).mean() for one in (plain, drawn))
    assert after < 0.97 * before


def test_the_common_shape_says_nothing_of_strangers_or_without_payments() -> None:
    book = paid_book(80, 4, date(2025, 1, 1), 25, np.random.default_rng(9))
    cut = date(2026, 6, 1).toordinal()
    past = Ledger(book)
    shape = Shape.of(Answers(past.at_posting(cut)), cut, 24.0)
    stranger = [replace(book[0], customer_id="nobody", clear_date=None)]
    said = Answers(past.ask(stranger, [date(2026, 6, 1)]))
    knots = np.array([0, 15, 30, 60])
    assert shape.at(said, knots)[1].tolist() == [[0.0]]
    whole = np.array([0.5, 0.2, 0.1, 0.01])
    assert (own_of(said, knots, whole, shape).curve == own_of(said, knots, whole).curve).all()
    assert Shape.of(Answers(Ledger(book[:5]).at_posting(cut)), cut, 24.0).weight == 0.0


@given(st.lists(st.floats(0, 0.49), min_size=30, max_size=400))
@settings(deadline=None, max_examples=100)
def test_the_reach_holds_what_is_promised(scores: list[float]) -> None:
    found = reach(np.arange(len(scores)) * 0, np.array(scores))
    assert (np.array(scores) <= found + 1e-12).mean() >= 0.8


def test_the_reach_follows_the_latest_quarter() -> None:
    days = np.arange(1000)
    scores = np.where(days < 700, 0.1, 0.3)
    assert reach(days[:700], scores[:700]) == pytest.approx(0.1)
    assert reach(days, scores) == pytest.approx(0.3)
    assert reach(days[:10], scores[:10]) == REACH


@given(st.lists(st.tuples(st.floats(0, 0.45), st.floats(0, 0.45)), min_size=60, max_size=300))
@settings(deadline=None, max_examples=60)
def test_what_is_unpaid_yet_never_makes_an_interval_shorter_than_without_its_end(
    pairs: list[tuple[float, float]],
) -> None:
    score, seen = np.array(pairs).T
    unpaid = seen < score
    days = np.zeros(len(score), dtype=np.int64)
    so_far = reach(days, np.minimum(score, seen), unpaid)
    taken_as_ended, all_misses = (reach(days, one) for one in (np.minimum(score, seen), np.where(unpaid, 0.5, score)))
    assert taken_as_ended - 1e-12 <= so_far <= all_misses + 1e-12


def test_scores_cut_short_at_random_give_the_reach_of_the_whole() -> None:
    rng = np.random.default_rng(3)
    score, end = rng.uniform(0, 0.45, 4000), rng.uniform(0, 0.9, 4000)
    found = reach(np.zeros(4000, dtype=np.int64), np.minimum(score, end), end < score)
    assert found == pytest.approx(0.36, abs=0.015)


def test_scores_of_the_model_in_use_take_the_place_of_those_of_the_trial() -> None:
    def some(count: int, score: float, thin: bool) -> Scores:
        return Scores(np.arange(count), np.full(count, score), np.zeros(count, dtype=bool), np.full(count, thin))

    trial = Scores.joined(some(600, 0.45, False), some(100, 0.4, True))
    both = trial.followed(Scores.joined(some(600, 0.3, False), some(60, 0.2, True)))
    assert list(both.reaches()) == pytest.approx([0.3, 0.4])
    assert len(trial.followed(some(499, 0.3, False)).score) == 600 + 100 + 499
    assert Scores.none().reaches() == (REACH, REACH)


def test_intervals_follow_what_has_matured_since_the_fit(risk: CollectionRisk, book: list[Receivable]) -> None:
    since = CUT - timedelta(days=40)
    later = [
        replace(one, clear_date=one.due_date + timedelta(days=25)) if one.posting_date >= since else one for one in book
    ]
    day = TODAY
    calm, moved = risk.rebased(book, day), risk.rebased(later, day)
    assert moved.reach_ > calm.reach_
    assert len(calm.scores_[1]) > len(risk.scores_[1])
    assert risk.rebased(book, CUT).reach_ == risk.reach_


# --- cash


def test_cash_by_week_is_the_whole_amount_spread_over_time(risk: CollectionRisk, book: list[Receivable]) -> None:
    owed = [one for one in book if one.clear_date is None]
    said = risk.seen(owed, [TODAY] * len(owed), book)
    weeks = expected_cash(owed, said, TODAY, weeks=8)
    assert sum(one.expected for one in weeks) == sum(one.amount for one in owed)
    assert [one.start for one in weeks] == [*(TODAY + timedelta(days=7 * week) for week in range(8)), None]
    assert all(one.expected >= 0 for one in weeks)
    assert sum(one.expected for one in weeks[:5]) > sum(one.amount for one in owed) / 2
    with pytest.raises(ValueError, match="1 items"):
        expected_cash(owed[:1], said, TODAY)

"""Scores hold against another implementation, and intervals against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from evals import scorers

PAIRS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 0.9, 1.0])), min_size=1, max_size=60
)


def arrays(pairs: list[tuple[int, float]]) -> tuple[scorers.Ints, scorers.Floats]:
    return np.array([truth for truth, _ in pairs], dtype=np.int64), np.array([score for _, score in pairs])


@settings(deadline=None)
@given(PAIRS)
def test_ranking_scores_are_those_of_scikit_learn(pairs: list[tuple[int, float]]) -> None:
    truth, score = arrays(pairs)
    if 0 < truth.sum() < len(truth):
        assert scorers.auc(truth, score) == pytest.approx(roc_auc_score(truth, score))
    else:
        assert scorers.auc(truth, score) is None
    if not truth.any():
        assert scorers.average_precision(truth, score) is None
        assert scorers.recall_at_precision(truth, score, 0.5) is None
        return
    assert scorers.average_precision(truth, score) == pytest.approx(average_precision_score(truth, score))
    precision, recall, _ = precision_recall_curve(truth, score)
    best = max([r for p, r in zip(precision[:-1], recall[:-1], strict=True) if p >= 0.75], default=0.0)
    assert scorers.recall_at_precision(truth, score, 0.75) == pytest.approx(best)


@settings(deadline=None)
@given(PAIRS)
def test_calibration_error_lies_between_nothing_and_everything(pairs: list[tuple[int, float]]) -> None:
    truth, probability = arrays(pairs)
    assert 0.0 <= (scorers.ece(truth, probability) or 0.0) <= 1.0
    assert sum(count for _, _, count in scorers.reliability(truth, probability)) == len(truth)
    assert scorers.ece(truth, truth.astype(float)) == 0.0
    assert scorers.brier(truth, truth.astype(float)) == 0.0


def test_a_model_that_says_seventy_and_is_right_half_of_the_time_is_twenty_off() -> None:
    truth = np.array([0, 1] * 50)
    assert scorers.ece(truth, np.full(100, 0.7)) == pytest.approx(0.2)
    assert scorers.brier(truth, np.full(100, 0.7)) == pytest.approx(0.29)
    assert scorers.ece(truth[:0], np.zeros(0)) is None


def test_the_coverage_curve_ends_with_everything_answered() -> None:
    curve = scorers.coverage_curve(np.array([0.9, 0.5, 0.9, 0.1]), np.array([1, 0, 1, 0]))
    assert curve == [(0.5, 1.0), (0.75, pytest.approx(2 / 3)), (1.0, 0.5)]
    assert scorers.coverage_curve(np.zeros(0), np.zeros(0, dtype=np.int64)) == []


def test_an_interval_is_the_same_for_the_same_seed_and_holds_the_value() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(5.0, 2.0, 400)
    groups = list(range(400))

    def average(at: scorers.Ints) -> float | None:
        return scorers.mean(values[at])

    first, again, other = (scorers.resampled(average, groups, seed, 100) for seed in (1, 1, 2))
    assert first == again != other
    assert first.low is not None
    assert first.high is not None
    assert first.low < 5.0 < first.high
    assert first.low < (first.value or 0.0) < first.high


def test_rows_of_one_group_come_and_go_together() -> None:
    """A hundred equal rows of two customers tell as little as two rows: the interval is that wide."""
    values = np.array([0.0] * 50 + [1.0] * 50)

    def average(at: scorers.Ints) -> float | None:
        return scorers.mean(values[at])

    by_customer = scorers.resampled(average, ["a"] * 50 + ["b"] * 50, 1, 200)
    by_row = scorers.resampled(average, list(range(100)), 1, 200)
    assert (by_customer.low, by_customer.high) == (0.0, 1.0)
    assert by_row.low is not None
    assert by_row.low > 0.35
    assert scorers.resampled(average, ["a"] * 100, 1) == scorers.Interval(0.5, None, None)


def test_what_cannot_be_measured_has_no_interval() -> None:
    assert scorers.resampled(lambda at: None, ["a", "b"], 1) == scorers.Interval(None, None, None)

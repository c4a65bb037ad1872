"""How far an answer is trusted: what was right more often gets more, and what nobody taught gets less."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evidence import chosen, evidence
from models.trust import Trust, temperature, threshold
from models.views import softmax


def test_few_answers_give_their_share() -> None:
    trust = Trust.fit(np.zeros((8, 2)), np.array([True] * 6 + [False] * 2), np.ones(8))
    assert np.allclose(trust.chance(np.ones((3, 2))), 0.7)


def test_the_chance_follows_what_was_right() -> None:
    rng = np.random.default_rng(1)
    signals = rng.normal(size=(3000, 3))
    truth = 1.0 / (1.0 + np.exp(-2.0 * signals[:, 0]))
    right = rng.random(3000) < truth
    chance = Trust.fit(signals, right, np.ones(3000)).chance(signals)
    assert np.abs(chance - truth).mean() < 0.03


def test_weights_count_as_often() -> None:
    signals, right = np.zeros((100, 1)), np.arange(100) < 50
    assert np.allclose(Trust.fit(signals, right, np.where(right, 3.0, 1.0)).chance(signals), 0.75, atol=0.01)


def test_temperature_finds_the_one_that_answers_were_drawn_with() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(4000, 4)) * 3
    truth = np.array([rng.choice(4, p=row) for row in softmax(scores / 2.0)])
    assert 1.7 < temperature(scores, truth) < 2.3


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 2)), min_size=1, max_size=60),
    precision=st.floats(0.5, 1.0),
)
def test_a_threshold_keeps_its_promise_or_is_the_strictest(
    rows: list[tuple[float, bool, float]], precision: float
) -> None:
    chance, right, weight = (np.array(column) for column in zip(*rows, strict=True))
    limit = threshold(chance, right, weight, precision)
    assert 0.5 <= limit <= 0.95
    kept = chance > limit
    if 0.5 < limit < 0.95 and len(set(chance)) == len(chance) and kept.any():
        at = chance >= limit
        assert (weight * right)[at].sum() >= precision * weight[at].sum() - 1e-9


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=400))
def test_evidence_is_finite_and_knows_only_the_classes_asked_for(text: str) -> None:
    numbers = evidence([text, text])
    assert np.isfinite(numbers).all()
    assert np.array_equal(numbers[0], numbers[1])
    few = chosen(numbers, ["invoice", "other"])
    assert np.isfinite(few).all()
    assert few.shape[1] < chosen(numbers, ["contract", "invoice", "other"]).shape[1]
    assert evidence([]).shape == (0, numbers.shape[1])

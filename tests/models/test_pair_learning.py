"""Few labels: none change nothing, misleading ones change little, telling ones help; what is asked is spread."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from models.bundle import TRUSTED
from models.pair_drills import drill
from models.pair_features import PAIR_FEATURES
from models.pair_learning import LEAST_EACH, Floats, LabelledPairs, TunedScorer, bare, teaching, tuned
from models.pair_scorer import PairScorer
from models.pair_training import training_pairs

pytestmark = pytest.mark.xdist_group("pair learning")


@pytest.fixture(scope="module")
def prior() -> PairScorer:
    """Knows ledgers of one kind, and little."""
    made = [training_pairs(drill(seed, vendors=10, share=0.1)) for seed in (41, 42)]
    scorer = PairScorer(seed=1, max_iter=15)
    return scorer.fit(np.vstack([rows for rows, _ in made]), np.concatenate([labels for _, labels in made]))


def strange(count: int, seed: int) -> LabelledPairs:
    """Pairs of another ledger: what the prior goes by says nothing there, the order number says it all."""
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((count, len(PAIR_FEATURES))) < 0.1, np.nan, rng.normal(size=(count, len(PAIR_FEATURES))))
    labels = (rng.random(count) < 0.3).astype(np.int64)
    rows[:, PAIR_FEATURES.index("order_same")] = np.where(rng.random(count) < 0.05, 1 - labels, labels)
    return LabelledPairs(rows, labels, [f"V{at % 17}" for at in range(count)])


def ranked(scorer: PairScorer, pairs: LabelledPairs) -> float:
    return float(average_precision_score(pairs.labels, scorer.predict_proba(pairs.rows)[:, 1]))


def odds_of(scorer: PairScorer, rows: Floats) -> Floats:
    said = scorer.predict_proba(rows)
    odds: Floats = np.log(said[:, 1] / said[:, 0])
    return odds


def test_no_labels_are_the_prior_itself(prior: PairScorer) -> None:
    pairs = strange(200, 1)
    for count in (0, 3):
        assert tuned(prior, pairs.taken(np.arange(count)), pairs.rows) is prior
    others = np.flatnonzero(pairs.labels == 0)
    assert tuned(prior, pairs.taken(others), pairs.rows) is prior  # nobody named a duplicate
    few = np.concatenate([others[:50], np.flatnonzero(pairs.labels == 1)[: LEAST_EACH - 1]])
    assert tuned(prior, pairs.taken(few), pairs.rows) is prior
    one = LabelledPairs(pairs.rows, pairs.labels, ["V"] * len(pairs))
    assert tuned(prior, one, pairs.rows) is prior  # nothing is left to judge a correction by


def test_labels_that_say_nothing_change_nothing(prior: PairScorer) -> None:
    changed = 0
    for seed in range(8):
        pairs = strange(60, seed)
        noise = np.random.default_rng(seed).permutation(pairs.labels)
        rows = np.where(np.arange(len(PAIR_FEATURES)) == PAIR_FEATURES.index("order_same"), np.nan, pairs.rows)
        made = tuned(prior, LabelledPairs(rows, noise, pairs.vendors), rows, seed)
        if isinstance(made, TunedScorer):
            changed += int(np.abs(made.weights_[2:]).max() > 0.3)
    assert changed <= 1


def test_fifty_labels_teach_what_a_new_ledger_goes_by(prior: PairScorer) -> None:
    gains = []
    for seed in range(4):
        pool, test = strange(400, 10 + seed), strange(600, 50 + seed)
        made = tuned(prior, pool.taken(np.arange(50)), pool.rows)
        assert isinstance(made, TunedScorer)
        assert made.labels_ == 50
        gains.append(ranked(made, test) - ranked(prior, test))
    assert np.mean(gains) > 0.15
    more = tuned(made, pool, pool.rows)
    assert ranked(more, test) >= ranked(made, test) - 0.02
    assert bare(more) is not more
    # A correction never stands on another one: all labels are given anew.
    again = tuned(prior, pool, pool.rows)
    assert np.array_equal(again.predict_proba(test.rows), more.predict_proba(test.rows))
    assert np.array_equal(bare(more).predict_proba(test.rows), prior.predict_proba(test.rows))


def test_a_corrected_scorer_is_saved_and_explains_itself(prior: PairScorer) -> None:
    pool = strange(300, 4)
    made = tuned(prior, pool, pool.rows)
    assert isinstance(made, TunedScorer)
    back = skops.io.loads(skops.io.dumps(made), trusted=TRUSTED)
    assert type(back) is TunedScorer
    said = made.predict_proba(pool.rows)
    assert np.array_equal(back.predict_proba(pool.rows), said)
    assert said.shape == (300, 2)
    assert np.allclose(said.sum(axis=1), 1.0)
    assert made.predict_proba(pool.rows[:0]).shape == (0, 2)
    # Beside what the prior leaves over, the shares and one constant make the log odds of every pair.
    shares = made.shares(pool.rows)
    assert shares.shape == pool.rows.shape
    left = odds_of(made, pool.rows) - shares.sum(axis=1)
    before = odds_of(prior, pool.rows) - prior.shares(pool.rows).sum(axis=1)
    slope, constant = 1.0 + made.weights_[1] / 3.0, made.weights_[0]
    assert np.allclose(left, constant + slope * before, atol=1e-6)
    at = PAIR_FEATURES.index("order_same")
    # One order in twenty says the contrary and one in ten nothing: more than .9 is not to be had.
    assert np.corrcoef(shares[:, at], pool.labels)[0, 1] > 0.8


def test_what_is_asked_is_uncertain_or_an_alert_over_many_vendors_and_kinds() -> None:
    rng = np.random.default_rng(5)
    probability = np.concatenate([np.full(500, 0.001), rng.uniform(0.4, 0.6, 100), np.full(100, 0.99)])
    groups = [f"V{at % 25}" for at in range(700)]
    kinds = [("date", "suffix", "typo")[at % 3] for at in range(700)]
    asked = teaching(probability, groups, kinds, 20)
    assert len(set(asked)) == 20
    assert len({groups[at] for at in asked}) == 20
    assert min(sum(kinds[at] == kind for at in asked) for kind in set(kinds)) >= 4
    assert sum(at >= 600 for at in asked) >= 5
    assert all(probability[at] >= 0.3 for at in asked)
    more = teaching(probability, groups, kinds, 20, known=asked)
    assert not set(asked) & set(more)
    assert {groups[at] for at in more[:5]} == set(groups) - {groups[at] for at in asked}


@settings(deadline=None, max_examples=60)
@given(
    probability=st.lists(st.floats(0, 1), max_size=40), count=st.integers(1, 30), vendors=st.integers(1, 5),
    known=st.integers(0, 5), seed=st.integers(0, 3),
)  # fmt: skip
def test_nothing_is_asked_twice_and_nothing_is_left_out(
    probability: list[float], count: int, vendors: int, known: int, seed: int
) -> None:
    said: Floats = np.array(probability)
    groups = [f"{at % vendors}" for at in range(len(said))]
    before = list(range(min(known, len(said))))
    asked = teaching(said, groups, groups, count, seed, before)
    assert len(asked) == len(set(asked)) == min(count, len(said) - len(before))
    assert not set(asked) & set(before)
    assert asked == teaching(said, groups, groups, count, seed, before)

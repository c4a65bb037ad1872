"""The effect of a delayed reminder, on simulated cases where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from evals.control_effect import LEAST, Drawn, delay_effect


def simulated(seed: int, effect: float, cases: int = 2000) -> list[Drawn]:
    """Half of the cases drawn at 5 %, half at 10 % among customers who pay later anyway."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(cases):
        slow = number % 2 == 1
        share = 0.10 if slow else 0.05
        customer = f"C-{int(rng.integers(150)) * 2 + slow}"
        delayed = bool(rng.random() < share)
        days = rng.normal(20.0 if slow else 5.0, 6.0) + effect * delayed
        rows.append(Drawn(customer, delayed, share if delayed else 1 - share, float(days)))
    return rows


def test_the_effect_is_found_and_the_interval_holds_it() -> None:
    inside, errors = 0, []
    for seed in range(20):
        found = delay_effect(simulated(seed, 4.0), seed, resamples=300)
        assert found is not None
        inside += found.low <= 4.0 <= found.high
        errors.append(found.days - 4.0)
        assert found.delayed + found.as_usual == 2000
    assert inside >= 16
    assert abs(float(np.mean(errors))) < 0.6


def test_without_weights_slow_customers_would_pass_for_an_effect() -> None:
    plain, weighed = [], []
    for seed in range(10):
        rows = simulated(seed, 0.0, 4000)
        groups = [[row.days_late for row in rows if row.delayed is group] for group in (True, False)]
        plain.append(float(np.mean(groups[0]) - np.mean(groups[1])))
        found = delay_effect(rows, seed, resamples=100)
        assert found is not None
        weighed.append(found.days)
    assert float(np.mean(plain)) > 1.5
    assert abs(float(np.mean(weighed))) < 0.8


def test_too_few_say_nothing_and_a_wrong_propensity_is_refused() -> None:
    rows = [Drawn(f"C-{n}", n < LEAST - 1, 0.5, 3.0) for n in range(200)]
    assert delay_effect(rows) is None
    with pytest.raises(ValueError, match="propensity"):
        delay_effect([*rows, Drawn("C-1", True, 1.0, 3.0)])

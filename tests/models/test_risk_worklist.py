"""Worth of an action, and the best choice of actions for a day."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.risk_worklist import Task, chosen, ranked, stake, worth


def test_worth_is_amount_times_chance_times_days_less_cost() -> None:
    of = stake(Decimal("10000"), Decimal(1), 0.5, 10.0, -3, Decimal("7.3"))
    assert (of.collectible, of.probability, of.days) == (Decimal("10000.00"), Decimal("0.5"), Decimal("20.0"))
    assert of.cost == Decimal("10000") * Decimal("0.5") * 20 * Decimal("7.3") / 100 / 365
    found = worth(of, Decimal("0.25"), Decimal("1.5"))
    assert (found.gain, found.value) == (Decimal("5.00"), Decimal("3.50"))


def test_days_that_are_over_cannot_be_saved() -> None:
    assert stake(Decimal(100), Decimal(1), 1.0, 40.0, 25, Decimal(8)).days == 15
    assert stake(Decimal(100), Decimal(1), 1.0, 20.0, 25, Decimal(8)).days == 0
    assert stake(Decimal(-100), Decimal(1), 0.0, 0.0, 0, Decimal(8)).cost == 0
    with pytest.raises(ValueError, match="probability"):
        stake(Decimal(1), Decimal(1), 1.2, 1.0, 0, Decimal(8))


TASKS = st.lists(
    st.tuples(st.decimals(-5, 50, places=2), st.sampled_from([0, 2, 5, 15, 20])), max_size=9
).map(lambda rows: [Task(f"t{at}", value, minutes) for at, (value, minutes) in enumerate(rows)])  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(TASKS, st.integers(0, 60), st.integers(0, 5))
def test_no_other_choice_brings_more(tasks: list[Task], minutes: int, most: int) -> None:
    found = chosen(tasks, minutes, most)
    assert len(found) <= most
    assert sum(task.minutes for task in found) <= minutes
    assert found == ranked(found)
    assert len({task.key for task in found}) == len(found)
    best = max(
        sum((task.value for task in some), Decimal(0))
        for size in range(min(most, len(tasks)) + 1)
        for some in combinations(tasks, size)
        if sum(task.minutes for task in some) <= minutes
    )
    assert sum((task.value for task in found), Decimal(0)) == best


def test_the_order_does_not_depend_on_the_order_of_the_rows() -> None:
    tasks = [Task(f"t{n}", Decimal(n % 4), 5) for n in range(30)]
    assert chosen(tasks, 60, 40) == chosen(tasks[::-1], 60, 40)
    assert [task.value for task in chosen(tasks, 60, 40)] == [Decimal(3)] * 7 + [Decimal(2)] * 5


def test_a_long_list_is_cut_to_the_day() -> None:
    tasks = [Task(f"t{n}", Decimal(n), (2, 15, 30)[n % 3]) for n in range(5000)]
    found = chosen(tasks, 360, 60)
    assert 0 < len(found) <= 60
    assert sum(task.minutes for task in found) <= 360

"""Budgets of language models: counted over all workers, never above what is allowed, never given back in error."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.record import spending
from governance.record.db import Database
from tests.build import World, world

TENANTS = itertools.count()


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def at_work(made: World, key: str = "one") -> str:
    """A case that an agent may ask about."""
    return str(made.accept(source_key=key)["case_id"])


def reserve(made: World, case: str, tokens: int, *, of_case: int = 1000, of_day: int = 5000) -> bool:
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        return spending.reserve(conn, case, tokens, most_of_case=of_case, most_of_day=of_day)


def settle(made: World, case: str, tokens: int, taken: int) -> None:
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        spending.settle(conn, case, tokens, taken)


def counted(made: World) -> dict[tuple[str, str], tuple[int, int]]:
    with made.database.transaction("owner") as conn:
        rows = conn.execute(
            "SELECT kind, CASE kind WHEN 'day' THEN '' ELSE subject END, reserved, used FROM cs.llm_spending"
            " WHERE tenant = %s", (made.tenant,),
        )  # fmt: skip
        return {(kind, subject): (reserved, used) for kind, subject, reserved, used in rows}


def test_what_is_reserved_counts_until_it_is_settled_by_what_it_took(acme: World) -> None:
    case = at_work(acme)
    assert reserve(acme, case, 700)
    assert counted(acme) == {("day", ""): (700, 0), ("case", case): (700, 0)}
    assert not reserve(acme, case, 301)
    settle(acme, case, 700, 120)
    assert counted(acme) == {("day", ""): (0, 120), ("case", case): (0, 120)}
    assert reserve(acme, case, 880)


def test_the_day_is_one_for_all_cases(acme: World) -> None:
    first, second = at_work(acme, "one"), at_work(acme, "two")
    assert reserve(acme, first, 900, of_day=1500)
    assert not reserve(acme, second, 700, of_day=1500)
    assert ("case", second) not in counted(acme) or counted(acme)["case", second] == (0, 0)
    assert reserve(acme, second, 600, of_day=1500)


@pytest.mark.parametrize(
    ("tokens", "of_case", "of_day"),
    [(0, 1000, 1000), (-5, 1000, 1000), (2_000_000, 10**9, 10**9), (10, None, 1000), (10, 1000, None), (None, 10, 10)],
)
def test_on_doubt_nothing_is_asked(acme: World, tokens: Any, of_case: Any, of_day: Any) -> None:
    case = at_work(acme)
    assert not reserve(acme, case, tokens, of_case=of_case, of_day=of_day)
    assert counted(acme) == {}


def test_only_a_case_at_work_is_asked_about(acme: World) -> None:
    done = str(acme.filed(source_key="filed")["case_id"])  # waits for people
    assert not reserve(acme, done, 10)
    assert not reserve(acme, "no such case", 10)
    other = world(acme.database, "other")
    assert not reserve(acme, at_work(other, "theirs"), 10)


def test_a_wrong_count_gives_nothing_back(acme: World) -> None:
    case, other = at_work(acme, "one"), at_work(acme, "two")
    assert reserve(acme, case, 500)
    assert reserve(acme, other, 400)
    settle(acme, other, 900, -900)  # frees only its own
    assert counted(acme)["day", ""] == (500, 0)
    settle(acme, other, 900, 0)
    assert counted(acme)["day", ""] == (500, 0)
    settle(acme, case, 500, 10**15)  # counts no more than was reserved
    assert counted(acme)["day", ""] == (0, 500)
    settle(acme, "no such case", 500, 0)
    assert counted(acme)["day", ""] == (0, 500)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(-50, 900), st.integers(-50, 900)), max_size=12))
def test_no_order_of_calls_goes_over_the_budget(database: Database, steps: list[tuple[bool, int, int]]) -> None:
    made = world(database, f"t{next(TENANTS)}")
    cases = [at_work(made, "one"), at_work(made, "two")]
    for at, (asks, tokens, taken) in enumerate(steps):
        case = cases[at % 2]
        if asks:
            reserve(made, case, tokens, of_case=1000, of_day=1600)
        else:
            settle(made, case, tokens, taken)
        now = counted(made)
        assert sum(now.get(("day", ""), (0, 0))) <= 1600
        assert all(sum(one) <= 1000 for (kind, _), one in now.items() if kind == "case")


def test_workers_at_the_same_time_share_one_budget(acme: World) -> None:
    cases = [at_work(acme, f"case {at}") for at in range(8)]
    allowed = []

    def ask(case: str) -> None:
        for _ in range(5):
            if reserve(acme, case, 100, of_day=1700):
                allowed.append(case)

    asking = [threading.Thread(target=ask, args=(case,)) for case in cases]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(allowed) == 17
    assert counted(acme)["day", ""] == (1700, 0)


def test_the_clock_forgets_old_counts_and_keeps_those_of_open_cases(acme: World) -> None:
    case, gone = at_work(acme, "one"), at_work(acme, "two")
    assert reserve(acme, case, 10)
    assert reserve(acme, gone, 10)
    with acme.database.transaction("owner") as conn:
        conn.execute(
            "UPDATE cs.llm_spending SET touched_at = now() - interval '31 days' WHERE tenant = %s", (acme.tenant,)
        )
        conn.execute("UPDATE cs.cases SET state = 'rejected' WHERE tenant = %s AND id = %s", (acme.tenant, gone))
    acme.tick()
    assert set(counted(acme)) == {("case", case)}

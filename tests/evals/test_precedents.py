"""The suite precedents: what counts as found, companies that are as said, routes that are foretold from the past."""

from __future__ import annotations

from decimal import Decimal

import pytest

from evals import suite_precedents
from evals.bench_precedents import cold, found_share, planted, recalled, texts
from evals.route_firms import FIRMS, firm
from evals.route_habits import company
from evals.suites import SUITES
from governance.policy import standard_policy
from tests.agents.scenes import HashEncoder


@pytest.mark.parametrize(("found", "share"), [
    (["a", "b", "c"], 1.0), (["a", "b", "d"], 1.0), (["a", "b", "e"], 2 / 3), (["a", "a", "a"], 1 / 3), ([], 0.0),
    (["x", "y", "z"], 0.0),
])  # fmt: skip
def test_one_as_near_as_the_third_is_as_good_and_one_twice_is_one(found: list[str], share: float) -> None:
    similar = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6999, "e": 0.5}
    assert found_share(similar, found) == pytest.approx(share)


def test_where_there_is_nothing_nothing_can_be_missed() -> None:
    assert found_share({}, []) == 1.0
    assert found_share({"a": 0.1}, ["a"]) == 1.0


def test_a_company_fills_at_least_the_seats_of_the_matrix() -> None:
    policy = standard_policy()
    demanded = suite_precedents._demanded(policy)
    made = company("restless", 1, 200, demanded)
    assert (len(made.past), len(made.next)) == (160, 40)
    for one in (*made.past, *made.next):
        roles = [role for role, _ in one.seats]
        assert all(roles.count(role) >= count for role, count in demanded[one.action].items())
        assert one.amount > Decimal(0)
    assert any(made.gone & {who for _, who in one.seats} for one in made.past)


def test_routes_are_foretold_better_than_by_the_matrix_alone() -> None:
    policy = standard_policy()
    foretold = suite_precedents._foretold(company("steady", 4, 400, suite_precedents._demanded(policy)), policy)
    usual = [sorted(one.seats) == sorted((role, who or "") for role, who in said) for one, _, said in foretold]
    assert sum(usual) / len(usual) > 0.7
    bare = [sorted(role for role, _ in one.seats) == sorted(
        role for role, count in asked.items() for _ in range(count)) for one, asked, _ in foretold]  # fmt: skip
    roles = [sorted(role for role, _ in one.seats) == sorted(role for role, _ in said) for one, _, said in foretold]
    assert sum(roles) > sum(bare)


@pytest.mark.parametrize("skewed", [False, True])
def test_recall_is_measured_on_a_record_of_its_own(skewed: bool) -> None:
    with planted(600, texts(HashEncoder(), 1), 1, skewed=skewed, asked=20) as (ground, of):
        usual, index = (recalled(ground, of, exact) for exact in (5000, 0))
        assert (usual.cases, usual.asked, usual.indexed) == (600, len(usual.shares), 0.0)
        assert (usual.largest > 300) is skewed
        assert usual.recall == 1.0
        assert index.indexed == 1.0
        assert index.recall > 0.9
        again = cold(ground, of, 5000, 5)
        assert (again.asked, again.recall) == (5, 1.0)


@pytest.mark.parametrize("name", FIRMS)
def test_a_firm_fills_at_least_the_seats_of_the_matrix_and_is_foretold(name: str) -> None:
    policy = standard_policy()
    demanded = suite_precedents._demanded(policy)
    made = firm(name, 5, 1200, demanded)
    for one in (*made.past, *made.next):
        roles = [role for role, _ in one.seats]
        assert all(roles.count(role) >= count for role, count in demanded[one.action].items())
    assert bool(made.gone) is (name == "moving")
    foretold = suite_precedents._foretold(made, policy)
    usual = [sorted(one.seats) == sorted((role, who or "") for role, who in said) for one, _, said in foretold]
    assert sum(usual) / len(usual) > 0.7


def test_the_suite_is_known() -> None:
    assert SUITES["precedents"] == "evals.suite_precedents"

"""The checks of the gate's promises notice a gate, or a policy, that does not keep them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from evals import promises
from evals.promises import PROMISES, questions
from evals.suite_gate import BANDS, _band, _band_names
from governance import gate
from governance.action import CATALOGUE
from governance.errors import Refusal
from governance.matrix import Policy, Rule
from governance.policy import standard_policy


def broken_somewhere(policy: Policy, name: str) -> bool:
    return not all(PROMISES[name](policy, one, 1) for one in questions(policy))


def rule(name: str, **changes: Any) -> Rule:
    values: dict[str, Any] = {
        "id": name, "actions": tuple(sorted(CATALOGUE)), "amount_from": Decimal(0), "amount_below": None,
        "risk_from": "low", "entities": ("*",), "regions": ("*",), "seats": {"reviewer": 1}, "expires_hours": 10,
    }  # fmt: skip
    return Rule(**{**values, **changes})


def with_rules(*rules: Rule) -> Policy:
    return replace(standard_policy(), rules=rules)


def test_the_grid_asks_at_every_band_and_beyond() -> None:
    policy = standard_policy()
    amounts = {one.amount for one in questions(policy)}
    assert None in amounts
    for edge in (Decimal(25_000), Decimal(50_000)):
        assert {edge - Decimal("0.01"), edge, edge + Decimal("0.01")} <= amounts
    assert any(amount is not None and amount < 0 for amount in amounts)
    assert {one.action for one in questions(policy)} > set(CATALOGUE)


@pytest.mark.parametrize("name", list(PROMISES))
def test_the_standard_policy_keeps_every_promise(name: str) -> None:
    assert not broken_somewhere(standard_policy(), name)


def test_a_policy_that_asks_fewer_people_for_more_money_is_noticed() -> None:
    lax = with_rules(rule("small", amount_below=Decimal(1000), seats={"reviewer": 2}), rule("all"))
    assert broken_somewhere(lax, "amount_never_lowers")
    # The unknown amount is that of the top band, which asks for less here.
    assert broken_somewhere(lax, "unknown_amount_is_top_band")


def test_seats_that_nobody_can_fill_are_noticed() -> None:
    assert broken_somewhere(with_rules(rule("all", seats={"butler": 1})), "always_a_person")


@pytest.mark.parametrize(
    ("promise", "name", "gate_of"),
    [
        ("risk_never_lowers", "required_seats", lambda policy, one: {"reviewer": 2 if one.risk == "low" else 1}),
        ("always_a_person", "required_seats", lambda policy, one: {}),
        ("no_rule_is_strictest", "applicable", lambda policy, one: policy.rules[:1]),
        ("local_rules_only_tighten", "required_seats",
         lambda policy, one: {"reviewer": 1 if any(r.id == "local" for r in policy.rules) else 3}),
        ("only_uninvolved_people", "judge_approval", lambda standing, actor, asked, now: standing.seats[0]),
        ("one_seat_a_person", "judge_approval", lambda standing, actor, asked, now: Refusal()),
        ("one_seat_a_person", "is_complete", lambda seats: True),
    ],
)  # fmt: skip
def test_a_gate_that_breaks_a_promise_is_noticed(
    monkeypatch: pytest.MonkeyPatch, promise: str, name: str, gate_of: Callable[..., Any]
) -> None:
    assert getattr(promises, name) is getattr(gate, name)
    monkeypatch.setattr(promises, name, gate_of)
    assert broken_somewhere(standard_policy(), promise)


@pytest.mark.parametrize("alone", ["initiator", "editor"])
def test_letting_one_involved_person_through_is_noticed(monkeypatch: pytest.MonkeyPatch, alone: str) -> None:
    def lenient(standing: gate.Standing, actor: Any, asked: gate.Asked, now: Any) -> gate.Seat | Refusal:
        return gate.judge_approval(replace(standing, excluded=standing.excluded - {alone}), actor, asked, now)

    monkeypatch.setattr(promises, "judge_approval", lenient)
    assert broken_somewhere(standard_policy(), "only_uninvolved_people")


def test_bands_are_told_apart() -> None:
    assert [_band(amount) for amount in BANDS] == list(range(len(BANDS)))
    assert _band(Decimal("999.99")) == 0
    assert _band(Decimal(-30_000)) == 3
    assert len(_band_names()) == len(BANDS)

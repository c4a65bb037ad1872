"""The next best action about an unpaid invoice: by stage, contacts on record and worth; and the control slice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.control import AS_USUAL, DELAYED
from agents.dossier import findings
from agents.draft import heeded
from agents.dunning import LARGEST_SHARE, Contact, Dunning, Lines, lines_of
from agents.recommend import choice_of
from agents.state import View
from governance.gate import Question, required_seats
from governance.policy import standard_policy
from tests.agents.scenes import CUSTOMER, TODAY, brief, view

O2C = "order_to_cash"
RISK: dict[str, Any] = {"p_late": 1.0, "p_late_30": 0.2, "priority": 2000.0}
"""For 4,000 EUR: 15 days late in the mean."""


def seen(days: int = 10, *, kind: str = "overdue", amount: str = "4000", details: dict[str, Any] | None = None,
         risk: dict[str, Any] | None = None, dunning: Dunning | None = None, **values: Any) -> View:  # fmt: skip
    made = brief(kind, O2C, supplier=None, customer=CUSTOMER, document_class=None, iban=None, amount=amount,
                 due=TODAY - timedelta(days=days), details=details)  # fmt: skip
    return view(made, risk=RISK if risk is None else risk, dunning=dunning or Dunning(per_eur=Decimal(1)), **values)


def contact(action: str, days_ago: int, tone: str | None = None) -> Contact:
    return Contact("r-1", action, tone, TODAY - timedelta(days=days_ago))


def after(*contacts: Contact, **values: Any) -> Dunning:
    return Dunning(contacts=contacts, per_eur=Decimal(1), **values)


def proposed(made: View) -> tuple[str, str | None]:
    action = choice_of(made)["action"]
    return action["name"], action["args"].get("tone")


REMINDED = contact("send_customer_reminder", 9, "friendly")
FINAL = contact("send_customer_reminder", 9, "final")


@pytest.mark.parametrize(
    ("made", "action"),
    [
        (seen(), ("send_customer_reminder", "friendly")),
        (seen(dunning=after(replace(REMINDED, day=TODAY - timedelta(days=2)))), ("wait_until", None)),
        (seen(dunning=after(REMINDED)), ("send_customer_reminder", "friendly")),
        (seen(dunning=after(REMINDED), risk={**RISK, "p_late_30": 0.7}), ("send_customer_reminder", "firm")),
        (seen(dunning=after(REMINDED, REMINDED)), ("send_customer_reminder", "firm")),
        (seen(dunning=after(REMINDED, REMINDED, REMINDED)), ("send_customer_reminder", "final")),
        (seen(details={"promised_date": "2026-11-25"}), ("wait_until", None)),
        (seen(details={"promised_date": "2026-11-12"}), ("send_customer_reminder", "firm")),
        (seen(30, amount="20000"), ("schedule_call", None)),
        (seen(30, amount="20000", dunning=after(contact("schedule_call", 9))), ("send_customer_reminder", "firm")),
        (seen(80), ("escalate_to_collections", None)),
        (seen(80, dunning=after(contact("escalate_to_collections", 3))), ("wait_until", None)),
        (seen(30, dunning=after(FINAL), risk={**RISK, "p_late_30": 0.7}), ("place_credit_hold", None)),
        (seen(15, dunning=after(FINAL)), ("send_customer_reminder", "friendly")),
        (seen(dunning=after(disputed_on=date(2026, 11, 1))), ("open_dispute", None)),
        (seen(risk={**RISK, "disputed_since": "2026-11-01"}), ("open_dispute", None)),
        (seen(dunning=after(contact("open_dispute", 3), disputed_on=date(2026, 11, 1))), ("wait_until", None)),
        (seen(-5, kind="open_item"), ("wait_until", None)),
        (seen(-5, kind="open_item", risk={**RISK, "p_late_30": 0.7}), ("send_customer_reminder", "friendly")),
    ],
)  # fmt: skip
def test_the_next_step_depends_on_what_was_done(made: View, action: tuple[str, str | None]) -> None:
    assert proposed(made) == action


def test_a_call_is_proposed_where_it_is_worth_more_than_a_letter() -> None:
    long = {**RISK, "priority": 12000.0 * 120 / 30}
    assert proposed(seen(25, amount="12000", risk=long)) == ("schedule_call", None)
    short = {**RISK, "priority": 12000.0 * 30 / 30}
    assert proposed(seen(25, amount="12000", risk=short)) == ("send_customer_reminder", "firm")


def test_the_value_is_shown_with_its_parts() -> None:
    found = choice_of(seen())["collections"]
    assert found["value"] == {
        "action": "send_customer_reminder", "tone": "friendly", "gain": "0.44", "cost": "0.50", "value": "-0.06",
        "minutes": 2, "currency": "EUR", "collectible": "4000.00", "probability": "1.0", "days": "5.0",
        "capital_percent": "8", "at_stake": "4.38", "effect": "0.10", "value_eur": "-0.06", "rate_day": None,
    }  # fmt: skip
    assert {one["action"] for one in found["compared"]} == {
        "send_customer_reminder", "schedule_call", "place_credit_hold", "escalate_to_collections"
    }  # fmt: skip
    assert choice_of(seen(risk={}))["collections"]["unknown"] == "the amount or the risk of late payment is not known"
    assert choice_of(seen(kind="credit_limit"))["collections"] is None


def test_costs_need_a_dated_rate_in_another_currency() -> None:
    made = seen()
    foreign = replace(made.brief, facts=replace(made.brief.facts, currency="USD"))
    unknown = choice_of(replace(made, brief=foreign, dunning=Dunning()))["collections"]
    assert (unknown["value"], unknown["unknown"]) == (None, "no dated rate says what an action costs in USD")
    rate = Dunning(per_eur=Decimal("1.25"), rate_day=date(2026, 11, 19))
    known = choice_of(replace(made, brief=foreign, dunning=rate))["collections"]["value"]
    assert (known["cost"], known["rate_day"]) == ("0.62", "2026-11-19")
    assert Decimal(known["value_eur"]) == (Decimal(known["value"]) / Decimal("1.25")).quantize(Decimal("0.01"))


def lot(draw: float, **values: Any) -> Dunning:
    return Dunning(draw=draw, period="2026-11", per_eur=Decimal(1), **values)


def test_the_lot_delays_a_friendly_reminder_and_says_so() -> None:
    held = choice_of(seen(dunning=lot(0.01)))
    assert held["action"]["name"] == "wait_until"
    until = held["action"]["args"]["date"]
    assert until == "2026-11-27"
    assert f"control group: this friendly reminder is delayed to {until}" in held["why"]
    assert held["collections"]["control"] == {
        "group": DELAYED, "propensity": "0.05", "share": "0.05", "period": "2026-11", "delayed_to": until
    }  # fmt: skip
    assert {"action": "send_customer_reminder", "obstacle": None}.items() <= held["alternatives"][0].items()
    sent = choice_of(seen(dunning=lot(0.06)))
    assert sent["action"]["name"] == "send_customer_reminder"
    assert (sent["collections"]["control"]["group"], sent["collections"]["control"]["propensity"]) == (AS_USUAL, "0.95")


@pytest.mark.parametrize(
    "made",
    [
        seen(amount="5000.01", dunning=lot(0.0)),
        seen(dunning=lot(0.0, lines=Lines(control_share=Decimal(0)))),
        seen(dunning=lot(0.0, contacts=(contact("wait_until", 1),))),
        seen(dunning=lot(0.0), notes=("a friendlier tone please",)),
        seen(dunning=replace(lot(0.0), per_eur=None)),
        seen(-5, kind="open_item", risk={**RISK, "p_late_30": 0.7}, dunning=lot(0.0)),
    ],
)
def test_who_is_not_eligible_is_never_delayed(made: View) -> None:
    found = choice_of(made)
    assert found["collections"]["control"] is None
    assert found["action"]["name"] == "send_customer_reminder"


KINDS = ("friendly", "firm", "final")


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_the_lot_only_ever_delays_a_friendly_reminder(data: st.DataObject) -> None:
    contacts = data.draw(st.lists(st.builds(
        contact, st.sampled_from(["send_customer_reminder", "schedule_call", "open_dispute", "wait_until"]),
        st.integers(0, 40), st.sampled_from(KINDS)), max_size=4))  # fmt: skip
    made = seen(
        data.draw(st.integers(-10, 120)),
        amount=data.draw(st.sampled_from(["100", "4000", "30000"])),
        risk=data.draw(st.sampled_from([{}, RISK, {**RISK, "p_late_30": 0.9}])),
        dunning=replace(lot(data.draw(st.floats(0, 0.999))), contacts=tuple(contacts)),
        details=data.draw(st.sampled_from([{}, {"promised_date": "2026-11-30"}, {"promised_date": "2026-11-01"}])),
    )
    before = choice_of(replace(made, dunning=replace(made.dunning, draw=None)))["action"]
    after_lot = choice_of(made)
    if after_lot["action"] != before:
        assert (before["name"], before["args"]["tone"]) == ("send_customer_reminder", "friendly")
        assert after_lot["action"]["name"] == "wait_until"
        delay = date.fromisoformat(after_lot["action"]["args"]["date"]) - TODAY
        assert timedelta(days=7) <= delay <= timedelta(days=9)
        assert after_lot["collections"]["control"]["group"] == DELAYED
        assert made.dunning.draw is not None
        assert made.dunning.draw < 0.05


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**6), st.text(max_size=5), st.sampled_from(["0.9", "NaN", "1e3"])
)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from(sorted(Lines.__dataclass_fields__)), ODD))
def test_odd_lines_break_nothing_and_the_share_stays_capped(content: dict[str, Any]) -> None:
    found = lines_of(content)
    assert 0 <= found.control_share <= LARGEST_SHARE
    assert all(getattr(found, name) >= 0 for name in Lines.__dataclass_fields__)
    assert all(isinstance(text, str) for text in found.as_texts().values())


def test_the_database_knows_the_same_lines() -> None:
    source = resources.files("governance.record") / "schema" / "functions_36_worklist.sql"
    listed = source.read_text("utf-8").split("shares text[]")[1].split("line record;")[0]
    assert set(Lines.__dataclass_fields__) == {
        name for part in listed.split("'{")[1:] for name in part.split("}'")[0].split(",")
    }


def test_hold_and_collections_take_two_people_whatever_the_matrix_row() -> None:
    policy = standard_policy()
    for action in ("place_credit_hold", "escalate_to_collections"):
        for amount in (None, Decimal(0), Decimal("0.01"), Decimal(24999), Decimal(10**9)):
            for risk in ("low", "normal", "high"):
                for entity, region in (("DE01", "EU"), ("unknown", "unknown")):
                    seats = required_seats(policy, Question(action, amount, risk, entity, region))
                    assert sum(seats.values()) >= 2, (action, amount, risk)


def test_a_reviewers_tone_is_valued_as_that_tone() -> None:
    made = seen()
    choice = heeded(choice_of(made), ("please make it firmer",))
    assert choice["action"]["args"]["tone"] == "firm"
    found = findings(made, choice, {"refused": []})["collections"]["value"]
    assert (found["tone"], found["effect"]) == ("firm", "0.15")

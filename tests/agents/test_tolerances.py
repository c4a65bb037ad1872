"""What the three-way match lets pass: a governed setting, for all or for an entity, in the currency of the bill."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.match import match_brief
from agents.tolerances import OF_THE_MATCH, Setting, Tolerances, in_currency, lines_for
from agents.tolerances_read import read_tolerances
from governance import errors
from governance.record import queue
from tests.agents.conftest import Workers
from tests.agents.scenes import ORDER, RECEIPT, TODAY, brief
from tests.agents.test_dunning_read import drained
from tests.build import World

STANDARD = Tolerances()


def held(**content: Any) -> Setting:
    return Setting(3, content)


def test_an_entity_s_own_lines_come_before_those_for_all() -> None:
    given_ = {"*": held(price_percent="4", line_most="90"), "DE01": held(price_percent="1")}
    own = lines_for(STANDARD, given_, "DE01")
    assert (own.price_percent, own.line_most, own.total_most) == (Decimal(1), Decimal(90), STANDARD.total_most)
    assert own.match_lines == "tolerance * version 3, tolerance DE01 version 3"
    assert lines_for(STANDARD, given_, "FR01").price_percent == Decimal(4)
    assert lines_for(STANDARD, {}, "DE01") == STANDARD
    assert not STANDARD.governed
    assert own.governed


@given(
    st.dictionaries(
        st.sampled_from([*OF_THE_MATCH, "duplicate_likely", "confidence_least", "match_lines"]),
        st.one_of(st.text(max_size=6), st.integers(), st.floats(), st.none(), st.booleans()),
    )
)
@settings(deadline=None)
def test_whatever_a_setting_holds_only_lines_of_the_match_move_and_never_below_zero(content: dict[str, Any]) -> None:
    made = lines_for(STANDARD, {"*": Setting(1, content)}, "DE01")
    moved = {name for name in STANDARD.as_texts() if getattr(made, name) != getattr(STANDARD, name)}
    assert moved <= {*OF_THE_MATCH, "match_lines"}
    assert all(getattr(made, name) >= 0 for name in OF_THE_MATCH)


@pytest.mark.parametrize(
    ("currency", "rate", "line_most"),
    [("EUR", None, "250"), ("JPY", "160", "40000"), ("JPY", None, "25000"), ("KWD", "0.33", "82.500"),
     ("KWD", None, "25"), ("USD", "1.08", "270.00"), (None, None, "250")],
)  # fmt: skip
def test_what_a_difference_may_cost_is_read_in_the_bill_s_currency(
    currency: str | None, rate: str | None, line_most: str
) -> None:
    made = in_currency(STANDARD, currency, Decimal(rate) if rate else None)
    assert made.line_most == Decimal(line_most)
    assert made.price_percent == STANDARD.price_percent
    assert "E" not in made.as_texts()["line_most"]


def test_the_match_says_what_was_let_pass() -> None:
    made = brief("invoice_received", fields={"purchase_order": "PO-7"}, order=ORDER, receipts=(RECEIPT,))
    lines = replace(STANDARD, price_percent=Decimal(3), match_lines="tolerance DE01 version 2")
    found = match_brief(made, lines)
    assert found is not None
    assert "price 3 %" in found.as_dict()["limits"]
    assert "tolerance DE01 version 2" in found.as_dict()["limits"]


# In the record ------------------------------------------------------------------------------------------------------


def read(acme: World) -> Tolerances:
    acme.accept(exception_type="price_variance")
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        briefs = {one.facts.case_id: one for one in queue.briefs(conn, [job])}
        (found,) = read_tolerances(conn, briefs, TODAY, STANDARD).values()
        return found


def test_a_tolerance_holds_when_people_have_signed_it_and_no_sooner(acme: World) -> None:
    acme.propose("admin1", "tolerance", "*", {"price_percent": "5", "line_most": 40})
    assert read(acme) == STANDARD


def test_a_signed_tolerance_is_what_the_match_of_the_next_batch_lets_pass(acme: World) -> None:
    acme.enact("admin1", "tolerance", "*", {"price_percent": "5", "line_most": 40}, ("reviewer", "controller"))
    found = read(acme)
    assert (found.price_percent, found.line_most) == (Decimal(5), Decimal(40))
    assert found.match_lines == "tolerance * version 1"


def test_a_worker_s_proposal_carries_the_lines_that_people_set_and_those_of_the_bill_s_currency(
    acme: World, workers: Workers
) -> None:
    acme.enact("admin1", "tolerance", "*", {"price_percent": "5", "line_most": "40"}, ("reviewer", "controller"))
    acme.enact("admin1", "fx", "JPY", {"rates": {"2026-01-02": "160"}}, ("controller", "admin2"))
    case = acme.accept(exception_type="price_variance", source_key="yen", currency="JPY", amount="120000")
    row = drained(acme, workers)[case["case_id"]]
    assert row["thresholds"]["price_percent"] == "5"
    assert row["thresholds"]["line_most"] == "6400"
    assert row["thresholds"]["match_lines"] == "tolerance * version 1"
    assert "set by people: tolerance * version 1" in row["findings"]["match"]["limits"]


@pytest.mark.parametrize(
    ("subject", "content", "why"),
    [
        ("*", {"price_percent": "-1"}, "not below 0"),
        ("*", {"price_percent": "26"}, "at most 25"),
        ("*", {"price_percent": "all of it"}, "a number such as"),
        ("*", {"rounding": "5"}, "at most 1"),
        ("*", {"line_most": {"JPY": "4"}}, "a number such as"),
        ("*", {"duplicate_likely": "0.1"}, "no line duplicate_likely"),
        ("nowhere", {"price_percent": "1"}, "an entity of the books"),
    ],
)
def test_what_is_no_tolerance_is_refused_at_the_proposal(
    acme: World, subject: str, content: dict[str, Any], why: str
) -> None:
    with pytest.raises(errors.Malformed, match=why):
        acme.propose("admin1", "tolerance", subject, content)

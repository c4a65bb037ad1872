"""Money and the state machine of a case."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.case import MOVES, TERMINAL, CaseState, Money, minor_units, move, parse_amount
from governance.errors import IllegalState, Malformed

CENTS = st.integers(-(10**14), 10**14)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-inf",
        "1e400",
        "1.234",
        "١٢٣",
        "１２３",
        "",
        "12,50",
        "0x10",
        "1_000",
        "--1",
        "1\x00",
        None,
        True,
        1.5,
        "1" + "0" * 15,
    ],
)
def test_bad_amounts_are_refused(text: object) -> None:
    with pytest.raises(Malformed):
        parse_amount(text, "EUR")


@pytest.mark.parametrize("code", ["eur", "EU", "EURO", "€", "E1R", "ΕUR", None, 978])
def test_bad_currencies_are_refused(code: object) -> None:
    with pytest.raises(Malformed):
        Money.parse("1.00", code)


@pytest.mark.parametrize(
    ("code", "text", "good"),
    [("JPY", "1.5", False), ("JPY", "100", True), ("KWD", "1.234", True), ("EUR", "1.10", True)],
)
def test_decimals_are_those_of_the_currency(code: str, text: str, good: bool) -> None:
    if good:
        assert Money.parse(text, code).amount == Decimal(text)
    else:
        with pytest.raises(Malformed):
            Money.parse(text, code)


@given(CENTS, CENTS, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_adds_exactly(a: int, b: int, code: str) -> None:
    def of(n: int) -> Money:
        return Money(Decimal(n).scaleb(-minor_units(code)), code)

    assert (of(a) + of(b)) - of(b) == of(a)
    assert (of(a) < of(b)) == (a < b)
    assert Money.parse(str(of(a).amount), code) == of(a)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(Malformed):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")


@given(st.sampled_from(CaseState), st.sampled_from(CaseState))
def test_only_legal_moves_are_made(current: CaseState, to: CaseState) -> None:
    if to in MOVES[current]:
        assert move(current, to) is to
    else:
        with pytest.raises(IllegalState):
            move(current, to)


def test_every_state_is_reachable_and_leads_to_an_end() -> None:
    reached = {CaseState.RECEIVED}
    while True:
        further = reached | {to for state in reached for to in MOVES[state]}
        if further == reached:
            break
        reached = further
    assert reached == set(CaseState)
    ending = set(TERMINAL)
    while True:
        further = ending | {state for state in CaseState if MOVES[state] & ending}
        if further == ending:
            break
        ending = further
    assert ending == set(CaseState)

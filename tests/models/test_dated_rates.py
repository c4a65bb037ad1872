"""Amounts in two currencies: compared at the rates of their days, and not at all without."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dated_rates import DatedRates
from models.duplicates import AGAINST, DuplicatePair, Invoice, PairScorer, find_duplicates, train_pair_scorer
from models.synthetic import CompanyMonth, company_month

FIRST = date(2026, 1, 5)
WEEKLY = DatedRates.of(
    "EUR", [("USD", FIRST + timedelta(days=7 * week), 1 / Decimal(f"1.{800 + week:04}")) for week in range(60)]
)


@pytest.fixture(scope="module")
def month() -> CompanyMonth:
    return company_month(4, suppliers=40, invoices=800, exceptions=0)


@pytest.fixture(scope="module")
def scorer(month: CompanyMonth) -> PairScorer:
    return train_pair_scorer([month, company_month(3, suppliers=40, invoices=800, exceptions=0)], seed=1, drills=6)


def again(first: Invoice, share: str = "1", **other: object) -> Invoice:
    """The same bill booked in dollars at the day's rate times `share`."""
    assert first.invoice_date is not None
    rate = WEEKLY("USD", first.invoice_date)
    assert rate is not None
    amount = (first.amount / rate * Decimal(share)).quantize(Decimal("0.01"))
    return replace(first, invoice_id="again", currency="USD", amount=amount, **other)  # type: ignore[arg-type]


def found(
    one: Invoice, first: Invoice, month: CompanyMonth, scorer: PairScorer, rates: DatedRates | None
) -> DuplicatePair | None:
    """The pair of the two, however likely; None where they were not compared."""
    pairs = find_duplicates([one], scorer, against=month.invoices, threshold=0.0, renumbered=0.0, rates=rates)
    return next((pair for pair in pairs if {pair.left_id, pair.right_id} == {"again", first.invoice_id}), None)


def likely(pair: DuplicatePair | None) -> float:
    return pair.probability if pair else 0.0


def bills(month: CompanyMonth, count: int) -> list[Invoice]:
    euro = [one for one in month.invoices if one.currency == "EUR" and one.doc_type == "invoice" and one.amount > 500]
    return euro[:: len(euro) // count][:count]


def test_a_bill_in_two_currencies_is_claimed_by_the_rates_of_the_day(month: CompanyMonth, scorer: PairScorer) -> None:
    claimed = []
    for first in bills(month, 8):
        second = again(first)
        taxed = replace(second, amount=(first.amount * Decimal("1.20")).quantize(Decimal("0.01")))
        without = [found(one, first, month, scorer, None) for one in (second, taxed)]
        pair = found(second, first, month, scorer, WEEKLY)
        assert pair is not None
        assert (pair.kind, pair.queue) == ("currency", "duplicate")
        assert likely(pair) > max(map(likely, without)) + 0.1, "nothing is known of the two figures"
        claimed.append([likely(one) >= 0.5 for one in (pair, *without)])
        said = [reason for one in without if one is not None for reason in one.reasons]
        assert not any("tax" in reason or "within 2" in reason for reason in said)
        says = f"{first.amount} EUR and {second.amount} USD are one amount at the rates of their days"
        turned = f"{second.amount} USD and {first.amount} EUR are one amount at the rates of their days"
        assert pair.reasons[0].startswith((says, turned))
        assert not any("same amount" in reason for reason in pair.reasons)
    rated, plain, taxed_too = (sum(column) for column in zip(*claimed, strict=True))
    assert rated >= 6
    assert max(plain, taxed_too) < rated, "some are claimed by number and day alone"


def test_with_alike_numbers_the_rate_of_the_month_is_good_enough(month: CompanyMonth, scorer: PairScorer) -> None:
    for first in bills(month, 5):
        exact, other = (found(again(first, share), first, month, scorer, WEEKLY) for share in ("1", "1.025"))
        assert exact is not None
        assert other is not None
        assert other.probability == pytest.approx(exact.probability, abs=0.05)
        assert "2.4% apart at the rates of their days" in other.reasons[0]


def test_what_the_rates_speak_against_is_not_claimed_for_its_figures(month: CompanyMonth, scorer: PairScorer) -> None:
    """A fifth more looks like a tax where currencies are not looked at."""
    for first in bills(month, 5):
        second = replace(again(first), amount=(first.amount * Decimal("1.20")).quantize(Decimal("0.01")))
        pairs = find_duplicates([second], scorer, against=month.invoices, threshold=0.0, rates=WEEKLY)
        pair = next(one for one in pairs if {one.left_id, one.right_id} == {"again", first.invoice_id})
        assert not any("tax rate" in reason for reason in pair.reasons)
        against = [one for one in pair.reasons if one.startswith(AGAINST) and "at the rates of their days" in one]
        assert len(against) == 1


def test_another_number_needs_the_rates_too(month: CompanyMonth, scorer: PairScorer) -> None:
    first = next(one for one in bills(month, 40) if one.po)
    second = again(first, invoice_no="ZX-99812")
    without, rated = (found(second, first, month, scorer, rates) for rates in (None, WEEKLY))
    assert rated is not None
    assert rated.queue == "renumbered"
    assert without is None or without.probability < rated.probability / 2


def test_one_figure_in_two_currencies_stays_one_figure(month: CompanyMonth, scorer: PairScorer) -> None:
    first = bills(month, 1)[0]
    keyed = replace(first, invoice_id="again", currency="USD")
    pairs = [found(keyed, first, month, scorer, rates) for rates in (None, WEEKLY)]
    assert pairs[0] is not None
    assert pairs[0] == pairs[1]


def test_rates_change_nothing_in_one_currency(month: CompanyMonth, scorer: PairScorer) -> None:
    euro = [one for one in month.invoices if one.currency == "EUR"]
    assert find_duplicates(euro, scorer, rates=WEEKLY) == find_duplicates(euro, scorer)


@settings(deadline=None)
@given(st.dates(date(2025, 6, 1), date(2028, 1, 1)), st.integers(0, 60))
def test_the_newest_earlier_rate_counts_for_so_many_days(day: date, within: int) -> None:
    rates = DatedRates(WEEKLY.reference, WEEKLY.currencies, within)
    days = [one for one in WEEKLY.currencies["USD"][0] if one <= day and (day - one).days <= within]
    value = rates("USD", day)
    assert (value is None) == (not days)
    if days:
        assert value == WEEKLY.currencies["USD"][1][WEEKLY.currencies["USD"][0].index(max(days))]
    assert rates("EUR", day) == 1
    assert rates("CHF", day) is None

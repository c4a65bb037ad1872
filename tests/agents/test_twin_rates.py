"""Twins in two currencies: found and compared at the rates that the record keeps, and not claimed without."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.context import build_context
from agents.twins import LikelyTwin, invoice_of, likely_twins, read_twins
from api.intake.bills import ledger_rows
from governance.record import twin_rates
from governance.record.twin_rates import Foreign
from models.duplicates import DatedRates, Invoice, LedgerContext, find_duplicates, score_pairs
from models.synthetic import CompanyMonth
from tests.agents import scenes
from tests.agents.conftest import Workers
from tests.agents.scenes import SmallBundle
from tests.build import World, genesis

RATE = Decimal("1.0843")
DAY = date(2026, 11, 3)


def agent(acme: World) -> Any:
    return acme.database.transaction("agent", acme.tokens["agent"])


def rated(acme: World, day: date = DAY, rate: Decimal = RATE) -> None:
    acme.import_books("fx", [{"day": day.isoformat(), "currency": "USD", "per_eur": str(rate)}])


def in_dollars(first: Invoice, **other: Any) -> Invoice:
    amount = (first.amount * RATE).quantize(Decimal("0.01"))
    return dataclasses.replace(first, invoice_id="USD-1", currency="USD", amount=amount, **other)


def likely(acme: World, bundle: SmallBundle, made: Any) -> list[LikelyTwin]:
    with agent(acme) as conn:
        read = read_twins(conn, {"case-1": made})
    return likely_twins(read, bundle.pair_scorer, 0.0)


@pytest.fixture
def made() -> Any:
    return scenes.brief(details={"invoice_id": "F-1"}, fields={"invoice_number": "RE-2026-4711"})


def test_a_bill_in_dollars_is_a_twin_at_the_rate_of_its_day(
    acme: World, bundle: SmallBundle, month: CompanyMonth, made: Any
) -> None:
    first = invoice_of(made)
    assert first is not None
    ledger = [first, in_dollars(first), *month.invoices]
    acme.import_books("invoices", ledger_rows([(one, "case-1" if one is first else None) for one in ledger]))
    (without,) = [one.pair for one in likely(acme, bundle, made) if one.twin.invoice_id == "USD-1"]
    assert any("no rate of their days is known" in reason for reason in without.reasons)
    rated(acme, DAY - timedelta(days=3))
    (pair,) = [one.pair for one in likely(acme, bundle, made) if one.twin.invoice_id == "USD-1"]
    assert pair.kind == "currency"
    assert "1190.00 EUR and 1290.32 USD are one amount at the rates of their days" in pair.reasons[0]
    assert pair.probability > max(0.5, without.probability)
    rates = DatedRates.of("EUR", [("USD", DAY - timedelta(days=3), 1 / RATE)])
    (whole,) = score_pairs([(first, ledger[1])], LedgerContext.fit(ledger), bundle.pair_scorer, rates=rates)
    assert pair.probability == pytest.approx(whole.probability, abs=1e-4), "live as in the whole ledger"
    batch = find_duplicates(ledger, bundle.pair_scorer, threshold=pair.probability - 0.01, rates=rates)
    assert {"F-1", "USD-1"} in [{one.left_id, one.right_id} for one in batch]


def test_what_shares_nothing_but_its_worth_is_compared(acme: World, bundle: SmallBundle, made: Any) -> None:
    """Another number, another day: without rates nothing brings the two together."""
    first = invoice_of(made)
    assert first is not None
    crowd = [
        dataclasses.replace(first, invoice_id=f"C-{n}", invoice_no=f"K{n}Z{7 * n}", amount=Decimal(40 + 11 * n),
                            po=None, currency="USD" if n % 2 else "EUR", invoice_date=DAY + timedelta(days=n % 25))
        for n in range(60)
    ]  # fmt: skip
    other = in_dollars(first, invoice_no="77/ABX", invoice_date=DAY + timedelta(days=12), po=None, description=None)
    far = in_dollars(other, invoice_date=DAY + timedelta(days=50))
    far = dataclasses.replace(far, invoice_id="USD-2", amount=other.amount)
    acme.import_books("invoices", ledger_rows([(one, None) for one in [*crowd, other, far]]))
    assert "USD-1" not in {one.twin.invoice_id for one in likely(acme, bundle, made)}
    rated(acme)
    rated(acme, DAY + timedelta(days=45), Decimal("1.0850"))
    found = {one.twin.invoice_id for one in likely(acme, bundle, made)}
    assert "USD-1" in found
    assert "USD-2" not in found, "too long afterwards"


def test_rates_are_the_newest_earlier_ones_and_of_the_tenant_alone(acme: World) -> None:
    for day, rate in ((DAY, "1.10"), (DAY + timedelta(days=2), "1.20")):
        rated(acme, day, Decimal(rate))
    asked = [("USD", DAY + timedelta(days=after)) for after in (-1, 0, 1, 2, 33, 34)] + [("CHF", DAY)]
    with agent(acme) as conn:
        found = {(code, (day - DAY).days): rate for code, day, rate in twin_rates.rates(conn, asked, within=31)}
    assert found == {("USD", 0): Decimal("1.10"), ("USD", 1): Decimal("1.10"), ("USD", 2): Decimal("1.20"),
                     ("USD", 33): Decimal("1.20")}  # fmt: skip
    other = genesis(acme.database, "other")
    with agent(other) as conn:
        assert twin_rates.rates(conn, asked, within=31) == []
        assert (
            twin_rates.near(conn, [Foreign("c", "S-1", "EUR", DAY, 1.0)], far=0.04, around=31, within=31, most=9) == []
        )


def test_a_batch_asks_for_rates_and_twins_once_each(
    acme: World, workers: Workers, month: CompanyMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        acme.accept(source_key=f"D-{n}", invoice_id=f"D-{n}", supplier_id="S-1", amount=f"{100 + n}.00",
                    currency="USD", issue_date=DAY.isoformat(),
                    reading={"fields": {"invoice_number": f"R-{n}"}})  # fmt: skip
    rated(acme)
    asked: list[str] = []
    for name in ("rates", "near"):
        real = getattr(twin_rates, name)

        def counted(*args: Any, _name: str = name, _real: Any = real, **values: Any) -> Any:
            asked.append(_name)
            return _real(*args, **values)

        monkeypatch.setattr(twin_rates, name, counted)
    worker = workers()
    build_context(worker._transaction, acme.claim(), worker.parts)
    assert sorted(asked) == ["near", "rates", "rates"]

"""Collection risk of a batch against a real Postgres: both clocks, one read of the portfolio, null, not invented."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.context import build_context
from agents.risk_scores import Portfolio, Scored, receivable_of
from governance.record import candidates
from models.features import Receivable, risk_features
from models.risk import CollectionRisk, Ledger
from models.synthetic import CompanyMonth
from tests.agents.conftest import Workers
from tests.agents.scenes import TODAY, SmallBundle
from tests.build import World


def row(one: Receivable, **values: Any) -> dict[str, Any]:
    return {
        "invoice_id": one.invoice_id, "customer_id": one.customer_id, "entity": None, "currency": "EUR",
        "posting_date": one.posting_date.isoformat(), "due_date": one.due_date.isoformat(), "amount": str(one.amount),
        "clear_date": one.clear_date.isoformat() if one.clear_date else None, **values,
    }  # fmt: skip


def agent(acme: World) -> Any:
    return acme.database.transaction("agent", acme.tokens["agent"])


def booked(acme: World, customers: Sequence[str]) -> list[candidates.BookedItem]:
    with agent(acme) as conn:
        return candidates.receivables(conn, customers)


def accept(acme: World, one: Receivable, **values: Any) -> None:
    acme.accept(**{
        "source_key": one.invoice_id, "queue": "order_to_cash", "exception_type": "open_item", "document_class": None,
        "supplier_id": None, "customer_id": one.customer_id, "invoice_id": one.invoice_id, "amount": str(one.amount),
        "issue_date": one.posting_date.isoformat(), "due_date": one.due_date.isoformat(), **values,
    })  # fmt: skip


def scored(acme: World, worker: Any) -> Scored:
    found = build_context(worker._transaction, acme.claim(), worker.parts).scored
    assert found is not None
    return found


def backdate(acme: World, invoice_id: str, **days: str | None) -> None:
    """Sets when the books learned of things, which an import sets to now."""
    for name, value in days.items():
        assert name in ("first_as_of", "cleared_as_of", "disputed_as_of")
        acme.scalar(f"UPDATE cs.open_items SET {name} = %s WHERE invoice_id = %s RETURNING 1", value, invoice_id)


PAID = Receivable("P-1", "A", date(2026, 9, 1), date(2026, 10, 1), Decimal(100), date(2026, 10, 5))


def test_what_comes_in_as_paid_says_nothing_of_when_it_was_recorded(acme: World) -> None:
    acme.import_books("open_items", [row(PAID)])
    (item,) = booked(acme, ["A"])
    assert (item.clear_date, item.recorded) == (PAID.clear_date, None)
    assert receivable_of(item) == PAID


def test_what_was_open_is_recorded_when_the_payment_came_in(acme: World) -> None:
    acme.import_books("open_items", [row(dataclasses.replace(PAID, clear_date=None))])
    backdate(acme, "P-1", first_as_of="2026-09-01T10:00:00Z")
    acme.import_books("open_items", [row(PAID)])
    backdate(acme, "P-1", cleared_as_of="2026-10-09T23:30:00Z")
    (item,) = booked(acme, ["A"])
    assert item.recorded == date(2026, 10, 9)
    asked = [Receivable("N", "A", date(2026, 10, 1), date(2026, 11, 1), Decimal(10), None)]
    past = Ledger([receivable_of(item)])
    never = Ledger([dataclasses.replace(PAID, clear_date=None)])

    def seen(day: date, ledger: Ledger) -> bytes:
        return risk_features(asked, [day], ledger).tobytes()

    assert seen(date(2026, 10, 8), past) == seen(date(2026, 10, 8), never), "paid, but the books did not know"
    assert seen(date(2026, 10, 9), past) != seen(date(2026, 10, 9), never)


def test_the_agents_own_path_gives_the_features_of_the_whole_ledger(
    acme: World, workers: Workers, month: CompanyMonth
) -> None:
    acme.import_books("open_items", [row(one) for one in month.receivables])
    open_items = [one for one in month.receivables if one.clear_date is None][:10]
    for one in open_items:
        accept(acme, one)
    found = scored(acme, workers())
    assert len(found.items) == 10
    assert found.history is not None
    asked = list(found.items.values())
    online = risk_features(asked, [TODAY] * len(asked), found.history)
    offline = risk_features(asked, [TODAY] * len(asked), month.receivables)
    assert online.tobytes() == offline.tobytes()


def test_the_portfolio_is_read_once_a_day(acme: World, bundle: SmallBundle, month: CompanyMonth) -> None:
    acme.import_books("open_items", [row(one) for one in month.receivables])
    portfolio = Portfolio()

    def ask(day: date = TODAY, digest: str = "a", of: Portfolio = portfolio) -> CollectionRisk:
        return of.standing(lambda: agent(acme), bundle.risk, digest, day).risk

    first = ask()
    assert ask() is first
    assert portfolio.reads == 1
    assert ask(TODAY + timedelta(days=1)) is not first
    assert ask(TODAY + timedelta(days=1), "b") is not first
    assert portfolio.reads == 3
    expected = bundle.risk.rebased(month.receivables, TODAY, foreign=True)
    assert first.portfolio_count_.tolist() == expected.portfolio_count_.tolist()
    assert first.reach_ == expected.reach_
    few = Portfolio(most=50)
    assert ask(of=few).portfolio_count_.max() <= 50


def test_the_portfolio_is_read_again_when_much_more_is_paid(acme: World, bundle: SmallBundle) -> None:
    items = [dataclasses.replace(PAID, invoice_id=f"P-{at}") for at in range(1000)]
    portfolio = Portfolio(seconds=0.0)

    def reads() -> int:
        portfolio.standing(lambda: agent(acme), bundle.risk, "a", TODAY)
        return portfolio.reads

    assert reads() == 1, "empty books"
    acme.import_books("open_items", [row(one) for one in items[:3]])
    assert reads() == 2, "few: each new one counts"
    acme.import_books("open_items", [row(one) for one in items])
    assert reads() == 3
    acme.import_books("open_items", [row(dataclasses.replace(PAID, invoice_id=f"Q-{at}")) for at in range(50)])
    assert reads() == 3, "not a tenth more"
    acme.import_books("open_items", [row(dataclasses.replace(PAID, invoice_id=f"R-{at}")) for at in range(100)])
    assert reads() == 4


def test_a_finding_says_all_that_is_told(acme: World, workers: Workers, month: CompanyMonth) -> None:
    acme.import_books("open_items", [row(one) for one in month.receivables])
    one = next(one for one in month.receivables if one.clear_date is None and one.due_date > TODAY)
    accept(acme, one)
    (found,) = scored(acme, workers()).findings.values()
    assert found["bucket"] in ("on time", "1-15 days late", "16-30 days late", "over 30 days late")
    assert found["disputed_since"] is None
    cash = found["expected_cash"]
    assert [week for week, _ in cash[:-1]] == [(TODAY + timedelta(days=7 * at)).isoformat() for at in range(13)]
    assert cash[-1][0] is None
    assert sum(Decimal(amount) for _, amount in cash) == one.amount


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"due_date": None}, "no due date is known: nothing can be said"),
        ({"amount": None, "issue_date": None}, "no invoice date and no amount is known: nothing can be said"),
        ({"amount": "-5.00"}, "a credit note: nothing to collect"),
    ],
)
def test_null_instead_of_invented(acme: World, workers: Workers, values: dict[str, Any], why: str) -> None:
    one = dataclasses.replace(PAID, clear_date=None)
    accept(acme, one, **values)
    worker = workers()
    (found,) = scored(acme, worker).findings.values()
    assert found["reasons"] == [why]
    assert {name for name, value in found.items() if value is not None} == {"invoice_id", "reasons"}
    assert worker.parts.portfolio.reads == 0


def test_what_the_case_lacks_comes_from_the_books(acme: World, workers: Workers) -> None:
    one = dataclasses.replace(PAID, clear_date=None)
    acme.import_books("open_items", [row(one)])
    accept(acme, one, amount=None, due_date=None)
    assert list(scored(acme, workers()).items.values()) == [one]


def disputes(acme: World, count: int = 60) -> None:
    """Disputed invoices that were all paid very late, in a history of others that were paid in time."""
    rows = []
    for at in range(3 * count):
        posted = date(2026, 1, 1) + timedelta(days=at)
        due, late = posted + timedelta(days=30), 28 if at % 3 == 0 else at % 7 - 5
        one = Receivable(f"D{at}", f"C{at % 9}", posted, due, Decimal(90), due + timedelta(days=late))
        raised = {"disputed_at": (posted + timedelta(days=2)).isoformat()} if at % 3 == 0 else {}
        rows.append(row(one, **raised))
    acme.import_books("open_items", rows)
    acme.scalar("UPDATE cs.open_items SET disputed_as_of = disputed_at + 1 WHERE disputed_at IS NOT NULL RETURNING 1")


@pytest.mark.parametrize(
    ("raised", "recorded", "known"),
    [
        (TODAY - timedelta(days=4), TODAY - timedelta(days=3), True),
        (TODAY - timedelta(days=4), TODAY, True),
        (TODAY - timedelta(days=4), TODAY + timedelta(days=1), False),
        (TODAY, TODAY, False),
        (None, None, False),
    ],
)
def test_a_dispute_counts_when_it_was_raised_before_and_recorded_by_the_day(
    acme: World, workers: Workers, raised: date | None, recorded: date | None, known: bool
) -> None:
    disputes(acme)
    one = Receivable("N", "C1", date(2026, 11, 1), date(2026, 12, 1), Decimal(90), None)
    plain = dataclasses.replace(one, invoice_id="M")
    acme.import_books("open_items", [row(one, disputed_at=raised.isoformat() if raised else None), row(plain)])
    if recorded:
        backdate(acme, "N", disputed_as_of=f"{recorded.isoformat()}T12:00:00Z")
    accept(acme, one)
    accept(acme, plain)
    found = {finding["invoice_id"]: finding for finding in scored(acme, workers()).findings.values()}
    told, other = found["N"], found["M"]
    assert any("in dispute" in reason for reason in told["reasons"]) is known
    assert not any("in dispute" in reason for reason in other["reasons"])
    assert (told["p_late"] > other["p_late"] + 0.1) is known
    assert known or told["p_late"] == other["p_late"]


def test_a_row_that_is_silent_on_a_dispute_leaves_what_is_known(acme: World) -> None:
    one = dataclasses.replace(PAID, clear_date=None)
    acme.import_books("open_items", [row(one, disputed_at="2026-09-10")])
    backdate(acme, "P-1", disputed_as_of="2026-09-11T00:00:00Z")
    acme.import_books("open_items", [row(one)])
    assert acme.scalar("SELECT version FROM cs.open_items") == 1
    acme.import_books("open_items", [row(PAID, disputed_at="2026-09-12")])
    (item,) = booked(acme, ["A"])
    assert (item.disputed_at, item.disputed_as_of) == (date(2026, 9, 10), date(2026, 9, 11))


def test_a_case_of_a_dispute_is_itself_the_news(acme: World, workers: Workers) -> None:
    accept(acme, dataclasses.replace(PAID, clear_date=None), exception_type="dispute")
    (found,) = scored(acme, workers()).findings.values()
    assert found["disputed_since"] == TODAY.isoformat()

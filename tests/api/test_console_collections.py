"""The collections queue: ranked by expected value, with words, filters and pages; cash and aging per currency."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Cursor

from api.console import cash_curve, collections, worth
from governance.action import Action
from governance.recommendation import Draft
from tests.api.conftest import Api, problem_of
from tests.api.visitor import filed, signed_in, words

TODAY = datetime.now(UTC).date()
MONDAY = TODAY - timedelta(days=TODAY.weekday())
CASH = [[MONDAY.isoformat(), "700.00"], [(MONDAY + timedelta(days=8)).isoformat(), "400.00"], [None, "100.00"]]
LETTER = Draft("pay@customer.example", "Reminder", "Please pay.", "en")


def found(value: str | None, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    """Findings of an overdue invoice, as the agent files them."""
    priced = None if value is None else {
        "action": "send_customer_reminder", "tone": "friendly", "gain": "10.00", "cost": "0.50", "value": value,
        "value_eur": value, "minutes": 2, "currency": currency, "collectible": "1200.00", "probability": "0.62",
        "days": "14.5", "capital_percent": "8", "at_stake": "100.00", "effect": "0.10", "rate_day": None,
    }  # fmt: skip
    compared = [
        {"action": "schedule_call", "tone": None, "gain": "30.00", "cost": "12.00", "value": "18.00", "minutes": 15}
    ]
    return {
        "why": "12 days overdue, no reminder sent",
        "risk": {
            "p_late": 0.62, "expected_days_late": 14.2, "days_late_low": -2, "days_late_high": 40,
            "reasons": ["paid 8 of 10 invoices late", "a large amount for this customer"],
            "expected_cash": CASH,
        },
        "collections": {"value": priced, "unknown": None if priced else "no dated rate", "compared": compared,
                        "contacts": [], "control": None},
        **more,
    }  # fmt: skip


def overdue(api: Api, key: str, value: str | None, days: int = 12, action: Action | None = None, findings: Any = None,
            currency: str = "EUR", **item: Any) -> dict[str, Any]:  # fmt: skip
    return filed(
        api, queue="order_to_cash", exception_type="overdue", source_key=key, supplier_id=None, customer_id="C-1",
        invoice_id=key, currency=currency, due_date=(TODAY - timedelta(days=days)).isoformat(),
        action=action or Action("send_customer_reminder", {"customer_id": "C-1", "tone": "friendly"}),
        draft=None if action else LETTER, findings=findings or found(value, currency), **item,
    )  # fmt: skip


def shown(page: Any) -> list[str]:
    """Ids of the recommendations in the table, in order."""
    return re.findall(r'<th scope="row" role="rowheader">\s*<a href="/console/recommendations/([^"]+)"', page.text)


def test_the_queue_is_ranked_and_says_why(api: Api) -> None:
    low, high = overdue(api, "R-LOW", "1.50"), overdue(api, "R-HIGH", "9.50")
    none, loss = overdue(api, "R-NONE", None), overdue(api, "R-LOSS", "-0.40")
    page = signed_in(api, "reviewer").get("/console/collections")
    assert shown(page) == [high["id"], low["id"], loss["id"], none["id"]]
    said = words(page)
    for expected in (
        "Today has room for 2 actions in 4 of 360 minutes, worth 11.00 EUR together", "Customer One invoice R-HIGH",
        "1,200.00 EUR", "12 days", "62 %", "14 days late 80 %: −2 to 40", "9.50 EUR", "−0.40 EUR",
        "Send customer reminder, friendly", "reviewer to sign", "12 days overdue, no reminder sent",
        "Paid 8 of 10 invoices late; a large amount for this customer",
        "1,200.00 × 62 % × 14.5 days × 8 % a year × 10 % saved − 0.50", "No value: no dated rate",
    ):  # fmt: skip
        assert expected in said, expected
    assert page.text.count(">today</span>") == 2
    assert "style=" not in page.text


def test_the_control_group_is_told_openly(api: Api) -> None:
    until = (TODAY + timedelta(days=7)).isoformat()
    control = {"group": "delayed", "propensity": "0.05", "share": "0.05", "period": "2026-11", "delayed_to": until}
    findings = found("0.00")
    findings["collections"]["control"] = control
    made = overdue(api, "R-1", None, action=Action("wait_until", {"date": until, "reason": "x"}), findings=findings)
    visitor = signed_in(api, "reviewer")
    for page in (visitor.get("/console/collections"), visitor.item(made["id"])):
        assert f"Control group: reminder delayed to {until}, chosen by lot" in words(page)
        assert "5 % of them" in words(page)


def test_the_page_of_a_proposal_shows_the_parts(api: Api) -> None:
    made = overdue(api, "R-1", "9.50")
    said = words(signed_in(api, "reviewer").item(made["id"]))
    for expected in (
        "Expected value: 9.50 EUR", "Amount that can be collected 1,200.00 EUR", "Chance of being late 62 %",
        "Late days still to come 14.5 days", "Cost of capital a year 8 %", "At stake if nobody acts 100.00 EUR",
        "Late days saved, assumed 10 %", "Brings 10.00 EUR", "Costs 0.50 EUR", "Schedule call 18.00 EUR 30.00 EUR",
    ):  # fmt: skip
        assert expected in said, expected


def test_filters_and_pages(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "PAGE", 2)
    made = [overdue(api, f"R-{n}", f"{n}.00", days=(5, 40)[n % 2]) for n in range(5)]
    usd = overdue(api, "R-USD", "3.50", currency="USD")
    visitor = signed_in(api, "reviewer")
    page = visitor.get("/console/collections?currency=EUR")
    seen = shown(page)
    while match := re.search(r'href="(/console/collections[^"]*cursor[^"]*)" rel="next"', page.text):
        page = visitor.get(match[1].replace("&amp;", "&"))
        seen += shown(page)
    assert seen == [one["id"] for one in reversed(made)]
    assert shown(visitor.get("/console/collections?currency=USD")) == [usd["id"]]
    assert shown(visitor.get("/console/collections?bucket=31_60")) == [made[3]["id"], made[1]["id"]]
    assert "No proposal fits these filters" in words(visitor.get("/console/collections?entity=XX"))
    for wrong in ("bucket=x", "currency=eur", "entity=%01", "cursor=x"):
        assert visitor.get(f"/console/collections?{wrong}").status_code in (400, 422)


def test_cash_and_aging_stand_by_currency(api: Api) -> None:
    overdue(api, "R-1", "1.00")
    overdue(api, "R-2", "1.00")
    overdue(api, "R-3", "1.00", currency="USD")
    rows = [
        {"invoice_id": f"I-{n}", "customer_id": "C-1", "posting_date": "2026-01-01", "due_date": day.isoformat(),
         "amount": "1000.50", "currency": currency}
        for n, (day, currency) in enumerate([(TODAY, "EUR"), (TODAY - timedelta(days=45), "EUR"), (TODAY, "USD")])
    ]  # fmt: skip
    api.world.import_books("open_items", rows)
    page = signed_in(api, "reviewer").get("/console/collections")
    said = words(page)
    for expected in (
        "EUR : 2,400.00 EUR of 2 invoices; highest week 1,400.00 EUR", "USD : 1,200.00 USD of 1 invoice;",
        "1,400.00 EUR 1,400.00 EUR", "800.00 EUR 2,200.00 EUR", "Later 200.00 EUR 2,400.00 EUR",
        "EUR 1,000.50 EUR 1 item 0.00 EUR 0 items 1,000.50 EUR 1 item", "USD 1,000.50 USD 1 item",
    ):  # fmt: skip
        assert expected in said, expected
    assert "3,600" not in said
    assert page.text.count("<svg") == 2


def test_a_longer_list_takes_no_more_questions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = signed_in(api, "reviewer")
    asked: list[int] = []
    real = Cursor.execute

    def counting(self: Any, *args: Any, **values: Any) -> Any:
        asked.append(1)
        return real(self, *args, **values)

    monkeypatch.setattr(Cursor, "execute", counting)
    overdue(api, "R-0", "1.00")
    counts = []
    for more in (0, 6):
        for n in range(more):
            overdue(api, f"R-{more}-{n}", "2.00")
        asked.clear()
        assert visitor.get("/console/collections").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_api_gives_the_same_order_and_the_parts(api: Api) -> None:
    made = [overdue(api, f"R-{n}", f"{n}.00") for n in range(3)]
    client = api.of("analyst")
    first = client.get("/v1/worklist?queue=order_to_cash&limit=2").json()
    assert [one["recommendation_id"] for one in first["items"]] == [made[2]["id"], made[1]["id"]]
    item = first["items"][0]
    assert (item["amount"], item["days_past_due"], item["today"]) == ("1200.00", 12, True)
    assert item["expected_value"]["at_stake"] == "100.00"
    assert item["action"] == {"name": "send_customer_reminder", "args": {"customer_id": "C-1", "tone": "friendly"}}
    assert item["required_seats"] == [{"role": "reviewer", "filled_by": None}]
    assert first["day"] == {"actions": 2, "of_actions": 60, "minutes": 4, "of_minutes": 360, "value_eur": "3.00"}
    second = client.get(f"/v1/worklist?queue=order_to_cash&limit=2&cursor={first['next_cursor']}").json()
    assert [one["recommendation_id"] for one in second["items"]] == [made[0]["id"]]
    assert second["next_cursor"] is None
    assert client.get("/v1/worklist?queue=record_to_report").json()["items"] == []
    assert client.get("/v1/worklist?queue=nothing").status_code == 400
    problem_of(client.get(f"/v1/worklist?cursor={first['next_cursor']}x"), 400, "malformed")
    assert client.get("/v1/worklist?bucket=over_90").json()["items"] == []


AMOUNTS = st.decimals(0, 10**9, places=2)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(-10, 20), AMOUNTS), max_size=20), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_a_curve_adds_up_and_stays_on_its_canvas(parts: list[tuple[int, Decimal]], today: date) -> None:
    monday = today - timedelta(days=today.weekday())
    rows = [
        {"currency": "EUR", "week": monday + timedelta(weeks=week) if week >= 0 else None, "expected": value,
         "invoices": 1}
        for week, value in parts
    ]  # fmt: skip
    for curve in cash_curve.curves(rows, today):
        assert len(curve.bars) == cash_curve.WEEKS
        assert all(bar.x >= 0 and bar.x + bar.width <= cash_curve.WIDTH for bar in curve.bars)
        assert all(bar.y >= 0 and bar.y + bar.height <= cash_curve.HEIGHT for bar in curve.bars)
        total = sum(value for _, value in parts)
        assert curve.total == curve.weeks[-1].until == f"{total:,.2f} EUR"


KEYS = st.sampled_from(
    ("value", "unknown", "compared", "contacts", "control", "group", "share", "delayed_to", "action", "tone", "days",
     "collectible", "probability", "effect", "cost", "gain", "currency", "minutes", "value_eur", "rate_day")
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | KEYS | st.just("delayed")
ODD = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20
)


@settings(deadline=None, max_examples=300)
@given(ODD)
def test_odd_findings_break_nothing(value: Any) -> None:
    worth.read(value)

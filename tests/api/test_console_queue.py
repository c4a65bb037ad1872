"""The queue at the console: what waits, in which order, and how it is found."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.visitor import filed, hold, signed_in, words


def case(api: Api, number: int, **item: Any) -> dict[str, Any]:
    return filed(api, source_key=f"key-{number}", title=f"Invoice 2026-{number}", invoice_id=f"INV-{number}", **item)


def listed(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, words(response)[:500]
    return re.findall(r'<th scope="row"[^>]*>\s*<a href="/console/recommendations/([^"]+)"', response.text)


def counts(response: httpx.Response) -> dict[str, int]:
    found = re.findall(r'<li><a href="/console/queue[^"]*"[^>]*>([A-Za-z ]+?) <span class="count">(\d+)', response.text)
    return {name: int(count) for name, count in found}


def test_one_line_says_what_it_is(api: Api) -> None:
    hold(api, amount="30000.00", risk="high")
    page = signed_in(api, "controller").get("/console/queue")
    said = words(page)
    for expected in (
        "Invoice 2026-1", "Supplier One · price variance", "Hold payment", "30,000.00 EUR", "High", "due in 47 hours",
        "Controller, Reviewer", "yours to sign",
    ):  # fmt: skip
        assert expected in said, expected
    assert '<time datetime="20' in page.text


def test_the_most_urgent_comes_first(api: Api) -> None:
    first, second, third = (case(api, number) for number in (1, 2, 3))
    for made, hours in ((first, 9), (second, -2), (third, 3)):
        api.world.scalar(
            "UPDATE cs.recommendations SET sla_due_at = now() + make_interval(hours => %s) WHERE id = %s RETURNING 1",
            hours,
            made["id"],
        )
    page = signed_in(api, "reviewer").get("/console/queue")
    assert listed(page) == [second["id"], third["id"], first["id"]]
    said = words(page)
    assert "2 hours late" in said
    assert "due in 2 hours" in said
    assert 'class="due late"' in page.text
    assert 'class="due soon"' in page.text
    assert 'class="due calm"' in page.text


def test_filters_stand_in_the_address(api: Api) -> None:
    one = case(api, 1)
    two = hold(api, source_key="key-2", title="Ärger mit 100%_Straße")
    api.world.decide("reviewer", two, "reject", reason_code="wrong_data")
    visitor = signed_in(api, "reviewer")
    get = visitor.get
    assert listed(get("/console/queue")) == [one["id"]]
    assert counts(get("/console/queue")) == {
        "All queues": 1, "Accounts payable": 1, "Order to cash": 0, "Record to report": 0, "Customer onboarding": 0,
        "Partner settlement": 0, "Governance": 0,
    }  # fmt: skip
    assert listed(get("/console/queue?queue=accounts_payable&state=&q=")) == [one["id"]]
    assert listed(get("/console/queue?queue=order_to_cash")) == []
    assert listed(get("/console/queue?state=rejected")) == [two["id"]]
    assert listed(get("/console/queue?state=any")) == [two["id"], one["id"]]
    for found in ("ärger", "100%_", "key-2", two["id"], two["case_id"], "PRICE_VARIANCE"):
        assert listed(visitor.http.get("/console/queue", params={"state": "any", "q": found})) == [two["id"]], found
    for plain in ("' OR 1=1 --", "\\", "%%", "__"):
        assert listed(visitor.http.get("/console/queue", params={"state": "any", "q": plain})) == [], plain
    assert listed(get("/console/queue?q=supplier+one")) == [one["id"]]
    kept = get("/console/queue?queue=accounts_payable&state=rejected&q=straße")
    assert 'value="straße"' in kept.text
    assert '<option value="rejected" selected>' in kept.text
    assert counts(kept)["All queues"] == 1


@pytest.mark.parametrize("query", ["queue=cash", "state=lost", "q=%00", "q=" + "a" * 300, "cursor=abc", "queue=%ff"])
def test_filters_that_are_none(api: Api, query: str) -> None:
    response = signed_in(api, "reviewer").get(f"/console/queue?{query}")
    assert response.status_code == 400
    assert "Go to the queue" in words(response)


def test_empty(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    assert "Every recommendation has been decided." in words(visitor.get("/console/queue"))
    assert "No recommendation fits these filters." in words(visitor.get("/console/queue?q=x"))


@pytest.mark.parametrize("state", ["", "any"])
def test_pages_show_every_item_once(api: Api, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.console.queue.PAGE", 2)
    made = [case(api, number)["id"] for number in range(5)]
    # The same moment for all: the order must still be one.
    api.world.scalar(
        "UPDATE cs.recommendations SET created_at = now(), sla_due_at = now() WHERE tenant = %s RETURNING 1",
        api.world.tenant,
    )
    visitor = signed_in(api, "reviewer")
    address: str | None = f"/console/queue?state={state}"
    seen: list[str] = []
    while address is not None:
        page = visitor.get(address)
        rows = listed(page)
        assert 1 <= len(rows) <= 2
        seen += rows
        following = re.search(r'<a href="([^"]+)" rel="next">', page.text)
        address = following[1].replace("&amp;", "&") if following else None
    assert sorted(seen) == sorted(made)
    assert "Back to the start" in words(page)


def test_another_tenants_items_are_not_there(api: Api, start: Any) -> None:
    case(start(), 1)
    page = signed_in(api, "reviewer").get("/console/queue?state=any")
    assert listed(page) == []
    assert counts(page)["All queues"] == 0


def test_a_seat_is_yours_only_where_you_may_hold_it(api: Api) -> None:
    made = case(api, 1)
    for who, mine in (("reviewer", True), ("controller", False), ("analyst", False), ("auditor", False)):
        assert ("yours to sign" in words(signed_in(api, who).get("/console/queue"))) is mine, who
    new = api.world.decide("reviewer", made, "override", action={"name": "refer_to_person", "args": {"reason": "look"}})
    assert new["state"] == "overridden"
    assert "yours to sign" not in words(signed_in(api, "reviewer").get("/console/queue"))
    assert "yours to sign" in words(signed_in(api, "reviewer2").get("/console/queue"))

"""The collections queue in a real browser: open to everybody, nothing beyond the edge, reached by keyboard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.action import Action
from tests.api.conftest import Api
from tests.api.test_console_browser import Open, sign_in, sound
from tests.api.test_console_browser import chromium as chromium
from tests.api.test_console_browser import pytestmark as pytestmark
from tests.api.test_console_browser import tab as tab
from tests.api.test_console_collections import TODAY, found, overdue


def a_full_queue(api: Api) -> None:
    overdue(api, "R-1", "9.50")
    overdue(api, "R-2", None, currency="USD")
    until = (TODAY + timedelta(days=7)).isoformat()
    held = found("0.00")
    held["collections"]["control"] = {"group": "delayed", "propensity": "0.05", "share": "0.05", "delayed_to": until}
    overdue(api, "R-3", None, action=Action("wait_until", {"date": until, "reason": "x"}), findings=held)
    rows = [
        {"invoice_id": f"I-{n}", "customer_id": "C-1", "posting_date": "2026-01-01", "due_date": "2026-02-01",
         "amount": "1234567.89", "currency": currency}
        for n, currency in enumerate(("EUR", "USD"))
    ]  # fmt: skip
    api.world.import_books("open_items", rows)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_collections_are_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    a_full_queue(api)
    page = tab(width, scheme)
    sign_in(page, api, "reviewer")
    page.get_by_role("link", name="Collections").click()
    page.get_by_role("heading", name="Collections").wait_for()
    sound(page, "the queue")
    bars = page.locator(".curve").first.locator("rect.for")
    assert bars.count() == 13
    assert bars.first.bounding_box()["height"] > 10
    table = page.get_by_role("table", name="Expected cash by week in EUR")
    assert table.get_by_role("row").count() == 15
    page.get_by_role("link", name="Customer One invoice R-1").click()
    page.get_by_role("heading", name="Expected value: 9.50 EUR").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    sound(page, "the proposal")


def test_the_filters_work_by_keyboard_alone_and_without_scripts(tab: Open, api: Api) -> None:
    a_full_queue(api)
    page = tab(1440, scripts=False)
    sign_in(page, api, "reviewer")
    page.goto("/console/collections")
    page.get_by_label("Currency").focus()
    page.keyboard.type("USD")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**currency=USD*")
    assert page.locator("table.worklist tbody tr").count() == 1

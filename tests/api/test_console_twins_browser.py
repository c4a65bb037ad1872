"""Two invoices side by side in a real browser: open to everybody, nothing beyond the edge, cards where it is narrow."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.api.test_console_browser import Open, sign_in, sound
from tests.api.test_console_browser import chromium as chromium
from tests.api.test_console_browser import pytestmark as pytestmark
from tests.api.test_console_browser import tab as tab
from tests.api.test_console_twins import suspect
from tests.api.twin_scenes import twin_findings
from tests.api.visitor import filed


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_twins_are_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    other = filed(api, source_key="key-0", title="The other one")
    made = suspect(api, twin_findings(other["case_id"]), title="Possible duplicate")
    page = tab(width, scheme)
    sign_in(page, api, "reviewer")
    page.goto(f"/console/recommendations/{made['id']}")
    sound(page, "first twin")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    sound(page, "all twins")
    table = page.get_by_role("table", name="This invoice beside the other one").first
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Invoice number"))
    cells = [cell.bounding_box() for cell in row.get_by_role("cell").all()]
    assert len({round(box["x" if width == 320 else "y"]) for box in cells}) == 1
    mark = row.locator("mark")
    assert mark.inner_text() == "."
    assert "underline" in mark.evaluate("one => getComputedStyle(one).textDecorationLine")
    page.get_by_role("link", name="Go to the case of the other one").click()
    page.get_by_role("heading", name="The other one").wait_for()

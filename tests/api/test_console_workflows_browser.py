"""The page of workflows in a real browser: open to everybody, nothing beyond the edge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import Api
from tests.api.test_console_browser import Open, sign_in, sound
from tests.api.test_console_browser import chromium as chromium
from tests.api.test_console_browser import pytestmark as pytestmark
from tests.api.test_console_browser import tab as tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_page_is_open_to_everybody(tab: Open, api: Api, width: int, scheme: str, tmp_path: Path) -> None:
    page = tab(width, scheme)
    sign_in(page, api, "reviewer")
    page.goto("/console/changes")
    page.get_by_role("link", name="workflows", exact=True).click()
    page.get_by_role("heading", name="Workflows").wait_for()
    sound(page, "workflows")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    sound(page, "workflows with everything open")
    page.screenshot(path=str(tmp_path / f"workflows-{width}-{scheme}.png"), full_page=True)

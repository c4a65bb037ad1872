"""How the model holds, in a real browser: open to everybody, nothing beyond the edge, charts of a size."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.api.test_console_browser import Open, sign_in, sound
from tests.api.test_console_browser import chromium as chromium
from tests.api.test_console_browser import pytestmark as pytestmark
from tests.api.test_console_browser import tab as tab
from tests.api.test_models_page import judged
from tests.api.test_monitoring import lived


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_page_of_models_is_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    lived(api.world, later=0.2)
    judged(api)
    page = tab(width, scheme)
    sign_in(page, api, "reviewer")
    page.get_by_role("link", name="Models").click()
    page.get_by_role("heading", name="Models").wait_for()
    sound(page, "models")
    charts = page.locator("main svg")
    assert charts.count() == 2
    assert all(box is not None and 200 < box["width"] <= 340 for box in (one.bounding_box() for one in charts.all()))
    page.get_by_role("link", name="risk calibration").click()
    page.get_by_role("heading", name="How the model held").wait_for()
    sound(page, "the proposal")

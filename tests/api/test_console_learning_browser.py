"""The pages of correction and learning in a real browser: open to everybody, nothing beyond the edge."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.api.test_console_browser import Open, sign_in, sound
from tests.api.test_console_browser import chromium as chromium
from tests.api.test_console_browser import pytestmark as pytestmark
from tests.api.test_console_browser import tab as tab
from tests.api.test_learning import VAT, page, sent


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_the_pages_of_learning_are_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    api.world.import_books("suppliers", [{"id": "S-1", "name": "Supplier One", "vat_id": VAT}])
    sent(api, page("B-2", reference="KD-7702"))
    found = sent(api, page("B-1"))
    shown = tab(width, scheme)
    sign_in(shown, api, "analyst")
    shown.goto(f"/console/cases/{found['id']}/correct")
    sound(shown, "form")
    shown.get_by_label("Due date").fill("soon")
    shown.get_by_label("Invoice number").fill("B-1")
    shown.get_by_role("button", name="Record the correction").click()
    shown.get_by_role("alert").wait_for()
    sound(shown, "refused")
    shown.get_by_label("Due date").fill("")
    shown.get_by_role("button", name="Record the correction").click()
    shown.get_by_role("status").wait_for()
    sound(shown, "learning")
    shown.get_by_role("link", name="The proposed memory").click()
    shown.get_by_role("heading", name="On documents on record").wait_for()
    sound(shown, "proposal")
    shown.goto(f"/console/cases/{found['id']}/correct")
    sound(shown, "corrected so far")

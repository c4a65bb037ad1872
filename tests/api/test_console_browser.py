"""The console in a real browser: Debian's Chromium, with and without scripts, narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.action import Action
from governance.policy import standard_policy
from governance.record import changes, standing
from governance.replay import replay
from tests.api.conftest import Api
from tests.api.visitor import filed, hold

sync_api = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
axe_api = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="the Python package axe-playwright-python is not installed"
)
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {320: 640, 1440: 900}
OVERFLOW = """
() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
    [...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 5).map(e => e.tagName + '.' + e.className)
"""
# One browser at a time: its fixture holds the thread's event loop.
pytestmark = [
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"Debian's package chromium is not installed: there is no {CHROMIUM}"
    ),
    pytest.mark.xdist_group("browser"),
]

Page = Any
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any, api: Api) -> Iterator[Open]:
    """A new tab with its own cookies. Whatever it asks of another host, and every complaint, fails the test."""
    strange: list[str] = []
    contexts = []

    def asked(request: Any) -> None:
        if not request.url.startswith((api.url, "data:")):
            strange.append(request.url)

    def complained(message: Any) -> None:
        if "Content Security" in message.text:
            strange.append(message.text)

    def make(width: int = 1440, scheme: str = "light", scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=api.url,
            viewport={"width": width, "height": SIZES[width]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on(
            "request",
            lambda request: None if request.url.startswith((api.url, "data:")) else strange.append(request.url),
        )
        page.on("console", lambda message: strange.append(message.text) if "Content Security" in message.text else None)
        page.on("pageerror", lambda error: strange.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert strange == []


def sign_in(page: Page, api: Api, who: str) -> None:
    page.goto("/console")
    page.get_by_label("User id").fill(who)
    page.get_by_label("API key").fill(api.world.tokens[who])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/queue*")


def payment(api: Api, **item: Any) -> dict[str, Any]:
    action = Action("release_payment", {"invoice_id": "INV-1"})
    return filed(api, action=action, **{"exception_type": "invoice_received", "content": b"<Invoice/>", **item})


def lent(api: Api) -> None:
    """Roles lent now and later, and somebody away."""
    now, day = datetime.now(UTC), timedelta(days=1)
    for giver, taker, start in (("controller", "reviewer2", 0), ("admin2", "analyst", 1), ("reviewer", "admin2", 0)):
        with api.world.database.transaction("review", api.world.tokens[giver]) as conn:
            standing.delegate(conn, taker, giver.rstrip("2").replace("admin", "administrator"), now, now + 9 * day)
            standing.set_absence(conn, giver, now + start * day, now + 3 * day)


def policy_change(api: Api) -> str:
    """A proposal with rules added, removed and changed, and its replay."""
    old = standard_policy()
    first, *rules = old.rules
    extra = replace(first, id="Z-1 another", seats={"controller": 2})
    changed = replace(rules[0], actions=(*rules[0].actions[1:], "refer_to_person"))
    new = replace(old, rules=(extra, changed, *rules[2:], first), undo_seconds=60, source="")
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        found = replay(old, new, changes.recorded(conn, "EUR")).as_dict()
        content = {"policy": new.text, "source": "written by hand"}
        made = changes.propose(conn, "policy", "standard", content, "stricter from now on", found)
    return str(made["recommendation_id"])


def sound(page: Page, what: str) -> None:
    """No violation that axe can find, and nothing beyond the edge."""
    found = axe_api.Axe().run(page).response["violations"]
    said = [f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:300]}" for one in found]
    assert said == [], what
    assert page.evaluate(OVERFLOW) == [], what


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_every_page_is_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    task = hold(api)
    api.world.decide("reviewer2", task, "approve")
    api.deliver("manual")
    text = "Invoice\u202e 2026-1\nTotal 1,200.00 EUR\n" * 40 + "x" * 300
    made = filed(
        api, source_key="key-2", content=b"<Invoice/>", details={"delivery_note": "LS-77"},
        reading={"fields": {"invoice_number": "2026-1"}, "field_confidence": {"invoice_number": 0.93}, "text": text},
    )  # fmt: skip
    filed(api, source_key="key-3", title="A title that goes on and on " * 6, amount=None, risk="high")
    item = f"/console/recommendations/{made['id']}"
    page = tab(width, scheme)

    page.goto("/console/queue")
    sound(page, "sign in")
    page.get_by_label("User id").fill("reviewer")
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    sound(page, "not signed in")
    sign_in(page, api, "reviewer")
    sound(page, "queue")
    for path in ("/console/queue?state=any&q=invoice", "/console/queue?q=nothing", "/console/nowhere", item):
        page.goto(path)
        sound(page, path)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    sound(page, "item with everything open")
    page.get_by_role("radio", name="Send back", exact=True).check()
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_role("alert").wait_for()
    sound(page, "refused decision")
    page.goto(item + "?as=send_supplier_email")
    sound(page, "editor")
    page.goto("/console/tasks")
    sound(page, "tasks")
    page.goto(item)
    page.get_by_role("radio", name="Approve", exact=True).check()
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_role("status").wait_for()
    sound(page, "recorded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_pages_of_the_law_are_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    signed = payment(api, amount="2000000.00", source_key="key-2", title="A payment that is signed with a key")
    lent(api)
    policy = policy_change(api)
    roles = api.world.propose("admin1", "roles", "analyst2", {"roles": ["analyst", "reviewer"], "active": True})
    gone = filed(api, source_key="key-3")
    api.world.decide("reviewer", gone, "reject", reason_code="wrong_data")
    api.world.enact("admin1", "erasure", f"case:{gone['case_id']}", {})
    page = tab(width, scheme)
    sign_in(page, api, "admin2")
    paths = ["/console/changes", "/console/standing", "/console/queue?queue=governance"]
    for path in (
        *paths,
        *(f"/console/recommendations/{one}" for one in (policy, roles["id"], signed["id"], gone["id"])),
    ):
        page.goto(path)
        sound(page, path)
    page.goto("/console/standing")
    page.get_by_label("Until").first.fill("2020-01-01T08:00")
    page.get_by_label("To", exact=True).select_option("reviewer2")
    page.get_by_role("button", name="Lend it").click()
    page.get_by_role("alert").wait_for()
    sound(page, "refused to lend")


def test_a_role_is_lent_and_used_without_scripts(tab: Open, api: Api) -> None:
    payment(api, title="A payment to release")
    owner = tab(scripts=False)
    sign_in(owner, api, "controller")
    owner.get_by_role("link", name="Standing").click()
    owner.get_by_label("To", exact=True).select_option("reviewer2")
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    owner.get_by_label("Until").first.fill(until)
    owner.get_by_label("Accounts payable").check()
    owner.get_by_role("button", name="Lend it").click()
    assert "Lent: reviewer2 may sign as controller for you" in owner.get_by_role("status").inner_text()
    other = tab(scripts=False)
    sign_in(other, api, "reviewer2")
    other.get_by_role("link", name="A payment to release").click()
    with other.expect_download() as saved:
        other.get_by_role("link", name="Open the document").first.click()
    assert Path(saved.value.path()).read_bytes() == b"<Invoice/>"
    other.get_by_role("radio", name="Approve", exact=True).check()
    other.get_by_label("Approve as").select_option(label="Controller, for Controller")
    other.get_by_role("button", name="Record the decision").click()
    assert "You signed as controller for Controller." in other.get_by_role("status").inner_text()
    owner.get_by_role("button", name="Take it back").click()
    assert "that role is lent no more" in owner.get_by_role("status").inner_text()


def test_a_day_without_scripts(tab: Open, api: Api) -> None:
    """Sign in, change the letter, another person signs it, a task is confirmed: all with scripts switched off."""
    filed(api)
    held = hold(api, source_key="key-2", title="A price that differs")
    page = tab(scripts=False)
    sign_in(page, api, "reviewer")
    page.get_by_role("link", name="Invoice 2026-1").click()
    page.get_by_text("Edit the action or the letter").click()
    page.get_by_role("textbox", name="Text").fill("Dear all,\n\nwhich order was it?")
    page.get_by_role("radio", name="Approve", exact=True).check()
    page.get_by_role("button", name="Record the decision").click()
    assert "but chose “Approve”" in page.get_by_role("alert").inner_text()
    page.get_by_role("radio", name="Change", exact=True).check()
    page.get_by_role("button", name="Record the decision").click()
    assert "waits for the signatures of others" in page.get_by_role("status").inner_text()
    assert page.get_by_role("article", name="Letter").get_by_text("which order was it?").is_visible()
    page.get_by_role("link", name="Queue").first.click()
    page.get_by_role("link", name="A price that differs").click()
    page.get_by_text("Edit the action or the letter").click()
    page.get_by_label("Action").select_option("refer_to_person")
    page.get_by_role("button", name="Show its fields").click()
    assert page.get_by_role("radio", name="Change", exact=True).is_checked()
    page.get_by_role("textbox", name="Reason").fill("ask the buyer")
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_role("heading", name="Recommended: Refer to person").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    other = tab(scripts=False)
    sign_in(other, api, "reviewer2")
    other.get_by_role("link", name="A price that differs").click()
    other.get_by_role("radio", name="Approve", exact=True).check()
    other.get_by_role("button", name="Record the decision").click()
    assert "Every seat is filled" in other.get_by_role("status").inner_text()
    api.deliver("manual")
    other.get_by_role("link", name="Tasks").click()
    other.get_by_role("radio", name="I did it").check()
    other.get_by_role("button", name="Record it").click()
    assert "the case is now done" in other.get_by_role("status").inner_text()
    assert api.world.recommendation(held["id"])["case_state"] == "done"


def test_by_keyboard_alone(tab: Open, api: Api) -> None:
    made = filed(api)
    page = tab()
    sign_in(page, api, "reviewer")
    press = page.keyboard.press

    def focused() -> str:
        text: str = page.evaluate("(document.activeElement.innerText || document.activeElement.value || '').trim()")
        return text

    press("Tab")
    assert focused() == "Skip to the content"
    assert page.get_by_text("Skip to the content").bounding_box()["y"] >= 0
    press("Enter")
    for _ in range(20):
        press("Tab")
        if focused() == made["title"]:
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert (focused(), outline) == (made["title"], "solid")
    press("Enter")
    page.wait_for_url("**/recommendations/*")
    page.get_by_role("radio", name="Approve", exact=True).focus()
    press("ArrowRight")
    assert page.get_by_role("radio", name="Change", exact=True).is_checked()
    press("ArrowLeft")
    press("Enter")
    page.get_by_role("status").wait_for()
    # Who cannot see the page is told by where the focus is.
    assert focused().startswith("You signed as reviewer.")


def test_narrow_tables_are_cards_and_still_tables(tab: Open, api: Api) -> None:
    hold(api, amount="30000.00")
    page = tab(320)
    sign_in(page, api, "reviewer")
    row = page.get_by_role("table").get_by_role("row").nth(1)
    assert row.get_by_role("cell", name="30,000.00 EUR").is_visible()
    boxes = [cell.bounding_box() for cell in row.get_by_role("cell").all()]
    assert len({box["x"] for box in boxes}) == 1
    assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes)


def test_scripts_cannot_read_the_cookie(tab: Open, api: Api) -> None:
    page = tab()
    sign_in(page, api, "reviewer")
    assert page.evaluate("document.cookie") == ""
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "countersign"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"


@pytest.mark.parametrize("known", [True, False])
def test_a_link_in_a_mail_leads_to_the_item(tab: Open, api: Api, known: bool) -> None:
    made = filed(api)
    page = tab()
    if known:
        sign_in(page, api, "reviewer")
    link = f'<a href="{api.url}/console/recommendations/{made["id"]}">Look at this</a>'
    page.goto(f"data:text/html,{link}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="Look at this").click()
    if known:
        page.get_by_role("heading", name=made["title"]).wait_for()
    else:
        page.wait_for_url("**followed=1")
        assert page.get_by_role("heading", name="Sign in").is_visible()
        page.wait_for_timeout(500)
    assert len([url for url in asked if "/recommendations/" in url]) == 2


def test_another_site_cannot_decide(tab: Open, api: Api) -> None:
    made = filed(api)
    page = tab()
    sign_in(page, api, "reviewer")
    address = f"{api.url}/console/recommendations/{made['id']}"
    fields = f"<input name=decision value=approve><input name=digest value={made['digest']}>"
    page.goto(f"data:text/html,<form method=post action='{address}'>{fields}<button>Win a prize</button></form>")
    page.get_by_role("button").click()
    page.wait_for_url(address)
    assert page.get_by_role("heading", name="Sign in").is_visible()
    assert api.world.recommendation(made["id"])["state"] == "awaiting_review"


def test_no_frame_may_hold_it(tab: Open, api: Api) -> None:
    page = tab()
    page.goto(f"data:text/html,<iframe src='{api.url}/console/sign-in'></iframe>")
    page.wait_for_timeout(500)
    assert not any(frame.url.startswith(api.url) for frame in page.frames)

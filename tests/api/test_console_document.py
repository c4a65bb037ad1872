"""The pages of a document in the console: what was read stands framed, who may read the case may see it, and to see it
is to have opened it."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from api.console import sheets
from api.intake.render import PagePictures, Pages, has_pages
from api.intake.render_child import HEIGHT, WIDTH
from governance.action import Action
from governance.errors import NotFound, Unreadable
from tests.api.conftest import Api, problem_of
from tests.api.test_console_browser import Open, Page, chromium, pytestmark, sign_in, sound, tab
from tests.api.visitor import FINDINGS, filed, forms, signed_in, words

in_a_browser = pytestmark[0]
__all__ = ["chromium", "tab"]

LINES = {
    "supplier": (60, 80, "Nordlicht Energie GmbH"),
    "invoice_number": (60, 140, "Invoice 2026-1"),
    "total_amount": (380, 500, "Total 1,200.00 EUR"),
    "iban": (60, 700, "IBAN DE02 1203 0000 0000 2020 51"),
}
VALUES = {
    "supplier": "Nordlicht Energie GmbH", "invoice_number": "2026-1", "total_amount": "1200.00", "currency": "EUR",
    "iban": "DE02120300000000202051",
}  # fmt: skip


def pdf(pages: int = 2, size: tuple[float, float] = (595, 842)) -> bytes:
    """A bill whose lines stand at LINES, in points from the top left corner of its first page."""
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=size)
    for number in range(pages):
        for left, top, line in LINES.values() if number == 0 else [(60, 80, f"Page {number + 1}")]:
            canvas.drawString(left, size[1] - top, line)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def reading(**more: Any) -> dict[str, Any]:
    evidence = {
        name: {"page": 1, "box": [left, top - 12, left + 140, top + 4], "text": line}
        for name, (left, top, line) in LINES.items()
    }
    return {
        "document_class": "invoice",
        "fields": VALUES,
        "field_confidence": {"supplier": 0.99, "invoice_number": 0.86, "total_amount": 0.61, "iban": 0.98},
        "evidence": evidence,
        "alternatives": {"total_amount": ["1008.40"]},
        "warnings": ["iban: the document names 2 accounts", "several pages are turned"],
        "findings": [
            {"code": "xml_text_mismatch", "level": "contested", "fields": ["invoice_number"], "values": {},
             "detail": "invoice_number: the data says 2026-1, the page says 2026-7", "evidence": {}},
        ],
        "text": "Nordlicht",
        **more,
    }  # fmt: skip


MATCH = {
    "outcome": "bank_details_differ", "supplier_id": "S-1", "supplier": "Supplier One", "evidence": ["vat_id", "name"],
    "account": "other_supplier", "account_owner": "S-2", "candidates": [], "findings": ["account_of_another"],
}  # fmt: skip


def bill(api: Api, **item: Any) -> dict[str, Any]:
    """A payment that waits for people, with its PDF; policy wants the document opened."""
    document = {**FINDINGS["document"], "warnings": reading()["warnings"], "supplier_match": MATCH}
    values: dict[str, Any] = {
        "content": pdf(), "media_type": "application/pdf", "name": "bill.pdf", "reading": reading(),
        "exception_type": "invoice_received", "findings": {**FINDINGS, "document": document},
        "action": Action("release_payment", {"invoice_id": "INV-1"}), **item,
    }  # fmt: skip
    return filed(api, **values)


def test_the_pages_come_when_somebody_asks_for_them(api: Api) -> None:
    made = bill(api)
    visitor = signed_in(api, "reviewer")
    closed = visitor.item(made["id"])
    assert "/pages/1" not in closed.text
    assert "<svg" not in closed.text
    opened = visitor.item(made["id"], "?pages=1")
    said = words(opened)
    assert opened.text.count("<figure") == 2
    assert opened.text.count("<rect") == 4
    assert "style=" not in opened.text
    assert f"/console/cases/{made['case_id']}/pages/1" in opened.text
    for expected in (
        "Nordlicht Energie GmbH sure, 99 %", "page 1", "1200.00 not sure, 61 % page 1 Or: 1008.40",
        "The document names 2 accounts", "2026-1 contested: compare before anything is done",
        "The data says 2026-1, the page says 2026-7", "several pages are turned",
        "Supplier: in the books, with other bank details", "Supplier One (S-1)", "VAT id, name",
        "one of another supplier", "Page 2 of 2",
    ):  # fmt: skip
        assert expected in said, expected
    # What is said of a field stands beside it, and not a second time above.
    assert said.count("The document names 2 accounts") == 1


def test_a_picture_is_for_who_may_read_the_case(api: Api, start: Any) -> None:
    made = bill(api)
    path = f"/console/cases/{made['case_id']}/pages/1"
    visitor = signed_in(api, "auditor")
    shown = visitor.get(path)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert shown.headers["cache-control"] == "private, no-cache"
    assert shown.headers["x-content-type-options"] == "nosniff"
    with Image.open(io.BytesIO(shown.content)) as picture:
        assert picture.size == (WIDTH, round(WIDTH * 842 / 595))
    again = visitor.http.get(path, headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert visitor.get(path.replace("pages/1", "pages/3")).status_code == 404
    for wrong in ("pages/0", "pages/-1", "pages/x", "pages/99999"):
        assert visitor.get(path.replace("pages/1", wrong)).status_code in (400, 404, 422)
    visitor.sign_out()
    assert visitor.http.get(path, headers={"If-None-Match": shown.headers["etag"]}).status_code == 401
    assert signed_in(start(), "auditor").get(path).status_code == 404, "another tenant"


def test_to_look_at_a_page_is_to_have_opened_the_document(api: Api) -> None:
    made = bill(api)
    visitor = signed_in(api, "reviewer")
    refused = visitor.decide(made["id"], "approve", "?pages=1")
    assert "open the document before you approve" in words(refused), "a page without its picture shows nothing"
    visitor.get(f"/console/cases/{made['case_id']}/pages/2")
    visitor.follow(visitor.decide(made["id"], "approve"))
    seats = api.world.recommendation(made["id"])["seats"]
    assert [seat["filled_by"] for seat in seats if seat["role"] == "reviewer"] == ["reviewer"]
    other = signed_in(api, "controller")
    assert "open the document" in words(other.decide(made["id"], "approve")), "somebody else opened it"


def test_a_document_that_was_replaced_is_not_shown_under_the_old_facts(api: Api) -> None:
    made = bill(api)
    api.world.accept(
        content=pdf(3), media_type="application/pdf", reading=reading(), exception_type="invoice_received",
        amount="1300.00",
    )  # fmt: skip
    page = signed_in(api, "reviewer").item(made["id"], "?pages=1")
    assert "The document was replaced by another one" in words(page)
    assert "<figure" not in page.text


def test_the_api_gives_pages_too(api: Api) -> None:
    made = bill(api)
    path = f"/v1/cases/{made['case_id']}/pages/1"
    client = api.of("reviewer")
    shown = client.get(path)
    assert (shown.status_code, shown.content[:8]) == (200, b"\x89PNG\r\n\x1a\n")
    assert client.get(path, headers={"If-None-Match": shown.headers["etag"]}).status_code == 304
    problem_of(client.get(path.replace("pages/1", "pages/3")), 404, "not-found")
    problem_of(api.of(None).get(path), 401, "unauthenticated")
    problem_of(client.get(path.replace("pages/1", "pages/0")), 400, "malformed")
    assert api.decide("reviewer", made, "approve").status_code == 200, "a page was opened"
    row = filed(api, source_key="key-2", content=b"<Invoice/>")
    problem_of(client.get(f"/v1/cases/{row['case_id']}/pages/1"), 404, "not-found")
    stored = client.get(f"/v1/cases/{made['case_id']}").json()["reading"]
    assert stored["evidence"]["iban"]["page"] == 1


def test_an_erased_document_says_so(api: Api) -> None:
    made = bill(api)
    api.world.decide("reviewer", made, "reject", reason_code="wrong_data")
    api.world.enact("admin1", "erasure", f"case:{made['case_id']}", {})
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"], "?pages=1")
    assert (page.status_code, "<figure" in page.text) == (200, False)
    assert "The document of this case was erased" in words(page)
    gone = visitor.get(f"/console/cases/{made['case_id']}/pages/1")
    assert (gone.status_code, "was erased" in words(gone)) == (404, True)


VAST = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
START = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize(
    ("content", "words_said"),
    [
        (b"%PDF-1.7 nothing", "it is damaged"),
        (pdf()[:300], "it is damaged"),
        (b"\x89PNG\r\n\x1a\nnothing", "it is damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\r" + VAST + struct.pack(">I", zlib.crc32(VAST)) + START, "more memory"),
        (b"II*\0" + b"\xff" * 40, "it is damaged"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(content: bytes, words_said: str) -> None:
    pictures = PagePictures()
    try:
        with pytest.raises(Unreadable, match=words_said):
            pictures.pages(content)
        with pytest.raises(Unreadable, match=words_said):
            pictures.png(content, 1)
        assert pictures.pages(pdf()).count == 2, "its neighbour is shown"
    finally:
        pictures.close()


def test_pages_of_any_size_fit() -> None:
    pictures = PagePictures()
    try:
        for size in ((595, 842), (842, 595), (14_000, 14_000), (20, 5_000), (3_000, 4)):
            content = pdf(1, size)
            shown = pictures.pages(content)
            assert shown == Pages(1, ((float(size[0]), float(size[1])),))
            with Image.open(io.BytesIO(pictures.png(content, 1))) as picture:
                assert picture.width <= WIDTH
                assert picture.height <= HEIGHT
        scan = io.BytesIO()
        Image.new("RGB", (2480, 3508), "white").save(scan, "JPEG", dpi=(300, 300))
        assert pictures.pages(scan.getvalue()).sizes == ((595.2, 841.9),)
        stack = io.BytesIO()
        Image.new("L", (100, 200)).save(stack, "TIFF", save_all=True, append_images=[Image.new("L", (200, 100))])
        assert pictures.pages(stack.getvalue()).count == 2
        assert pictures.png(stack.getvalue(), 2)[:4] == b"\x89PNG"
        with pytest.raises(NotFound):
            pictures.png(stack.getvalue(), 3)
    finally:
        pictures.close()


def test_only_pages_are_drawn() -> None:
    for content in (b"", b"<Invoice/>", b"PK\x03\x04", zlib.compress(b"x"), b"From: a@b"):
        assert not has_pages(content)
    assert has_pages(pdf())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 9) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.fixed_dictionaries({"page": JSON, "box": st.lists(st.floats() | st.integers() | JSON, max_size=5)}) | JSON


@settings(deadline=None, max_examples=150)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "fields": st.dictionaries(st.sampled_from([*VALUES, "strange"]), JSON) | JSON,
            "field_confidence": st.dictionaries(st.sampled_from(list(VALUES)), JSON) | JSON,
            "evidence": st.dictionaries(st.sampled_from(list(VALUES)), PLACES) | JSON,
            "alternatives": JSON, "warnings": JSON, "findings": st.lists(JSON, max_size=3) | JSON,
        },
    ),
    st.lists(st.sampled_from([(595.0, 842.0), (0.0, 0.0), (3000.0, 4.0), (1.0, 20_000.0)]), max_size=3),
)  # fmt: skip
def test_no_reading_is_too_strange_to_show(strange: dict[str, Any], sizes: list[tuple[float, float]]) -> None:
    document = sheets.read(strange, ["x"], Pages(len(sizes), tuple(sizes)))
    for sheet in document.sheets:
        for frame in sheet.frames:
            assert sheet.height is not None
            assert 0 <= frame.left <= frame.left + frame.width <= sheets.WIDTH + 10
            assert frame.top >= 0
            assert frame.height > 0
    numbers = [one.number for one in document.fields if one.number is not None]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_frame_stands_where_the_words_stand() -> None:
    document = sheets.read(reading(), (), Pages(2, ((595.0, 842.0), (595.0, 842.0))))
    total = next(one for one in document.sheets[0].frames if one.field.key == "total_amount")
    left, top = LINES["total_amount"][:2]
    unit = sheets.WIDTH / 595
    assert total.left <= left * unit <= total.left + total.width
    assert total.top <= (top - 6) * unit <= total.top + total.height
    assert document.sheets[1].frames == ()
    elsewhere = {"page": 2, "box": [60, 70, 160, 84]}
    rival = {"code": "x", "level": "contested", "fields": ["currency"], "detail": "the page says CHF"}
    framed = sheets.read(reading(findings=[{**rival, "evidence": elsewhere}]), (), Pages(2, ((595.0, 842.0),) * 2))
    (frame,) = framed.sheets[1].frames
    assert frame.field.key == "currency"
    assert frame.field.contested
    assert frame.field.place is not None
    assert frame.field.place.rival
    turned = sheets.read(reading(warnings=["page 1 was turned by 90 degrees"]), (), Pages(1, ((595.0, 842.0),)))
    assert turned.sheets[0].frames == (), "a frame would stand elsewhere than the words"


def test_more_pages_than_are_shown_are_told(api: Api) -> None:
    made = bill(api, content=pdf(sheets.MOST_PAGES + 2))
    page = signed_in(api, "reviewer").item(made["id"], "?pages=1")
    assert page.text.count("<figure") == sheets.MOST_PAGES
    assert "The first 10 of 12 pages are shown" in words(page)
    assert forms(page), "the decision can still be made"


def looked_at(page: Page, made: dict[str, Any]) -> None:
    page.goto(f"/console/recommendations/{made['id']}")
    page.get_by_role("link", name="Show the pages").click()
    page.wait_for_url("**pages=1**")
    page.locator(".paper img").first.scroll_into_view_if_needed()
    for _ in range(100):
        if page.evaluate("(i => i.complete && i.naturalWidth > 0)(document.querySelector('.paper img'))"):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the picture did not come")


STROKE = "name => getComputedStyle(document.querySelector(`.b-${name} rect`)).strokeWidth"
GROUND = "name => getComputedStyle(document.querySelector(`.f-${name}`)).backgroundColor"


@in_a_browser
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_pages_are_open_to_everybody(tab: Open, api: Api, width: int, scheme: str) -> None:
    made = bill(api)
    page = tab(width, scheme)
    sign_in(page, api, "reviewer")
    looked_at(page, made)
    sound(page, "pages")
    picture, places = page.locator(".paper img").first.bounding_box(), page.locator(".paper svg").first.bounding_box()
    assert {name: round(value) for name, value in picture.items()} == {
        name: round(value) for name, value in places.items()
    }


@in_a_browser
@pytest.mark.xdist_group("browser")
def test_a_field_and_its_frame_light_up_together(tab: Open, api: Api) -> None:
    page = tab()
    sign_in(page, api, "reviewer")
    looked_at(page, bill(api))
    calm, bright = page.evaluate(STROKE, "iban"), page.evaluate(GROUND, "iban")
    page.locator(".f-iban dd").hover()
    assert page.evaluate(STROKE, "iban") != calm
    assert page.evaluate(STROKE, "supplier") == calm
    page.locator(".b-total_amount rect").hover()
    assert page.evaluate(GROUND, "total_amount") != bright
    assert page.evaluate(STROKE, "iban") == calm
    # By keyboard: from the list to the frame and back.
    page.locator(".f-iban a").focus()
    assert page.evaluate(STROKE, "iban") != calm
    page.keyboard.press("Enter")
    assert page.url.endswith("#frame-4")
    page.locator(".b-iban").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#field-4")
    assert page.evaluate(STROKE, "iban") != calm
    names = [frame.get_attribute("aria-label") for frame in page.locator(".paper a").all()]
    # What is contested is drawn last, above the others.
    assert names[2:] == ["4: IBAN, DE02120300000000202051", "2: Invoice number, 2026-1"]


@in_a_browser
@pytest.mark.xdist_group("browser")
def test_pages_are_seen_and_signed_without_scripts(tab: Open, api: Api) -> None:
    made = bill(api)
    page = tab(scripts=False)
    sign_in(page, api, "reviewer")
    page.goto(f"/console/recommendations/{made['id']}")
    with page.expect_response("**/pages/1") as answered:
        page.get_by_role("link", name="Show the pages").click()
    assert answered.value.status == 200
    assert page.get_by_role("img", name="Page 1 as a picture").is_visible()
    page.get_by_role("radio", name="Approve", exact=True).check()
    page.get_by_role("button", name="Record the decision").click()
    assert "You signed" in page.get_by_role("status").inner_text()

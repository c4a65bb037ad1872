"""Likely twins on the page: both side by side, what differs marked, and nothing that odd findings can break."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from api.commands import case
from api.console import twins
from api.console.twins import Mark
from governance.action import Action
from tests.api.conftest import Api
from tests.api.twin_scenes import twin_findings
from tests.api.visitor import FINDINGS, filed, signed_in, words

MARK = Action("mark_duplicate", {"invoice_id": "INV-1", "duplicate_of": "AP-000123"})


def suspect(api: Api, found: list[dict[str, Any]], **item: Any) -> dict[str, Any]:
    values = {"exception_type": "duplicate_suspect", "source_key": "key-9", **item}
    return filed(api, action=MARK, findings={**FINDINGS, "duplicates": found}, **values)


def test_a_page_tells_two_invoices_apart(api: Api) -> None:
    other = filed(api, source_key="key-0", title="The other one")
    made = suspect(api, twin_findings(other["case_id"]))
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"])
    said = words(page)
    for expected in (
        "Earlier invoice 265-008542 (AP-000123)", "99 % likely the same", "Number written otherwise",
        "If they are one: the other one was paid on 2026-11-12 (1200.00 EUR): this one is not to be paid as well.",
        "This invoice: Not paid", "The other one: Paid Was paid on 2026-11-12 (1200.00 EUR)",
        "6 of 13 fields are the same", "Missing there", "DE02 … 2051", "DE89 … 3000",
        "What speaks for one bill Numbers 265-008542. and 265-008542 have the same digits",
        "What speaks against it Different bank accounts This amount recurs about monthly (11 times)",
        "Invoice number for +4.3", "Payment details against \u22120.6",
        "An exact check on supplier, number, date and amount would not have found this: the number differs by a "
        "trailing dot and the date differs by 4 days.",
        "3 documents of one bill, 2400.00 EUR at risk", "AP-000123, AP-000200, INV-1",
        "Later invoice A 77[U+200B]41 (AP-000300)", "61 % likely the same", "New number", "Lower confidence",
        "This supplier bills 1200.00 EUR monthly approved by controller, holds until 2027-06-30",
        "Without it, the two were 90 % likely the same.", "The other one: On hold",
    ):  # fmt: skip
        assert expected in said, expected
    assert "<bdi>265-008542<mark>.</mark></bdi>" in page.text
    assert "DE02120300000000202051" not in page.text.split('<h2 id="facts">')[0]
    assert said.count("This supplier bills 1200.00 EUR monthly") == 1
    assert "style=" not in page.text
    followed = visitor.get(f"/console/cases/{other['case_id']}")
    assert followed.status_code == 303
    assert followed.headers["location"] == f"/console/recommendations/{other['id']}"


def test_a_case_without_a_recommendation_has_no_page(api: Api) -> None:
    waiting = api.world.accept(source_key="key-7")
    visitor = signed_in(api, "reviewer")
    for case_id in (waiting["case_id"], "11111111-1111-1111-1111-111111111111"):
        page = visitor.get(f"/console/cases/{case_id}")
        assert page.status_code == 404
        assert "There is no recommendation for this case yet" in words(page)


def test_findings_of_an_older_program_are_shown_as_they_were(api: Api) -> None:
    made = suspect(api, FINDINGS["duplicates"])
    said = words(signed_in(api, "reviewer").item(made["id"]))
    assert "Earlier invoice 2026-1 (INV-0)" in said
    assert "91 % likely the same" in said
    assert "1200.00" in said
    assert "What each field adds" not in said


def test_markup_in_a_text_is_text(api: Api) -> None:
    (one, *_) = twin_findings()
    field = {"name": "description", "own": "<img src=x>", "twin": "<b>", "agreement": "differs",
             "segments": [["own", "<img src=x>"], ["twin", "<b>"]]}  # fmt: skip
    made = suspect(api, [{**one, "fields": [field], "reasons": ["<script>"], "case_id": "../../tasks"}])
    page = signed_in(api, "reviewer").item(made["id"])
    assert "<mark>&lt;img src=x&gt;</mark>" in page.text
    assert "<script>" not in page.text
    assert "<b>" not in page.text
    assert "../../tasks" not in page.text


def test_marks_that_do_not_make_up_the_text_are_left_out() -> None:
    field = {"name": "invoice_number", "own": "12", "twin": "13", "agreement": "differs",
             "segments": [["same", "9"], ["own", "2"], ["twin", "3"]]}  # fmt: skip
    ((line,),) = [one.lines for one in twins.read([{"fields": [field]}])]
    assert (line.own, line.twin) == ((Mark("12"),), (Mark("13"),))
    blank = {**field, "own": "1 2", "twin": "12", "segments": [["same", "1"], ["own", " "], ["same", "2"]]}
    ((line,),) = [one.lines for one in twins.read([{"fields": [blank]}])]
    assert line.own == (Mark("1"), Mark("\u2423", True, "space"), Mark("2"))
    assert line.twin == (Mark("1"), Mark("2"))


@pytest.mark.parametrize(
    ("adds", "start", "width"),
    [([2.0, 1.0], [100.0, 100.0], [100.0, 50.0]), ([1.0, -4.0], [100.0, 0.0], [25.0, 100.0])],
)
def test_bars_stay_on_their_scale(adds: list[float], start: list[float], width: list[float]) -> None:
    (one,) = twins.read([{"parts": [{"field": "number", "adds": value} for value in adds]}])
    assert ([bar.start for bar in one.bars], [bar.width for bar in one.bars]) == (start, width)


def test_the_command_line_shows_twins(capsys: pytest.CaptureFixture[str]) -> None:
    for twin in [*twin_findings(), {**FINDINGS["duplicates"][0], "invoice_number": "\x1b[31m7"}]:
        case._print_twin(Console(highlight=False, markup=False, soft_wrap=True), twin)
    said = capsys.readouterr().out
    for expected in (
        "Possible twin 265-008542 (earlier), 99% likely the same\n", "booked as        AP-000123",
        "the other one    was paid on 2026-11-12 (1200.00 EUR)",
        "this one         is not paid as far as the books know",
        "if they are one  the other one was paid", "exact check      an exact check on supplier",
        "invoice number   265-008542. | 265-008542\n", "purchase order   PO-77120 | missing\n",
        "same             amount, currency, supplier id, tax id, entity, document type\n",
        "but: different bank accounts", "61% likely the same, under a new number: lower confidence", " [31m7",
    ):  # fmt: skip
        assert expected in said, expected
    assert "\x1b" not in said


KEYS = st.sampled_from(
    ("fields", "parts", "reasons", "own_state", "twin_state", "exact_check", "remedy", "group", "memory", "segments",
     "name", "own", "twin", "agreement", "adds", "field", "says", "state", "members", "more", "words", "approved_by",
     "probability", "case_id", "kind", "queue", "same", "differs")
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | KEYS
ODD = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=30
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.dictionaries(KEYS, ODD, max_size=8), max_size=3))
def test_odd_findings_break_nothing(found: list[Any]) -> None:
    for one in twins.read(found):
        assert one.title
        assert all(0 <= bar.start <= 200 and 0 < bar.width <= 100 for bar in one.bars)

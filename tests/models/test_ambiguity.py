"""What a page leaves open is said: two values beside one label, days and months in either order."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.extraction import Extraction, extract

BILL = """Harbour Tools Ltd
1 Quay Street, Bristol
Invoice no. 4711
Invoice date {day}
Goods as ordered
Total £120.00
"""


def read(text: str) -> Extraction:
    (found,) = extract([text])
    return found


def test_one_number_is_sure() -> None:
    found = read(BILL.format(day="14 March 2026"))
    assert found.fields["invoice_number"] == "4711"
    assert (found.field_confidence["invoice_number"] or 0) > 0.9
    assert not any(note.startswith("invoice_number: it could") for note in found.warnings)


@pytest.mark.parametrize(
    ("name", "first", "again", "other"),
    [
        ("invoice_number", "Invoice no. 4711", "Invoice no. 4712", "4712"),
        ("total_amount", "Total £120.00", "Total £130.00", "130.00"),
        ("total_amount", "Total £120.00", "Total £130.00", "120.00"),
    ],
)
def test_two_values_beside_the_same_label_have_no_confidence(name: str, first: str, again: str, other: str) -> None:
    found = read(BILL.format(day="14 March 2026").replace(first, f"{first}\n{again}"))
    said = {found.fields[name], *found.alternatives[name]}
    assert other in said
    assert found.field_confidence[name] is None
    assert any(note.startswith(f"{name}: it could also be") for note in found.warnings)


def test_the_same_value_twice_is_no_doubt() -> None:
    found = read(BILL.format(day="14 March 2026") + "Invoice no. 4711\n")
    assert found.field_confidence["invoice_number"] is not None


@settings(max_examples=60, deadline=None)
@given(day=st.dates(date(2015, 1, 1), date(2030, 12, 31)), mark=st.sampled_from("/-"))
def test_a_day_that_could_be_a_month_is_never_sure(day: date, mark: str) -> None:
    """Where both orders give a day, both are said and none is sure; where one does, it is read."""
    found = read(BILL.format(day=day.strftime(f"%d{mark}%m{mark}%Y")))
    if day.day <= 12 and day.day != day.month:
        turned = day.replace(day=day.month, month=day.day)
        assert found.fields["issue_date"] in (day.isoformat(), turned.isoformat())
        assert {day.isoformat(), turned.isoformat()} <= {found.fields["issue_date"], *found.alternatives["issue_date"]}
        assert found.field_confidence["issue_date"] is None
        assert any("order of day and month" in note for note in found.warnings)
    else:
        assert found.fields["issue_date"] == day.isoformat()
        assert found.field_confidence["issue_date"] is not None


def test_another_date_of_the_page_settles_the_order() -> None:
    found = read(BILL.format(day="01/02/2026") + "Due date: 28/02/2026\n")
    assert found.fields["issue_date"] == "2026-02-01"
    assert found.field_confidence["issue_date"] is not None
    assert not any("order of day" in note for note in found.warnings)

"""Days and hours of what the clock watches are the entity's own, however a session writes dates or where it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.record import outbox
from governance.record.db import Database
from tests.build import World, world


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def tick(acme: World, *settings: str) -> dict[str, Any]:
    """By a clock whose session is set so."""
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        for one in settings:
            conn.execute(f"SET LOCAL {one}".encode())
        return outbox.tick(conn)


def test_two_clocks_that_write_dates_otherwise_open_one_case(acme: World) -> None:
    task = {"id": "CT-1", "task": "Accruals", "entity": "DE01", "due_date": "2026-01-30"}
    paper = {"id": "ED-1", "document": "tax_form", "customer_id": "C-1", "entity": "DE01", "due_date": "2026-01-30"}
    acme.import_books("close_tasks", [task])
    acme.import_books("expected_documents", [paper])
    first = tick(acme, "DateStyle = 'ISO, DMY'")
    assert (first["overdue"], first["missing"]) == (1, 1)
    for style in ("German", "'SQL, MDY'", "'SQL, DMY'", "'Postgres, MDY'"):
        again = tick(acme, f"DateStyle = {style}", "TimeZone = 'Pacific/Kiritimati'")
        assert (again["overdue"], again["missing"], again["settled"]) == (0, 0, 0), style
    assert acme.scalar("SELECT count(*) FROM cs.cases WHERE source_key LIKE 'watch:%%'") == 2


# Berlin's clocks go back on 25 October 2026 and forth on 28 March 2027; both are Sundays.
EVERY_DAY = '{"workdays": [1, 2, 3, 4, 5, 6, 7], "time_zone": "Europe/Berlin"}'
WEEKDAYS = '{"time_zone": "Europe/Berlin"}'


@pytest.mark.parametrize(
    ("start", "hours", "calendar", "expected"),
    [
        # A day of 25 and one of 23 hours, each a working day.
        (datetime(2026, 10, 24, 12, tzinfo=UTC), 72, EVERY_DAY, datetime(2026, 10, 27, 12, tzinfo=UTC)),
        (datetime(2027, 3, 27, 12, tzinfo=UTC), 72, EVERY_DAY, datetime(2027, 3, 30, 12, tzinfo=UTC)),
        # Over the weekend on which they change: what counts are the hours of the Friday and of the days from Monday on.
        (datetime(2026, 10, 23, 12, tzinfo=UTC), 48, WEEKDAYS, datetime(2026, 10, 27, 13, tzinfo=UTC)),
        (datetime(2027, 3, 26, 12, tzinfo=UTC), 48, WEEKDAYS, datetime(2027, 3, 30, 11, tzinfo=UTC)),
        # Over the year's end.
        (
            datetime(2026, 12, 31, 12, tzinfo=UTC),
            24,
            '{"holidays": ["2027-01-01"]}',
            datetime(2027, 1, 4, 12, tzinfo=UTC),
        ),
    ],
)
def test_hours_pass_alike_over_changes_of_the_clocks_and_the_year_s_end(
    acme: World, start: datetime, hours: int, calendar: str, expected: datetime
) -> None:
    with acme.database.transaction("owner") as conn:
        # As every function that may be called sets it.
        conn.execute("SET LOCAL TimeZone = 'UTC'")
        row = conn.execute("SELECT cs._after(%s::jsonb, %s, %s)", (calendar, start, hours)).fetchone()
    assert row is not None
    assert row[0].astimezone(UTC) == expected


def test_a_calendar_without_a_working_day_ends_after_ten_years(acme: World) -> None:
    start = datetime(2026, 11, 24, tzinfo=UTC)
    days = [(start + timedelta(days=n)).date().isoformat() for n in range(5000)]
    holidays = "[" + ", ".join(f'"{day}"' for day in days) + "]"
    found = acme.scalar("SELECT cs._after(%s::jsonb, %s, 1)", f'{{"holidays": {holidays}}}', start)
    assert found.astimezone(UTC) == start + timedelta(days=3661)

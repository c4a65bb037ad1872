"""The worklist of a queue: waiting recommendations by what they are worth, and which of them a day has room for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agents.dunning import Lines
from agents.dunning_read import governed_lines
from api import wire
from governance.errors import Malformed
from governance.record import collections
from governance.record.collections import MOST, Filter, Ranked
from governance.record.db import Connection
from models.risk_worklist import Task, chosen

BUCKETS: Mapping[str, tuple[int | None, int | None]] = {
    "not_due": (None, 0), "1_30": (1, 30), "31_60": (31, 60), "61_90": (61, 90), "over_90": (91, None),
}  # fmt: skip
"""Days past due, from and to."""
_START = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[int, float, str]


@dataclass(frozen=True, slots=True)
class Day:
    """What fits into a collector's day: of how many minutes and actions, and what it brings in EUR."""

    actions: int
    minutes: int
    of_actions: int
    of_minutes: int
    value_eur: Decimal


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. `rows`: as governance.record.collections gives them, each with `today`: whether the day has room for
    it. `place`: where the next page goes on, None on the last. total: recommendations of the filter, at most MOST."""

    rows: Sequence[dict[str, Any]]
    place: str | None
    day: Day
    total: int


def listed(conn: Connection, of: Filter, *, after: str | None, limit: int) -> Listed:
    """One page of the worklist: first what today has room for, each part by expected value; what has none comes last.

    The day's room is shared by the whole queue, whatever the filter. Raises Malformed for a strange `after`.
    """
    whole = collections.ranked(conn, Filter(of.today, of.queue))
    rows = whole if of == Filter(of.today, of.queue) else collections.ranked(conn, of)
    lines = governed_lines(conn)
    best, day = _day(whole, lines)
    places = sorted(_key(row, best) for row in rows)
    if after is not None:
        least = _place(after)
        places = [place for place in places if place > least]
    shown = places[:limit]
    found = collections.rows(conn, [key[2] for key in shown])
    following = _written(shown[-1]) if len(places) > limit else None
    shown_rows = [row | {"today": row["id"] in best, "collections": _said(row)} for row in found]
    return Listed(shown_rows, following, day, len(rows))


def _said(row: Mapping[str, Any]) -> Any:
    """The finding about the worth; without its value where a person chose another action since."""
    said = row["collections"]
    value = said.get("value") if isinstance(said, dict) else None
    if isinstance(value, dict) and value.get("action") != row["action"]:
        return {**said, "value": None, "unknown": "a person chose another action"}
    return said


def _day(rows: Sequence[Ranked], lines: Lines) -> tuple[frozenset[str], Day]:
    tasks = [Task(row.id, row.value_eur, row.minutes or 0) for row in rows if row.value_eur is not None]
    best = chosen(tasks, lines.hours_a_day * 60, lines.actions_a_day)
    value = sum((task.value for task in best), Decimal(0))
    day = Day(len(best), sum(task.minutes for task in best), lines.actions_a_day, lines.hours_a_day * 60, value)
    return frozenset(task.key for task in best), day


def _key(row: Ranked, best: frozenset[str]) -> Key:
    return (0 if row.id in best else 1, math.inf if row.value_eur is None else -float(row.value_eur), row.id)


def _written(key: Key) -> str:
    return f"{key[0]} {key[1]!r} {key[2]}"


def _place(text: str) -> Key:
    try:
        first, value, last = text.split(" ", 2)
        return int(first), float(value), last
    except ValueError:
        raise Malformed("this cursor is not one that this listing gave out: begin again without it") from None


def cursor(listing: str, place: str | None) -> str | None:
    """The opaque form of a place."""
    return None if place is None else wire.cursor(listing, _START, place)


def read_cursor(listing: str, text: str | None) -> str | None:
    """The place in an opaque form. Raises Malformed."""
    found = wire.read_cursor(listing, text)
    return None if found is None else found[1]


def cut(total: int) -> bool:
    """Whether there may be more than are ranked."""
    return total >= MOST


def days_past_due(row: Mapping[str, Any], of: Filter) -> int | None:
    return None if row["due_date"] is None else (of.today - row["due_date"]).days

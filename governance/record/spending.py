"""What language models may use and have used, counted in the database over all workers. Role `agent`."""

from __future__ import annotations

from typing import Any

from psycopg import Connection


def reserve(conn: Connection[Any], case: str, tokens: int, *, most_of_case: int, most_of_day: int) -> bool:
    """True where the case and the day have room for so many tokens: then they are counted. False for a case that is not
    at work, for a count that could not be one, and where there is no room."""
    row = conn.execute("SELECT cs.reserve_tokens(%s, %s, %s, %s)", (case, tokens, most_of_case, most_of_day)).fetchone()
    return row is not None and row[0] is True


def settle(conn: Connection[Any], case: str, tokens: int, taken: int) -> None:
    """What the question took in the end, in place of what was reserved for it."""
    conn.execute("SELECT cs.settle_tokens(%s, %s, %s)", (case, tokens, taken))

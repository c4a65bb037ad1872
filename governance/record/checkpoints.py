"""The agent's paused threads: connections for LangGraph's own tables, which the record never believes.

The tables live in the schema `langgraph` and belong to the role `checkpoint`; losing them only costs a re-run.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.rows import DictRow, dict_row

from governance.errors import Unavailable
from governance.record.connection import check_transport, translated
from governance.record.db import Database

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('countersign checkpoint tables', 0)) AS held"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('countersign checkpoint tables', 0))"
_EXISTING = "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id = ANY (%s)"
_OF_CASES = (
    "thread_id LIKE ANY (SELECT replace(replace(c, '_', '\\_'), '%%', '\\%%') || ':%%' FROM unnest(%s::text[]) AS c)"
)
_TABLES = ("checkpoint_writes", "checkpoint_blobs", "checkpoints")
_PAGE = "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id > %s ORDER BY thread_id LIMIT %s"
# Only threads that this tenant's record knows to be over: another tenant's are not ours to judge.
_CLOSED = """
SELECT t.id FROM unnest(%s::text[]) AS t(id)
JOIN cs.cases c ON c.id = split_part(t.id, ':', 1)
WHERE split_part(t.id, ':', 2) ~ '^[0-9]{1,9}$'
  AND (c.state IN ('done', 'rejected', 'superseded') OR split_part(t.id, ':', 2)::int < c.revision)
"""


def connect(database: Database) -> Connection[DictRow]:
    """A connection of role `checkpoint` as LangGraph's saver wants it; the caller closes it. Raises Unavailable."""
    url = database.url("checkpoint")
    check_transport(url)
    with translated():
        return psycopg.connect(
            url,
            autocommit=True,
            prepare_threshold=0,
            row_factory=dict_row,
            options="-c search_path=langgraph",
            application_name="countersign-checkpoint",
        )


@contextlib.contextmanager
def alone(conn: Connection[DictRow], seconds: float = 60.0) -> Iterator[None]:
    """Nobody else makes the tables meanwhile. Raises Unavailable when it takes longer than `seconds`.

    Asked again and again instead of waited for: a session that waits in a statement would keep the saver's
    CREATE INDEX CONCURRENTLY waiting for it, and both would wait for ever.
    """
    deadline = time.monotonic() + seconds
    while True:
        row = conn.execute(_LOCK).fetchone()
        if row is not None and row["held"]:
            break
        if time.monotonic() > deadline:
            raise Unavailable("another process has been making the checkpoint tables for too long")
        time.sleep(0.05)
    try:
        yield
    finally:
        conn.execute(_UNLOCK)


def existing(conn: Connection[DictRow], threads: Sequence[str]) -> list[str]:
    """Those of `threads` that have a checkpoint."""
    return [row["thread_id"] for row in conn.execute(_EXISTING, (list(threads),))]


def page(conn: Connection[DictRow], after: str, limit: int) -> list[str]:
    """The next `limit` threads after the one called `after`, in order of name."""
    return [row["thread_id"] for row in conn.execute(_PAGE, (after, limit))]


def erase(conn: Connection[DictRow], cases: Sequence[str]) -> None:
    """Delete every thread of these cases with all its states. Nothing where LangGraph has made no tables yet."""
    row = conn.execute("SELECT to_regclass('langgraph.checkpoints') IS NOT NULL AS made").fetchone()
    if row is None or not row["made"]:
        return
    with translated(), conn.transaction():
        for table in _TABLES:
            statement = sql.SQL("DELETE FROM {} WHERE ").format(sql.Identifier(table)) + sql.SQL(_OF_CASES)
            conn.execute(statement, (list(cases),))


def closed(conn: Connection[Any], threads: Sequence[str]) -> list[str]:
    """Those of `threads` (`case id:revision`) whose case has ended or has newer facts. `conn` is of role `agent`."""
    return [row[0] for row in conn.execute(_CLOSED, (list(threads),))]

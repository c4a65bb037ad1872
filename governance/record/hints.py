"""NOTIFY as a hint that work may be there. The queue is polled all the same: a lost hint only costs a moment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
from psycopg import sql

from governance.record.connection import check_transport, translated
from governance.record.db import Database

Wait = Callable[[float], bool]
"""Waits up to that many seconds; True where a hint came."""


@contextlib.contextmanager
def listening(database: Database, role: str, channel: str) -> Iterator[Wait]:
    """A connection that listens on `channel`; gives the function that waits. Raises Unavailable."""
    url = database.url(role)
    check_transport(url)
    with translated(), psycopg.connect(url, autocommit=True, application_name=f"countersign-{role}-hints") as conn:
        conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

        def wait(seconds: float) -> bool:
            with translated():
                return any(True for _ in conn.notifies(timeout=seconds, stop_after=1))

        yield wait

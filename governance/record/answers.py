"""Answers remembered under an Idempotency-Key. Roles `review` and `intake`; `conn` is inside the write's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

_IDEMPOTENT = "SELECT cs.idempotent(%s, %s)"
_REMEMBER = "SELECT cs.remember_answer(%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the text of its JSON body."""

    status: int
    body: str


def known(conn: Connection[Any], key: str, request_sha256: str) -> Answer | None:
    """The answer given before, or None; who asks at the same time waits. Raises IdempotencyConflict."""
    row = conn.execute(_IDEMPOTENT, (key, request_sha256)).fetchone()
    assert row is not None
    return None if row[0] is None else Answer(row[0]["status"], row[0]["body"])


def remember(conn: Connection[Any], key: str, request_sha256: str, answer: Answer) -> None:
    """Keep the answer with the write that it reports."""
    conn.execute(_REMEMBER, (key, request_sha256, answer.status, answer.body))

"""Waiting room 3: approved effects waiting for delivery. `conn` is of role `courier`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from governance.errors import NotFound

CHANNEL = "countersign_effects"
"""NOTIFY channel: a hint that an effect may be ready."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One leased effect; `connector`: mail, task or timer. The recommendation's id is the idempotency key."""

    recommendation_id: str
    connector: str
    fence: int
    attempts: int


_CLAIM = "SELECT recommendation_id, connector, fence, attempts FROM cs.claim_effects(%s, %s, %s)"
_EXECUTE = "SELECT cs.execute(%s, %s)"
_SETTLE = "SELECT cs.settle(%s, %s, %s, %s, %s, %s)"
_CONFIRM = "SELECT cs.confirm(%s, %s, %s)"
_TICK = "SELECT cs.tick(watch => %s)"
_ENVELOPE = """
SELECT envelope::jsonb || jsonb_build_object('recipient', cs.letter_to(id, %s)) FROM cs.recommendations WHERE id = %s
"""
_DUE_WITHIN = "SELECT min(available_at) <= now() + make_interval(secs => %s) FROM cs.effects WHERE state = 'ready'"
_LISTEN = "LISTEN countersign_effects"
_UNLISTEN = "UNLISTEN countersign_effects"
_TASKS = """
SELECT e.recommendation_id, e.state, e.connector, e.detail, e.created_at, r.case_id, r.action, c.title, c.queue,
       r.envelope::jsonb -> 'action' AS proposed
FROM cs.effects e JOIN cs.recommendations r ON r.tenant = e.tenant AND r.id = e.recommendation_id
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
WHERE e.state = ANY (%s) ORDER BY e.created_at LIMIT %s
"""


def claim(conn: Connection[Any], courier: str, most: int, lease_seconds: int) -> list[Effect]:
    """Lease up to `most` effects that are due."""
    with conn.cursor(row_factory=class_row(Effect)) as cursor:
        return cursor.execute(_CLAIM, (courier, most, lease_seconds)).fetchall()


def envelope(conn: Connection[Any], effect: Effect) -> Mapping[str, Any]:
    """The signed envelope: what a connector may prepare with (`recipient`, `action`) before the gate's last look.

    `recipient` is the address itself, of the letter that was signed; None where there is none. Raises LostLease,
    NotFound, and where no such letter may leave StaleDigest, FactsMismatch, UnknownAction as `execute` does.
    """
    row = conn.execute(_ENVELOPE, (effect.fence, effect.recommendation_id)).fetchone()
    if row is None:
        raise NotFound("there is no such recommendation")
    result: Mapping[str, Any] = row[0]
    return result


def due_within(conn: Connection[Any], seconds: float) -> bool:
    """Whether an effect is ready now or will be in so many seconds (the undo window, a retry)."""
    row = conn.execute(_DUE_WITHIN, (seconds,)).fetchone()
    return row is not None and bool(row[0])


@contextlib.contextmanager
def listening(conn: Connection[Any]) -> Iterator[Callable[[float], bool]]:
    """Inside, call the yielded function to wait up to so many seconds; True when a hint came.

    `conn` is an autocommit connection of any role that nobody else uses meanwhile.
    """
    conn.execute(_LISTEN)
    try:
        yield lambda seconds: any(True for _ in conn.notifies(timeout=seconds, stop_after=1))
    finally:
        if not conn.closed:
            conn.execute(_UNLISTEN)


def execute(conn: Connection[Any], effect: Effect) -> Mapping[str, Any]:
    """The gate's last look; after its commit the effect may happen.

    Returns {recommendation_id, case_id, digest, action, draft}. Raises LostLease, Expired, PayeeChanged,
    PolicyChanged, NoSeat, IllegalState, StaleDigest (the letter is not the signed one), FactsMismatch (the books hold
    another address), UnknownAction (the letter was erased).
    """
    row = conn.execute(_EXECUTE, (effect.recommendation_id, effect.fence)).fetchone()
    assert row is not None
    result: Mapping[str, Any] = row[0]
    return result


def settle(
    conn: Connection[Any],
    effect: Effect,
    outcome: str,
    why: str,
    retry_seconds: float = 0.0,
    controls: Sequence[str] = (),
) -> None:
    """Record what became of it: sent | manual | retry | unknown | refused | dead. Raises LostLease.

    `controls`: ids of those that refused it, which the ledger then names.
    """
    conn.execute(_SETTLE, (effect.recommendation_id, effect.fence, outcome, why, retry_seconds, list(controls) or None))


def confirm(conn: Connection[Any], recommendation_id: str, outcome: str, note: str | None) -> dict[str, Any]:
    """A person (role `review`) says what became of a manual task, an unknown or a given-up effect.

    done | not_done (it goes out again; a manual task is triaged anew) | abandoned (triaged anew). A given-up effect
    cannot be done.
    """
    row = conn.execute(_CONFIRM, (recommendation_id, outcome, note)).fetchone()
    assert row is not None
    result: dict[str, Any] = row[0]
    return result


def waiting(conn: Connection[Any], limit: int = 100) -> list[dict[str, Any]]:
    """Effects that wait for a person: manual tasks, unknown outcomes, given-up deliveries. Role `review`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_TASKS, (["manual", "reconcile", "dead"], limit)).fetchall()


def tick(conn: Connection[Any], watch: bool = True) -> dict[str, Any]:
    """The clock's database work: expiry, lost leases, SLA breaches, and with `watch` the cases that nobody sends."""
    row = conn.execute(_TICK, (watch,)).fetchone()
    assert row is not None
    result: dict[str, Any] = row[0]
    return result

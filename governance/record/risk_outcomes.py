"""Estimates of collection risk as they were shown, and what became of the invoices. The law: schema/functions_69.

Roles `agent` (what a model saw, what a challenger says) and `courier` (the day's judgement). People read judgements
(`judgements`), never what a challenger says of a case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

CHALLENGER = "risk_challenger"
"""Under this name a bundle is named as challenger: a governed change of kind `model`, like a champion."""

_NOTE_SCORES = "SELECT cs.note_scores(%s)"
_NOTE_REFERENCE = "SELECT cs.note_reference(%s, %s)"
_DUE = "SELECT cs.monitor_due()"
_OUTCOMES = """
SELECT customer_id, scored_on, due_date, clear_date, p_late, p_late_15, p_late_30, days_late_low, days_late_high, features,
       challenger, other
FROM cs.risk_outcomes(%s, %s, %s)
"""
_PORTFOLIO = "SELECT customer_id, due_date, invoices, late FROM cs.portfolio_outcomes(%s, %s)"
_NOTE_MONITOR = "SELECT cs.note_monitor(%s, %s, %s, %s, %s, %s)"
_JUDGEMENTS = "SELECT day, model, causes, figures, at FROM cs.risk_monitors ORDER BY day DESC LIMIT %s"
_KEPT = "SELECT count(*), count(features), min(scored_on), max(scored_on) FROM cs.risk_estimates"
_PROPOSED = """
SELECT r.id, r.case_id, r.action, r.state, r.envelope::jsonb #>> '{action,args,subject}' AS subject, r.created_at
FROM cs.recommendations r WHERE r.action = 'retrain_model'
   OR r.action = 'promote_model' AND r.envelope::jsonb #>> '{action,args,subject}' IN ('risk', 'risk_challenger')
ORDER BY r.created_at DESC, r.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One estimate and what became of its invoice. `other`: what the challenger said, None where it said nothing."""

    customer_id: str
    scored_on: date
    due_date: date
    clear_date: date | None
    p_late: float | None
    p_late_15: float | None
    p_late_30: float | None
    days_late_low: float | None
    days_late_high: float | None
    features: Sequence[float | None] | None
    challenger: str | None
    other: Sequence[float | None] | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One day's judgement of the model whose digest is `model`; `figures` as models.risk_report made them."""

    day: date
    model: str
    causes: Sequence[str]
    figures: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal about a model of collection risk, by whomever. `subject`: "risk", or "risk" and a cause."""

    id: str
    case_id: str
    action: str
    state: str
    subject: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """How many estimates are kept, how many of them with what the model saw, from when until when."""

    estimates: int
    with_features: int
    first: date | None
    last: date | None


def note_scores(conn: Connection[Any], rows: Sequence[Mapping[str, Any]]) -> int:
    """Keep what a model saw and what the challenger says: how many estimates were completed. Role `agent`.

    `rows`: {case_id, revision, features, challenger: {model, outcome, p_late, p_late_15, p_late_30} or None}; what is
    not a number is null. A case without an estimate is passed over. Raises Malformed for more than 1000.
    """
    found = conn.execute(_NOTE_SCORES, (Jsonb([dict(row) for row in rows]),)).fetchone()
    assert found is not None
    return int(found[0])


def note_reference(conn: Connection[Any], model: str, body: Mapping[str, Any]) -> None:
    """Keep how features were spread when the model of this digest was trained, once. Role `agent`. Raises Malformed."""
    conn.execute(_NOTE_REFERENCE, (model, Jsonb(dict(body))))


def due(conn: Connection[Any]) -> dict[str, Any]:
    """What the day's judgement needs beside outcomes; {"due": False} where today has its judgement. Role `courier`."""
    found = conn.execute(_DUE).fetchone()
    assert found is not None
    return dict(found[0])


def outcomes(conn: Connection[Any], model: str, since: date, until: date) -> list[Outcome]:
    """Estimates of a model that were made between two days, with what became of them so far. Role `courier`."""
    with conn.cursor(row_factory=class_row(Outcome)) as cursor:
        return cursor.execute(_OUTCOMES, (model, since, until)).fetchall()


def portfolio(conn: Connection[Any], since: date, until: date) -> list[tuple[str, date, int, int]]:
    """(customer, due day, invoices, of them not paid by that day) between two days. Role `courier`."""
    return conn.execute(_PORTFOLIO, (since, until)).fetchall()


def note(
    conn: Connection[Any],
    model: str,
    figures: Mapping[str, Any],
    causes: Sequence[Mapping[str, str]],
    *,
    promote: Mapping[str, str] | None = None,
    start: Mapping[str, Any] | None = None,
    quiet_days: int,
) -> dict[str, Any]:
    """Record the day's judgement, and propose what follows from it: {judged, proposed: […]}. Role `courier`.

    `causes`: {cause, why}: each becomes a proposal to train anew, unless one waits or was decided on lately. `promote`:
    {digest, why} of a better challenger. `judged` False where today has its judgement. Raises Malformed.
    """
    values = (
        model, Jsonb(dict(figures)), Jsonb([dict(one) for one in causes]),
        None if promote is None else Jsonb(dict(promote)), None if start is None else Jsonb(dict(start)), quiet_days,
    )  # fmt: skip
    found = conn.execute(_NOTE_MONITOR, values).fetchone()
    assert found is not None
    return dict(found[0])


def judgements(conn: Connection[Any], most: int = 90) -> list[Judgement]:
    """The latest judgements, newest first. Roles `review`, `audit`."""
    with conn.cursor(row_factory=class_row(Judgement)) as cursor:
        return cursor.execute(_JUDGEMENTS, (most,)).fetchall()


def proposed(conn: Connection[Any], most: int = 20) -> list[Proposed]:
    """The latest proposals about models of collection risk, newest first. Roles `review`, `audit`."""
    with conn.cursor(row_factory=class_row(Proposed)) as cursor:
        return cursor.execute(_PROPOSED, (most,)).fetchall()


def kept(conn: Connection[Any]) -> Kept:
    """What is kept to judge by. Roles `review`, `audit`."""
    found = conn.execute(_KEPT).fetchone()
    assert found is not None
    return Kept(*found)

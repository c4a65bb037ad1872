"""Governed change: proposed with what it replaces, signed by others, applied once by the courier's `execute`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from governance.gate import Question
from governance.replay import Recorded

_PROPOSE = "SELECT cs.propose_change(%s, %s, %s, %s, %s)"
_KINDS = "SELECT kind, action, proposers, what FROM cs.change_kinds ORDER BY kind"
_SETTINGS = """
SELECT DISTINCT ON (kind, subject) kind, subject, version, content::jsonb AS content, digest, since, expires_at
FROM cs.settings WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (expires_at IS NULL OR expires_at > now())
ORDER BY kind, subject, version DESC
"""
_REVOKE_SIGNING_KEY = "SELECT cs.revoke_signing_key(%s)"
_SIGNATURES = "SELECT actor, decision, signature, public_key, digest FROM cs.signatures(%s)"
_RECORDED = "SELECT action, amount, risk, entity, region, signed, erased FROM cs.recorded(%s, %s)"
_ERASURES = "SELECT id, case_id, recommendations, threads, traces FROM cs.erasures_for(%s, %s)"
_ERASED = "SELECT cs.erased_in(%s, %s)"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature on an approval: `ed25519:<key id>:<base64>`; `public_key` base64, None where no key is known."""

    actor: str
    decision: str
    signature: str
    public_key: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """A case that was erased in the record, and what else may hold words of it."""

    id: int
    case_id: str
    recommendations: Sequence[str]
    threads: Sequence[str]
    traces: Sequence[str]


def propose(
    conn: Connection[Any],
    kind: str,
    subject: str,
    content: Mapping[str, Any],
    why: str,
    replay: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Propose a change (role `review`, a person): {case_id, recommendation_id, digest, expires_at}.

    `content` as `cs._malformed_change` says for its kind: whole numbers and strings only. `replay`: whom it would have
    asked over recorded history. Raises Malformed, NotPermitted, CommentRequired.
    """
    values = (kind, subject, Jsonb(dict(content)), why, Jsonb(dict(replay)) if replay is not None else None)
    row = conn.execute(_PROPOSE, values).fetchone()
    assert row is not None
    result: dict[str, Any] = row[0]
    return result


def kinds(conn: Connection[Any]) -> list[dict[str, Any]]:
    """What can be changed, by which action, and who may propose it. Role `review` or `audit`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_KINDS).fetchall()


def settings(conn: Connection[Any], kind: str | None = None) -> list[dict[str, Any]]:
    """The settings that hold: {kind, subject, version, content, digest, since, expires_at}. Role `review` or `agent`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SETTINGS, {"kind": kind}).fetchall()


def recorded(conn: Connection[Any], currency: str, most: int = 100_000) -> list[Recorded]:
    """What was proposed so far, newest first, with amounts in `currency`. Role `review`, a person's token."""
    rows = conn.execute(_RECORDED, (currency, most)).fetchall()
    return [
        Recorded(
            Question(action, amount, risk, entity, region),
            tuple((seat["role"], seat["by"]) for seat in signed),
            erased,
        )
        for action, amount, risk, entity, region, signed, erased in rows
    ]


def revoke_signing_key(conn: Connection[Any], key_id: str) -> None:
    """Give up a signing key at once: its owner or an administrator. Raises NotFound, NotPermitted."""
    conn.execute(_REVOKE_SIGNING_KEY, (key_id,))


def signatures(conn: Connection[Any], recommendation_id: str) -> list[Signature]:
    """Every signature that stands on a recommendation. Role `courier`."""
    with conn.cursor(row_factory=class_row(Signature)) as cursor:
        return cursor.execute(_SIGNATURES, (recommendation_id,)).fetchall()


def erasures(conn: Connection[Any], store: str, most: int = 100) -> list[Erasure]:
    """What a store outside the record still has to erase, oldest first. Role `courier`."""
    with conn.cursor(row_factory=class_row(Erasure)) as cursor:
        return cursor.execute(_ERASURES, (store, most)).fetchall()


def erased(conn: Connection[Any], store: str, done: Sequence[Erasure]) -> None:
    """Say that the store has followed. Role `courier`."""
    conn.execute(_ERASED, (store, [one.id for one in done]))

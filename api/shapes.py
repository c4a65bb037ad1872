"""Rows of the record in the shapes that the API gives out (stable: grown by addition only)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from governance.record import review
from governance.record.db import Connection

Row = Mapping[str, Any]

FINDINGS = ("document", "duplicates", "risk", "cause", "precedents")
_LAW = (
    "amount", "currency", "entity", "region", "supplier_id", "customer_id", "payee_iban", "invoice_id", "issue_date",
    "due_date", "initiator", "document_class", "document_sha256", "facts_digest",
)  # fmt: skip
_CASE = (
    "id", "tenant", "queue", "exception_type", "state", "title", "source_key", "revision", "document_class", "amount",
    "currency", "entity", "region", "supplier_id", "supplier_name", "customer_id", "customer_name", "issue_date",
    "due_date", "initiator", "created_at", "updated_at", "sla_due_at", "sla_breached",
)  # fmt: skip
_DECISION = (
    "id", "decision", "actor", "actor_name", "acting_for", "seat_role", "digest", "reason_code", "comment", "at",
    "withdrawn_at",
)  # fmt: skip


def case(row: Row) -> dict[str, Any]:
    """One case as a list shows it."""
    return {name: row[name] for name in _CASE}


def facts(row: Row) -> dict[str, Any]:
    """What the law judges: the current revision as intake wrote it."""
    return {"revision": row["revision"], **{name: row[name] for name in _LAW}}


def _leaf(leaves: Mapping[str, str], name: str) -> Any:
    return json.loads(leaves[name]) if name in leaves else None


def recommendation(row: Row, decisions: Sequence[Row]) -> dict[str, Any]:
    """One recommendation. `revision` counts all recommendations of the case; erased leaves show as null."""
    envelope = row["envelope"]
    leaves: Mapping[str, str] = row["leaves"] or {}
    found = _leaf(leaves, "findings") or {}
    policy = envelope["policy"]
    return {
        "id": row["id"],
        "case_id": row["case_id"],
        "queue": row["queue"],
        "tenant": row["tenant"],
        "revision": row["revision"],
        "digest": row["digest"],
        "action": envelope["action"],
        "findings": {**dict.fromkeys(FINDINGS), **found},
        "draft": _leaf(leaves, "draft"),
        "required_seats": row["seats"] or [],
        "policy": {"version": policy["version"], "digest": policy["digest"], "rules": list(row["rules"])},
        "models": [{"name": name, "version": version} for name, version in sorted(envelope["stamps"].items())],
        "thresholds": envelope["thresholds"],
        "state": row["state"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "sla_due_at": row["sla_due_at"],
        "title": row["title"],
        "exception_type": row["exception_type"],
        "case_state": row["case_state"],
        "case_revision": row["case_revision"],
        "draft_number": row["draft_number"],
        "drafted_by": row["drafted_by"],
        "returned_to": row["returned_to"],
        "excluded": list(row["excluded"]),
        "risk": row["risk"],
        "confidence": row["confidence"],
        "alternatives": found.get("alternatives") or [],
        "evidence": _leaf(leaves, "evidence"),
        "facts": {
            name: row[name]
            for name in ("amount", "currency", "entity", "region", "supplier_id", "customer_id", "initiator")
        },
        "document": {"sha256": row["document_sha256"], "document_class": row["document_class"]},
        "decisions": [{name: decision[name] for name in _DECISION} for decision in decisions],
        "effect": row["effect"],
        "change": _leaf(leaves, "change"),
        "unstaffed": row["unstaffed_at"] is not None,
        # What the digest is of, for who signs it: the envelope as JSON, the text of the facts that it hashes, and the
        # letter with its salt, without which nobody could tell to whom the envelope says it goes. Null once erased.
        "signed": {
            "envelope": envelope,
            "facts": row["facts_text"],
            "draft": {"salt": row["draft_salt"], "content": leaves["draft"]} if "draft" in leaves else None,
        },
    }


def recommendations(conn: Connection, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows of review.listing with their decisions, which are read at once for all of them."""
    by_id: dict[str, list[Row]] = defaultdict(list)
    for decision in review.decisions(conn, [row["id"] for row in rows]):
        by_id[decision["recommendation_id"]].append(decision)
    return [recommendation(row, by_id[row["id"]]) for row in rows]


def one_recommendation(conn: Connection, recommendation_id: str) -> dict[str, Any]:
    """Raises NotFound."""
    return recommendations(conn, [review.get(conn, recommendation_id)])[0]


def policy(row: Row) -> dict[str, Any]:
    """The active policy with its rules and workflows."""
    rules = json.loads(row["canon"])
    return {
        "version": row["version"],
        "digest": row["digest"],
        "name": row["name"],
        "owner": row["owner"],
        "currency": row["currency"],
        "undo_seconds": row["undo_seconds"],
        "activated_at": row["activated_at"],
        "modes": rules["modes"],
        "rules": rules["rules"],
        "workflows": rules["workflows"],
    }

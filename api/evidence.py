"""The evidence bundle: one case with everything that proves it, as one canonical JSON text for people outside.

A bundle holds texts exactly as they were hashed, and no field that nothing binds: api/evidence_check.py checks each of
them with the bundle and the public key alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from governance.chain import canonical
from governance.errors import Unavailable
from governance.record import ledger
from governance.record.db import Connection

FORMAT: Literal["countersign/evidence/v1"] = "countersign/evidence/v1"

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Entry(_Part):
    """One ledger entry with its audit path (RFC 9162) in the tree that the checkpoint signs."""

    seq: Annotated[int, Field(ge=1)]
    entry: str
    hash: Hash
    proof: list[Hash]


class Leaf(_Part):
    """One leaf of an envelope; salt and content are null where it was erased."""

    hash: Digest
    salt: str | None
    content: str | None


class SeatRow(_Part):
    role: str
    filled_by: str | None
    decision: str | None


class RecommendationPart(_Part):
    id: str
    digest: Digest
    envelope: str
    leaves: dict[str, Leaf]
    seats: list[SeatRow]


class Comment(_Part):
    salt: str
    text: str


class DecisionPart(_Part):
    """One decision; the comment is null where there was none or it was erased (the ledger entry says which)."""

    id: str
    recommendation: str
    decision: str
    actor: str
    seat: str | None
    digest: Digest
    reason_code: str | None
    comment: Comment | None


class DocumentPart(_Part):
    """A document by its SHA-256; `content` is base64, null where it was not asked for or was erased."""

    sha256: Hash
    content: str | None


class Bundle(_Part):
    """`facts`: text per case revision, in order. `key`: SHA-256 of the raw public key that signed the checkpoint."""

    format: Literal["countersign/evidence/v1"]
    tenant: str
    case: str
    key: Digest | None
    checkpoint: str
    entries: list[Entry]
    facts: list[str]
    policies: list[str]
    recommendations: list[RecommendationPart]
    decisions: list[DecisionPart]
    documents: list[DocumentPart]


def fingerprint(key: Ed25519PublicKey) -> str:
    """sha256: and the hex SHA-256 of the raw public key."""
    return "sha256:" + hashlib.sha256(key.public_bytes_raw()).hexdigest()


def build_bundle(
    conn: Connection,
    tenant: str,
    case_id: str,
    key: Ed25519PublicKey | None = None,
    *,
    with_document: bool = False,
) -> str:
    """The bundle's text; write it as it is, for another layout of the same JSON is refused. Role `audit`.

    `key` is only named, by its fingerprint. Raises NotFound, and Unavailable where no stored checkpoint covers the
    case's last entry yet (api.clock.Clock.sign makes one).
    """
    record = ledger.case_record(conn, tenant, case_id)
    entries: list[dict[str, Any]] = record["entries"]
    stored = ledger.newest_checkpoint(conn, tenant)
    if stored is None or stored[0] < entries[-1]["seq"]:
        raise Unavailable("no signed checkpoint covers this case yet: run countersign tick, or ask again in a minute")
    proofs = ledger.proofs(conn, tenant, stored[0], [row["seq"] for row in entries])
    made = [_decision_of(row["entry"]) for row in entries]
    decisions = {row["id"]: row for row in record["decisions"]}
    bundle = {
        "format": FORMAT,
        "tenant": tenant,
        "case": case_id,
        "key": None if key is None else fingerprint(key),
        "checkpoint": stored[1],
        "entries": [{**row, "proof": [step.hex() for step in proofs[row["seq"]]]} for row in entries],
        "facts": record["facts"],
        "policies": record["policies"],
        "recommendations": [_recommendation(row) for row in record["recommendations"]],
        "decisions": [decisions[name] for name in made if name in decisions],
        "documents": _documents(conn, tenant, record["facts"], with_document),
    }
    return canonical(bundle)


def _decision_of(entry: str) -> str | None:
    body = json.loads(entry)
    return str(body["body"].get("decision")) if body["kind"].startswith("decision.") else None


def _recommendation(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = row["leaves"] or {}
    hashes: Mapping[str, str] = json.loads(row["envelope"])["leaves"]
    leaves = {
        name: {"hash": digest, "salt": None, "content": None, **kept.get(name, {})} for name, digest in hashes.items()
    }
    return {**row, "leaves": leaves, "seats": row["seats"] or []}


def _documents(conn: Connection, tenant: str, facts: Sequence[str], with_content: bool) -> list[dict[str, Any]]:
    named = dict.fromkeys(sha256 for text in facts if (sha256 := json.loads(text)["document"]))
    found = []
    for sha256 in named:
        content = ledger.document(conn, tenant, sha256) if with_content else None
        found.append({"sha256": sha256, "content": None if content is None else base64.b64encode(content).decode()})
    return found

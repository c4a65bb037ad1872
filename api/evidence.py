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

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from governance.chain import canonical, read_checkpoint, sha256_hex
from governance.errors import Malformed, Unavailable
from governance.record import evidence, ledger
from governance.record.db import Connection
from governance.signature import sign_statement

FORMAT: Literal["countersign/evidence/v2"] = "countersign/evidence/v2"
OLD_FORMAT: Literal["countersign/evidence/v1"] = "countersign/evidence/v1"
"""Written before the law knew delegation, signatures and governed change."""
SEAL_TAG = "countersign/evidence-seal/v1\n"

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
    acting_for: str | None
    stands_in_as: str | None
    decision: str | None


class RecommendationPart(_Part):
    """`seats`: by role, the filled ones in the order of their decisions, then the open ones."""

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
    acting_for: str | None
    seat: str | None
    digest: Digest
    reason_code: str | None
    signature: str | None
    comment: Comment | None


class DocumentPart(_Part):
    """A document by its SHA-256; `content` is base64, null where it was not asked for or was erased."""

    sha256: Hash
    content: str | None


class ChangePart(_Part):
    """The text of a governed change of another case, which an entry in the bundle applied: the roles or the signing
    key of somebody who decided, or a policy that was asked. Null where it was erased."""

    recommendation: str
    text: str | None


class Earlier(_Part):
    """A checkpoint that was kept before, and the proof (RFC 9162) that the ledger only grew since."""

    checkpoint: str
    proof: list[Hash]


class Bundle(_Part):
    """`facts`: text per case revision, in order. `key`: SHA-256 of the raw public key that signed the checkpoint.
    `found`: how many entries the exporter found. `seal`: signature of that same key over all the rest, null where
    whoever exported does not hold it. `unsigned`, only where there are any: places of the entries that came after the
    checkpoint; they have no proof and prove nothing."""

    format: Literal["countersign/evidence/v2", "countersign/evidence/v1"]
    tenant: str
    case: str
    key: Digest | None
    checkpoint: str
    earlier: Earlier | None
    found: int
    entries: list[Entry]
    facts: list[str]
    policies: list[str]
    changes: list[ChangePart]
    recommendations: list[RecommendationPart]
    decisions: list[DecisionPart]
    documents: list[DocumentPart]
    seal: str | None
    unsigned: Annotated[list[int], Field(min_length=1)] = []


def fingerprint(key: Ed25519PublicKey) -> str:
    """sha256: and the hex SHA-256 of the raw public key."""
    return "sha256:" + hashlib.sha256(key.public_bytes_raw()).hexdigest()


def sealed_statement(bundle: Mapping[str, Any]) -> bytes:
    """What a seal signs: tag and hash of the bundle as it reads without its seal."""
    return (SEAL_TAG + sha256_hex(canonical({**bundle, "seal": None}))).encode()


def seal(text: str, key: Ed25519PrivateKey) -> str:
    """The same bundle, sealed by who signs the ledger: nothing can be left out of it any more without trace."""
    bundle = json.loads(text)
    return canonical({**bundle, "seal": sign_statement(sealed_statement(bundle), key)})


def build_bundle(
    conn: Connection,
    tenant: str,
    case_id: str,
    key: Ed25519PublicKey | None = None,
    *,
    with_document: bool = False,
    earlier: str | None = None,
    unsigned: bool = False,
) -> str:
    """The bundle's text; write it as it is, for another layout of the same JSON is refused. Role `audit`.

    `key` is named, by its fingerprint; `earlier`, a signed checkpoint that was kept before, needs it. Raises NotFound,
    Malformed where `earlier` is not of this ledger, and Unavailable where no stored checkpoint covers the case's last
    entry yet (api.clock.Clock.sign makes one). With `unsigned` the bundle then names the entries after the checkpoint,
    and Unavailable is left for a ledger that nobody has signed at all.
    """
    record = evidence.case_record(conn, tenant, case_id)
    entries: list[dict[str, Any]] = record["entries"]
    stored = ledger.newest_checkpoint(conn, tenant)
    late = [row["seq"] for row in entries if stored is None or row["seq"] > stored[0]]
    if stored is None or (late and not unsigned):
        raise Unavailable("no signed checkpoint covers this case yet: run countersign tick, or ask again in a minute")
    proofs = ledger.proofs(conn, tenant, stored[0], [row["seq"] for row in entries if row["seq"] <= stored[0]])
    made = [_decision_of(row["entry"]) for row in entries]
    decisions = {row["id"]: row for row in record["decisions"]}
    bundle = {
        "format": FORMAT,
        "tenant": tenant,
        "case": case_id,
        "key": None if key is None else fingerprint(key),
        "checkpoint": stored[1],
        "earlier": None if earlier is None else _earlier(conn, tenant, stored[0], earlier, key),
        "found": len(entries),
        "entries": [{**row, "proof": [step.hex() for step in proofs.get(row["seq"], ())]} for row in entries],
        "facts": record["facts"],
        "policies": record["policies"],
        "changes": record["changes"],
        "recommendations": [_recommendation(row, made) for row in record["recommendations"]],
        "decisions": [decisions[name] for name in made if name in decisions],
        "documents": _documents(conn, tenant, record["facts"], with_document),
        "seal": None,
        **({"unsigned": late} if late else {}),
    }
    return canonical(bundle)


def _earlier(conn: Connection, tenant: str, size: int, note: str, key: Ed25519PublicKey | None) -> dict[str, Any]:
    if key is None:
        raise Malformed("an earlier checkpoint can only be read with the public key")
    first = read_checkpoint(note, key).size
    if not 0 < first <= size:
        raise Malformed(f"the earlier checkpoint covers {first} entries, the newest stored one {size}")
    return {"checkpoint": note, "proof": [step.hex() for step in ledger.extension(conn, tenant, first, size)]}


def is_decision(kind: str) -> bool:
    """Whether an entry of this kind records a decision that was made; one that was refused was not."""
    return kind.startswith("decision.") and kind != "decision.refused"


def _decision_of(entry: str) -> str | None:
    body = json.loads(entry)
    return str(body["body"].get("decision")) if is_decision(body["kind"]) else None


def _recommendation(row: Mapping[str, Any], made: Sequence[str | None]) -> dict[str, Any]:
    kept = row["leaves"] or {}
    hashes: Mapping[str, str] = json.loads(row["envelope"])["leaves"]
    leaves = {
        name: {"hash": digest, "salt": None, "content": None, **kept.get(name, {})} for name, digest in hashes.items()
    }

    def place(seat: Mapping[str, Any]) -> tuple[str, int]:
        return seat["role"], made.index(seat["decision"]) if seat["decision"] and seat["decision"] in made else len(
            made
        )

    return {**row, "leaves": leaves, "seats": sorted(row["seats"] or [], key=place)}


def _documents(conn: Connection, tenant: str, facts: Sequence[str], with_content: bool) -> list[dict[str, Any]]:
    named = dict.fromkeys(sha256 for text in facts if (sha256 := json.loads(text).get("document")))
    found = []
    for sha256 in named:
        content = evidence.document(conn, tenant, sha256) if with_content else None
        found.append({"sha256": sha256, "content": None if content is None else base64.b64encode(content).decode()})
    return found

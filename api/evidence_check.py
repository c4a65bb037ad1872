"""Checks an evidence bundle offline: with its text and the public key, and nothing else.

The ledger's entries are replayed in order; every other part must be what they say. A bundle cannot prove that none of
the case's entries was left out of it, nor what came after its checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from api.evidence import Bundle, RecommendationPart, fingerprint
from api.evidence_replay import Replay
from governance.chain import (
    Checkpoint,
    check_inclusion,
    entry_hash,
    origin,
    parse_canonical,
    read_checkpoint,
    salted_hash,
    sha256_hex,
)
from governance.errors import Malformed, Tampered
from governance.policy import POLICY_TAG
from governance.recommendation import LEAVES, digest_of

_SIGNATURE = re.compile(r"\n\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})\n")


@dataclass(frozen=True, slots=True)
class Report:
    """What a sound bundle proves. `erased`: parts that were deleted by right; their hashes still hold."""

    tenant: str
    case: str
    entries: int
    checkpoint_size: int
    outcomes: Mapping[str, str]
    """Recommendation id → what its last ledger entry says of it."""
    erased: tuple[str, ...]
    documents: int


def check_bundle(text: str, key: Ed25519PublicKey) -> Report:
    """Check everything that a bundle says. Raises Tampered with the first thing that is wrong."""
    try:
        bundle = Bundle.model_validate(parse_canonical(text))
    except Malformed as error:
        raise Tampered(f"this is not an evidence bundle as it was written: {error.detail}") from error
    except RecursionError:
        raise Tampered("this is not an evidence bundle: it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Tampered(f"this is not an evidence bundle: {where}: {first['msg']}") from None
    try:
        return _check(bundle, key)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What the ledger proves has its shape from the database; what does not is not the record's.
        raise Tampered(f"a text in the bundle is not one that the record writes ({type(error).__name__})") from error


def _check(bundle: Bundle, key: Ed25519PublicKey) -> Report:
    checkpoint = _checkpoint(bundle, key)
    bodies = _entries(bundle, checkpoint)
    erased: list[str] = []
    facts = _facts(bundle)
    policies = _policies(bundle)
    envelopes = {part.id: _envelope(part, bundle, facts, policies, erased) for part in bundle.recommendations}
    if len(envelopes) != len(bundle.recommendations):
        _no("a recommendation is in the bundle twice")
    replay = Replay(bundle, facts, policies, envelopes)
    for body in bodies:
        replay.follow(body)
    replay.finish()
    _comments(bundle, replay, erased)
    return Report(
        bundle.tenant,
        bundle.case,
        len(bundle.entries),
        checkpoint.size,
        replay.outcomes(),
        tuple(erased),
        _documents(bundle, facts),
    )


def _no(reason: str) -> Never:
    raise Tampered(reason)


def _checkpoint(bundle: Bundle, key: Ed25519PublicKey) -> Checkpoint:
    if bundle.key is not None and bundle.key != fingerprint(key):
        _no(f"the bundle names the key {bundle.key}, the given public key is {fingerprint(key)}")
    try:
        signed = read_checkpoint(bundle.checkpoint, key)
    except Malformed as error:
        raise Tampered(f"the checkpoint: {error.detail}") from error
    if signed.origin != origin(bundle.tenant):
        _no(f"the checkpoint is of {signed.origin}, not of {bundle.tenant}")
    # One signature and one way to write it: base64 leaves bits that say nothing.
    tail = _SIGNATURE.fullmatch(bundle.checkpoint[len(signed.text()) :])
    if tail is None or base64.b64encode(base64.b64decode(tail[2])).decode() != tail[2]:
        _no("the checkpoint's signature is not written in its one canonical way")
    return signed


def _entries(bundle: Bundle, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    bodies = []
    before = 0
    for row in bundle.entries:
        if row.seq <= before:
            _no(f"entry {row.seq} is not in order")
        before = row.seq
        if entry_hash(row.entry) != row.hash:
            _no(f"entry {row.seq} does not hash to its hash: it was edited")
        path = [bytes.fromhex(step) for step in row.proof]
        if not check_inclusion(row.seq - 1, checkpoint.size, bytes.fromhex(row.hash), path, checkpoint.root):
            _no(f"entry {row.seq} is not in the ledger that the checkpoint signs")
        body = json.loads(row.entry)
        if (body["seq"], body["tenant"]) != (row.seq, bundle.tenant):
            _no(f"entry {row.seq} names another place or tenant")
        bodies.append(body)
    return bodies


def _facts(bundle: Bundle) -> list[tuple[str, Mapping[str, Any]]]:
    """(digest, parsed facts) per revision; the replay holds the digests against the ledger."""
    found = []
    for revision, text in enumerate(bundle.facts, 1):
        facts = json.loads(text) if text.startswith("{") else {}
        if (facts.get("case"), facts.get("revision")) != (bundle.case, revision):
            _no(f"the facts of revision {revision} are of another case or revision")
        found.append(("sha256:" + sha256_hex(text), facts))
    return found


def _policies(bundle: Bundle) -> dict[str, Mapping[str, Any]]:
    """Digest → policy. One that no envelope names is refused: nothing would bind it."""
    found = {"sha256:" + sha256_hex(POLICY_TAG + text): text for text in bundle.policies}
    named = {json.loads(part.envelope)["policy"]["digest"] for part in bundle.recommendations}
    if len(found) != len(bundle.policies) or set(found) != named:
        _no("the policies are not those that the recommendations were made under")
    return {digest: json.loads(text) for digest, text in found.items()}


def _envelope(
    part: RecommendationPart,
    bundle: Bundle,
    facts: list[tuple[str, Mapping[str, Any]]],
    policies: Mapping[str, Mapping[str, Any]],
    erased: list[str],
) -> Mapping[str, Any]:
    try:
        envelope = parse_canonical(part.envelope)
    except Malformed as error:
        raise Tampered(f"the envelope of {part.id} is {error.detail}") from error
    if digest_of(envelope) != part.digest:
        _no(f"the envelope of {part.id} does not hash to its digest")
    if (envelope["tenant"], envelope["case"]) != (bundle.tenant, bundle.case):
        _no(f"recommendation {part.id} is of another case")
    if envelope["revision"] > len(facts) or facts[envelope["revision"] - 1][0] != envelope["facts"]:
        _no(f"recommendation {part.id} was made on other facts than the case has")
    if set(part.leaves) != set(LEAVES) or {n: leaf.hash for n, leaf in part.leaves.items()} != envelope["leaves"]:
        _no(f"the leaves of {part.id} are not those that its envelope names")
    for name, leaf in part.leaves.items():
        if leaf.salt is None and leaf.content is None:
            erased.append(f"{name} of recommendation {part.id}")
        elif leaf.salt is None or leaf.content is None or _salted(leaf.salt, leaf.content) != leaf.hash:
            _no(f"the {name} of {part.id} is not the one that was signed")
    draft = part.leaves["draft"].content
    if draft is not None and (json.loads(draft) or {}).get("to") != envelope["recipient"]:
        _no(f"the letter of {part.id} is not addressed to the recipient of its envelope")
    return envelope


def _salted(salt: str, content: str) -> str:
    return "sha256:" + salted_hash(salt, content)


def _comments(bundle: Bundle, replay: Replay, erased: list[str]) -> None:
    """Every decision is one of the ledger's, in its order, and its comment is the one that was hashed."""
    if [part.id for part in bundle.decisions] != list(replay.decisions):
        _no("the decisions are not those that the ledger recorded")
    for part in bundle.decisions:
        entry = replay.decisions[part.id]
        body = entry["body"]
        said = (part.recommendation, part.decision, part.actor, part.digest, part.seat, part.reason_code)
        recorded = (
            entry["subject"], entry["kind"].removeprefix("decision."), entry["actor"], body["digest"],
            body.get("seat"), body.get("reason_code"),
        )  # fmt: skip
        if said != recorded:
            _no(f"decision {part.id} is not the one that the ledger recorded")
        if part.comment is None:
            if body.get("comment") is not None:
                erased.append(f"comment of decision {part.id}")
        elif _salted(part.comment.salt, part.comment.text) != body.get("comment"):
            _no(f"the comment of decision {part.id} is not the one that was made")


def _documents(bundle: Bundle, facts: list[tuple[str, Mapping[str, Any]]]) -> int:
    """Documents are those that the facts name, in order; the number whose content is here and right."""
    named = list(dict.fromkeys(each["document"] for _, each in facts if each["document"]))
    if [part.sha256 for part in bundle.documents] != named:
        _no("the documents are not those that the case's facts name")
    included = 0
    for part in bundle.documents:
        if part.content is None:
            continue
        try:
            content = base64.b64decode(part.content, validate=True)
        except (binascii.Error, ValueError):
            _no(f"the content of document {part.sha256} is not base64")
        if base64.b64encode(content).decode() != part.content or hashlib.sha256(content).hexdigest() != part.sha256:
            _no(f"the content of document {part.sha256} is not what was received")
        included += 1
    return included

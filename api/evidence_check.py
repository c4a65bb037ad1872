"""Checks an evidence bundle offline: with its text and the public key, and nothing else.

The ledger's entries are replayed in order; every other part must be what they say. A bundle cannot prove that none of
the case's entries was left out of it, nor what came after its checkpoint.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from api.evidence import OLD_FORMAT, Bundle, fingerprint, sealed_statement
from api.evidence_parts import activated_of, comments_of, documents_of, envelope_of, leaves_of
from api.evidence_replay import Replay
from governance.chain import (
    Checkpoint,
    check_consistency,
    check_inclusion,
    entry_hash,
    origin,
    parse_canonical,
    public_key_text,
    read_checkpoint,
    sha256_hex,
)
from governance.errors import Malformed, Tampered
from governance.matrix import POLICY_TAG
from governance.signature import verify_signature

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
    signatures: int
    """How many signatures of approvals were checked, right or not (`unproven` names those that are not)."""
    sealed: bool
    """Whether who signs the ledger vouches that no entry was left out."""
    grew_from: int | None
    """Entries of the earlier checkpoint from which the ledger is proven only to have grown."""
    unproven: tuple[str, ...]
    """What this bundle alone does not prove, in words."""
    unsigned: tuple[int, ...]
    """Entries after the checkpoint: whoever made the file may have written them, and what they say is not proven."""


def check_bundle(text: str, key: Ed25519PublicKey, *, unsigned: bool = False) -> Report:
    """Check everything that a bundle says. Raises Tampered with the first thing that is wrong.

    Entries that came after the checkpoint are wrong, too; with `unsigned` they are reported instead, where the bundle
    itself names them.
    """
    try:
        raw = parse_canonical(text)
        bundle = Bundle.model_validate(_upgraded(raw))
        if bundle.unsigned and not unsigned:
            _no(f"{places(bundle.unsigned)} came after the checkpoint: nobody has signed them yet")
    except Malformed as error:
        raise Tampered(f"this is not an evidence bundle as it was written: {error.detail}") from error
    except RecursionError:
        raise Tampered("this is not an evidence bundle: it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Tampered(f"this is not an evidence bundle: {where}: {first['msg']}") from None
    try:
        return _check(bundle, key, _sealed(raw, key))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What the ledger proves has its shape from the database; what does not is not the record's.
        raise Tampered(f"a text in the bundle is not one that the record writes ({type(error).__name__})") from error


def _upgraded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A bundle of the old format with what it could not say; any other as it is. Raises Tampered where one knows more
    than its format."""
    if raw.get("format") != OLD_FORMAT:
        return dict(raw)
    try:
        return _with_new_fields(raw)
    except (AttributeError, LookupError, TypeError) as error:
        raise Tampered("this is not an evidence bundle: a part of the old format is missing") from error


def _with_new_fields(raw: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {"earlier": None, "found": len(raw["entries"]), "changes": [], "seal": None}
    newer = [('"stands_in_as":', row["entry"]) for row in raw["entries"]] + [
        ('"cover":', text) for text in raw["policies"]
    ]
    if (more.keys() | {"unsigned"}) & raw.keys() or any(mark in text for mark, text in newer):
        raise Tampered("a bundle of the old format holds what only the new one can")
    nobody: dict[str, Any] = {"acting_for": None}
    rows = [*raw["decisions"], *(seat for part in raw["recommendations"] for seat in part["seats"])]
    if any({"acting_for", "stands_in_as", "signature"} & row.keys() for row in rows):
        raise Tampered("a bundle of the old format holds what only the new one can")
    return {
        **raw,
        **more,
        "recommendations": [
            {**part, "seats": [{**seat, **nobody, "stands_in_as": None} for seat in part["seats"]]}
            for part in raw["recommendations"]
        ],
        "decisions": [{**part, **nobody, "signature": None} for part in raw["decisions"]],
    }


def _sealed(raw: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    if raw.get("seal") is None:
        return False
    if not verify_signature(public_key_text(key), raw["seal"], sealed_statement(raw)):
        _no("the seal is not right: the file is not the one that was exported")
    return True


def _check(bundle: Bundle, key: Ed25519PublicKey, sealed: bool) -> Report:
    checkpoint = _checkpoint(bundle, key)
    grew_from = _earlier(bundle, checkpoint, key)
    bodies = _entries(bundle, checkpoint)
    facts = _facts(bundle)
    policies = _policies(bundle)
    envelopes = {part.id: envelope_of(part, bundle, facts) for part in bundle.recommendations}
    if len(envelopes) != len(bundle.recommendations):
        _no("a recommendation is in the bundle twice")
    drafts = [(envelopes[part.id]["revision"], envelopes[part.id]["draft_number"]) for part in bundle.recommendations]
    changes = [part.recommendation for part in bundle.changes]
    if drafts != sorted(set(drafts)) or changes != sorted(set(changes)) or set(changes) & set(envelopes):
        _no("recommendations or changes of others are not in order, or stand there twice")
    replay = Replay(bundle, facts, policies, envelopes)
    for body in bodies:
        replay.follow(body)
    replay.finish()
    activated_of(bundle, replay, envelopes)
    erased = leaves_of(bundle, replay)
    comments_of(bundle, replay, erased)
    return Report(
        bundle.tenant,
        bundle.case,
        len(bundle.entries),
        checkpoint.size,
        replay.outcomes(),
        tuple(erased),
        documents_of(bundle, facts),
        replay.bench.signatures,
        sealed,
        grew_from,
        tuple(dict.fromkeys([*replay.notes, *replay.limits()])),
        tuple(bundle.unsigned),
    )


def places(entries: Sequence[int]) -> str:
    """entry 5 | entries 5, 6"""
    return f"entr{'y' if len(entries) == 1 else 'ies'} {', '.join(map(str, entries))}"


def _no(reason: str) -> Never:
    raise Tampered(reason)


def _checkpoint(bundle: Bundle, key: Ed25519PublicKey) -> Checkpoint:
    if bundle.key is not None and bundle.key != fingerprint(key):
        _no(f"the bundle names the key {bundle.key}, the given public key is {fingerprint(key)}")
    return _signed(bundle.checkpoint, bundle.tenant, key)


def _signed(note: str, tenant: str, key: Ed25519PublicKey) -> Checkpoint:
    try:
        signed = read_checkpoint(note, key)
    except Malformed as error:
        raise Tampered(f"the checkpoint: {error.detail}") from error
    if signed.origin != origin(tenant):
        _no(f"the checkpoint is of {signed.origin}, not of {tenant}")
    # One signature and one way to write it: base64 leaves bits that say nothing.
    tail = _SIGNATURE.fullmatch(note[len(signed.text()) :])
    if tail is None or base64.b64encode(base64.b64decode(tail[2])).decode() != tail[2]:
        _no("the checkpoint's signature is not written in its one canonical way")
    return signed


def _earlier(bundle: Bundle, checkpoint: Checkpoint, key: Ed25519PublicKey) -> int | None:
    """Entries of the earlier checkpoint in the bundle, which this one must only have grown from."""
    if bundle.earlier is None:
        return None
    before = _signed(bundle.earlier.checkpoint, bundle.tenant, key)
    path = [bytes.fromhex(step) for step in bundle.earlier.proof]
    if not check_consistency(before.size, checkpoint.size, before.root, checkpoint.root, path):
        _no(f"the ledger that was signed does not begin with the {before.size} entries that were signed earlier")
    return before.size


def extends(bundle_text: str, note: str, key: Ed25519PublicKey) -> bool | None:
    """Whether the ledger of a bundle that was checked begins with a checkpoint kept elsewhere. None: the bundle does
    not hold the proof (export it with --since). Raises Tampered where it surely does not."""
    bundle = json.loads(bundle_text)
    kept, mine = _signed(note, bundle["tenant"], key), _signed(bundle["checkpoint"], bundle["tenant"], key)
    known = (
        [mine]
        if bundle.get("earlier") is None
        else [mine, _signed(bundle["earlier"]["checkpoint"], bundle["tenant"], key)]
    )
    for one in known:
        if one.size == kept.size:
            if one.root != kept.root:
                _no(f"the {kept.size} entries that the kept checkpoint signs are not those of this file's ledger")
            return True
    return None


def _entries(bundle: Bundle, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    bodies = []
    before = 0
    if len(bundle.entries) != bundle.found:
        _no(f"the exporter found {bundle.found} entries, {len(bundle.entries)} are here")
    if bundle.unsigned != [row.seq for row in bundle.entries if row.seq > checkpoint.size]:
        _no(f"the checkpoint covers {checkpoint.size} entries, and not those that the bundle says")
    for row in bundle.entries:
        if row.seq <= before:
            _no(f"entry {row.seq} is not in order")
        before = row.seq
        if entry_hash(row.entry) != row.hash:
            _no(f"entry {row.seq} does not hash to its hash: it was edited")
        path = [bytes.fromhex(step) for step in row.proof]
        if row.seq > checkpoint.size:
            if path:
                _no(f"entry {row.seq} came after the checkpoint and carries a proof")
        elif not check_inclusion(row.seq - 1, checkpoint.size, bytes.fromhex(row.hash), path, checkpoint.root):
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
    """Digest → policy, by version. One that no envelope names is refused: nothing would bind it."""
    found = {"sha256:" + sha256_hex(POLICY_TAG + text): text for text in bundle.policies}
    named = [json.loads(part.envelope)["policy"] for part in bundle.recommendations]
    by_version = dict(sorted((one["version"], one["digest"]) for one in named))
    if len(found) != len(bundle.policies) or list(found) != list(by_version.values()):
        _no("the policies are not those that the recommendations were made under")
    return {digest: json.loads(text) for digest, text in found.items()}

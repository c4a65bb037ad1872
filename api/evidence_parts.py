"""The parts of an evidence bundle, each held against the envelope or the ledger entry that binds it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Never

from api.evidence import OLD_FORMAT, Bundle, RecommendationPart
from api.evidence_replay import Replay
from governance.chain import parse_canonical, salted_hash, sha256_hex
from governance.errors import Malformed, Tampered
from governance.recommendation import LEAVES, digest_of, is_recipient


def envelope_of(
    part: RecommendationPart, bundle: Bundle, facts: list[tuple[str, Mapping[str, Any]]]
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
    change = facts[envelope["revision"] - 1][1].get("change")
    if change != envelope["action"]["args"].get("change"):
        _no(f"recommendation {part.id} carries another change than its case")
    names = {*LEAVES, "change"} if change is not None else set(LEAVES)
    if set(part.leaves) != names or {n: leaf.hash for n, leaf in part.leaves.items()} != envelope["leaves"]:
        _no(f"the leaves of {part.id} are not those that its envelope names")
    for name, leaf in part.leaves.items():
        if (leaf.salt is None) != (leaf.content is None):
            _no(f"half of the {name} of {part.id} is missing")
        if leaf.salt is not None and leaf.content is not None and _salted(leaf.salt, leaf.content) != leaf.hash:
            _no(f"the {name} of {part.id} is not the one that was signed")
    salt, draft = part.leaves["draft"].salt, part.leaves["draft"].content
    # Where the letter was erased, nothing is left that says to whom it went.
    address = None if draft is None else (json.loads(draft) or {}).get("to")
    if salt is not None and draft is not None and not is_recipient(envelope["recipient"], salt, address):
        _no(f"the letter of {part.id} is not addressed to the recipient of its envelope")
    text = part.leaves["change"].content if change is not None else None
    if text is not None and "sha256:" + sha256_hex(text) != change:
        _no(f"the change of {part.id} is not the one that its case and action name")
    return envelope


def leaves_of(bundle: Bundle, replay: Replay) -> list[str]:
    """What was erased: only what an entry says was (the old format did not say)."""
    erased = [
        (part.id, f"{name} of recommendation {part.id}")
        for part in bundle.recommendations
        for name, leaf in part.leaves.items()
        if leaf.content is None
    ]
    for name, what in erased:
        if name not in replay.erased and bundle.format != OLD_FORMAT:
            _no(f"the {what} is missing, and no entry says that it was erased")
    return [what for _, what in erased]


def activated_of(bundle: Bundle, replay: Replay, envelopes: Mapping[str, Mapping[str, Any]]) -> None:
    """Every policy that was asked is that of genesis, or one that a signed change made active."""
    for name, envelope in envelopes.items():
        version, digest = envelope["policy"]["version"], envelope["policy"]["digest"]
        if version not in replay.policies and bundle.format != OLD_FORMAT:
            _no(f"no entry made active the policy that {name} was made under")
        active = replay.policies.get(version, digest)
        if active is None:
            replay.notes.append(f"that policy version {version} was as signed: the change that made it was erased")
        elif active != digest:
            _no(f"{name} was made under another policy than the one that was active as version {version}")


def _salted(salt: str, content: str) -> str:
    return "sha256:" + salted_hash(salt, content)


def comments_of(bundle: Bundle, replay: Replay, erased: list[str]) -> None:
    """Every decision is one of the ledger's, in its order, and its comment is the one that was hashed."""
    if [part.id for part in bundle.decisions] != list(replay.decisions):
        _no("the decisions are not those that the ledger recorded")
    for part in bundle.decisions:
        entry = replay.decisions[part.id]
        body = entry["body"]
        said = (
            part.recommendation, part.decision, part.actor, part.acting_for, part.digest, part.seat, part.reason_code,
            part.signature,
        )  # fmt: skip
        recorded = (
            entry["subject"], entry["kind"].removeprefix("decision."), entry["actor"], body.get("acting_for"),
            body["digest"], body.get("seat"), body.get("reason_code"), body.get("signature"),
        )  # fmt: skip
        if said != recorded:
            _no(f"decision {part.id} is not the one that the ledger recorded")
        if part.comment is None:
            if body.get("comment") is not None:
                if part.recommendation not in replay.erased and bundle.format != OLD_FORMAT:
                    _no(f"the comment of decision {part.id} is missing, and no entry says that it was erased")
                erased.append(f"comment of decision {part.id}")
        elif _salted(part.comment.salt, part.comment.text) != body.get("comment"):
            _no(f"the comment of decision {part.id} is not the one that was made")


def documents_of(bundle: Bundle, facts: list[tuple[str, Mapping[str, Any]]]) -> int:
    """Documents are those that the facts name, in order; the number whose content is here and right."""
    named = list(dict.fromkeys(each["document"] for _, each in facts if each.get("document")))
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


def _no(reason: str) -> Never:
    raise Tampered(reason)

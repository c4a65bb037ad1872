"""What a person sees before signing with a key of their own, and whether it is what the digest says.

The service that shows a recommendation is not believed: the digest is computed here from the envelope, the facts and a
change are hashed against it, and only what is under the digest is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from api.keyring import write_once
from governance.chain import canonical, salted_hash
from governance.errors import Malformed, Tampered
from governance.recommendation import is_recipient

LEAST_PASSPHRASE = 12
_ENVELOPE_TAG = "countersign/recommendation/v1\n"


@dataclass(frozen=True, slots=True)
class Statement:
    """What would be signed. `lines`: labels and values for a person, each of them under the digest."""

    tenant: str
    recommendation_id: str
    digest: str
    lines: tuple[tuple[str, str], ...]


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def statement_of(shown: Mapping[str, Any], recommendation_id: str) -> Statement:
    """What a recommendation, as the service gives it out, has under its digest.

    Raises Tampered where digest, envelope, facts, letter or change do not belong together, Malformed where they are not
    there.
    """
    try:
        envelope, facts_text = shown["signed"]["envelope"], shown["signed"]["facts"]
        digest = _digest(_ENVELOPE_TAG + canonical(envelope))
        facts = json.loads(facts_text)
        args = dict(envelope["action"]["args"])
        if digest != shown["digest"] or shown["id"] != recommendation_id:
            raise Tampered("the digest is not that of what is shown: sign nothing, and tell an auditor")
        if envelope["facts"] != _digest(facts_text) or facts["case"] != envelope["case"]:
            raise Tampered("the facts are not those of the digest: sign nothing, and tell an auditor")
        lines = [("action", str(envelope["action"]["name"])), *((name, str(value)) for name, value in args.items())]
        if "change" in args:
            lines += _change(shown["change"], args["change"])
        else:
            lines += [*_money(facts), *_letter(envelope, shown["signed"]["draft"])]
        lines += [("case", envelope["case"]), ("tenant", envelope["tenant"]), ("expires", envelope["expires_at"])]
        return Statement(str(envelope["tenant"]), recommendation_id, digest, tuple(lines))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Malformed("the service does not show what its digest is of: nothing can be signed") from error


def _change(change: Any, expected: str) -> list[tuple[str, str]]:
    if change is None or _digest(canonical(change)) != expected:
        raise Tampered("the change is not that of the digest: sign nothing, and tell an auditor")
    return [("change of", f"{change['kind']} {change['subject']}"), ("shall hold", canonical(change["content"]))]


def _money(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    amount = f"{facts['amount']} {facts['currency'] or ''}".strip() if facts["amount"] is not None else "unknown"
    return [
        ("amount", amount),
        ("payee", facts["supplier_id"] or facts["customer_id"] or "none"),
        ("account on the invoice", facts["payee_iban"] or "none"),
        ("invoice", facts["invoice_id"] or "none"),
    ]


def _letter(envelope: Mapping[str, Any], leaf: Any) -> list[tuple[str, str]]:
    """Whom the letter goes to: the envelope only hashes the address, so it is read in the letter that it hashes."""
    if envelope["recipient"] is None:
        return []
    if envelope["leaves"]["draft"] != "sha256:" + salted_hash(leaf["salt"], leaf["content"]):
        raise Tampered("the letter is not that of the digest: sign nothing, and tell an auditor")
    address = json.loads(leaf["content"])["to"]
    if not is_recipient(envelope["recipient"], leaf["salt"], address):
        raise Tampered("the letter does not go to whom the digest names: sign nothing, and tell an auditor")
    return [("letter to", str(address))]


def encrypted(key: Ed25519PrivateKey, passphrase: str) -> str:
    """The key as PEM, PKCS #8, encrypted. Raises Malformed where the passphrase is too short."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise Malformed(f"a passphrase has at least {LEAST_PASSPHRASE} characters")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())).decode()


def write_key(path: Path, pem: str) -> None:
    """Into a new file of mode 0600. Raises Malformed where one is there already."""
    if not write_once(path, pem):
        raise Malformed(f"{path} is there already: a key is never written over")


def read_key(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """The key in a file. Raises Malformed where the passphrase is wrong or it is no encrypted Ed25519 key."""
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase.encode())
    except (ValueError, TypeError) as error:
        raise Malformed(f"{path} cannot be opened: wrong passphrase, or no encrypted key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed(f"{path} holds no Ed25519 key")
    return key

"""Signatures of people over what they approve. Pure. Source: RFC 8032 (Ed25519).

The statement that is signed stands in governance/decision.py (`signed_statement`). The database only sees that a
signature is well formed and its key alive: the courier and the offline verifier do the mathematics, with this file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.chain import public_key_text, read_public_key
from governance.errors import Malformed

_FORM = re.compile(r"ed25519:([0-9a-f]{16}):([A-Za-z0-9+/]{86}==)")


def key_id(public_key: str) -> str:
    """The id under which the record knows a key: 16 hex digits. `public_key`: base64 of 32 bytes; raises Malformed."""
    return hashlib.sha256(read_public_key(public_key).public_bytes_raw()).hexdigest()[:16]


def sign_statement(statement: bytes, key: Ed25519PrivateKey) -> str:
    """`ed25519:<key id>:<base64 of 64 bytes>` over the statement."""
    public = public_key_text(key.public_key())
    return f"ed25519:{key_id(public)}:{base64.b64encode(key.sign(statement)).decode()}"


def verify_signature(public_key: str, signature_text: str, statement: bytes) -> bool:
    """Whether `signature_text` is this key's signature over the statement. False for whatever is malformed.

    `public_key`: base64 of 32 bytes; the key id in the text must be this key's, and the base64 the one canonical way to
    write those bytes.
    """
    found = _FORM.fullmatch(signature_text)
    if found is None:
        return False
    try:
        key: Ed25519PublicKey = read_public_key(public_key)
        raw = base64.b64decode(found[2], validate=True)
        if key_id(public_key) != found[1] or base64.b64encode(raw).decode() != found[2]:
            return False
        key.verify(raw, statement)
    except (Malformed, binascii.Error, InvalidSignature):
        return False
    return True

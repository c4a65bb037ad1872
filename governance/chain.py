"""Canonical bytes, the hash chain, the Merkle tree and signed checkpoints. Pure.

Sources: RFC 8785 (canonical JSON), RFC 9162 section 2.1 (Merkle tree), C2SP tlog-checkpoint and
signed-note (checkpoint text, Ed25519).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.errors import Malformed

ENTRY_TAG = "countersign/ledger/v1\n"
LEAF_TAG = "countersign/leaf/v1\n"
GENESIS_HASH = "0" * 64


def canonical(value: Any) -> str:
    """RFC 8785 text of a JSON value. Raises Malformed for what JSON cannot say (NaN, lone surrogates)."""
    try:
        return rfc8785.dumps(value).decode("utf-8")
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, ValueError) as error:
        raise Malformed(f"the value has no canonical form: {error}") from error


def sha256_hex(text: str) -> str:
    """Lower-case hex SHA-256 of the UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def salted_hash(salt: str, content: str) -> str:
    """Hash of one leaf: tag, salt (hex) and canonical content, so that erasing the leaf leaves no guessable trace."""
    return sha256_hex(f"{LEAF_TAG}{salt}\n{content}")


def entry_hash(entry: str) -> str:
    """Hash of one ledger entry's canonical text, which itself carries the hash before it."""
    return sha256_hex(ENTRY_TAG + entry)


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain first fails and why."""

    seq: int
    reason: str


def check_chain(
    rows: Iterable[tuple[int, str, str]], tenant: str, *, start: int = 1, before: str = GENESIS_HASH
) -> tuple[int, str, Break | None]:
    """Walk (seq, entry text, hash) rows in order.

    Returns the number of sound entries, the last sound hash and the first break (None when sound).
    """
    expected, prev, count = start, before, 0
    for seq, text, digest in rows:
        if seq != expected:
            return count, prev, Break(expected, f"entry {expected} is missing: the next one found is {seq}")
        if entry_hash(text) != digest:
            return count, prev, Break(seq, f"entry {seq} does not hash to its stored hash: it was edited")
        try:
            body = json.loads(text)
        except ValueError:
            return count, prev, Break(seq, f"entry {seq} is not JSON")
        if body.get("prev") != prev:
            return (
                count,
                prev,
                Break(seq, f"entry {seq} does not follow entry {seq - 1}: the chain was cut or reordered"),
            )
        if body.get("seq") != seq or body.get("tenant") != tenant:
            return count, prev, Break(seq, f"entry {seq} names another place or tenant than it stands in")
        expected, prev, count = seq + 1, digest, count + 1
    return count, prev, None


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of RFC 9162 section 2.1.1 over the leaves' data. The empty tree is SHA-256 of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    # A stack of (height, hash) of complete subtrees, as in section 2.1.2.
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        height, digest = 0, _leaf(leaf)
        while stack and stack[-1][0] == height:
            digest = _node(stack.pop()[1], digest)
            height += 1
        stack.append((height, digest))
    root = stack.pop()[1]
    while stack:
        root = _node(stack.pop()[1], root)
    return root


def _split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Audit path of leaf `index` (0-based), RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(index, leaves[:k]), merkle_root(leaves[k:])]
    return [*inclusion_proof(index - k, leaves[k:]), merkle_root(leaves[:k])]


def check_inclusion(index: int, size: int, data: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `data` is leaf `index` of the tree of `size` leaves, RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, digest = index, size - 1, _leaf(data)
    for step in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            digest = _node(step, digest)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            digest = _node(digest, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and digest == root


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Proof that the tree of the first `first` leaves is a beginning of this one, RFC 9162 section 2.1.4.1.

    0 < `first` <= len(leaves), else ValueError; empty where both are the same tree.
    """
    if not 0 < first <= len(leaves):
        raise ValueError("a consistency proof leads from at least one leaf to at least as many")
    return _subproof(first, leaves, whole=True)


def _subproof(first: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [merkle_root(leaves)]
    k = _split(len(leaves))
    if first <= k:
        return [*_subproof(first, leaves[:k], whole=whole), merkle_root(leaves[k:])]
    return [*_subproof(first - k, leaves[k:], whole=False), merkle_root(leaves[:k])]


def check_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the tree of `second` leaves begins with that of `first`, RFC 9162 section 2.1.4.2."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    steps = list(path)
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    if not steps:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = _node(step, old), _node(step, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = _node(new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of one tenant's ledger: `size` entries with Merkle root `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The body of C2SP tlog-checkpoint."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin(tenant: str) -> str:
    """The checkpoint origin of a tenant's ledger."""
    return f"countersign.dev/ledger/{tenant}"


def _key_id(name: str, raw: bytes) -> bytes:
    # signed-note: SHA-256 over name, newline, algorithm byte and key, first four bytes.
    return hashlib.sha256(name.encode() + b"\n\x01" + raw).digest()[:4]


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The signed note of a checkpoint."""
    body = checkpoint.text()
    blob = _key_id(checkpoint.origin, _raw(key.public_key())) + key.sign(body.encode())
    return f"{body}\n\u2014 {checkpoint.origin} {base64.b64encode(blob).decode()}\n"


def read_checkpoint(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint of a signed note. Raises Malformed where the text or the signature is not right."""
    try:
        body, signatures = note.split("\n\n", 1)
        name, size, root = body.split("\n")[:3]
        checkpoint = Checkpoint(name, int(size), base64.b64decode(root, validate=True))
        blobs = [line.rsplit(" ", 1)[1] for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    except (ValueError, IndexError) as error:
        raise Malformed("the checkpoint is not a signed note") from error
    if checkpoint.text() != body + "\n":
        raise Malformed("the checkpoint is not in canonical form")
    for blob in blobs:
        try:
            data = base64.b64decode(blob, validate=True)
            if data[:4] == _key_id(name, _raw(key)):
                key.verify(data[4:], (body + "\n").encode())
                return checkpoint
        except (ValueError, InvalidSignature):
            continue
    raise Malformed("the checkpoint carries no valid signature of this key")


def public_key_text(key: Ed25519PublicKey) -> str:
    """Base64 of the raw public key: the content of HOME/ledger.pub."""
    return base64.b64encode(_raw(key)).decode()


def read_public_key(text: str) -> Ed25519PublicKey:
    """The key of `public_key_text`. Raises Malformed."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
    except ValueError as error:
        raise Malformed("the public key must be 32 bytes in base64") from error


def parse_canonical(text: str) -> Mapping[str, Any]:
    """The object that a canonical text says. Raises Malformed where the text is not its own canonical form."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Malformed("not JSON") from error
    if not isinstance(value, dict) or canonical(value) != text:
        raise Malformed("not the canonical form of a JSON object")
    return value

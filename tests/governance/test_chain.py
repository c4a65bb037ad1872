"""Chain, Merkle tree, checkpoint and canonical text are laws: property tests."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from governance import chain
from governance.errors import Malformed

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**14), 10**14) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def entries(bodies: list[Any], tenant: str = "t") -> list[tuple[int, str, str]]:
    rows, prev = [], chain.GENESIS_HASH
    for seq, body in enumerate(bodies, 1):
        text = chain.canonical({"tenant": tenant, "seq": seq, "prev": prev, "body": body})
        prev = chain.entry_hash(text)
        rows.append((seq, text, prev))
    return rows


@given(JSON)
def test_canonical_text_is_stable_and_says_the_same(value: Any) -> None:
    text = chain.canonical(value)
    assert json.loads(text) == value
    assert chain.canonical(json.loads(text)) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"k": "\udfff"}, 2**60])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        chain.canonical(value)


@given(st.lists(JSON, max_size=8))
def test_a_sound_chain_is_sound(bodies: list[Any]) -> None:
    rows = entries(bodies)
    count, last, broken = chain.check_chain(rows, "t")
    assert (count, broken) == (len(rows), None)
    assert last == (rows[-1][2] if rows else chain.GENESIS_HASH)


@given(st.lists(JSON, min_size=2, max_size=8), st.data())
def test_every_tampering_breaks_the_chain_where_it_was_done(bodies: list[Any], data: st.DataObject) -> None:
    rows = entries(bodies)
    at = data.draw(st.integers(0, len(rows) - 1), "index")
    how = data.draw(st.sampled_from(["edit", "edit and rehash", "delete", "swap", "insert", "hash"]), "how")
    seq, text, digest = rows[at]
    changed = list(rows)
    if how.startswith("edit"):
        other = chain.canonical({**json.loads(text), "body": "tampered"})
        if other == text:
            return
        changed[at] = (seq, other, chain.entry_hash(other) if how.endswith("rehash") else digest)
        if how.endswith("rehash") and at == len(rows) - 1:
            return  # only the head and a checkpoint held outside can show an edited tail
    elif how == "delete":
        del changed[at]
        if at == len(rows) - 1:
            return
    elif how == "swap":
        to = (at + 1) % len(rows)
        changed[at], changed[to] = changed[to], changed[at]
    elif how == "insert":
        changed.insert(at, rows[at])
    else:
        changed[at] = (seq, text, hashlib.sha256(digest.encode()).hexdigest())
    count, _, broken = chain.check_chain(changed, "t")
    assert broken is not None
    assert count <= at + 1


def test_a_chain_of_another_tenant_is_refused() -> None:
    assert chain.check_chain(entries([1, 2], "other"), "t")[2] is not None


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1 to the letter."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_merkle_root_is_that_of_the_rfc(leaves: list[bytes]) -> None:
    assert chain.merkle_root(leaves) == naive_root(leaves)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_inclusion_proofs_prove_their_leaf_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(leaves) - 1))
    path, root, size = chain.inclusion_proof(at, leaves), chain.merkle_root(leaves), len(leaves)
    assert chain.check_inclusion(at, size, leaves[at], path, root)
    assert not chain.check_inclusion(at, size, leaves[at] + b"x", path, root)
    assert not chain.check_inclusion(size, size, leaves[at], path, root)
    assert not chain.check_inclusion(at, size, leaves[at], [*path, b"\x00" * 32], root)
    if path:
        assert not chain.check_inclusion(at, size, leaves[at], path[:-1], root)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_consistency_proofs_agree_with_recomputation(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, len(leaves)))
    path = chain.consistency_proof(first, leaves)
    old, new, size = chain.merkle_root(leaves[:first]), chain.merkle_root(leaves), len(leaves)
    assert chain.check_consistency(first, size, old, new, path)
    assert (path == []) == (first == size)
    assert not chain.check_consistency(first, size, old, new, [*path, b"\x00" * 32])
    assert not chain.check_consistency(first, size, b"\x00" * 32, new, path)
    assert not chain.check_consistency(first, size, old, b"\x00" * 32, path)
    assert not chain.check_consistency(0, size, old, new, path)
    assert not chain.check_consistency(size + 1, size, old, new, path)
    for at in range(len(path)):
        assert not chain.check_consistency(first, size, old, new, [*path[:at], *path[at + 1 :]])
        assert not chain.check_consistency(first, size, old, new, [*path[:at], b"\x00" * 32, *path[at + 1 :]])


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40), st.data())
def test_no_proof_leads_from_another_history(leaves: list[bytes], data: st.DataObject) -> None:
    """Honest proofs of a tree whose beginning was rewritten, shortened or reordered do not fit the kept root."""
    first = data.draw(st.integers(1, len(leaves)), "first")
    kept = chain.merkle_root(leaves[:first])
    at = data.draw(st.integers(0, first - 1), "at")
    other = list(leaves)
    how = data.draw(st.sampled_from(["edit", "delete", "insert"]), "how")
    if how == "edit":
        other[at] += b"x"
    elif how == "delete":
        del other[at]
    else:
        other.insert(at, b"123456789")
    assert (chain.merkle_root(other[:first]) == kept) == (other[:first] == leaves[:first])
    if other[:first] != leaves[:first] and first <= len(other):
        root, path = chain.merkle_root(other), chain.consistency_proof(first, other)
        assert not chain.check_consistency(first, len(other), kept, root, path)


def test_the_consistency_proofs_of_the_rfc() -> None:
    """RFC 9162 section 2.1.5: seven leaves; proofs from 3, 4 and 6."""
    leaves = [bytes([n]) for n in range(7)]
    a, b, c, d, e, f, j = (hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves)
    pair = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in ((a, b), (c, d), (e, f))]
    g, h, i = pair
    k = hashlib.sha256(b"\x01" + g + h).digest()
    last = hashlib.sha256(b"\x01" + i + j).digest()
    assert chain.consistency_proof(3, leaves) == [c, d, g, last]
    assert chain.consistency_proof(4, leaves) == [last]
    assert chain.consistency_proof(6, leaves) == [i, j, k]
    for first in (0, 8):
        with pytest.raises(ValueError, match="consistency"):
            chain.consistency_proof(first, leaves)


@given(st.integers(1, 10**9), st.binary(min_size=32, max_size=32), st.data())
def test_a_signed_checkpoint_reads_back_and_no_byte_can_change(size: int, root: bytes, data: st.DataObject) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    made = chain.Checkpoint(chain.origin("t"), size, root)
    note = chain.sign_checkpoint(made, key)
    assert chain.read_checkpoint(note, key.public_key()) == made
    body = note.index("\n\n")
    at = data.draw(st.integers(0, body))
    other = note[:at] + chr((ord(note[at]) + 1) % 128) + note[at + 1 :]
    with pytest.raises(Malformed):
        chain.read_checkpoint(other, key.public_key())
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    with pytest.raises(Malformed):
        chain.read_checkpoint(note, stranger.public_key())


def test_public_key_text_reads_back() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key()
    assert chain.read_public_key(chain.public_key_text(key) + "\n") == key
    with pytest.raises(Malformed):
        chain.read_public_key("AAAA")

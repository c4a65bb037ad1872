"""A signature over an approval holds for its statement and its key, and for nothing else."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from governance.chain import public_key_text
from governance.decision import signed_statement
from governance.signature import key_id, sign_statement, verify_signature

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = public_key_text(PRIVATE.public_key())
DIGEST = "sha256:" + "a" * 64
STATEMENT = signed_statement("acme", "rec-1", DIGEST)
SIGNATURE = sign_statement(STATEMENT, PRIVATE)


def test_the_statement_is_the_published_text() -> None:
    assert (
        b"countersign/approval/v1\n"
        b'{"decision":"approve","digest":"' + DIGEST.encode() + b'","recommendation":"rec-1","tenant":"acme"}'
    ) == STATEMENT


def test_a_signature_holds_for_its_own_statement_and_key() -> None:
    assert verify_signature(PUBLIC, SIGNATURE, STATEMENT)
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    assert not verify_signature(public_key_text(stranger.public_key()), SIGNATURE, STATEMENT)
    under_my_id = SIGNATURE[: len("ed25519:") + 17] + sign_statement(STATEMENT, stranger).rsplit(":", 1)[1]
    assert not verify_signature(PUBLIC, under_my_id, STATEMENT)


@pytest.mark.parametrize(
    "statement",
    [
        signed_statement("other", "rec-1", DIGEST),
        signed_statement("acme", "rec-2", DIGEST),
        signed_statement("acme", "rec-1", "sha256:" + "b" * 64),
        STATEMENT.removeprefix(b"countersign/approval/v1\n"),
        STATEMENT.replace(b"approve", b"reject"),
    ],
)
def test_it_holds_for_no_other_statement(statement: bytes) -> None:
    assert not verify_signature(PUBLIC, SIGNATURE, statement)


@given(st.integers(0, len(SIGNATURE) - 1), st.characters(min_codepoint=32, max_codepoint=126))
def test_no_character_can_change(at: int, other: str) -> None:
    changed = SIGNATURE[:at] + other + SIGNATURE[at + 1 :]
    assert verify_signature(PUBLIC, changed, STATEMENT) == (changed == SIGNATURE)


@given(st.binary(min_size=1, max_size=80), st.integers(0, 10**6))
def test_a_statement_of_any_names_is_its_own(name: bytes, n: int) -> None:
    """Names that try to close the JSON string and go on do not reach another statement."""
    tenant = name.decode("latin-1")
    assert signed_statement(tenant, str(n), DIGEST) != signed_statement(tenant + '","x":"', str(n), DIGEST)


@pytest.mark.parametrize("wrong", ["", "x", "ed25519:", SIGNATURE + "\n", SIGNATURE.upper(), "ed25519:0:AAAA"])
def test_what_is_no_signature_is_false_and_not_an_error(wrong: str) -> None:
    assert not verify_signature(PUBLIC, wrong, STATEMENT)


@pytest.mark.parametrize("key", ["", "AAAA", "ü", base64.b64encode(b"x" * 31).decode()])
def test_what_is_no_key_is_false_and_not_an_error(key: str) -> None:
    assert not verify_signature(key, SIGNATURE, STATEMENT)


def test_the_key_id_is_the_database_s() -> None:
    # cs._apply_change: left(encode(sha256(decode(public_key, 'base64')), 'hex'), 16)
    assert SIGNATURE.split(":")[1] == key_id(PUBLIC)

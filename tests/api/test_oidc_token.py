"""What a token must be, without a network: signature, issuer, audience, times, form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.oidc_token import Expected, Head, ProviderKey, choose, parse_keys, verify
from governance.errors import ClockSkew, Malformed, Refusal, Unauthenticated
from tests.api.identity_provider import CLIENT, KEYS, IdentityProvider, b64


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider(published=list(KEYS)) as made:
        yield made


def read(provider: IdentityProvider, token: str, *, at: timedelta = timedelta(0), **expected: Any) -> Any:
    keys = parse_keys({"keys": [provider.public(kid) for kid in provider.published]})

    def key_of(head: Head) -> ProviderKey:
        found = choose(keys, head)
        if found is None:
            raise Unauthenticated("no such key")
        return found

    values = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "audiences": frozenset({CLIENT}),
        "algorithms": frozenset({"RS256", "ES256", "Ed25519"}),
    }
    return verify(token, Expected(**{**values, **expected}), key_of, datetime.now(UTC) + at)


@pytest.mark.parametrize("kid", ["r1", "e1", "d1"])
def test_a_good_token_says_who_it_is(provider: IdentityProvider, kid: str) -> None:
    claims = read(provider, provider.token("sub-1", kid, nonce="n"))
    assert (claims.issuer, claims.subject, claims.nonce) == (provider.issuer, "sub-1", "n")
    assert read(provider, provider.token("sub-1", kid, nbf=0, aud=["x", CLIENT], azp=CLIENT)).nonce is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://elsewhere.example"}, "another issuer"),
        ({"iss": ...}, "another issuer"),
        ({"iss": ["http://127.0.0.1"]}, "another issuer"),
        ({"aud": "somebody-else"}, "another audience"),
        ({"aud": ["a", "b"]}, "another audience"),
        ({"aud": ...}, "no audience"),
        ({"aud": 7}, "no audience"),
        ({"aud": [CLIENT, "other"]}, "another party"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "another party"),
        ({"azp": "other"}, "another party"),
        ({"exp": 1}, "expired"),
        ({"exp": ...}, "when it ends"),
        ({"exp": "tomorrow"}, "exp is no time"),
        ({"exp": True}, "exp is no time"),
        ({"exp": 1e12}, "exp is no time"),
        ({"exp": -1}, "exp is no time"),
        ({"exp": 10**14}, "exp is no time"),
        ({"iat": ...}, "when it was made"),
        ({"nbf": "x"}, "nbf is no time"),
        ({"sub": ...}, "no subject"),
        ({"sub": ""}, "no subject"),
        ({"sub": "a b"}, "no subject"),
        ({"sub": "ü"}, "no subject"),
        ({"sub": "x" * 256}, "no subject"),
        ({"sub": 5}, "no subject"),
        ({"x": "\x00"}, "one way only"),
    ],
)
def test_claims_that_are_wrong_are_named(provider: IdentityProvider, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Unauthenticated, match=words) as caught:
        read(provider, provider.token("sub-1", **changes))
    assert caught.value.slug == "unauthenticated"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"crit": ["exp"]}, "extensions|signature"),
        ({"typ": "logout+jwt"}, "another type"),
        ({"typ": 7}, "another type|signature"),
        ({"kid": 7}, "key id|signature"),
        ({"kid": "unknown"}, "no such key"),
        ({"kid": "e1"}, "no such key"),  # another family's key
        ({"alg": "RS512"}, "algorithm"),  # not on this installation's list
        ({"alg": "PS256"}, "algorithm"),
    ],
)
def test_heads_that_are_wrong_are_refused(provider: IdentityProvider, head: dict[str, Any], words: str) -> None:
    try:
        token = provider.token("sub-1", head=head)
    except Exception:
        # Our own signer will not make it: put the head on a good token.
        _, payload, signature = provider.token("sub-1").split(".")
        token = f"{b64(json.dumps({'alg': 'RS256', 'kid': 'r1', **head}).encode())}.{payload}.{signature}"
    with pytest.raises(Unauthenticated, match=words):
        read(provider, token)


def test_a_key_says_the_only_algorithm_it_is_for(provider: IdentityProvider) -> None:
    with pytest.raises(Unauthenticated, match="no such key"):
        read(provider, provider.token("s", head={"alg": "RS512"}), algorithms=frozenset({"RS512"}))


def test_a_token_of_the_future_is_the_fault_of_a_clock(provider: IdentityProvider) -> None:
    token = provider.token("sub-1")
    with pytest.raises(ClockSkew, match="clock") as caught:
        read(provider, token, at=timedelta(hours=-1))
    assert (caught.value.slug, caught.value.status, caught.value.sqlstate) == ("clock-skew", 401, "CS457")
    with pytest.raises(Unauthenticated, match="expired"):
        read(provider, token, at=timedelta(hours=1))
    soon = int(datetime.now(UTC).timestamp()) + 30
    assert read(provider, provider.token("sub-1", iat=soon, nbf=soon)).subject == "sub-1"
    with pytest.raises(ClockSkew):
        read(provider, provider.token("sub-1", nbf=soon + 90))


def test_no_algorithm_and_no_shared_secret_are_ever_accepted(provider: IdentityProvider) -> None:
    every = frozenset({"none", "HS256", "RS256"})
    for token in (
        provider.unsigned("sub-1"),
        provider.unsigned("sub-1", kid="r1"),
        provider.with_public_key_as_secret("sub-1"),
    ):
        with pytest.raises(Unauthenticated):
            read(provider, token, algorithms=every)


def test_a_missing_key_id_is_fine_where_only_one_key_fits(provider: IdentityProvider) -> None:
    assert read(provider, provider.token("s", "e1", head={"kid": ...})).subject == "s"
    with pytest.raises(Unauthenticated, match="which of the provider's keys"):
        read(provider, provider.token("s", "r1", head={"kid": ...}))


def test_keys_that_prove_nothing_are_passed_over(provider: IdentityProvider) -> None:
    good = provider.public("r1")
    small = {"kty": "RSA", "n": "A" * 170, "e": "AQAB"}
    others: list[Any] = [
        small, {**good, "use": "enc"}, KEYS["r1"].as_dict(private=True), {"kty": "oct", "k": "c2VjcmV0"}, 7, None,
        {**good, "n": 5}, {"kty": "EC", "crv": "secp256k1", "x": "A", "y": "A"},
        {"kty": "OKP", "crv": "X25519", "x": "A"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {**good, "kid": 1}, {},
    ]  # fmt: skip
    assert [key.kid for key in parse_keys({"keys": [*others, good]})] == ["r1"]
    bad: list[Any] = [[], {}, {"keys": {}}, {"keys": [good] * 101}, None]
    for document in bad:
        with pytest.raises(Malformed):
            parse_keys(document)


def test_a_large_token_is_refused_before_it_is_read(provider: IdentityProvider) -> None:
    with pytest.raises(Unauthenticated, match="larger"):
        read(provider, provider.token("s", filler="x" * 20_000))


@given(place=st.integers(0, 4000), letter=st.sampled_from("AZaz09-_"))
@settings(deadline=None, max_examples=150)
def test_no_changed_letter_goes_unnoticed(place: int, letter: str) -> None:
    with IdentityProviderOnce() as provider:
        token = provider.fixed
        place %= len(token)
        changed = token[:place] + letter + token[place + 1 :]
        if changed == token or token[place] == ".":
            return
        try:
            claims = read(provider, changed)
        except Refusal:
            return
        # The last letter of a base64url part may hold bits that say nothing: then the bytes are the same.
        assert claims.subject == "sub-1"
        assert token[place + 1 : place + 2] in ("", ".")


class IdentityProviderOnce(IdentityProvider):
    """Without a server: only its keys and tokens."""

    fixed: str = ""

    def __enter__(self) -> IdentityProviderOnce:
        self.issuer = "http://127.0.0.1:1"
        self.fixed = self.token("sub-1", "e1")
        return self

    def __exit__(self, *_: object) -> None:
        return


@given(text=st.text(max_size=60) | st.from_regex(r"eyJ[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}"))
@settings(deadline=None, max_examples=200)
def test_whatever_is_sent_is_refused_in_words(text: str) -> None:
    with IdentityProviderOnce() as provider, pytest.raises(Unauthenticated):
        read(provider, text)

"""A token of an identity provider: whose signature it bears, and what it says. Pure.

Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best practice), OpenID Connect Core 1.0 §3.1.3.7. The algorithm comes
from a fixed list of asymmetric ones and must fit the key; what the token itself proposes counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from api import wire
from governance.errors import ClockSkew, Malformed, Unauthenticated

LEEWAY = timedelta(seconds=60)
"""How far two clocks may be apart."""
LARGEST_TOKEN = 16 * 1024
MOST_KEYS = 100

ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
    "ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519",
}  # fmt: skip
"""Algorithm → family of its keys. There is no `none` here, and nothing that a public key could be the secret of."""

_FORM = re.compile(r"[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_SUBJECT = re.compile(r"[!-~]{1,255}")
_TYPES = frozenset({"jwt", "at+jwt"})
_SMALLEST_MODULUS = 342  # base64url of 2048 bits
_END_OF_TIME = 253_402_300_799  # 9999-12-31


class _Registry(jws.JWSRegistry):
    """joserfc's rules with room for certificates in a header; the list of algorithms is ours (EdDSA: RFC 8037)."""

    max_header_length = 8 * 1024

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise Unauthenticated("the token's algorithm is not one that is accepted here")
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """One public key of a provider. `family` as in ALGORITHMS; `alg` where the provider says the only one."""

    kid: str | None
    alg: str | None
    family: str
    key: RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class Head:
    """What a token says of its own signature."""

    alg: str
    kid: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose tokens are accepted, and for whom they must be meant."""

    issuer: str
    client_id: str
    audiences: frozenset[str]
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claims:
    """Who somebody is at the provider."""

    issuer: str
    subject: str
    expires: datetime
    nonce: str | None


KeyOf = Callable[[Head], ProviderKey]
"""The provider's key for a token's head. Raises Unauthenticated where there is none, Unavailable."""


def looks_like_token(text: str) -> bool:
    """Whether this is in the form of a JWT; API keys have no dots."""
    return text.startswith("eyJ") and text.count(".") == 2


def parse_keys(document: Any) -> tuple[ProviderKey, ...]:
    """The keys of a JWK set (RFC 7517) that can verify signatures; others are passed over. Raises Malformed."""
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list) or len(found) > MOST_KEYS:
        raise Malformed(f"a key set is an object with a list of at most {MOST_KEYS} keys")
    return tuple(key for key in map(_parse_key, found) if key is not None)


def _parse_key(given: Any) -> ProviderKey | None:
    # A private or symmetric key in public is nobody's proof of anything.
    if not isinstance(given, dict) or "d" in given or "k" in given or given.get("use", "sig") != "sig":
        return None
    kid, alg = given.get("kid"), given.get("alg")
    if not isinstance(kid, str | None) or not isinstance(alg, str | None):
        return None
    plain = {name: value for name, value in given.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    if not all(isinstance(value, str) for value in plain.values()):
        return None
    try:
        if plain.get("kty") == "RSA" and len(plain.get("n", "")) >= _SMALLEST_MODULUS:
            return ProviderKey(kid, alg, "RSA", RSAKey.import_key(plain))
        if plain.get("kty") == "EC" and plain.get("crv") in ("P-256", "P-384", "P-521"):
            return ProviderKey(kid, alg, plain["crv"], ECKey.import_key(plain))
        if plain.get("kty") == "OKP" and plain.get("crv") == "Ed25519":
            return ProviderKey(kid, alg, "Ed25519", OKPKey.import_key(plain))
    except (JoseError, ValueError):
        return None
    return None


def choose(keys: Sequence[ProviderKey], head: Head) -> ProviderKey | None:
    """The one key that fits a token; None where the provider has none with this id.

    Raises Unauthenticated where more than one would fit: a signature is not tried against keys until one matches.
    """
    fitting = [key for key in keys if key.family == ALGORITHMS[head.alg] and key.alg in (None, head.alg)]
    if head.kid is not None:
        fitting = [key for key in fitting if key.kid == head.kid]
    if len(fitting) > 1:
        raise Unauthenticated("the token does not say which of the provider's keys signed it")
    return fitting[0] if fitting else None


def verify(token: str, expected: Expected, key_of: KeyOf, now: datetime) -> Claims:
    """Who a token says that somebody is, once signature, issuer, audience and times are right.

    Raises Unauthenticated, saying what is wrong; ClockSkew; Unavailable where the provider's keys cannot be had.
    """
    if len(token) > LARGEST_TOKEN:
        raise Unauthenticated(f"the token is larger than {LARGEST_TOKEN} characters")
    if not _FORM.fullmatch(token):
        raise Unauthenticated("this is no signed token")
    try:
        head = _head(jws.extract_compact(token.encode(), registry=_REGISTRY).protected, expected)
        payload = jws.deserialize_compact(token, key_of(head).key, [head.alg], _REGISTRY).payload
    except (JoseError, ValueError):
        # Its words may quote the token.
        raise Unauthenticated("the token's signature is not right") from None
    try:
        said = wire.parse(payload)
    except Malformed:
        raise Unauthenticated("the token's claims are not JSON that can be read in one way only") from None
    return _checked(said, expected, now)


def _head(given: dict[str, Any], expected: Expected) -> Head:
    alg, kid, kind = given.get("alg"), given.get("kid"), given.get("typ", "JWT")
    if not isinstance(alg, str) or alg not in expected.algorithms or alg not in ALGORITHMS:
        raise Unauthenticated("the token's algorithm is not one that is accepted here")
    if "crit" in given:
        raise Unauthenticated("the token wants extensions that are not known here")
    if not isinstance(kid, str | None):
        raise Unauthenticated("the token's key id is not text")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise Unauthenticated("the token is of another type than who somebody is")
    return Head(alg, kid)


def _checked(said: Any, expected: Expected, now: datetime) -> Claims:
    if not isinstance(said, dict):
        raise Unauthenticated("the token's claims are no object")
    if said.get("iss") != expected.issuer:
        raise Unauthenticated("the token is of another issuer")
    _check_audience(said, expected)
    expires = _check_times(said, now)
    subject, nonce = said.get("sub"), said.get("nonce")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise Unauthenticated("the token names no subject")
    return Claims(expected.issuer, subject, expires, nonce if isinstance(nonce, str) else None)


def _check_audience(said: dict[str, Any], expected: Expected) -> None:
    audience, party = said.get("aud"), said.get("azp")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise Unauthenticated("the token names no audience")
    if not expected.audiences & set(named):
        raise Unauthenticated("the token is meant for another audience")
    # Among several, the one for whom it was made must be ours; a party named beside our own client is that client.
    if (len(named) > 1 or (party is not None and expected.client_id in named)) and party != expected.client_id:
        raise Unauthenticated("the token was made for another party")


def _check_times(said: dict[str, Any], now: datetime) -> datetime:
    """When the token ends."""
    expires, issued, begins = (_moment(said, name) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        raise Unauthenticated("the token does not say when it was made and when it ends")
    if issued > now + LEEWAY or (begins is not None and begins > now + LEEWAY):
        raise ClockSkew("the token is not valid yet: set the clock of this machine, or of the identity provider")
    if expires <= now - LEEWAY:
        raise Unauthenticated("the token has expired: get a new one")
    return expires


def _moment(said: dict[str, Any], name: str) -> datetime | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _END_OF_TIME:
        raise Unauthenticated(f"the token's {name} is no time in whole seconds")
    return datetime.fromtimestamp(value, UTC)

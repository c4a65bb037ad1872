"""An identity provider over HTTP: what it says of itself, its keys, and codes made into tokens.

Sources: OpenID Connect Discovery 1.0, RFC 7517 (key sets), RFC 6749 §4.1.3 (codes), RFC 7636 (PKCE). Everything has a
deadline and a largest size; nothing is followed elsewhere, and http is for a provider on this machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import structlog

from api import wire
from api.delivery.connector import is_loopback
from api.oidc_token import Head, ProviderKey, choose, parse_keys
from governance.errors import Malformed, Unauthenticated, Unavailable

log = structlog.get_logger(__name__)
T = TypeVar("T")

LARGEST_ANSWER = 512 * 1024
DEADLINE = 5.0
"""Seconds for one answer, from the first byte sent to the last received."""
KEYS_SECONDS = 600.0
"""After so long keys are fetched again: one that the provider took back is not believed for longer."""
METADATA_SECONDS = 3600.0
AGAIN_SECONDS = 30.0
"""An unknown key id has the keys fetched again, but not more often."""
REST_SECONDS = 5.0
"""After a failure the provider is left alone for so long."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where the provider's doors are."""

    authorization: str
    token: str
    keys: str


@dataclass(slots=True)
class _Known:
    """What was fetched, and when by the monotonic clock. `tried` counts failures, too."""

    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: tuple[ProviderKey, ...] | None = None
    keys_at: float = 0.0
    tried: float = float("-inf")
    failed: float = float("-inf")
    lock: threading.RLock = field(default_factory=threading.RLock)


def safe_url(value: object, what: str) -> str:
    """`value` where it is an https address, or http on this machine. Raises Malformed."""
    try:
        url = httpx.URL(value) if isinstance(value, str) else None
    except httpx.InvalidURL:
        url = None
    if url is None or not url.host or url.userinfo or url.fragment:
        raise Malformed(f"{what} is no address that begins with https://")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise Malformed(f"{what} would not be encrypted: use https")
    return str(value)


class Provider:
    """One identity provider. Raises Malformed where the issuer is no https address. Safe to share between threads."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        secret: str | None,
        *,
        deadline: float = DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = safe_url(issuer, "the identity provider's issuer")
        self.client_id = client_id
        self._secret = secret
        self._deadline = deadline
        self._clock = clock
        self._known = _Known()
        # Compressed answers could be far larger than they look.
        self._client = httpx.Client(
            timeout=httpx.Timeout(min(deadline, 3.0)),
            follow_redirects=False,
            trust_env=False,
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )

    def close(self) -> None:
        self._client.close()

    def metadata(self) -> Metadata:
        """Raises Unavailable where the provider does not answer, or with what cannot be used."""
        known = self._known
        with known.lock:
            if known.metadata is None or self._clock() - known.metadata_at > METADATA_SECONDS:
                known.metadata = self._guarded(self._discover)
                known.metadata_at = self._clock()
            return known.metadata

    def key(self, head: Head) -> ProviderKey:
        """The key that signed a token with this head. Raises Unauthenticated where there is none, Unavailable."""
        known = self._known
        with known.lock:
            if known.keys is None or self._clock() - known.keys_at > KEYS_SECONDS:
                self._refresh()
            found = choose(known.keys or (), head)
            if found is None and self._clock() - known.tried >= AGAIN_SECONDS:
                self._refresh()
                found = choose(known.keys or (), head)
        if found is None:
            raise Unauthenticated("the token is signed with a key that is not the identity provider's")
        return found

    def redeem(self, code: str, verifier: str, redirect_url: str) -> str:
        """The ID token for a code. Raises Unauthenticated where the provider refuses it, Unavailable."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "code_verifier": verifier,
            "client_id": self.client_id,
        }
        url = self.metadata().token
        status, answer = self._guarded(lambda: self._ask("POST", url, form))
        if 400 <= status < 500:
            raise Unauthenticated("the identity provider does not accept this sign-in any more: begin again")
        token = answer.get("id_token") if status == 200 else None
        if not isinstance(token, str):
            raise Unavailable("the identity provider gave no ID token: try again later")
        return token

    def _refresh(self) -> None:
        known = self._known
        known.tried = self._clock()
        url = self.metadata().keys
        known.keys = self._guarded(lambda: parse_keys(self._read(url)))
        known.keys_at = self._clock()

    def _guarded(self, fetch: Callable[[], T]) -> T:
        """What `fetch` gives. Raises Unavailable for every way in which a provider can fail, at once while it rests."""
        known = self._known
        if self._clock() - known.failed < REST_SECONDS:
            raise Unavailable("the identity provider did not answer a moment ago: try again in a few seconds")
        try:
            return fetch()
        except (httpx.HTTPError, Malformed, Unavailable) as error:
            known.failed = self._clock()
            log.warning("the identity provider failed", error=type(error).__name__, detail=str(error)[:200])
            raise Unavailable("the identity provider does not answer as it should: try again later") from error

    def _discover(self) -> Metadata:
        said = self._read(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if said.get("issuer") != self.issuer:
            raise Malformed("it says that it is another issuer")
        return Metadata(
            safe_url(said.get("authorization_endpoint"), "its authorization endpoint"),
            safe_url(said.get("token_endpoint"), "its token endpoint"),
            safe_url(said.get("jwks_uri"), "the address of its keys"),
        )

    def _read(self, url: str) -> dict[str, Any]:
        status, answer = self._ask("GET", url)
        if status != 200:
            raise Malformed(f"it answered {status}")
        return answer

    def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of one answer. Raises httpx.HTTPError, Malformed, Unavailable."""
        ends = self._clock() + self._deadline
        body = b""
        auth = self._auth() if form is not None else None
        with self._client.stream(method, url, data=form, auth=auth) as response:
            # As it arrives: a full buffer would be waited for without end.
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise Malformed("its answer is larger than the limit")
                if self._clock() > ends:
                    raise Unavailable("its answer takes too long")
        try:
            value = wire.parse(body)
        except Malformed:
            # What a refusal says in words counts for nothing.
            value = {} if response.status_code >= 400 else None
        if not isinstance(value, dict):
            raise Malformed("its answer is no JSON object")
        return response.status_code, value

    def _auth(self) -> httpx.BasicAuth | None:
        """client_secret_basic (RFC 6749 §2.3.1): both parts form-encoded."""
        if self._secret is None:
            return None
        return httpx.BasicAuth(quote(self.client_id, safe=""), quote(self._secret, safe=""))

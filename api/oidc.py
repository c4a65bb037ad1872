"""Sign-in with an identity provider: the authorization code flow of the console, and bearer tokens of the API.

Sources: OpenID Connect Core 1.0, RFC 7636 (PKCE, S256), RFC 9207 (issuer in the answer). This process only finds out
which account somebody holds. Whose that is, the record knows; it opens a session for the key of a broker and for
nothing else, and keeps one ledger entry of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from api.oidc_provider import Provider, safe_url
from api.oidc_token import ALGORITHMS, LEEWAY, Expected, verify
from api.settings import PREFIX, Settings
from governance.errors import Malformed, Unauthenticated
from governance.record import identities
from governance.record.db import Database, retrying

SIGN_IN_SECONDS = 600
"""How long somebody may take at the provider."""
MOST_REMEMBERED = 10_000
BEARER_MINUTES = 60
CALLBACK = "/console/sign-in/oidc/callback"
_ERROR = re.compile(r"[a-z_]{1,40}")
_TAG = b"countersign/oidc/state/v1"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an installation chooses of its identity provider. Raises Malformed, naming the variables."""

    name: str
    issuer: str
    client_id: str
    redirect_url: str
    expected: Expected
    scope: str
    secret: str | None = field(repr=False)
    broker: str = field(repr=False)


def choice_of(settings: Settings) -> Choice | None:
    """The provider that the settings name, or None. Raises Malformed where they name half of one."""
    if settings.oidc_issuer is None:
        return None
    given = {
        "OIDC_CLIENT_ID": settings.oidc_client_id,
        "OIDC_REDIRECT_URL": settings.oidc_redirect_url,
        "OIDC_TOKEN": settings.secret("oidc_token"),
    }
    missing = [PREFIX + name for name, value in given.items() if not value]
    if missing:
        raise Malformed(f"{PREFIX}OIDC_ISSUER is set, so set {', '.join(missing)} as well")
    algorithms = frozenset(settings.oidc_algorithms.replace(" ", "").split(","))
    if not algorithms <= set(ALGORITHMS):
        raise Malformed(f"{PREFIX}OIDC_ALGORITHMS is a list of {', '.join(ALGORITHMS)}, and of no others")
    client_id, redirect_url, broker = (str(value) for value in given.values())
    if not safe_url(redirect_url, f"{PREFIX}OIDC_REDIRECT_URL").endswith(CALLBACK):
        raise Malformed(f"{PREFIX}OIDC_REDIRECT_URL is this console's address with {CALLBACK}")
    audiences = frozenset({client_id, *([settings.oidc_audience] if settings.oidc_audience else [])})
    return Choice(
        name=settings.oidc_name,
        issuer=safe_url(settings.oidc_issuer, f"{PREFIX}OIDC_ISSUER"),
        client_id=client_id,
        redirect_url=redirect_url,
        expected=Expected(settings.oidc_issuer, client_id, audiences, algorithms),
        scope=settings.oidc_scope,
        secret=settings.secret("oidc_client_secret"),
        broker=broker,
    )


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: where the browser goes, and what it keeps meanwhile."""

    location: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session of somebody who came back."""

    token: str = field(repr=False)
    ends: datetime
    next_page: str


class SignIn:
    """Sign-in with one provider. `now` is the clock of this machine; safe to share between threads."""

    def __init__(
        self,
        database: Database,
        choice: Choice,
        provider: Provider,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.choice = choice
        self._database = database
        self._provider = provider
        self._now = now
        # Any process that has the broker's key can go on with a sign-in that another one began.
        self._seal_key = hmac.new(choice.broker.encode(), _TAG, hashlib.sha256).digest()
        self._lock = threading.Lock()
        self._bearers: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        self._used: OrderedDict[str, datetime] = OrderedDict()

    def begin(self, next_page: str) -> Begun:
        """Send somebody to the provider. Raises Unavailable where it does not answer."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        endpoint = self._provider.metadata().authorization
        query = {
            "response_type": "code",
            "client_id": self.choice.client_id,
            "redirect_uri": self.choice.redirect_url,
            "scope": self.choice.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _b64(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        kept = {"s": state, "n": nonce, "v": verifier, "p": next_page, "t": int(self._now().timestamp())}
        return Begun(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", self._seal(kept))

    def finish(self, answer: Mapping[str, str], sealed: str | None, minutes: int) -> SignedIn:
        """A session for who comes back from the provider. `answer`: the query; `sealed`: what `begin` had kept.

        Raises Unauthenticated for what is forged, replayed, too late or refused; NotPermitted where nobody here is
        linked to the account or is switched off; ClockSkew, Unavailable.
        """
        kept = self._unseal(sealed)
        if not hmac.compare_digest(answer.get("state", "").encode(), kept["s"].encode()):
            raise Unauthenticated("this answer belongs to another sign-in: begin again")
        self._use_once(kept["s"])
        if answer.get("iss", self.choice.issuer) != self.choice.issuer:
            raise Unauthenticated("another identity provider answered: begin again")
        if "error" in answer:
            code = answer["error"] if _ERROR.fullmatch(answer["error"]) else "error"
            raise Unauthenticated(f"the identity provider did not sign you in ({code}): begin again")
        if not answer.get("code"):
            raise Unauthenticated("the identity provider sent no code: begin again")
        token = self._provider.redeem(answer["code"], kept["v"], self.choice.redirect_url)
        # An ID token is for the client, not for an API that happens to share the provider.
        expected = self.choice.expected
        mine = Expected(expected.issuer, expected.client_id, frozenset({expected.client_id}), expected.algorithms)
        claims = verify(token, mine, self._provider.key, self._now())
        if claims.nonce is None or not hmac.compare_digest(claims.nonce.encode(), kept["n"].encode()):
            raise Unauthenticated("the token belongs to another sign-in: begin again")
        made, ends = self._open(claims.subject, minutes, None)
        return SignedIn(made, ends, kept["p"])

    def session_for(self, bearer: str) -> str:
        """The session of who holds a token of the provider, made at its first use and kept until the token ends.

        A session that the record ended stays ended for this token. Raises as `finish` does.
        """
        digest, now = hashlib.sha256(bearer.encode()).hexdigest(), self._now()
        with self._lock:
            known = self._bearers.get(digest)
            if known is not None and now < known[1]:
                return known[0]
        claims = verify(bearer, self.choice.expected, self._provider.key, now)
        with self._lock:
            known = self._bearers.get(digest)
            if known is not None and now < known[1]:
                return known[0]
            made, ends = self._open(claims.subject, BEARER_MINUTES, claims.expires + LEEWAY)
            self._bearers[digest] = (made, ends)
            _forget(self._bearers, lambda one: one[1] <= now)
        return made

    def _open(self, subject: str, minutes: int, not_after: datetime | None) -> tuple[str, datetime]:
        token = secrets.token_urlsafe(32)

        def whole() -> datetime:
            with self._database.transaction("review", self.choice.broker) as conn:
                return identities.open_session(conn, token, self.choice.issuer, subject, minutes, not_after)

        return token, retrying(whole)

    def _use_once(self, state: str) -> None:
        with self._lock:
            if state in self._used:
                raise Unauthenticated("this answer was used before: begin again")
            now = self._now()
            self._used[state] = now
            _forget(self._used, lambda at: at <= now - timedelta(seconds=SIGN_IN_SECONDS))

    def _seal(self, kept: Mapping[str, Any]) -> str:
        text = _b64(json.dumps(kept).encode())
        return f"{text}.{_b64(hmac.new(self._seal_key, text.encode(), hashlib.sha256).digest())}"

    def _unseal(self, sealed: str | None) -> dict[str, Any]:
        text, _, seal = (sealed or "").partition(".")
        right = _b64(hmac.new(self._seal_key, text.encode(), hashlib.sha256).digest())
        if not hmac.compare_digest(seal.encode(), right.encode()):
            raise Unauthenticated("your browser did not begin this sign-in, or has forgotten it: begin again")
        kept: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not 0 <= self._now().timestamp() - kept["t"] + LEEWAY.total_seconds() <= SIGN_IN_SECONDS:
            raise Unauthenticated("this sign-in took too long: begin again")
        return kept

    def close(self) -> None:
        self._provider.close()


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _forget(kept: OrderedDict[str, Any], over: Callable[[Any], bool]) -> None:
    """Drop what is over from the front, and the oldest beyond MOST_REMEMBERED."""
    while kept and (len(kept) > MOST_REMEMBERED or over(next(iter(kept.values())))):
        kept.popitem(last=False)


_DOOR_LOCK = threading.Lock()


def sign_in_of(state: Any) -> SignIn | None:
    """The sign-in of an app's state, made at its first use; None where no provider is configured. Raises Malformed."""
    system = state.system
    with _DOOR_LOCK:
        known: tuple[object, SignIn | None] | None = getattr(state, "oidc", None)
        if known is not None and known[0] is system:
            return known[1]
        made: SignIn | None = None
        choice = choice_of(system.settings)
        if choice is not None:
            provider = Provider(choice.issuer, choice.client_id, choice.secret)
            made = SignIn(system.database, choice, provider)
        state.oidc = (system, made)
        return made

"""An identity provider of our own on this machine: real keys, real tokens, and every way in which one can fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

CLIENT = "countersign"
Key = RSAKey | ECKey | OKPKey
_RSA = RSAKey.generate_key(2048, {"kid": "r1"}, private=True)
_ROTATED = RSAKey.generate_key(2048, {"kid": "r2"}, private=True)
_EC = ECKey.generate_key("P-256", {"kid": "e1"}, private=True)
_ED = OKPKey.generate_key("Ed25519", {"kid": "d1"}, private=True)
KEYS: dict[str, Key] = {"r1": _RSA, "r2": _ROTATED, "e1": _EC, "d1": _ED}
ALG = {"r1": "RS256", "r2": "RS256", "e1": "ES256", "d1": "Ed25519"}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class IdentityProvider:
    """Serves discovery, keys and tokens. `published` names the keys of KEYS that it shows; `mode` how it behaves."""

    published: list[str] = field(default_factory=lambda: ["r1", "e1"])
    mode: str = "good"
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    """What discovery says differently."""

    def __enter__(self) -> IdentityProvider:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.serve(self, urlsplit(self.path).path, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                provider.serve(self, urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(body).items()})

            def log_message(self, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def serve(self, handler: BaseHTTPRequestHandler, path: str, form: Mapping[str, str]) -> None:
        self.asked.append(path)
        status, body = self._answer(path, form, handler.headers.get("authorization"))
        try:
            handler.send_response(status)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            if self.mode == "slow":
                for byte in body:
                    handler.wfile.write(bytes([byte]))
                    time.sleep(0.05)
            else:
                handler.wfile.write(body)
        except OSError:
            return

    def _answer(self, path: str, form: Mapping[str, str], basic: str | None) -> tuple[int, bytes]:
        if self.mode == "garbage":
            return 200, b"<html>not JSON</html>"
        if self.mode == "list":
            return 200, b"[1, 2]"
        if self.mode == "huge":
            return 200, b'{"keys": [' + b" " * 2_000_000 + b"]}"
        if self.mode == "broken":
            return 500, b"{}"
        if self.mode == "redirect":
            return 302, b"{}"
        value: dict[str, Any] | None = None
        if path == "/.well-known/openid-configuration":
            value = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.metadata,
            }
        elif path == "/keys":
            value = {"keys": [self.public(kid) for kid in self.published]}
        elif path == "/token":
            value = self._redeem(form, basic)
        return (400, b'{"error": "invalid_grant"}') if value is None else (200, json.dumps(value).encode())

    def public(self, kid: str) -> dict[str, Any]:
        return {**KEYS[kid].as_dict(private=False), "use": "sig", "alg": ALG[kid]}

    def _redeem(self, form: Mapping[str, str], basic: str | None) -> dict[str, Any] | None:
        """A code once, for who began: RFC 6749 and PKCE as a provider holds them."""
        known = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        secret = "Basic " + base64.b64encode(f"{CLIENT}:its-secret".encode()).decode()
        if known is None or basic != secret or challenge != known["code_challenge"]:
            return None
        if form.get("redirect_uri") != known["redirect_uri"] or form.get("grant_type") != "authorization_code":
            return None
        return {"token_type": "Bearer", "id_token": known["token"]}

    def authorize(self, location: str, subject: str, **claims: Any) -> dict[str, str]:
        """Somebody signs in at the address to which they were sent; the query of the way back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.issuer}/authorize?")
        assert (query["response_type"], query["client_id"], query["scope"]) == ("code", CLIENT, "openid")
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}-{time.monotonic_ns()}"
        token = self.token(subject, **{"nonce": query["nonce"], **claims})
        self.codes[code] = {**query, "token": token}
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def claims(self, subject: str, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        said = {"iss": self.issuer, "sub": subject, "aud": CLIENT, "iat": now, "exp": now + 300, **changes}
        return {name: value for name, value in said.items() if value is not ...}

    def token(self, subject: str, kid: str = "r1", head: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A signed token. A claim or a member of the head that is `...` is left out."""
        given = {"alg": ALG[kid], "kid": kid, "typ": "JWT", **(head or {})}
        protected = {name: value for name, value in given.items() if value is not ...}
        payload = json.dumps(self.claims(subject, **changes)).encode()
        return jws.serialize_compact(protected, payload, KEYS[kid], algorithms=[protected["alg"]])

    def unsigned(self, subject: str, **head: Any) -> str:
        return f"{b64(json.dumps({'alg': 'none', **head}).encode())}.{b64(json.dumps(self.claims(subject)).encode())}."

    def with_public_key_as_secret(self, subject: str) -> str:
        """The old confusion: HS256 with what everybody can read."""
        head = b64(json.dumps({"alg": "HS256", "kid": "r1"}).encode())
        signed = f"{head}.{b64(json.dumps(self.claims(subject)).encode())}"
        return f"{signed}.{b64(hmac.new(KEYS['r1'].as_pem(private=False), signed.encode(), hashlib.sha256).digest())}"

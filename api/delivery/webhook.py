"""Messages to other systems by webhook, signed as https://www.standardwebhooks.com says: approved tasks, and whatever
else `SignedPost` is given.

webhook-id is the same on every attempt, for a task the recommendation's id: a receiver that has seen it does nothing
again. So an attempt without an answer may be repeated.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from api.delivery.connector import NotDelivered, Outcome, is_loopback
from governance.chain import canonical
from governance.errors import Malformed
from governance.record.outbox import Effect

_GONE = 410
_LEAST_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where tasks go. `secret`: whsec_ and base64 of at least 24 bytes. `timeout` in seconds.

    Raises Malformed: plain http is for loopback only.
    """

    url: str
    secret: str = field(repr=False)
    timeout: float = 10.0

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise Malformed("the webhook's address is not a URL") from error
        if not url.host or url.scheme not in ("https", "http"):
            raise Malformed("the webhook's address must begin with https://")
        if url.scheme == "http" and not is_loopback(url.host):
            raise Malformed(f"the webhook to {url.host} would not be encrypted: use https")
        if url.userinfo:
            raise Malformed("a webhook's address carries no password: it is signed with the secret")
        try:
            raw = base64.b64decode(self.secret.removeprefix("whsec_"), validate=True)
        except binascii.Error as error:
            raise Malformed("the webhook's secret must be whsec_ and base64") from error
        if len(raw) < _LEAST_SECRET_BYTES:
            raise Malformed(f"the webhook's secret must have at least {_LEAST_SECRET_BYTES} bytes")


class SignedPost:
    """Posts signed bodies to one target; close it. Follows no redirect."""

    def __init__(self, target: WebhookTarget) -> None:
        self._target = target
        self._signer = Webhook(target.secret)
        # Proxies of the environment are not ours to follow; a redirect would carry the signed body elsewhere.
        self._client = httpx.Client(timeout=target.timeout, follow_redirects=False, trust_env=False)

    def send(self, message_id: str, body: str, media_type: str, now: datetime) -> int:
        """One attempt; the status of the answer. Raises NotDelivered where there is none."""
        headers = {
            "content-type": media_type,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now.astimezone(UTC), body),
        }
        try:
            # The answer's body says nothing that counts, and may be endless.
            with self._client.stream("POST", self._target.url, content=body.encode(), headers=headers) as answer:
                return answer.status_code
        except httpx.HTTPError as error:
            raise NotDelivered(f"no answer from the webhook: {type(error).__name__}") from error

    def close(self) -> None:
        self._client.close()


class WebhookConnector:
    """Posts approved tasks. 2xx = sent, 410 = the receiver is gone for good, anything else is tried again."""

    def __init__(self, target: WebhookTarget) -> None:
        self._post = SignedPost(target)

    @contextlib.contextmanager
    def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> Iterator[WebhookConnector]:
        """Nothing can fail here: the first contact is the delivery itself."""
        yield self

    def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
        """One attempt. Raises NotDelivered."""
        message_id = str(approved["recommendation_id"])
        body = canonical(
            {
                "type": "task.approved",
                "timestamp": now.astimezone(UTC).isoformat(),
                "data": {name: approved[name] for name in ("recommendation_id", "case_id", "digest", "action")},
            }
        )
        status = self._post.send(message_id, body, "application/json", now)
        if 200 <= status < 300:
            return Outcome("sent", f"the receiver answered {status}")
        raise NotDelivered(f"the receiver answered {status}", for_good=status == _GONE)

    def close(self) -> None:
        self._post.close()

"""Signatures of incoming webhooks, over bytes. Source: https://www.standardwebhooks.com (symmetric, v1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from governance.errors import Unauthenticated, Unavailable

TOLERANCE = timedelta(minutes=5)
_ID = re.compile(r"[\x21-\x7e]{1,150}")
_SECONDS = re.compile(r"[0-9]{1,12}")


def key_of(secret: str) -> bytes:
    """The signing key of `whsec_<base64>`. Raises Unavailable where the configured secret is not one."""
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise Unavailable("the webhook's secret must be whsec_ and at least 16 bytes in base64: tell the operator")
    return key


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The webhook-id of a message that was signed with `secret` within five minutes of `now`.

    `headers` by lower-case name. Raises Unauthenticated. The caller must remember the id: within the tolerance a
    replay verifies as well.
    """
    message, sent, given = (headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    if not (_ID.fullmatch(message) and _SECONDS.fullmatch(sent) and given):
        raise Unauthenticated("the webhook needs the headers webhook-id, webhook-timestamp and webhook-signature")
    if abs(now.timestamp() - int(sent)) > TOLERANCE.total_seconds():
        raise Unauthenticated("the webhook's timestamp is more than five minutes from now")
    digest = hmac.new(key_of(secret), f"{message}.{sent}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # While a key is rotated a message carries several signatures.
    if not any(hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given.split(" ")):
        raise Unauthenticated("the webhook's signature is not right")
    return message

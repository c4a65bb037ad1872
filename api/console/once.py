"""A form takes effect once, however often it is sent: a second click leads to the same page."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping

from api import wire
from api.auth import Scope
from api.console.session import CSRF_FIELD, Desk
from governance.errors import IdempotencyConflict
from governance.record import answers
from governance.record.answers import Answer
from governance.record.db import retrying

FIELD = "once"
_MARK = re.compile(r"[A-Za-z0-9_-]{22}")


def mark() -> str:
    """What a form carries so that it can be told from every other one."""
    return secrets.token_urlsafe(16)


def once(desk: Desk, form: Mapping[str, str], subject: str, act: Callable[[Scope], str]) -> str:
    """Run `act`, which returns the address to go to, in one transaction; sent again, the form leads to that address.

    Raises IdempotencyConflict where the form was used for something else.
    """
    given = form.get(FIELD, "")
    key = f"console:{given}" if _MARK.fullmatch(given) else None
    fields = sorted((name, value) for name, value in form.items() if name != CSRF_FIELD)
    asked = wire.request_hash("console", subject, wire.dumps(fields))

    def whole() -> str:
        with desk.open() as scope:
            known = answers.known(scope.conn, key, asked) if key else None
            if known is not None:
                return known.body
            location = act(scope)
            if key:
                answers.remember(scope.conn, key, asked, Answer(303, location))
            return location

    try:
        return retrying(whole)
    except IdempotencyConflict:
        raise IdempotencyConflict("This form was used already. What you see now is how things stand.") from None

"""Where all decisions meet: what people say by HTTP, in bulk, in the console and on the command line.

A decision that a control refuses leaves nothing behind, so the refusal is noted on the ledger afterwards, in a
transaction of its own. That entry is as honest as this process: it can leave one out, and invent none of somebody else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from governance import permit
from governance.actor import Actor
from governance.decision import Decision
from governance.errors import NotPermitted, Refusal
from governance.record import review
from governance.record.db import Connection, Database

_log = structlog.get_logger("countersign.deciding")


def decide(
    conn: Connection, actor: Actor, recommendation_id: str, decision: Decision, *, in_bulk: bool = False
) -> Mapping[str, Any]:
    """One person's decision, as review.decide gives it. Raises its refusals and those of the permits."""
    permit.may_decide(actor, decision.kind.value, acting=decision.acting_for is not None)
    return review.decide(conn, recommendation_id, decision, in_bulk=in_bulk)


@contextlib.contextmanager
def noting(database: Database, token: str, recommendation_id: str, decision: str) -> Iterator[None]:
    """Whatever control refuses the decision inside is noted once the transaction inside is over, and raised on."""
    try:
        yield
    except Refusal as refusal:
        note(database, token, recommendation_id, decision, refusal)
        raise


def note(database: Database, token: str, recommendation_id: str, decision: str, refusal: Refusal) -> None:
    """Put a refused decision of whom the token is on the ledger, once. Where no control spoke, nothing is to be noted.

    Raises nothing: whoever was refused is to hear that, and not that it could not be written down.
    """
    # Permits name their controls themselves; of others the database knows by the SQLSTATE.
    known = bool(refusal.controls) or isinstance(refusal, NotPermitted)
    if not (known and refusal.extensions.get("controls")) or not 400 <= refusal.status < 500:
        return
    try:
        with database.transaction("review", token) as conn:
            review.note_refusal(conn, recommendation_id, decision, refusal.sqlstate)
    except Exception as error:
        _log.warning(
            "a refused decision could not be noted",
            recommendation=recommendation_id,
            decision=decision,
            code=refusal.sqlstate,
            error_type=type(error).__qualname__,
        )

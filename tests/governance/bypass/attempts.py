"""What an attempt to get past the law is made of: a try, the one reason for which it must fail, a look round after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg

from governance.action import Action
from governance.errors import Refusal
from governance.record import outbox, queue
from governance.record.db import Database
from tests.build import World, letter, world

Try = Callable[[], Any]
Prepare = Callable[..., Try]
F = TypeVar("F", bound=Prepare)

_TABLES = """
SELECT c.relname, CASE WHEN c.relname = 'tenants' THEN 'id' ELSE a.attname END FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
WHERE c.relnamespace = 'cs'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""
OTHER_IBAN = "DE75512108001245126199"
DRAFT = {"to": "ap@supplier.example", "subject": "Order?", "body": "Which order is it?", "language": "en"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an attempt must fail: a problem's slug or a SQLSTATE, and words that the message must have."""

    code: str
    words: str = ""


def because(refusal: type[Refusal], words: str = "") -> Reason:
    return Reason(refusal.slug, words)


def denied(words: str) -> Reason:
    """Postgres itself refuses: SQLSTATE 42501, with the object named."""
    return Reason("42501", words)


@dataclass(frozen=True, slots=True)
class Blank:
    """The attempt is not refused, it just finds nothing: what it gives back must equal `value`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Attempt:
    """`prepare` sets the scene and returns the try itself; `moves` names the tables that the try may rightly touch."""

    name: str
    prepare: Prepare
    reason: Reason | Blank
    moves: frozenset[str] = frozenset()
    given: tuple[Any, ...] = ()


@dataclass
class Register:
    """The attempts of one file, in order."""

    attempts: list[Attempt] = field(default_factory=list)

    def __call__(
        self, reason: Reason | Blank | type[Refusal], words: str = "", *, moves: Sequence[str] = ()
    ) -> Callable[[F], F]:
        """A decorator: the function below is one attempt."""
        return self.each({"": (reason,)}, words, moves=moves)

    def each(
        self, cases: Mapping[str, tuple[Any, ...]], words: str = "", *, moves: Sequence[str] = ()
    ) -> Callable[[F], F]:
        """A decorator: one attempt for each of `cases`, name → (reason, what the function gets besides the world…)."""

        def add(prepare: F) -> F:
            for case, (reason, *given) in cases.items():
                why = because(reason, words) if isinstance(reason, type) else reason
                if isinstance(why, Reason) and words:
                    why = replace(why, words=words)
                name = prepare.__name__ + (f"[{case}]" if case else "")
                self.attempts.append(Attempt(name, prepare, why, frozenset(moves), tuple(given)))
            return prepare

        return add


def name_of(attempt: Attempt) -> str:
    return attempt.name


class Ground:
    """One database with a tenant that attempts share, and as many tenants of their own as they want."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._made = 0
        self._looks = ""
        self.shared = world(database, "shared")

    def fresh(self) -> World:
        self._made += 1
        return world(self.database, f"t{self._made}")

    def run(self, attempt: Attempt, acme: World) -> None:
        """Prepare, try, and hold the outcome against the reason; afterwards nothing has moved."""
        there_and_then = attempt.prepare(acme, *attempt.given)
        before = self.fingerprint(acme.tenant)
        found = outcome(there_and_then)
        if isinstance(attempt.reason, Blank):
            assert found == ("", attempt.reason.value)
        else:
            assert found[0] == attempt.reason.code, f"refused for another reason: {found}"
            assert attempt.reason.words in str(found[1]), f"refused in other words: {found}"
        after = self.fingerprint(acme.tenant)
        moved = {name for name in after if after[name] != before[name]}
        assert moved <= attempt.moves, f"{sorted(moved - attempt.moves)} moved"
        for name in attempt.moves & {"recommendations", "effects"}:
            assert self._went_through() == 0, name

    def fingerprint(self, tenants: str = "") -> dict[str, tuple[int, int]]:
        """Rows and a sum of hashes of every table of the record, the ledger's head among them.

        `tenants`: how the ids of the tenants begin that are looked at; the rest of the file's database holds others.
        """
        with self.database.transaction("owner") as conn:
            if not self._looks:
                self._looks = " UNION ALL ".join(
                    f"SELECT '{name}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM cs.{name} t"
                    + (f" WHERE starts_with({column}, %(tenants)s)" if column else "")
                    for name, column in conn.execute(_TABLES)
                )
            rows = conn.execute(self._looks.encode(), {"tenants": tenants}, prepare=True)
            return {row[0]: (row[1], int(row[2])) for row in rows}

    def _went_through(self) -> int:
        """Effects that have left, or wait to, without the gate agreeing to them now."""
        with self.database.transaction("owner") as conn:
            row = conn.execute(
                "SELECT count(*) FROM cs.effects e JOIN cs.recommendations r ON r.tenant = e.tenant "
                "AND r.id = e.recommendation_id WHERE e.state NOT IN ('failed', 'dead') AND (r.approved_at IS NULL "
                "OR EXISTS (SELECT FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id "
                "AND s.filled_by IS NULL))"
            ).fetchone()
        assert row is not None
        return int(row[0])


def outcome(there_and_then: Try) -> tuple[str, Any]:
    """What became of a try: (slug or SQLSTATE, message), or ("", what it returned) where nobody refused."""
    try:
        return "", there_and_then()
    except Refusal as refusal:
        return refusal.slug, refusal.detail
    except psycopg.Error as error:
        return error.sqlstate or type(error).__name__, error.diag.message_primary or str(error)


def say(acme: World, role: str, by: str | None, *statements: str | tuple[str, tuple[Any, ...]]) -> Any:
    """Statements in one transaction of a role, with somebody's token; the rows of the last one."""
    rows: Any = None
    with acme.database.transaction(role, None if by is None else acme.tokens.get(by, by)) as conn:
        for one in statements:
            text, args = (one, None) if isinstance(one, str) else one
            cursor = conn.execute(text.encode(), args)
            rows = cursor.fetchall() if cursor.description else None
    return rows


def leased(acme: World, row: Mapping[str, Any]) -> outbox.Effect:
    """The row's effect, claimed by the courier now."""
    acme.scalar(
        "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
        row["id"],
    )
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        (effect,) = [one for one in outbox.claim(conn, "test", 50, 60) if one.recommendation_id == row["id"]]
    return effect


def execute(acme: World, effect: outbox.Effect, by: str = "courier") -> Any:
    with acme.database.transaction("courier", acme.tokens[by]) as conn:
        return outbox.execute(conn, effect)


def approved(acme: World, **item: Any) -> dict[str, Any]:
    """A letter that its one reviewer has approved."""
    row = acme.filed(**item)
    acme.decide("reviewer", row, "approve")
    return row


def payment(acme: World, amount: str | None = "1200.00", *, args: Mapping[str, str] | None = None, **item: Any) -> Any:
    """A filed release of a payment: one reviewer and one controller."""
    item = {"source_key": "pay", "exception_type": "invoice_received", "amount": amount, **item}
    acme.accept(**item)
    (job,) = acme.claim(1)
    wanted = {"invoice_id": item.get("invoice_id", "INV-1"), **(args or {})}
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    proposal = letter(digest, action=Action("release_payment", wanted), draft=None)
    return acme.recommendation(acme.file(job, proposal).recommendation_id)


def sign(acme: World, row: Mapping[str, Any], *people: str, **values: Any) -> None:
    """People open what must be opened, and approve."""
    for who in people:
        acme.opened(who, row)
        acme.decide(who, dict(row), "approve", **values)


def now() -> datetime:
    return datetime.now(UTC)

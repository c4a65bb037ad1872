"""Two tenants: nobody of one reads or writes a row of the other."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from governance import errors
from governance.record import outbox
from tests.build import World, letter, world
from tests.governance.bypass.attempts import (
    Attempt,
    Blank,
    Ground,
    Reason,
    Register,
    Try,
    approved,
    denied,
    execute,
    leased,
    name_of,
    now,
    payment,
    say,
    sign,
)

tries = Register()

WHO = {"intake": "intake", "agent": "agent", "review": "admin1", "courier": "courier", "audit": "auditor"}


@dataclass(frozen=True, slots=True)
class Beta:
    """What the other tenant has, of every kind: the things to get at."""

    world: World
    waiting: dict[str, Any]
    sent_back: dict[str, Any]
    paid: dict[str, Any]
    effect: outbox.Effect


@pytest.fixture(scope="module")
def beta(ground: Ground) -> Beta:
    other = world(ground.database, "beta")
    waiting = other.filed(source_key="a")
    effect = leased(other, approved(other, source_key="b", invoice_id="INV-2"))
    paid = payment(other, source_key="d", invoice_id="INV-4")
    sign(other, paid, "reviewer")
    back = other.filed(source_key="c", invoice_id="INV-3")
    other.decide("reviewer", back, "send_back", comment="again")
    other.accept(source_key="e", invoice_id="INV-5", content=b"<secret/>")
    return Beta(other, waiting, back, paid, effect)


def readable(ground: Ground, role: str) -> list[str]:
    with ground.database.transaction("owner") as conn:
        rows = conn.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' "
            "WHERE c.relnamespace = 'cs'::regnamespace AND c.relkind = 'r' "
            "AND CASE WHEN a.attnum > 0 THEN has_column_privilege(%s, a.attrelid, a.attnum, 'SELECT') END ORDER BY 1",
            (f"countersign_{role}",),
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("role", WHO)
def test_a_role_reads_no_row_of_another_tenant(ground: Ground, beta: Beta, role: str) -> None:
    tables = readable(ground, role)
    assert len(tables) >= 8
    full = 0
    for table in tables:
        theirs = ground.shared.scalar(f"SELECT count(*) FROM cs.{table} WHERE tenant = 'beta'")
        full += theirs > 0
        for query in (
            f"SELECT count(*) FROM cs.{table} WHERE tenant = 'beta'",
            f"SELECT count(*) FROM cs.{table} WHERE tenant <> 'shared'",
            # A condition that fails on a row would tell of the row.
            f"SELECT count(*) FROM cs.{table} WHERE tenant <> 'shared' AND 1 / (length(tenant) - length(tenant)) = 1",
            f"SELECT count(*) FROM pg_stats WHERE schemaname = 'cs' AND tablename = '{table}'",
        ):
            assert say(ground.shared, role, WHO[role], query) == [(0,)], (table, query)
    assert full >= 4


@pytest.mark.parametrize("role", WHO)
def test_without_a_token_a_role_sees_nothing(ground: Ground, beta: Beta, role: str) -> None:
    for table in readable(ground, role):
        assert say(ground.shared, role, None, f"SELECT count(*) FROM cs.{table}") == [(0,)], table


def their(beta: Beta, path: str) -> Any:
    """`waiting.id` → the id of what waits there."""
    head, _, key = path.partition(".")
    found = getattr(beta, head)
    return found[key] if isinstance(found, dict) else getattr(found, key)


CALLS: dict[str, tuple[Reason | Blank | type[errors.Refusal], str, str, str, tuple[str, ...]]] = {
    "approve": (errors.NotFound, "review", "reviewer", "SELECT cs.decide(%s, 'approve', %s)",
                ("waiting.id", "waiting.digest")),
    "reject": (errors.NotFound, "review", "reviewer", "SELECT cs.decide(%s, 'reject', %s)",
               ("waiting.id", "waiting.digest")),
    "override": (errors.NotFound, "review", "reviewer", "SELECT cs.decide(%s, 'override', %s)",
                 ("sent_back.id", "sent_back.digest")),
    "withdraw": (errors.NotFound, "review", "reviewer", "SELECT cs.decide(%s, 'withdraw', %s)",
                 ("paid.id", "paid.digest")),
    "escalate": (errors.NotFound, "review", "analyst", "SELECT cs.decide(%s, 'escalate', %s)",
                 ("waiting.id", "waiting.digest")),
    "send back": (errors.NotFound, "review", "reviewer", "SELECT cs.decide(%s, 'send_back', %s, comment => 'x')",
                  ("waiting.id", "waiting.digest")),
    "approve for somebody there": (errors.NotFound, "review", "reviewer",
                                   "SELECT cs.decide(%s, 'approve', %s, acting_for => 'controller')",
                                   ("paid.id", "paid.digest")),
    "note a refusal": (errors.NotFound, "review", "reviewer", "SELECT cs.note_refusal(%s, 'approve', 'CS410')",
                       ("waiting.id",)),
    "confirm": (errors.NotFound, "review", "analyst", "SELECT cs.confirm(%s, 'done', '')", ("effect.recommendation_id",)),
    "correct": (errors.NotFound, "review", "analyst", """SELECT cs.correct(%s, 'sha256:x', '{"invoice_number": "R-1"}')""",
                ("waiting.case_id",)),
    "facts if corrected": (errors.NotFound, "review", "analyst", """SELECT cs.facts_if_corrected(%s, '{"invoice_number": "R-1"}')""",
                           ("waiting.case_id",)),
    "memories": (Blank([(0,)]), "intake", "intake", "SELECT count(*) FROM cs.memories() WHERE supplier_id = 'only-there'", ()),
    "habits": (Blank([(0,)]), "agent", "agent", "SELECT count(*) FROM cs.habits('{only-there}')", ()),
    "dunning": (Blank([(0,)]), "agent", "agent", "SELECT count(*) FROM cs.dunning(ARRAY[%s])", ("paid.case_id",)),
    "requeue": (errors.IllegalState, "review", "analyst", "SELECT cs.requeue(%s)", ("waiting.case_id",)),
    "open": (Blank([(0,)]), "review", "reviewer",
             "WITH o AS (SELECT cs.opened(%s, 'case')) SELECT count(*) FROM cs.openings WHERE (SELECT count(*) FROM o) > 9",
             ("waiting.case_id",)),
    "execute": (errors.LostLease, "courier", "courier", "SELECT cs.execute(%s, %s)",
                ("effect.recommendation_id", "effect.fence")),
    "where a letter goes": (errors.LostLease, "courier", "courier", "SELECT cs.letter_to(%s, %s)",
                            ("effect.recommendation_id", "effect.fence")),
    "settle as sent": (errors.LostLease, "courier", "courier", "SELECT cs.settle(%s, %s, 'sent', '')",
                       ("effect.recommendation_id", "effect.fence")),
    "settle as refused": (errors.LostLease, "courier", "courier", "SELECT cs.settle(%s, %s, 'refused', '')",
                          ("effect.recommendation_id", "effect.fence")),
    "claim effects": (Blank([(0,)]), "courier", "courier", "SELECT count(*) FROM cs.claim_effects('thief', 100, 60)", ()),
    "claim jobs": (Blank([(0,)]), "agent", "agent", "SELECT count(*) FROM cs.claim_jobs('thief', 100, 60)", ()),
    "signatures": (Blank([(0,)]), "courier", "courier", "SELECT count(*) FROM cs.signatures(%s)", ("paid.id",)),
    "remember a vector": (Reason("23503"), "agent", "agent",
                          "SELECT cs.remember(%s, 1, array_fill(0.5, ARRAY[384])::vector)", ("waiting.case_id",)),
    "note a thread": (Blank([("",)]), "agent", "agent", "SELECT cs.note_thread(%s, 'a', 'b', 'c')", ("waiting.id",)),
    "observe": (Blank([("",)]), "agent", "agent", """SELECT cs.observe(%s, '{"spans": []}')""", ("waiting.id",)),
    "switch off a person of theirs": (errors.NotFound, "review", "admin1", "SELECT cs.set_active('only-there', false)", ()),
    "delegate to a person of theirs": (errors.NotDelegated, "review", "controller",
        "SELECT cs.delegate('only-there', 'controller', now(), now() + interval '1 day')", ()),
    "send a person of theirs away": (errors.NotFound, "review", "admin1",
        "SELECT cs.set_absence('only-there', now(), now() + interval '1 day')", ()),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_done_by_the_ids_of_another_tenant(ground: Ground, beta: Beta, name: str) -> None:
    ground.shared.scalar(
        "INSERT INTO cs.actors (tenant, id, kind, name, roles) VALUES ('beta', 'only-there', 'person', 'O', '{controller}') "
        "ON CONFLICT (tenant, id) DO UPDATE SET name = 'O' RETURNING 1"
    )
    reason, role, by, statement, paths = CALLS[name]
    values = tuple(their(beta, path) for path in paths)
    why = Reason(reason.slug) if isinstance(reason, type) else reason
    ground.run(Attempt(name, lambda acme: lambda: say(acme, role, by, (statement, values)), why), ground.shared)


@pytest.mark.parametrize("role", ["review", "audit", "courier", "agent", "intake"])
def test_a_token_of_the_other_tenant_shows_the_other_tenant_only(ground: Ground, beta: Beta, role: str) -> None:
    rows = say(ground.shared, role, beta.world.tokens[WHO[role]], "SELECT DISTINCT tenant FROM cs.cases")
    assert rows == [("beta",)]


@tries(errors.NotFound, "no such live delegation")
def delegation_of_the_other_tenant_revoked(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    made = say(other, "review", "controller",
               ("SELECT cs.delegate('analyst', 'controller', %s, %s + interval '1 day')", (now(), now())))  # fmt: skip
    return lambda: say(acme, "review", "admin1", ("SELECT cs.revoke_delegation(%s)", made[0]))


@tries(errors.NotFound, "no such absence")
def absence_of_the_other_tenant_ended(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    made = say(other, "review", "controller",
               ("SELECT cs.set_absence('controller', %s, %s + interval '1 day')", (now(), now())))  # fmt: skip
    return lambda: say(acme, "review", "admin1", ("SELECT cs.end_absence(%s)", made[0]))


@tries(errors.NoSeat)
def holder_of_the_other_tenant_away_lets_nobody_stand_in_here(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    say(
        other,
        "review",
        "controller",
        ("SELECT cs.set_absence('controller', %s, %s + interval '1 day')", (now(), now())),
    )
    row = payment(acme)
    acme.opened("admin1", row)
    return lambda: acme.decide("admin1", row, "approve")


@tries(errors.NotDelegated)
def delegation_in_the_other_tenant_seats_nobody_here(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    say(other, "review", "controller",
        ("SELECT cs.delegate('analyst', 'controller', %s, %s + interval '1 day')", (now(), now())))  # fmt: skip
    row = payment(acme)
    acme.opened("analyst", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="controller")


@tries(errors.EvidenceNotOpened)
def evidence_opened_in_the_other_tenant_opens_nothing_here(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    other.opened("reviewer", payment(other))
    row = payment(acme)
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.LostLease)
def job_of_the_other_tenant_filed_here(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    other.accept()
    (job,) = other.claim()
    return lambda: acme.file(job, letter("sha256:" + "0" * 64))


@tries(errors.LostLease)
def effect_of_the_other_tenant_executed_here(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    effect = leased(other, approved(other))
    return lambda: execute(acme, effect)


@tries(errors.FactsMismatch)
def letter_to_a_supplier_of_the_other_tenant(acme: World) -> Try:
    other = world(acme.database, acme.tenant + "x")
    other.import_books("suppliers", [{"id": "S-9", "name": "Theirs", "email": "ap@theirs.example"}])
    row = acme.filed()
    draft = {"to": "ap@theirs.example", "subject": "s", "body": "b", "language": "en"}
    return lambda: acme.decide("reviewer", row, "override", draft=draft)


@tries(denied("permission denied for function genesis"))
def second_founding_by_an_administrator(acme: World) -> Try:
    return lambda: say(acme, "review", "admin1", "SELECT cs.genesis('gamma', 'G', 'EU', '[]', '', '')")


@tries(errors.AlreadyEstablished)
def second_founding_by_the_owner(acme: World) -> Try:
    def again() -> Any:
        with acme.database.transaction("owner") as conn:
            return conn.execute("SELECT cs.genesis(%s, 'G', 'EU', '[]', '', '')", (acme.tenant,)).fetchone()

    return again


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())

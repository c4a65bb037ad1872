"""Time: what is old, superseded, or set back does not count; and nobody moves the law's clock."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from governance.policy import standard_policy
from governance.record import outbox
from governance.record.connection import translated
from tests.build import World, letter
from tests.governance.bypass.attempts import (
    OTHER_IBAN,
    Attempt,
    Blank,
    Ground,
    Reason,
    Register,
    Try,
    approved,
    execute,
    leased,
    name_of,
    payment,
    say,
    sign,
)

tries = Register()
Meanwhile = Callable[[World, dict[str, Any]], Any]


def expire(acme: World, row: dict[str, Any]) -> None:
    acme.scalar("UPDATE cs.recommendations SET expires_at = now() WHERE id = %s RETURNING 1", row["id"])


def new_policy(acme: World, row: dict[str, Any]) -> None:
    policy = standard_policy()
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT cs._activate_policy(%s, %s, %s)", (acme.tenant, policy.text, policy.source))


def account(iban: str) -> dict[str, str]:
    return {"owner_kind": "supplier", "owner_id": "S-1", "iban": iban}


def account_added(acme: World, row: dict[str, Any]) -> None:
    acme.import_books("bank_accounts", [account(OTHER_IBAN)])


def account_replaced(acme: World, row: dict[str, Any]) -> None:
    acme.scalar("UPDATE cs.bank_accounts SET iban = %s WHERE tenant = %s RETURNING 1", OTHER_IBAN, acme.tenant)


def account_ended(acme: World, row: dict[str, Any]) -> None:
    acme.scalar("UPDATE cs.bank_accounts SET valid_to = now() WHERE tenant = %s RETURNING 1", acme.tenant)


def account_removed(acme: World, row: dict[str, Any]) -> None:
    acme.scalar("DELETE FROM cs.bank_accounts WHERE tenant = %s RETURNING 1", acme.tenant)


def newer_facts(acme: World, row: dict[str, Any]) -> None:
    acme.scalar("UPDATE cs.cases SET revision = 2 WHERE id = %s RETURNING 1", row["case_id"])


def new_address(acme: World, row: dict[str, Any]) -> None:
    acme.import_books("suppliers", [{"id": "S-1", "name": "Supplier One", "email": "new@supplier.example"}])


def facts_sent_again(acme: World, row: dict[str, Any]) -> None:
    assert acme.accept(amount="1300.00")["reason"] == "new facts: revision 2"


BEFORE: dict[str, tuple[type[errors.Refusal], Meanwhile]] = {
    "it expired": (errors.Expired, expire),
    "policy changed": (errors.PolicyChanged, new_policy),
    "an account was added": (errors.PayeeChanged, account_added),
    "the account was replaced": (errors.PayeeChanged, account_replaced),
    "the account ended": (errors.PayeeChanged, account_ended),
    "the account was removed": (errors.PayeeChanged, account_removed),
    "newer facts came": (errors.IllegalState, facts_sent_again),
    "it was rejected": (errors.IllegalState, lambda acme, row: acme.decide("reviewer2", row, "reject")),
    "it was sent back": (errors.IllegalState, lambda acme, row: acme.decide("reviewer2", row, "send_back", comment="x")),
}  # fmt: skip


@tries.each(dict(BEFORE))
def approval_after(acme: World, meanwhile: Meanwhile) -> Try:
    row = acme.filed()
    meanwhile(acme, row)
    return lambda: acme.decide("reviewer", row, "approve")


@tries.each({name: case for name, case in BEFORE.items() if name.startswith(("policy", "an account", "the account"))})
def last_of_two_approvals_after(acme: World, meanwhile: Meanwhile) -> Try:
    row = payment(acme)
    sign(acme, row, "reviewer")
    meanwhile(acme, row)
    acme.opened("controller", row)
    return lambda: acme.decide("controller", row, "approve")


AFTER: dict[str, tuple[type[errors.Refusal], Meanwhile]] = {
    "it expired": (errors.Expired, expire),
    "policy changed": (errors.PolicyChanged, new_policy),
    "an account was added": (errors.PayeeChanged, account_added),
    "the account was replaced": (errors.PayeeChanged, account_replaced),
    "the account ended": (errors.PayeeChanged, account_ended),
    "the account was removed": (errors.PayeeChanged, account_removed),
    "newer facts came": (errors.IllegalState, newer_facts),
    "the payee's address changed": (errors.FactsMismatch, new_address),
}


@tries.each(dict(AFTER))
def effect_after(acme: World, meanwhile: Meanwhile) -> Try:
    row = approved(acme)
    effect = leased(acme, row)
    meanwhile(acme, row)
    return lambda: execute(acme, effect)


@tries.each(dict(AFTER))
def second_delivery_after(acme: World, meanwhile: Meanwhile) -> Try:
    row = approved(acme)
    first = leased(acme, row)
    execute(acme, first)
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        outbox.settle(conn, first, "retry", "the counterparty was away")
    effect = leased(acme, row)
    meanwhile(acme, row)
    return lambda: execute(acme, effect)


@tries(errors.LostLease)
def effect_of_what_newer_facts_superseded(acme: World) -> Try:
    row = approved(acme)
    facts_sent_again(acme, row)
    return lambda: execute(acme, outbox.Effect(row["id"], "mail", 1, 1))


@tries.each({state: (errors.IllegalState, state) for state in (
    "awaiting_review", "executed", "rejected", "sent_back", "overridden", "expired", "superseded", "withdrawn")})  # fmt: skip
def effect_of_what_is(acme: World, state: str) -> Try:
    row = approved(acme)
    effect = leased(acme, row)
    acme.scalar("UPDATE cs.recommendations SET state = %s WHERE id = %s RETURNING 1", state, row["id"])
    return lambda: execute(acme, effect)


@tries.each({state: (errors.IllegalState, state) for state in (
    "approved", "executed", "rejected", "overridden", "expired", "superseded", "withdrawn")})  # fmt: skip
def approval_of_what_is(acme: World, state: str) -> Try:
    row = acme.filed()
    acme.scalar("UPDATE cs.recommendations SET state = %s WHERE id = %s RETURNING 1", state, row["id"])
    return lambda: acme.decide("reviewer", row, "approve")


# Late hands ---------------------------------------------------------------------------------------------------------


@tries(errors.LostLease)
def late_worker_with_an_old_fence(acme: World) -> Try:
    acme.accept()
    (late,) = acme.claim(lease_seconds=0)
    acme.claim()
    return lambda: acme.file(late)


@tries(errors.LostLease)
def late_worker_after_newer_facts(acme: World) -> Try:
    acme.accept()
    (job,) = acme.claim()
    acme.accept(amount="1300.00")
    return lambda: acme.file(job)


@tries(errors.LostLease)
def worker_with_a_guessed_fence(acme: World) -> Try:
    acme.accept()
    acme.claim()
    call = "SELECT * FROM cs.fail_job((SELECT min(id) FROM cs.jobs), 1, 'x', 0, 1)"
    return lambda: say(acme, "agent", "agent", call)


def late_courier(acme: World) -> outbox.Effect:
    """An effect that this courier lost to another one."""
    late = leased(acme, approved(acme))
    acme.scalar(
        "UPDATE cs.effects SET lease_until = now() - interval '1 second' WHERE tenant = %s RETURNING 1", acme.tenant
    )
    assert acme.tick()["swept"] == 1
    return late


@tries(errors.LostLease)
def courier_after_the_lease_was_lost(acme: World) -> Try:
    late = late_courier(acme)
    return lambda: execute(acme, late)


@tries(errors.LostLease)
def courier_after_another_took_it(acme: World) -> Try:
    late = late_courier(acme)
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert len(outbox.claim(conn, "second", 10, 60)) == 1
    return lambda: execute(acme, late)


@tries.each(
    {outcome: (errors.LostLease, outcome) for outcome in ("sent", "manual", "retry", "unknown", "refused", "dead")}
)
def late_settling_as(acme: World, outcome: str) -> Try:
    late = late_courier(acme)
    return lambda: say(acme, "courier", "courier",
                       ("SELECT cs.settle(%s, %s, %s, '')", (late.recommendation_id, late.fence, outcome)))  # fmt: skip


@tries.each({outcome: (errors.IllegalState, outcome) for outcome in ("sent", "manual", "unknown")})
def settling_what_was_never_started_as(acme: World, outcome: str) -> Try:
    effect = leased(acme, approved(acme))
    return lambda: say(acme, "courier", "courier",
                       ("SELECT cs.settle(%s, %s, %s, '')", (effect.recommendation_id, effect.fence, outcome)))  # fmt: skip


@tries(errors.LostLease)
def effect_executed_twice(acme: World) -> Try:
    effect = leased(acme, approved(acme))
    execute(acme, effect)
    return lambda: execute(acme, effect)


@tries(errors.LostLease)
def effect_executed_before_it_was_claimed(acme: World) -> Try:
    row = approved(acme)
    return lambda: execute(acme, outbox.Effect(row["id"], "mail", 0, 0))


@tries.each({who: (errors.NotPermitted, who) for who in ("reviewer", "controller", "admin1", "agent")})
def execution_by(acme: World, who: str) -> Try:
    effect = leased(acme, approved(acme))
    return lambda: execute(acme, effect, by=who)


@tries(Blank([(0,)]))
def effect_claimed_before_its_time(acme: World) -> Try:
    approved(acme)
    return lambda: say(acme, "courier", "courier", "SELECT count(*) FROM cs.claim_effects('early', 10, 60)")


@tries(Blank([(0,)]))
def effect_claimed_without_the_time_to_undo(acme: World) -> Try:
    """A transaction that began long before the approval makes the approval no older."""
    row = acme.filed()
    acme.scalar("UPDATE cs.policies SET undo_seconds = 1 WHERE tenant = %s RETURNING 1", acme.tenant)
    with acme.database.pool("review").connection() as conn, conn.transaction():
        conn.execute("SELECT set_config('countersign.token', %s, true)", (acme.tokens["reviewer"],))
        conn.execute("SELECT pg_sleep(1.1)")
        conn.execute("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"]))
    return lambda: say(acme, "courier", "courier", "SELECT count(*) FROM cs.claim_effects('early', 10, 60)")


# The clock ----------------------------------------------------------------------------------------------------------

SETTINGS = {
    "timezone": "SET LOCAL timezone = 'Pacific/Kiritimati'",
    "timezone, backwards": "SET LOCAL timezone = 'Etc/GMT+12'",
    "date style": "SET LOCAL datestyle = 'SQL, DMY'",
    "strings": "SET LOCAL standard_conforming_strings = off",
    "nulls": "SET LOCAL transform_null_equals = on",
    "search path": "SET LOCAL search_path = pg_temp, public",
    "search path without the catalogue first": "SET LOCAL search_path = public, cs, pg_catalog",
    "a clock of one's own": "SET LOCAL countersign.now = '2020-01-01'",
    "constraints": "SET CONSTRAINTS ALL DEFERRED",
    "no row security": "SET LOCAL row_security = off",
    "a long wait": "SET LOCAL statement_timeout = 0",
    "locks": "SET LOCAL deadlock_timeout = '1s'",
}


@tries.each(
    {
        name: (Reason("42501", "deadlock_timeout") if name == "locks" else errors.Expired, statement)
        for name, statement in SETTINGS.items()
    }
)
def expired_approval_under_a_setting_for(acme: World, statement: str) -> Try:
    row = acme.filed()
    expire(acme, row)
    call = "SELECT cs.decide(%s, 'approve', %s)"
    return lambda: say(acme, "review", "reviewer", statement, (call, (row["id"], row["digest"])))


@tries.each(
    {
        name: (errors.PayeeChanged, statement)
        for name, statement in SETTINGS.items()
        if name in ("timezone", "search path", "nulls", "strings")
    }
)
def effect_to_a_changed_account_under_a_setting_for(acme: World, statement: str) -> Try:
    row = approved(acme)
    effect = leased(acme, row)
    account_added(acme, row)
    call = "SELECT cs.execute(%s, %s)"
    return lambda: say(acme, "courier", "courier", statement, (call, (effect.recommendation_id, effect.fence)))


@tries.each({name: (Reason(code), statement) for name, (code, statement) in {
    "a timeout": ("57014", "SET LOCAL statement_timeout = '1ms'"),
    "a lock timeout": ("55P03", "SET LOCAL lock_timeout = '1ms'"),
    "reading only": ("25006", "SET TRANSACTION READ ONLY"),
}.items()})  # fmt: skip
def half_an_approval_by(acme: World, statement: str) -> Try:
    """Whatever stops it half-way leaves nothing of it."""
    row = acme.filed()

    def stopped() -> Any:
        with acme.database.transaction("owner") as other:
            other.execute("SELECT FROM cs.recommendations WHERE id = %s FOR UPDATE", (row["id"],))
            return say(acme, "review", "reviewer", statement,
                       ("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"])))  # fmt: skip

    return stopped


@tries.each({level: (errors.OldView, level) for level in ("REPEATABLE READ", "SERIALIZABLE")})
def effect_in_a_transaction_that_looks_at_the_past(acme: World, level: str) -> Try:
    """The courier's view of the books is from before the payee's account changed."""
    row = approved(acme)
    effect = leased(acme, row)

    def past() -> Any:
        with acme.database.pool("courier").connection() as conn, conn.transaction():
            conn.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            conn.execute("SELECT set_config('countersign.token', %s, true)", (acme.tokens["courier"],))
            conn.execute("SELECT count(*) FROM cs.effects")
            acme.scalar(
                "INSERT INTO cs.bank_accounts (tenant, owner_kind, owner_id, iban, source) "
                "VALUES (%s, 'supplier', 'S-1', %s, 'x') ON CONFLICT DO NOTHING RETURNING 1",
                acme.tenant,
                OTHER_IBAN,
            )
            try:
                return conn.execute("SELECT cs.execute(%s, %s)", (effect.recommendation_id, effect.fence)).fetchone()
            finally:
                acme.scalar(
                    "DELETE FROM cs.bank_accounts WHERE tenant = %s AND iban = %s RETURNING 1", acme.tenant, OTHER_IBAN
                )

    def told() -> Any:
        with translated():
            return past()

    return told


def rates(acme: World) -> None:
    """A dollar was worth more today than yesterday and will be worth less tomorrow: 30,000 USD are 30,000, 20,000 or 3 EUR."""
    acme.scalar(
        "INSERT INTO cs.fx_rates (tenant, day, currency, per_eur, source) SELECT %s, (now() AT TIME ZONE 'UTC')::date + d, "
        "'USD', r, 'x' FROM (VALUES (-1, 10000), (0, 1), (1, 10000)) v (d, r) RETURNING 1",
        acme.tenant,
    )


@tries.each({
    name: (Blank([("controller",), ("reviewer",)]), SETTINGS[name])
    for name in ("timezone", "timezone, backwards", "date style")
}, moves=("case_vectors", "cases", "jobs", "ledger", "ledger_heads", "leaves", "observations", "recommendations", "seats"))  # fmt: skip
def cheaper_day_s_rate_by_a_setting_for(acme: World, statement: str) -> Try:
    """The seats of 30,000 USD stay those of today's rate, wherever the agent says that it is."""
    rates(acme)
    acme.accept(amount="30000.00", currency="USD", exception_type="duplicate_suspect")
    (job,) = acme.claim()
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
    action = Jsonb({"name": "hold_payment", "args": {"invoice_id": "INV-1", "reason": "r"}})
    call = "SELECT * FROM cs.file(%s, %s, %s, %s, 'null', '{}', '{}', '{}', '{}', 'normal', NULL)"

    def there() -> Any:
        say(acme, "agent", "agent", statement, (call, (job.id, job.fence, action, digest)))
        return say(acme, "review", "auditor", "SELECT role FROM cs.seats ORDER BY role")

    return there


@tries(errors.FactsMismatch)
def facts_of_an_older_revision(acme: World) -> Try:
    acme.accept()
    old = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE tenant = %s", acme.tenant)
    acme.accept(amount="1300.00")
    (job,) = acme.claim()
    return lambda: acme.file(job, letter(old))


@tries(errors.Expired)
def person_s_draft_that_came_back_too_late(acme: World) -> Try:
    row = acme.filed()
    expire(acme, row)
    return lambda: acme.decide("reviewer", row, "override")


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())

"""Sessions: who cannot prove who they are does nothing, however nearly they can."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from governance import errors
from governance.record import accounts, sessions
from governance.record.connection import translated
from tests.build import World, genesis
from tests.governance.bypass.attempts import (
    Attempt,
    Blank,
    Ground,
    Register,
    Try,
    approved,
    execute,
    leased,
    name_of,
    say,
)

tries = Register()


def with_token(acme: World, token: str | None) -> Try:
    """Approve what waits, as whoever the token says."""
    row = acme.filed()
    acme.tokens["forger"] = token or ""
    return lambda: acme.decide("forger", row, "approve")


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


FORGED: dict[str, Callable[[str], str]] = {
    "none": lambda token: "",
    "made up": lambda token: "t-reviewer",
    "its sha-256": sha256,
    "its sha-256 in upper case": lambda token: sha256(token).upper(),
    "the hash of its hash": lambda token: sha256(sha256(token)),
    "upper case": str.upper,
    "a space before": lambda token: " " + token,
    "a space after": lambda token: token + " ",
    "a line end after": lambda token: token + "\n",
    "zero width inside": lambda token: token[:3] + "\u200b" + token[3:],
    "a letter of another alphabet": lambda token: token.replace("e", "\u0435", 1),
    "cut short": lambda token: token[:-1],
    "twice": lambda token: token + token,
    "a wildcard": lambda token: "%",
    "quotes": lambda token: "' OR '1'='1",
    "very long": lambda token: token + "x" * 100_000,
    "prefixed as in a header": lambda token: "Bearer " + token,
    "full width": lambda token: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in token),
}


@tries.each({name: (errors.Unauthenticated, forge) for name, forge in FORGED.items()}, "sign in first")
def forged_token(acme: World, forge: Callable[[str], str]) -> Try:
    return with_token(acme, forge(acme.tokens["reviewer"]))


@tries(errors.TextInvalid, "NUL")
def nul_in_the_token(acme: World) -> Try:
    return with_token(acme, acme.tokens["reviewer"] + "\x00")


def end_of(acme: World, column: str, value: str, who: str = "reviewer") -> None:
    acme.scalar(
        f"UPDATE cs.credentials SET {column} = {value} WHERE tenant = %s AND actor = %s RETURNING 1", acme.tenant, who
    )


@tries(errors.Unauthenticated)
def revoked_key(acme: World) -> Try:
    key = acme.scalar("SELECT id FROM cs.credentials WHERE tenant = %s AND actor = 'reviewer'", acme.tenant)
    say(acme, "review", "reviewer", ("SELECT cs.revoke_key(%s)", (key,)))
    return with_token(acme, acme.tokens["reviewer"])


@tries(errors.Unauthenticated)
def expired_key(acme: World) -> Try:
    end_of(acme, "expires_at", "now() - interval '1 second'")
    return with_token(acme, acme.tokens["reviewer"])


@tries(errors.Unauthenticated)
def key_that_expires_while_the_transaction_is_open(acme: World) -> Try:
    row = acme.filed()

    def late() -> Any:
        with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
            conn.execute("SELECT 1")
            conn.execute("SELECT pg_sleep(0.06)")
            return conn.execute("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"])).fetchone()

    end_of(acme, "expires_at", "clock_timestamp() + interval '0.05 seconds'")
    return late


@tries.each({one: (errors.OldView, one) for one in ("REPEATABLE READ", "SERIALIZABLE")}, "READ COMMITTED")
def key_in_a_transaction_that_looks_at_the_past(acme: World, level: str) -> Try:
    row = acme.filed()
    return lambda: say(
        acme,
        "review",
        None,
        f"SET TRANSACTION ISOLATION LEVEL {level}",
        ("SELECT set_config('countersign.token', %s, true)", (acme.tokens["reviewer"],)),
        ("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"])),
    )


@tries(errors.Unauthenticated)
def switched_off_person(acme: World) -> Try:
    say(acme, "review", "admin1", "SELECT cs.set_active('reviewer', false)")
    return with_token(acme, acme.tokens["reviewer"])


@tries(errors.Unauthenticated)
def switched_off_courier(acme: World) -> Try:
    effect = leased(acme, approved(acme))
    say(acme, "review", "admin1", "SELECT cs.set_active('courier', false)")
    return lambda: execute(acme, effect)


@tries(errors.NotFound)
def another_tenant_s_token(acme: World) -> Try:
    other = genesis(acme.database, acme.tenant + "x")
    return with_token(acme, other.tokens["reviewer"])


def session(acme: World, who: str = "reviewer", minutes: int = 5) -> str:
    token = f"session-{acme.tenant}-{who}"
    with acme.database.transaction("review", acme.tokens[who]) as conn:
        sessions.open_session(conn, token, minutes)
    return token


@tries(errors.Unauthenticated)
def session_after_it_was_closed(acme: World) -> Try:
    token = session(acme)
    with acme.database.transaction("review", token) as conn:
        sessions.close_session(conn)
    return with_token(acme, token)


@tries(errors.Unauthenticated)
def session_after_its_time(acme: World) -> Try:
    token = session(acme)
    acme.scalar(
        "UPDATE cs.credentials SET expires_at = now() WHERE kind = 'session' AND tenant = %s RETURNING 1", acme.tenant
    )
    return with_token(acme, token)


@tries(errors.Unauthenticated)
def session_after_its_key_was_revoked(acme: World) -> Try:
    token = session(acme)
    key = acme.scalar(
        "SELECT id FROM cs.credentials WHERE tenant = %s AND actor = 'reviewer' AND kind = 'api_key'", acme.tenant
    )
    say(acme, "review", "admin1", ("SELECT cs.revoke_key(%s)", (key,)))
    return with_token(acme, token)


@tries(errors.Unauthenticated)
def session_of_a_person_who_was_switched_off(acme: World) -> Try:
    token = session(acme)
    say(acme, "review", "admin1", "SELECT cs.set_active('reviewer', false)")
    return with_token(acme, token)


@tries(errors.NotPermitted, "a session cannot open another")
def session_that_opens_another(acme: World) -> Try:
    token = session(acme)

    def again() -> Any:
        with acme.database.transaction("review", token) as conn:
            return sessions.open_session(conn, token + "2", 5)

    return again


@tries(errors.NotPermitted, "cannot make keys")
def session_that_makes_a_key(acme: World) -> Try:
    token = session(acme)

    def key() -> Any:
        with acme.database.transaction("review", token) as conn:
            return accounts.issue_key(conn, "mine for ever", "reviewer", "", None)

    return key


@tries(errors.Malformed, "used before")
def session_under_another_person_s_token(acme: World) -> Try:
    def steal() -> Any:
        with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
            return sessions.open_session(conn, acme.tokens["controller"], 5)

    return steal


@tries.each({str(n): (errors.Malformed, n) for n in (0, -1, 1441, 2**31 - 1)}, "1 to 1440 minutes")
def session_for_ever(acme: World, minutes: int) -> Try:
    def long() -> Any:
        with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
            return sessions.open_session(conn, "long", minutes)

    return long


@tries.each({who: (errors.HumanRequired, who) for who in ("service", "courier", "agent")}, "only a person")
def session_of_a_machine(acme: World, who: str) -> Try:
    def machine() -> Any:
        with acme.database.transaction("review", acme.tokens[who]) as conn:
            return sessions.open_session(conn, "machine", 5)

    return machine


ISSUER = "https://login.example"
VOUCH = f"SELECT cs.open_identity_session(repeat('b', 64), '{ISSUER}', %s, 5)"


def linked(acme: World) -> None:
    """The account `r-1` elsewhere is the reviewer's, and the service may vouch for it."""
    acme.enact("admin1", "identity_broker", "service", {"issuer": ISSUER})
    acme.enact("admin1", "identity", "reviewer", {"issuer": ISSUER, "subject": "r-1"})


@tries.each(
    {
        "an account that nobody has": (errors.NotPermitted, "service", "r-2"),
        "a service that is no broker": (errors.NotPermitted, "intake", "r-1"),
        "the reviewer himself": (errors.NotPermitted, "reviewer", "r-1"),
        "an administrator": (errors.NotPermitted, "admin1", "r-1"),
        "nobody": (errors.Unauthenticated, "", "r-1"),
    }
)
def sign_in_elsewhere_vouched_for_by(acme: World, by: str, account: str) -> Try:
    linked(acme)
    return lambda: say(acme, "review", by or "nobody-at-all", (VOUCH, (account,)))


@tries(errors.NotPermitted, "switched off")
def sign_in_elsewhere_of_a_person_who_was_switched_off(acme: World) -> Try:
    linked(acme)
    say(acme, "review", "admin1", "SELECT cs.set_active('reviewer', false)")
    return lambda: say(acme, "review", "service", (VOUCH, ("r-1",)))


@tries(errors.SegregationOfDuties)
def account_that_is_linked_by_its_own_holder(acme: World) -> Try:
    linked(acme)
    row = acme.propose("admin1", "identity", "controller", {"issuer": ISSUER, "subject": "c-1"})
    return lambda: acme.decide("admin1", row, "approve")


# Keys ---------------------------------------------------------------------------------------------------------------


def issue(acme: World, by: str, for_whom: str) -> Try:
    def key() -> Any:
        with acme.database.transaction("review", acme.tokens[by]) as conn:
            return accounts.issue_key(conn, f"{acme.tenant}-stolen", for_whom, "", None)

    return key


@tries(errors.NotPermitted, "has a key already")
def administrator_who_makes_a_key_for_a_signer(acme: World) -> Try:
    return issue(acme, "admin1", "controller")


@tries(errors.GovernedChange, "signs as controller")
def administrator_who_revokes_a_signer_s_key_and_makes_another(acme: World) -> Try:
    key = acme.scalar("SELECT id FROM cs.credentials WHERE tenant = %s AND actor = 'controller'", acme.tenant)
    say(acme, "review", "admin1", ("SELECT cs.revoke_key(%s)", (key,)))
    return issue(acme, "admin1", "controller")


@tries.each(
    {who: (errors.NotPermitted, who) for who in ("analyst", "reviewer", "controller", "auditor")}, "keys for others"
)
def person_who_makes_a_key_for_another(acme: World, who: str) -> Try:
    return issue(acme, who, "analyst2")


@tries.each({who: (errors.HumanRequired, who) for who in ("service", "courier", "agent")}, "only a person")
def machine_that_makes_a_key_for_a_person(acme: World, who: str) -> Try:
    return issue(acme, who, "controller")


@tries(errors.NotFound, "no such live key")
def key_of_another_tenant_revoked(acme: World) -> Try:
    other = genesis(acme.database, acme.tenant + "x")
    key = acme.scalar("SELECT id FROM cs.credentials WHERE tenant = %s AND actor = 'controller'", other.tenant)
    return lambda: say(acme, "review", "admin1", ("SELECT cs.revoke_key(%s)", (key,)))


# Pooled connections -------------------------------------------------------------------------------------------------


@tries(errors.Unauthenticated)
def token_left_by_the_last_user_of_a_connection(acme: World) -> Try:
    row = acme.filed()

    def left() -> Any:
        with acme.database.pool("review").connection() as conn:
            with conn.transaction():
                conn.execute("SELECT set_config('countersign.token', %s, true)", (acme.tokens["reviewer"],))
                conn.execute("SELECT * FROM cs.whoami()")
            with conn.transaction():
                return conn.execute("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"])).fetchone()

    def told() -> Any:
        with translated():
            return left()

    return told


@tries(Blank([(0,)]))
def rows_seen_with_the_token_of_the_last_user(acme: World) -> Try:
    acme.filed()

    def left() -> Any:
        with acme.database.pool("review").connection() as conn:
            with conn.transaction():
                conn.execute("SELECT set_config('countersign.token', %s, true)", (acme.tokens["reviewer"],))
            with conn.transaction():
                return conn.execute("SELECT count(*) FROM cs.cases").fetchall()

    return left


@tries(errors.Unauthenticated)
def token_that_was_set_in_a_savepoint_and_rolled_back(acme: World) -> Try:
    row = acme.filed()
    return lambda: say(
        acme,
        "review",
        None,
        "SAVEPOINT a",
        ("SELECT set_config('countersign.token', %s, true)", (acme.tokens["reviewer"],)),
        "ROLLBACK TO SAVEPOINT a",
        ("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"])),
    )


@tries.each(
    {
        name: (errors.Unauthenticated, name)
        for name in ("countersign.tenant", "countersign.actor", "countersign.roles", "role.name", "app.user")
    }
)
def setting_that_says_who_one_is(acme: World, name: str) -> Try:
    row = acme.filed()
    return lambda: say(
        acme,
        "review",
        None,
        (f"SELECT set_config('{name}', %s, true)", ("reviewer",)),
        ("SELECT cs.decide(%s, 'approve', %s)", (row["id"], row["digest"])),
    )


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())

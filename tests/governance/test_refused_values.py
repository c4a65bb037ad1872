"""What the database's functions refuse whoever asks: values that mean nothing, and states from which nothing leads on."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from governance.policy import standard_policy
from governance.record import outbox
from governance.record.people import token_hash
from tests.build import World
from tests.governance.bypass.attempts import (
    Attempt,
    Ground,
    Register,
    Try,
    because,
    execute,
    leased,
    name_of,
    outcome,
    say,
)
from tests.governance.bypass.conftest import ground as ground
from tests.governance.bypass.test_sessions import ISSUER, linked

tries = Register()
vouched = Register()
"""Attempts around accounts elsewhere: on one tenant, for none of them moves anything."""

# Keys ---------------------------------------------------------------------------------------------------------------

KEY = "SELECT cs.issue_key(%s, %s, 'k', NULL, %s)"


@tries.each({f"{' and '.join(scopes)}, used to {what}": (because(errors.NotPermitted, words), scopes, call)
    for scopes, words, what, call in (
    (["read"], "this key may only read: use another", "decide", "SELECT cs.decide('any', 'approve', 'any')"),
    (["submit"], "this key may only submit: use another", "decide", "SELECT cs.decide('any', 'approve', 'any')"),
    (["submit"], "this key may only submit: use another", "note what was read", "SELECT cs.opened('any', 'case')"),
    (["decide"], "this key may only decide and read: use another", "add a user", "SELECT cs.add_actor('{}')"),
    (["decide", "submit"], "this key may only decide and read and submit: use another", "sign in", "SELECT cs.open_session(repeat('a', 64), 5)"),
)})  # fmt: skip
def key_for(acme: World, scopes: list[str], call: str) -> Try:
    say(acme, "review", "reviewer", (KEY, (token_hash(f"{acme.tenant}-limited"), "reviewer", scopes)))
    return lambda: say(acme, "review", f"{acme.tenant}-limited", call)


@tries.each({name: (errors.Malformed, scopes) for name, scopes in {
    "nothing": [], "what there is not": ["administer"], "one that is known, one that is not": ["read", "Decide"], "null": [None],
}.items()}, "the scopes of a key are read, decide and submit")  # fmt: skip
def key_whose_scopes_are(acme: World, scopes: list[str | None]) -> Try:
    return lambda: say(acme, "review", "reviewer", (KEY, (token_hash("any"), "reviewer", scopes)))


@vouched.each({by: (errors.GovernedChange, by) for by in ("admin1", "service")}, "whoever holds this key opens sessions of others")  # fmt: skip
def key_of_a_broker_made_by(acme: World, by: str) -> Try:
    return lambda: say(acme, "review", by, (KEY, (token_hash("any"), "service", None)))


# People and policy --------------------------------------------------------------------------------------------------


@tries.each({name: (errors.Malformed, name) for name in ("id", "kind", "name")}, "a user needs id, kind and name")
def user_without(acme: World, part: str) -> Try:
    person = {"id": "newcomer", "kind": "person", "name": "N"}
    del person[part]
    return lambda: say(acme, "review", "admin1", ("SELECT cs.add_actor(%s)", (Jsonb(person),)))


POLICY = standard_policy().text


@tries.each({name: (errors.PolicyInvalid, text) for name, text in {
    "a space at its end": POLICY + " ",
    "its keys the other way round": json.dumps(dict(reversed(json.loads(POLICY).items())), separators=(",", ":"), ensure_ascii=False),
    "a key that stands twice": POLICY[:-1] + ',"owner":"Somebody else"}',
}.items()}, "not in canonical form")  # fmt: skip
def policy_with(acme: World, text: str) -> Try:
    people = [{"id": one, "kind": "person", "name": one, "roles": ["administrator"]} for one in ("a1", "a2")]
    made = f"{acme.tenant}x"
    call = "SELECT cs.genesis(%s, 'X', 'EU', %s, %s, 'test')"
    return lambda: say(acme, "owner", None, (call, (made, Jsonb(people), text)))


@tries.each({name: (errors.Malformed, span) for name, span in {
    "no start": "NULL, now()", "no end": "now(), NULL", "no length": "now(), now()", "its end before its start": "now(), now() - interval '1 second'",
    "more than a year": "now(), now() + interval '367 days'",
}.items()}, "an absence ends after it starts, within a year")  # fmt: skip
def absence_with(acme: World, span: str) -> Try:
    return lambda: say(acme, "review", "analyst", f"SELECT cs.set_absence('analyst', {span})")


# Accounts elsewhere -------------------------------------------------------------------------------------------------

VOUCH = f"SELECT cs.open_identity_session(%s, '{ISSUER}', 'r-1', %s, %s)"
TOKEN = token_hash("a token of the broker's")


@vouched.each({name: (errors.Malformed, *values) for name, values in {
    "no minutes": (TOKEN, None), "zero minutes": (TOKEN, 0), "a day and a minute": (TOKEN, 1441), "no token": (None, 5),
    "a token in the clear": ("secret", 5), "a hash in capitals": (TOKEN.upper(), 5), "half a hash": (TOKEN[:32], 5),
}.items()}, "a session lasts 1 to 1440 minutes and is kept by the hex SHA-256 of its token")  # fmt: skip
def session_vouched_for_with(acme: World, token: str | None, minutes: int | None) -> Try:
    return lambda: say(acme, "review", "service", (VOUCH, (token, minutes, None)))


@vouched.each({ended: (errors.Unauthenticated, ended) for ended in ("now", "yesterday", "-infinity")}, "the proof of this account has expired")  # fmt: skip
def session_vouched_for_by_a_proof_that_ended(acme: World, ended: str) -> Try:
    return lambda: say(acme, "review", "service", (VOUCH, (TOKEN, 5, ended)))


@vouched.each({whose: (errors.Malformed, whose) for whose in ("the same session's", "the controller's")}, "this token was used before")  # fmt: skip
def session_vouched_for_under_a_token_that_is(acme: World, whose: str) -> Try:
    if whose == "the controller's":
        return lambda: say(acme, "review", "service", (VOUCH, (token_hash(acme.tokens["controller"]), 5, None)))
    mine = token_hash(f"{acme.tenant}-session")
    say(acme, "review", "service", (VOUCH, (mine, 5, None)))
    return lambda: say(acme, "review", "service", (VOUCH, (mine, 5, None)))


UNLINK = "SELECT cs.revoke_identity(%s, %s)"


@vouched.each({name: (errors.NotFound, *account) for name, account in {
    "nobody has": (ISSUER, "r-2"), "is of another provider": ("https://elsewhere.example", "r-1"), "was unlinked before": (ISSUER, "a-1"),
}.items()}, "there is no such linked account")  # fmt: skip
def account_unlinked_that(acme: World, issuer: str, subject: str) -> Try:
    return lambda: say(acme, "review", "admin1", (UNLINK, (issuer, subject)))


@vouched.each({name: (errors.NotFound, *broker) for name, broker in {
    "is none": ("intake", ISSUER), "is none of that provider": ("service", "https://elsewhere.example"), "is nobody": ("nobody", ISSUER),
}.items()}, "there is no such broker")  # fmt: skip
def broker_ended_that(acme: World, who: str, issuer: str) -> Try:
    return lambda: say(acme, "review", "admin1", ("SELECT cs.revoke_identity_broker(%s, %s)", (who, issuer)))


def test_of_two_people_who_are_linked_to_an_account_at_once_one_is(ground: Ground) -> None:
    """The second looks before the first has committed, so only the write itself can tell it."""
    acme = ground.fresh()
    rows = [
        acme.propose("admin1", "identity", who, {"issuer": ISSUER, "subject": "s-1"}) for who in ("reviewer", "analyst")
    ]
    for row in rows:
        for signer in ("controller", "admin2"):
            acme.decide(signer, row, "approve")
    first, second = (leased(acme, row) for row in rows)
    found: list[tuple[str, Any]] = []
    late = threading.Thread(target=lambda: found.append(outcome(lambda: execute(acme, second))))
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        outbox.execute(conn, first)
        late.start()
        give_up = time.monotonic() + 20
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while not acme.scalar(waits):
            assert time.monotonic() < give_up, "the second did not wait for the first"
            time.sleep(0.01)
    late.join(20)
    assert found == [("illegal-state", "this account is linked to somebody else already")]
    live = "SELECT string_agg(actor, ' ') FROM cs.identities WHERE tenant = %s AND revoked_at IS NULL"
    assert acme.scalar(live, acme.tenant) == "reviewer"


# Books and cases ----------------------------------------------------------------------------------------------------

BOOKS = "SELECT cs.import_books(%s, %s, 'test')"


@tries.each({f"{kind} as {name}": (errors.Malformed, kind, rows)
    for kind in ("suppliers", "bank_accounts", "invoices") for name, rows in {
    "an object": Jsonb({"id": "S-9"}), "a text": Jsonb("S-9"), "a number": Jsonb(1), "null": Jsonb(None), "nothing": None,
}.items()}, "the books take a list of rows")  # fmt: skip
def books_of(acme: World, kind: str, rows: Jsonb | None) -> Try:
    return lambda: say(acme, "intake", "intake", (BOOKS, (kind, rows)))


@tries.each({kind or repr(kind): (errors.Malformed, kind) for kind in ("actors", "Suppliers", "suppliers ", "policies", "", None)}, "the books know no ")  # fmt: skip
def books_there_are_not(acme: World, kind: str | None) -> Try:
    return lambda: say(acme, "intake", "intake", (BOOKS, (kind, Jsonb([]))))


@tries.each({state: (errors.IllegalState, state) for state in ("done", "rejected", "awaiting_review")}, "the case cannot go to dead_letter from where it is")  # fmt: skip
def last_failed_attempt_at_a_case_that_is(acme: World, state: str) -> Try:
    case_id = acme.accept()["case_id"]
    (job,) = acme.claim()
    acme.scalar("UPDATE cs.cases SET state = %s WHERE tenant = %s AND id = %s RETURNING 1", state, acme.tenant, case_id)
    return lambda: say(acme, "agent", "agent", ("SELECT cs.fail_job(%s, %s, 'x', 0, 1)", (job.id, job.fence)))


@tries.each({state: (errors.IllegalState, state) for state in ("queued", "triaging", "awaiting_review", "dead_letter", "unknown")}, "this case is not in the dead-letter room")  # fmt: skip
def put_back_of_a_case_that_is(acme: World, state: str) -> Try:
    case_id = acme.accept()["case_id"]
    if state != "queued":
        (job,) = acme.claim()
        if state == "awaiting_review":
            acme.file(job)
    if state == "dead_letter":
        # By the word of the case alone: its job is still somebody's.
        acme.scalar("UPDATE cs.cases SET state = 'dead_letter' WHERE id = %s RETURNING 1", case_id)
    wanted = "nobody's" if state == "unknown" else case_id
    return lambda: say(acme, "review", "analyst", ("SELECT cs.requeue(%s)", (wanted,)))


@pytest.fixture(scope="module")
def vouching(ground: Ground) -> World:
    """The reviewer's account is linked, and the service vouches for it. The analyst's was linked and is no longer."""
    acme = ground.fresh()
    linked(acme)
    acme.enact("admin1", "identity", "analyst", {"issuer": ISSUER, "subject": "a-1"})
    say(acme, "review", "analyst", (UNLINK, (ISSUER, "a-1")))
    return acme


@pytest.mark.parametrize("attempt", vouched.attempts, ids=name_of)
def test_attempt_around_an_account_elsewhere(ground: Ground, vouching: World, attempt: Attempt) -> None:
    ground.run(attempt, vouching)


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())

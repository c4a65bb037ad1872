"""Every lock of the database's law, one at a time: who waits for it acts on what is there then, not on what was before.

No luck decides here, unlike in test_races.py: one transaction stays open until the other is seen to wait for it.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from governance.action import Action
from governance.errors import Refusal
from governance.record import outbox, queue, review, standing
from governance.record.db import Connection, Database
from tests.build import World, letter, world
from tests.governance.waiting import Meeting, Part, said, waits_for

DAY = timedelta(days=1)
ISSUER = "https://login.example"
ACCOUNTS = [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "DE75512108001245126199"}]
REFUSED: dict[str, tuple[Callable[[World], Meeting], type[Refusal], str]] = {}


@pytest.fixture
def acme(one_database: Database) -> World:
    return world(one_database, f"t{uuid.uuid4().hex[:12]}")


def refused(error: type[Refusal], words: str) -> Callable[[Callable[[World], Meeting]], Callable[[World], Meeting]]:
    """Who waited is refused with this class and these words."""

    def register(prepare: Callable[[World], Meeting]) -> Callable[[World], Meeting]:
        REFUSED[prepare.__name__] = (prepare, error, words)
        return prepare

    return register


def outcome(given: Any) -> Refusal:
    assert isinstance(given, Refusal), f"it was not refused: {given}"
    return given


# Builders ---------------------------------------------------------------------------------------------------------


def ask(acme: World, role: str, by: str, statement: str, *values: Any) -> Any:
    """One value by `by`, over the login role that holds the grant."""
    with acme.database.transaction(role, acme.tokens[by]) as conn:
        row = conn.execute(statement.encode(), values).fetchone()
    return None if row is None else row[0]


def new_account() -> Part:
    return said("SELECT cs.import_books('bank_accounts', %s, 'test')", Jsonb(ACCOUNTS))


def new_facts() -> Part:
    """The same invoice again, of another amount."""
    item = {
        "name": "invoice.xml", "source_key": "key-1", "queue": "accounts_payable", "document_class": "invoice",
        "exception_type": "missing_order_reference", "title": "Invoice 2026-1", "amount": "1300.00", "currency": "EUR",
        "entity": "DE01", "region": "EU", "supplier_id": "S-1", "invoice_id": "INV-1", "reading": {}, "details": {},
    }  # fmt: skip
    return said("SELECT cs.accept(%s)", Jsonb(item))


def held(row: dict[str, Any]) -> Part:
    """The recommendation is locked, as by whoever decides on it."""
    return said("SELECT FROM cs.recommendations WHERE id = %s FOR UPDATE", row["id"])


def linked(acme: World) -> None:
    """The account `r-1` elsewhere is the reviewer's, and the service may vouch for it."""
    made = "INSERT INTO cs.identity_brokers (tenant, actor, issuer, recommendation_id) VALUES (%s, 'service', %s, 'x')"
    acme.scalar(made + " RETURNING 1", acme.tenant, ISSUER)
    made = "INSERT INTO cs.identities (tenant, actor, issuer, subject, recommendation_id)"
    acme.scalar(made + " VALUES (%s, 'reviewer', %s, 'r-1', 'x') RETURNING 1", acme.tenant, ISSUER)


def sign_in(acme: World) -> Any:
    token = hashlib.sha256(f"{acme.tenant} session".encode()).hexdigest()
    return ask(acme, "review", "service", "SELECT cs.open_identity_session(%s, %s, 'r-1', 5)", token, ISSUER)


def look(acme: World, what: str) -> Any:
    """One value of the tenant: an expression FROM one table of the record."""
    return acme.scalar(f"SELECT {what} {'AND' if ' WHERE ' in what else 'WHERE'} tenant = %s", acme.tenant)


def set_effect(acme: World, column: str) -> None:
    acme.scalar(
        f"UPDATE cs.effects SET {column} = now() - interval '1 hour' WHERE tenant = %s RETURNING 1", acme.tenant
    )


def payment(acme: World) -> dict[str, Any]:
    """A filed release of a payment: a seat for a reviewer, one for a controller. Everybody has opened the case."""
    acme.accept(exception_type="invoice_received")
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    action = Action("release_payment", {"invoice_id": "INV-1"})
    row = acme.recommendation(acme.file(job, letter(digest, action=action, draft=None)).recommendation_id)
    for who in ("reviewer", "controller", "admin1"):
        acme.opened(who, row)
    return row


def leased(acme: World) -> tuple[dict[str, Any], outbox.Effect]:
    """An approved letter, and its effect in the hands of a courier."""
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    set_effect(acme, "available_at")
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "test", 1, 60)
    return row, effect


def delivering(acme: World) -> tuple[dict[str, Any], outbox.Effect]:
    row, effect = leased(acme)
    execute(acme, effect)
    return row, effect


def execute(acme: World, effect: outbox.Effect) -> Any:
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        return outbox.execute(conn, effect)


def settle(acme: World, effect: outbox.Effect, what: str) -> None:
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        outbox.settle(conn, effect, what, "test")


def confirm(acme: World, row: dict[str, Any], what: str) -> Any:
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        return outbox.confirm(conn, row["id"], what, "looked")


def absence(acme: World, who: str, by: str | None = None) -> int:
    now = datetime.now(UTC)
    with acme.database.transaction("review", acme.tokens[by or who]) as conn:
        return standing.set_absence(conn, who, now - DAY, now + DAY)


def overtaken(row: dict[str, Any]) -> Part:
    """The case gets newer facts, past everything that usually stops who has older ones."""
    return said("UPDATE cs.cases SET revision = revision + 1 WHERE id = %s", row["case_id"])


def state(acme: World, row: dict[str, Any]) -> Any:
    return acme.scalar("SELECT state FROM cs.recommendations WHERE id = %s", row["id"])


# People -----------------------------------------------------------------------------------------------------------


@refused(errors.NotPermitted, "nobody here is linked to this account")
def sign_in_with_an_account_that_is_being_unlinked(acme: World) -> Meeting:
    linked(acme)
    return Meeting("admin1", said("SELECT cs.revoke_identity(%s, 'r-1')", ISSUER), lambda: sign_in(acme))


@refused(errors.NotPermitted, "switched off")
def sign_in_of_somebody_who_is_being_switched_off(acme: World) -> Meeting:
    linked(acme)
    return Meeting("admin1", said("SELECT cs.set_active('reviewer', false)"), lambda: sign_in(acme))


@refused(errors.NotFound, "no such linked account")
def account_unlinked_by_two(acme: World) -> Meeting:
    linked(acme)
    unlink = "SELECT cs.revoke_identity(%s, 'r-1')"
    return Meeting("admin1", said(unlink, ISSUER), lambda: ask(acme, "review", "reviewer", unlink, ISSUER))


@refused(errors.NotFound, "no such live delegation")
def delegation_revoked_by_two(acme: World) -> Meeting:
    now = datetime.now(UTC)
    with acme.database.transaction("review", acme.tokens["controller"]) as conn:
        number = standing.delegate(conn, "reviewer", "controller", now - DAY, now + DAY)
    revoke = "SELECT cs.revoke_delegation(%s)"
    return Meeting("admin1", said(revoke, number), lambda: ask(acme, "review", "controller", revoke, number))


@refused(errors.NotFound, "no such absence")
def absence_ended_by_two(acme: World) -> Meeting:
    number = absence(acme, "controller")
    end = "SELECT cs.end_absence(%s)"
    return Meeting("admin1", said(end, number), lambda: ask(acme, "review", "controller", end, number))


def test_two_entries_of_the_ledger_follow_each_other(acme: World) -> None:
    end = said("SELECT cs.end_absence(%s)", absence(acme, "controller"))
    assert isinstance(Meeting("controller", end, lambda: absence(acme, "reviewer")).hold(acme), int)
    assert look(acme, "array_agg(kind ORDER BY seq) FROM cs.ledger")[-2:] == ["absence.ended", "absence.set"]


def test_one_refusal_noted_twice_at_once_stands_once(acme: World) -> None:
    row = acme.filed()
    note = "SELECT cs.note_refusal(%s, 'approve', 'CS410')"
    again = Meeting("reviewer", said(note, row["id"]), lambda: ask(acme, "review", "reviewer", note, row["id"]))
    assert again.hold(acme) is False
    assert look(acme, "count(*) FROM cs.ledger WHERE kind = 'decision.refused'") == 1


# Intake -----------------------------------------------------------------------------------------------------------


def test_new_facts_wait_for_who_decides_and_hold_nothing_that_they_need(acme: World) -> None:
    row = acme.filed()
    decide = said("SELECT cs.decide(%s, 'approve', %s)", row["id"], row["digest"])
    given = Meeting("reviewer", held(row), lambda: acme.accept(amount="1300.00"), decide).hold(acme)
    assert given["reason"] == "new facts: revision 2"
    assert state(acme, row) == "superseded"
    assert look(acme, "count(*) FROM cs.effects") == 0


def test_new_facts_wait_for_who_files_and_hold_nothing_that_they_need(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        proposal = letter(queue.briefs(conn, [job])[0].facts_digest)
    lock = said("SELECT FROM cs.jobs WHERE id = %s FOR UPDATE", job.id)
    filing = Meeting(
        "agent", lock, lambda: acme.accept(amount="1300.00"), lambda conn: review.file(conn, job, proposal)
    )
    assert filing.hold(acme)["reason"] == "new facts: revision 2"
    assert look(acme, "array_agg(state) FROM cs.recommendations") == ["superseded"]


def test_new_facts_supersede_nothing_that_ends_after_they_took_the_case(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "send_back", comment="ask again")
    moved = "UPDATE cs.recommendations SET state = %s WHERE id = %s RETURNING 1"
    acting = threading.Thread(target=lambda: acme.accept(amount="1300.00"), daemon=True)
    with acme.database.transaction("owner") as deciding:
        with acme.database.transaction("owner") as working:
            working.execute("SELECT FROM cs.jobs WHERE case_id = %s AND state = 'ready' FOR UPDATE", [row["case_id"]])
            acting.start()
            assert waits_for(acme, working.info.backend_pid, acting)
            # Pending only now: the lock of what was pending when the facts came has passed it by.
            acme.scalar(moved, "awaiting_review", row["id"])
            deciding.execute(moved.encode(), ("executed", row["id"]))
        assert waits_for(acme, deciding.info.backend_pid, acting)
    acting.join(30)
    assert look(acme, "revision FROM cs.cases") == 2
    assert state(acme, row) == "executed"


def test_a_document_that_comes_back_while_its_case_is_erased_is_kept(acme: World) -> None:
    row = acme.filed(content=b"<xml/>")
    acme.decide("reviewer", row, "reject")
    lock = said("SELECT FROM cs.cases WHERE id = %s FOR UPDATE", row["case_id"])
    erase = said("SELECT cs._erase_case(%s, 'admin1', %s, 'case.erased')", acme.tenant, row["case_id"])
    given = Meeting("admin1", lock, lambda: acme.accept(content=b"<xml/>", amount="1300.00"), erase).hold(acme)
    assert given["reason"] == "new facts: revision 2"
    assert bytes(look(acme, "content FROM cs.document_contents")) == b"<xml/>"


def test_a_bank_account_waits_for_who_judges_its_payee(acme: World) -> None:
    row = acme.filed()
    judge = said("SELECT cs._lock_payee(r) FROM cs.case_revisions r WHERE r.case_id = %s", row["case_id"])
    decide = said("SELECT cs.decide(%s, 'approve', %s)", row["id"], row["digest"])
    assert Meeting("reviewer", judge, lambda: acme.import_books("bank_accounts", ACCOUNTS), decide).hold(acme) is None
    assert state(acme, row) == "approved"
    assert look(acme, "count(*) FROM cs.bank_accounts") == 2


# Corrections ------------------------------------------------------------------------------------------------------


def correction(row: dict[str, Any]) -> Part:
    return said("SELECT cs.correct(%s, (SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s), %s)",
                row["case_id"], row["case_id"], Jsonb({"invoice_number": "R-1"}))  # fmt: skip


def correct(acme: World, row: dict[str, Any]) -> Any:
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", row["case_id"])
    asked = ("SELECT cs.correct(%s, %s, %s)", row["case_id"], digest, Jsonb({"invoice_number": "R-1"}))
    return ask(acme, "review", "analyst2", *asked)


@refused(errors.IllegalState, "the recommendation is superseded")
def approval_of_facts_that_are_being_corrected(acme: World) -> Meeting:
    row = acme.filed(content=b"<xml/>")
    return Meeting("analyst", correction(row), lambda: acme.decide("reviewer", row, "approve"))


@refused(errors.LostLease, "the lease was lost")
def filing_on_facts_that_are_being_corrected(acme: World) -> Meeting:
    case = acme.accept(content=b"<xml/>")
    (job,) = acme.claim(1)
    return Meeting("analyst", correction(case), lambda: acme.file(job))


@refused(errors.StaleDigest, "the case has newer facts than those that you read")
def correction_of_facts_that_are_being_replaced(acme: World) -> Meeting:
    row = acme.filed(content=b"<xml/>")
    return Meeting("intake", new_facts(), lambda: correct(acme, row))


@refused(errors.StaleDigest, "the case has newer facts than those that you read")
def correction_of_a_case_that_is_being_overtaken(acme: World) -> Meeting:
    row = acme.filed(content=b"<xml/>")
    newer = Jsonb({"revision": 2, "facts_digest": "x"})
    copy = "INSERT INTO cs.case_revisions SELECT (jsonb_populate_record(r, %s)).* FROM cs.case_revisions r"
    news = said(copy + " WHERE case_id = %s", newer, row["case_id"])
    return Meeting("intake", overtaken(row), lambda: correct(acme, row), news)


def test_a_correction_waits_for_who_decides(acme: World) -> None:
    row = acme.filed(content=b"<xml/>")
    reject = said("SELECT cs.decide(%s, 'reject', %s)", row["id"], row["digest"])
    given = Meeting("reviewer", held(row), lambda: correct(acme, row), reject).hold(acme)
    assert "the case is rejected" in str(outcome(given))


def test_a_correction_waits_for_the_worker_that_has_the_job(acme: World) -> None:
    case = acme.accept(content=b"<xml/>")
    (job,) = acme.claim(1)
    lock = said("SELECT FROM cs.jobs WHERE id = %s FOR UPDATE", job.id)

    def file(conn: Connection) -> None:
        """As cs.file goes on: it must find the case free, or the two would wait for each other."""
        conn.execute("SELECT FROM cs.cases WHERE id = %s FOR UPDATE NOWAIT", (case["case_id"],))
        conn.execute("UPDATE cs.jobs SET state = 'done' WHERE id = %s", (job.id,))

    given = Meeting("agent", lock, lambda: correct(acme, case), file).hold(acme)
    assert given["revision"] == 2
    assert look(acme, "count(*) FROM cs.jobs WHERE state = 'ready'") == 1


# Filing -----------------------------------------------------------------------------------------------------------


@refused(errors.LostLease, "the lease was lost")
def job_that_fails_while_it_is_filed(acme: World) -> Meeting:
    acme.accept()
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        proposal = letter(queue.briefs(conn, [job])[0].facts_digest)

    def fail() -> str:
        with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
            return queue.fail(conn, job, "late", 0, 5)

    return Meeting("agent", lambda conn: review.file(conn, job, proposal), fail)


@refused(errors.LostLease, "newer facts: this job is superseded")
def filing_on_facts_that_are_being_replaced(acme: World) -> Meeting:
    case = acme.accept()
    (job,) = acme.claim(1)
    return Meeting("agent", overtaken(case), lambda: acme.file(job))


def test_who_files_while_the_payee_gets_an_account_names_that_one_too(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    Meeting("intake", new_account(), lambda: acme.file(job)).hold(acme)
    assert look(acme, "payee_bank = cs._payee_bank(tenant, 'S-1') FROM cs.recommendations")


def test_who_files_while_the_policy_changes_is_bound_by_the_new_one(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    change = said(
        "SELECT cs._activate_policy(tenant, canon, source) FROM cs.policies WHERE active AND tenant = %s", acme.tenant
    )
    Meeting("admin1", change, lambda: acme.file(job)).hold(acme)
    assert look(acme, "policy_version FROM cs.recommendations") == 2


# Deciding ---------------------------------------------------------------------------------------------------------


@refused(errors.IllegalState, "is approved: it is not awaiting review")
def rejection_of_what_is_being_approved(acme: World) -> Meeting:
    row = acme.filed()
    approve = said("SELECT cs.decide(%s, 'approve', %s)", row["id"], row["digest"])
    return Meeting("reviewer", approve, lambda: acme.decide("reviewer2", row, "reject"))


@refused(errors.PayeeChanged, "bank details changed")
def approval_while_the_payee_gets_an_account(acme: World) -> Meeting:
    row = acme.filed()
    return Meeting("intake", new_account(), lambda: acme.decide("reviewer", row, "approve"))


@refused(errors.PayeeChanged, "bank details changed")
def first_of_two_approvals_while_the_payee_gets_an_account(acme: World) -> Meeting:
    row = payment(acme)
    return Meeting("intake", new_account(), lambda: acme.decide("reviewer", row, "approve"))


def taken(row: dict[str, Any], role: str) -> Part:
    seat = "UPDATE cs.seats SET filled_by = 'reviewer2', decision_id = 'elsewhere'"
    return said(seat + " WHERE recommendation_id = %s AND role = %s", row["id"], role)


@refused(errors.NoSeat, "no open seat")
def seat_that_is_being_taken(acme: World) -> Meeting:
    row = acme.filed()
    return Meeting("reviewer2", taken(row, "reviewer"), lambda: acme.decide("reviewer", row, "approve"))


@refused(errors.NoSeat, "no open seat")
def seat_that_is_being_taken_from_who_stands_in(acme: World) -> Meeting:
    row = payment(acme)
    absence(acme, "controller")
    acme.decide("reviewer", row, "approve")
    return Meeting("reviewer2", taken(row, "controller"), lambda: acme.decide("admin1", row, "approve"))


@refused(errors.IllegalState, "newer facts than this recommendation")
def override_on_facts_that_are_being_replaced(acme: World) -> Meeting:
    row = acme.filed()
    return Meeting("intake", overtaken(row), lambda: acme.decide("reviewer", row, "override"))


def test_what_is_asked_anew_is_due_by_the_queue_where_the_case_is_by_then(acme: World) -> None:
    row = acme.filed()
    acme.scalar("UPDATE cs.recommendations SET policy_version = 0 WHERE id = %s RETURNING 1", row["id"])
    move = said("UPDATE cs.cases SET exception_type = 'invoice_received' WHERE id = %s", row["case_id"])
    assert Meeting("admin1", move, acme.tick).hold(acme)["regated"] == 1
    due = "cs._due('acme', 'accounts_payable', 'invoice_received', 'DE01', created_at)"
    assert look(acme, f"sla_due_at = {due} FROM cs.recommendations WHERE state = 'awaiting_review'")


# Taking effect ----------------------------------------------------------------------------------------------------


@refused(errors.PayeeChanged, "bank details changed")
def delivery_while_the_payee_gets_an_account(acme: World) -> Meeting:
    _, effect = leased(acme)
    return Meeting("intake", new_account(), lambda: execute(acme, effect))


@refused(errors.IllegalState, "not approved")
def effect_of_what_is_being_superseded(acme: World) -> Meeting:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    acme.scalar("DELETE FROM cs.effects WHERE recommendation_id = %s RETURNING 1", row["id"])
    made = "INSERT INTO cs.effects (tenant, recommendation_id, connector, available_at) VALUES (%s, %s, 'mail', now())"
    return Meeting("intake", new_facts(), lambda: acme.scalar(made + " RETURNING 1", acme.tenant, row["id"]))


@refused(errors.LostLease, "the lease was lost")
def delivery_while_the_clock_takes_the_lease_away(acme: World) -> Meeting:
    _, effect = leased(acme)
    set_effect(acme, "lease_until")
    return Meeting("courier", said("SELECT cs.tick()"), lambda: execute(acme, effect))


@refused(errors.IllegalState, "not approved")
def delivery_of_what_is_being_superseded(acme: World) -> Meeting:
    row, effect = leased(acme)
    supersede = said("UPDATE cs.recommendations SET state = 'superseded' WHERE id = %s", row["id"])
    return Meeting("intake", supersede, lambda: execute(acme, effect))


# Recommendation first, then effect, is everybody's order: who waits for the first does not hold the second.
EFFECT = "SELECT FROM cs.effects WHERE recommendation_id = %s FOR UPDATE NOWAIT"


def test_what_is_settled_waits_for_the_recommendation_and_holds_no_effect(acme: World) -> None:
    row, effect = delivering(acme)
    Meeting("analyst", held(row), lambda: settle(acme, effect, "sent"), said(EFFECT, row["id"])).hold(acme)
    assert state(acme, row) == "executed"


def test_what_is_confirmed_waits_for_the_recommendation_and_holds_no_effect(acme: World) -> None:
    row, effect = delivering(acme)
    settle(acme, effect, "manual")
    Meeting("courier", held(row), lambda: confirm(acme, row, "done"), said(EFFECT, row["id"])).hold(acme)
    assert state(acme, row) == "executed"


def test_what_the_clock_is_handing_to_people_can_be_confirmed_afterwards(acme: World) -> None:
    row, _ = delivering(acme)
    set_effect(acme, "lease_until")
    given = Meeting("courier", said("SELECT cs.tick()"), lambda: confirm(acme, row, "done")).hold(acme)
    assert given["outcome"] == "done", given
    assert state(acme, row) == "executed"


@refused(errors.IllegalState, "only closed cases are erased")
def erasure_of_a_case_that_is_being_opened_again(acme: World) -> Meeting:
    row = acme.filed()
    acme.decide("reviewer", row, "reject")
    erase = "SELECT cs._erase_case(%s, 'admin1', %s, 'case.erased')"
    return Meeting("intake", new_facts(), lambda: acme.scalar(erase, acme.tenant, row["case_id"]))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_who_waited_is_refused_for_what_was_done_meanwhile(acme: World, name: str) -> None:
    prepare, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        raise outcome(prepare(acme).hold(acme))

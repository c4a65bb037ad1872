"""A correction: facts that are judged beside the old ones, a labelled row with its origin, an author without a seat."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance import errors
from governance.action import Action
from governance.case import DOCUMENT_CLASSES
from governance.gate import Question, judged_seats
from governance.policy import standard_policy
from governance.record import corrections, queue, standing, worklist
from governance.record.db import Database
from tests.build import World, letter, world

PAY = Action("release_payment", {"invoice_id": "INV-1"})
READING = {
    "document_class": "invoice", "confidence": 0.97, "abstained": False, "basis": "model", "text": "INVOICE 2026-1 total 1200.00",
    "fields": {"invoice_number": "2026-1", "total_amount": "1200.00", "currency": "EUR", "issue_date": None, "iban": None},
    "field_confidence": {"invoice_number": 0.9}, "evidence": {"invoice_number": {"page": 1}}, "warnings": [],
}  # fmt: skip


@pytest.fixture
def acme(one_database: Database) -> World:
    return world(one_database, f"t{uuid.uuid4().hex[:12]}")


def look(acme: World, what: str) -> Any:
    """One value of the tenant: an expression FROM one table of the record."""
    return acme.scalar(f"SELECT {what} {'AND' if ' WHERE ' in what else 'WHERE'} tenant = %s", acme.tenant)


def set_effect(acme: World, state: str) -> None:
    acme.scalar("UPDATE cs.effects SET state = %s WHERE tenant = %s RETURNING 1", state, acme.tenant)


def read(acme: World, key: str = "key-1", **item: Any) -> str:
    """A case that came with a document; its id."""
    fields = {**READING["fields"], **item.pop("fields", {})}  # type: ignore[dict-item]
    made = acme.accept(
        content=key.encode(),
        source_key=key,
        exception_type="invoice_received",
        reading={**READING, "fields": fields},
        **item,
    )
    return str(made["case_id"])


def facts(acme: World, case: str) -> str:
    return str(
        acme.scalar(
            "SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s ORDER BY revision DESC LIMIT 1", case
        )
    )


def correct(
    acme: World, case: str, by: str = "analyst", bill: dict[str, Any] | None = None, **right: str | None
) -> dict[str, Any]:
    with acme.database.transaction("review", acme.tokens[by]) as conn:
        return corrections.correct(conn, case, facts(acme, case), right, bill)


def proposed(acme: World, action: Action = PAY) -> dict[str, Any]:
    """The agent files a proposal for the next case in the queue."""
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    return acme.recommendation(acme.file(job, letter(digest, action=action, draft=None)).recommendation_id)


def seats(row: dict[str, Any]) -> dict[str, int]:
    return {
        role: [seat["role"] for seat in row["seats"]].count(role) for role in {seat["role"] for seat in row["seats"]}
    }


def law(acme: World, case: str) -> dict[str, Any]:
    row = acme.scalar(
        "SELECT to_jsonb(r) FROM cs.case_revisions r WHERE case_id = %s ORDER BY revision DESC LIMIT 1", case
    )
    return dict(row)


def entries(acme: World, case: str) -> list[dict[str, Any]]:
    return list(acme.scalar("SELECT jsonb_agg(entry::jsonb ORDER BY seq) FROM cs.ledger WHERE subject = %s", case))


# What it does -----------------------------------------------------------------------------------------------------


def test_a_correction_is_new_facts_a_labelled_row_and_one_entry(acme: World) -> None:
    case = read(acme)
    row = proposed(acme)
    acme.scalar(
        "INSERT INTO cs.champions (tenant, model, digest) VALUES (%s, 'classifier', 'sha256:c') RETURNING 1",
        acme.tenant,
    )
    before = look(acme, "max(seq) FROM cs.ledger")
    made = correct(acme, case, invoice_number="R-2026-1", total_amount="1500.00")
    assert (made["revision"], made["names"], made["superseded"]) == (2, ["invoice_number", "total_amount"], row["id"])
    assert look(acme, "max(seq) FROM cs.ledger") == before + 1
    entry = entries(acme, case)[-1]
    assert (entry["kind"], entry["actor"]) == ("case.corrected", "analyst")
    assert entry["body"]["law"] == {"amount": {"from": "1200.00", "to": "1500.00"}}
    assert law(acme, case) | {"amount": 1500.00, "corrects": 1, "initiator": "analyst", "supplier_id": "S-1"} == law(
        acme, case
    )
    assert acme.recommendation(row["id"])["state"] == "superseded"
    assert acme.scalar("SELECT state FROM cs.cases WHERE id = %s", case) == "queued"
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        number, total = corrections.of_case(conn, case)
    assert (number["name"], number["before"], number["after"], number["source"]) == (
        "invoice_number", "2026-1", "R-2026-1", "correction",
    )  # fmt: skip
    assert (total["before"], total["after"], total["actor"], total["revision"]) == ("1200.00", "1500.00", "analyst", 1)
    received = entries(acme, case)[0]["body"]
    assert number["model"] == "sha256:c"
    assert {number["reading_sha256"]} == {received["reading"]}
    assert number["document_sha256"] == received["document"]


def test_the_reading_says_who_said_what_and_is_sure_of_it_no_more(acme: World) -> None:
    case = read(acme)
    correct(acme, case, invoice_number="R-1", document_class="credit_note", iban="DE02120300000000202051")
    said = acme.scalar("SELECT reading FROM cs.case_readings WHERE case_id = %s AND revision = 2", case)
    assert said["fields"]["invoice_number"] == "R-1"
    assert (said["document_class"], said["basis"], said["confidence"]) == ("credit_note", "person", None)
    assert said["field_confidence"]["invoice_number"] is None
    assert "invoice_number" not in said["evidence"]
    assert said["corrected_by"] == {"document_class": "analyst", "iban": "analyst", "invoice_number": "analyst"}


def test_bank_details_are_no_matter_of_correction(acme: World) -> None:
    case = read(acme, iban="DE02500105170137075030", fields={"iban": "DE02500105170137075030"})
    correct(acme, case, iban="DE02120300000000202051")
    said = acme.scalar("SELECT reading FROM cs.case_readings WHERE case_id = %s AND revision = 2", case)
    assert law(acme, case)["payee_iban"] == said["fields"]["iban"] == "DE02500105170137075030"
    assert "call-back" in said["warnings"][-1]


def test_what_another_system_stated_stays(acme: World) -> None:
    case = read(acme, amount="900.00", due_date="2026-02-01")
    correct(acme, case, total_amount="1500.00", due_date="2026-03-01")
    found = law(acme, case)
    assert (Decimal(str(found["amount"])), found["due_date"]) == (Decimal(900), "2026-02-01")


def test_the_same_document_again_brings_no_news_of_what_was_corrected(acme: World) -> None:
    case = read(acme)
    correct(acme, case, total_amount="1500.00")
    again = acme.accept(content=b"key-1", source_key="key-1", exception_type="invoice_received", reading=READING)
    assert (again["status"], again["reason"], law(acme, case)["revision"]) == (
        "already_known",
        "same document or source key",
        2,
    )
    news = acme.accept(content=b"key-1", source_key="key-1", amount="1600.00")
    assert news["reason"] == "new facts: revision 3"
    assert law(acme, case)["corrects"] is None


def test_the_ledger_of_invoices_follows(acme: World) -> None:
    case = read(acme)
    row = {"invoice_id": "INV-1", "case_id": case, "entity": "DE01", "vendor_id": "S-1", "vendor_name": "One", "invoice_no": "2026-1",
           "currency": "EUR", "amount": "1200.00", "keys": [4], "keys_version": 1}  # fmt: skip
    acme.import_books("invoices", [row])
    bill = {
        **row,
        "invoice_no": "R-1",
        "amount": "1500.00",
        "keys": [8, 10],
        "keys_version": 2,
        "doc_type": "invoice",
    }
    with pytest.raises(errors.FactsMismatch):
        correct(acme, case, total_amount="1500.00", bill={**bill, "amount": "15.00"})
    correct(acme, case, total_amount="1500.00", invoice_number="R-1", bill=bill)
    assert look(acme, "keys FROM cs.invoices") == look(acme, "cs._own_keys(tenant, '{8, 10}') FROM cs.invoices")
    assert look(acme, "keys_version FROM cs.invoices") == 2
    assert look(acme, "invoice_no || ' ' || amount FROM cs.invoices") == "R-1 1500.00"
    correct(acme, case, document_class="contract")
    assert look(acme, "count(*) FROM cs.invoices") == 1  # else its duplicate would be found no more


def test_who_confirms_an_answer_that_nobody_stood_by_labels_it(acme: World) -> None:
    made = acme.accept(
        content=b"x", document_class="other", reading={**READING, "document_class": "other", "abstained": True}
    )
    assert correct(acme, made["case_id"], document_class="other")["names"] == ["document_class"]


def test_what_a_correction_would_make_is_asked_before(acme: World) -> None:
    case = read(acme)
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        item = corrections.facts_if(conn, case, {"total_amount": "1500.00", "document_class": "credit_note"})
    assert (item["amount"], item["document_class"], item["queue"]) == ("1500.00", "credit_note", "accounts_payable")
    assert law(acme, case)["revision"] == 1
    row = acme.accept(source_key="no document")
    for nowhere, refusal in (("nowhere", errors.NotFound), (row["case_id"], errors.IllegalState)):
        with pytest.raises(refusal), acme.database.transaction("review", acme.tokens["analyst"]) as conn:
            corrections.facts_if(conn, nowhere, {"invoice_number": "R-1"})
    with pytest.raises(errors.Malformed), acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        corrections.facts_if(conn, case, {"colour": "red"})


# Who may, and when ------------------------------------------------------------------------------------------------


def test_machines_and_who_audits_correct_nothing(acme: World) -> None:
    case = read(acme)
    for who in ("service", "agent", "auditor", "ml_engineer"):
        refusal = errors.HumanRequired if who in ("service", "agent") else errors.NotPermitted
        with pytest.raises(refusal, match="correct what was read"):
            correct(acme, case, by=who, invoice_number="R-1")


def test_what_cannot_be_right_is_refused(acme: World) -> None:
    case = read(acme)
    wrong: list[dict[str, Any]] = [
        {"document_class": "bill"}, {"document_class": None}, {"total_amount": "1,5"}, {"due_date": "tomorrow"}, {"invoice_number": ""},
        {"invoice_number": "x" * 201}, {"invoice_number": "4\u200b711"}, {"iban": "de 12"}, {"amount": "1"}, {}, {"invoice_number": "2026-1"},
        {"currency": "EURO"}, {"total_amount": "1.234"}, {"amount_due": "1.234"}, {"issue_date": "2026-02-30"},
    ]  # fmt: skip
    for right in wrong:
        with pytest.raises(errors.Malformed):
            correct(acme, case, **right)
    assert law(acme, case)["revision"] == 1


def test_an_unknown_supplier_is_refused(acme: World) -> None:
    with pytest.raises(errors.NotFound, match="S-9"):
        correct(acme, read(acme), supplier_id="S-9")


def test_facts_that_were_not_seen_are_not_corrected(acme: World) -> None:
    case = read(acme)
    old = facts(acme, case)
    correct(acme, case, invoice_number="R-1")
    with pytest.raises(errors.StaleDigest), acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        corrections.correct(conn, case, old, {"invoice_number": "R-2"}, None)
    with pytest.raises(errors.NotFound), acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        corrections.correct(conn, "nowhere", old, {"invoice_number": "R-2"}, None)


def test_facts_without_a_document_are_corrected_where_they_come_from(acme: World) -> None:
    made = acme.accept()
    with pytest.raises(errors.IllegalState, match="nothing was read"):
        correct(acme, made["case_id"], invoice_number="R-1")


def test_what_is_decided_is_corrected_until_its_effect_leaves(acme: World) -> None:
    case = read(acme)
    row = proposed(acme)
    for who in ("reviewer", "controller"):
        acme.opened(who, row)
        acme.decide(who, row, "approve")
    made = correct(acme, case, invoice_number="R-1")
    assert made["superseded"] == row["id"]
    assert look(acme, "count(*) FROM cs.effects") == 0
    row = proposed(acme)
    for who in ("reviewer", "controller"):
        acme.opened(who, row)
        acme.decide(who, row, "approve")
    set_effect(acme, "leased")
    with pytest.raises(errors.IllegalState, match="on its way"):
        correct(acme, case, invoice_number="R-2")
    set_effect(acme, "ready")
    acme.carry_out(row)
    with pytest.raises(errors.IllegalState, match="the case is done"):
        correct(acme, case, invoice_number="R-2")


# Segregation of duties, and the seats ------------------------------------------------------------------------------


def test_who_corrected_holds_no_seat_then_or_later(acme: World) -> None:
    case = read(acme)
    correct(acme, case, by="reviewer", invoice_number="R-1")
    row = proposed(acme)
    acme.opened("reviewer", row)
    with pytest.raises(errors.SegregationOfDuties):
        acme.decide("reviewer", row, "approve")
    acme.accept(content=b"key-1", source_key="key-1", amount="1600.00", reading=READING)
    later = proposed(acme)
    assert "reviewer" in later["excluded"]


def test_a_correction_downwards_lowers_no_seat(acme: World) -> None:
    case = read(acme, amount="2000000.00", fields={"total_amount": "2000000.00"})
    high = proposed(acme)
    correct(acme, case, total_amount="10.00")
    low = proposed(acme)
    assert seats(low) == seats(high)
    assert set(low["rules"]) >= set(high["rules"])
    correct(acme, case, by="analyst2", total_amount="20.00")
    assert seats(proposed(acme)) == seats(high)


def test_a_person_who_sends_lower_facts_of_a_document_lowers_no_seat(acme: World) -> None:
    case = read(acme, amount="2000000.00")
    high = proposed(acme)
    acme.accept(by="analyst", source_key="key-1", amount="10.00")
    assert law(acme, case)["corrects"] == 1
    assert seats(proposed(acme)) == seats(high)
    acme.accept(source_key="key-1", amount="20.00")  # the system of record itself
    assert law(acme, case)["corrects"] is None
    assert sum(seats(proposed(acme)).values()) < sum(seats(high).values())


def test_an_unknown_amount_stays_the_top_band(acme: World) -> None:
    case = read(acme, amount=None, fields={"total_amount": None})
    unknown = proposed(acme)
    correct(acme, case, total_amount="10.00")
    assert seats(proposed(acme)) == seats(unknown)


def test_a_correction_upwards_raises_them(acme: World) -> None:
    case = read(acme)
    low = proposed(acme)
    correct(acme, case, total_amount="2000000.00")
    assert sum(seats(proposed(acme)).values()) > sum(seats(low).values())


def test_what_was_paid_counts_as_it_was_before_it_was_corrected(acme: World) -> None:
    """Ten payments that a colleague corrected down are no way to stay below the total of a payee."""
    paid = read(acme, "big", amount="60000.00", fields={"total_amount": "60000.00"})
    correct(acme, paid, total_amount="10.00")
    row = proposed(acme)
    for who in ("reviewer", "controller", "reviewer2"):
        acme.opened(who, row)
        acme.decide(who, row, "approve")
    assert acme.recommendation(row["id"])["state"] == "approved"
    read(acme, "small")
    after = proposed(acme)
    read(acme, "elsewhere", supplier_id=None, customer_id="C-1")
    assert set(after["rules"]) > set(proposed(acme)["rules"])


def test_a_role_lent_for_small_amounts_is_not_lent_for_what_was_corrected_down(acme: World) -> None:
    now = datetime.now(UTC)
    with acme.database.transaction("review", acme.tokens["controller"]) as conn:
        standing.delegate(conn, "reviewer2", "controller", now, now + timedelta(days=1), amount_below=Decimal(500))
    case = read(acme)
    correct(acme, case, total_amount="10.00")
    row = proposed(acme)
    acme.opened("reviewer2", row)
    with pytest.raises(errors.NotDelegated):
        acme.decide("reviewer2", row, "approve", acting_for="controller")
    with acme.database.transaction("review", acme.tokens["reviewer2"]) as conn:
        assert worklist.hangs_on(conn, row["id"], "reviewer2", "EUR")["worth"] == 1200


POLICY = standard_policy()
AMOUNTS = st.one_of(st.none(), st.decimals("0.01", "3000000", places=2))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=st.lists(AMOUNTS, min_size=2, max_size=4), risk=st.sampled_from(["low", "normal", "high"]))
def test_no_chain_of_corrections_asks_for_fewer_seats(acme: World, chain: list[Decimal | None], risk: str) -> None:
    """The law: seats after any correction are the most that any of the facts asks for; the pure twin agrees."""
    with acme.database.transaction("owner") as conn, conn.transaction(force_rollback=True):
        conn.execute(
            "INSERT INTO cs.cases (tenant, id, queue, state, source_key, title, revision) "
            "VALUES (%s, 'c', 'accounts_payable', 'queued', 'c', 'c', 1)",
            (acme.tenant,),
        )
        for at, amount in enumerate(chain, 1):
            conn.execute(
                "INSERT INTO cs.case_revisions (tenant, case_id, revision, amount, currency, entity, region, initiator, facts, facts_digest, corrects) "
                "VALUES (%s, 'c', %s, %s, 'EUR', 'DE01', 'EU', 'intake', '{}', '', %s)",
                (acme.tenant, at, amount, at - 1 if at > 1 else None),
            )
        asked = [
            conn.execute(
                "SELECT (cs._needs(r, p, 'release_payment', %s, current_date, NULL, NULL)).seats FROM cs.case_revisions r, cs.policies p "
                "WHERE r.tenant = %s AND r.case_id = 'c' AND r.revision = %s AND p.tenant = r.tenant AND p.active",
                (risk, acme.tenant, at),
            ).fetchone()[0]  # type: ignore[index]
            for at in range(1, len(chain) + 1)
        ]
    for earlier, later in pairwise(asked):
        assert all(later.get(role, 0) >= count for role, count in earlier.items())
    windows = {rule.id: None for rule in POLICY.rules if rule.window_days}
    questions = [
        Question("release_payment", amount, risk, "DE01", "EU", {**windows}) for amount in chain
    ]  # the payee is unknown here, so every total is
    assert asked[-1] == judged_seats(POLICY, questions)


# The rows -----------------------------------------------------------------------------------------------------------


def test_rows_are_append_only_and_go_with_their_case(acme: World) -> None:
    case = read(acme)
    correct(acme, case, invoice_number="R-1", document_class="credit_note")
    for statement in ("UPDATE cs.corrections SET actor = 'analyst2'", "DELETE FROM cs.corrections"):
        with pytest.raises(errors.NotPermitted, match="append-only"), acme.database.transaction("owner") as conn:
            conn.execute(statement)
    row = proposed(acme)
    acme.decide("reviewer", row, "reject")
    with acme.database.transaction("review", acme.tokens["ml_engineer"]) as conn:
        (label,) = corrections.labelled_texts(conn)
        assert (label.document_class, label.text, label.actor) == ("credit_note", READING["text"], "analyst")
    acme.enact("admin1", "erasure", f"case:{case}", {}, ("controller", "admin2"))
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        assert [(one["after"], one["erased"]) for one in corrections.of_case(conn, case)] == [(None, True)] * 2
        assert corrections.labelled_texts(conn) == []
        assert corrections.counts(conn)[0]["erased"] == 1


def test_rows_of_who_may_correct_no_more_teach_nothing(acme: World) -> None:
    case = read(acme)
    correct(acme, case, document_class="credit_note")
    acme.scalar("UPDATE cs.actors SET active = false WHERE id = 'analyst' AND tenant = %s RETURNING 1", acme.tenant)
    with acme.database.transaction("review", acme.tokens["ml_engineer"]) as conn:
        assert corrections.labelled_texts(conn) == []


def test_an_override_that_names_the_right_number_labels_it(acme: World) -> None:
    case = read(acme)
    row = proposed(acme, Action("refer_to_person", {"reason": "unclear"}))
    right = {"name": "request_credit_note", "args": {"supplier_id": "S-1", "invoice_number": "R-7"}}
    draft = {"to": "ap@supplier.example", "subject": "s", "body": "b", "language": "en"}
    acme.decide("reviewer", row, "override", reason_code="wrong_data", action=right, draft=draft)
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        (label,) = corrections.of_case(conn, case)
    assert (label["name"], label["before"], label["after"], label["source"]) == (
        "invoice_number",
        "2026-1",
        "R-7",
        "override",
    )
    assert label["decision_id"] is not None


def test_a_wrong_class_without_the_right_one_is_counted(acme: World) -> None:
    case = read(acme)
    row = proposed(acme)
    acme.decide("reviewer", row, "reject", reason_code="wrong_classification")
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        assert corrections.unsaid(conn) == 1
        assert corrections.of_case(conn, case) == []


def test_the_classes_here_are_the_classes_there(acme: World) -> None:
    assert tuple(acme.scalar("SELECT cs._document_classes()")) == tuple(DOCUMENT_CLASSES)


def test_two_corrections_at_once_are_one(acme: World) -> None:
    case = read(acme)
    digest = facts(acme, case)
    with acme.database.transaction("review", acme.tokens["analyst"]) as first:
        corrections.correct(first, case, digest, {"invoice_number": "R-1"}, None)
        with (
            pytest.raises(psycopg.errors.LockNotAvailable),
            acme.database.transaction("review", acme.tokens["analyst2"]) as other,
        ):
            other.execute("SET LOCAL lock_timeout = '200ms'")
            corrections.correct(other, case, digest, {"invoice_number": "R-2"}, None)
    with pytest.raises(errors.StaleDigest), acme.database.transaction("review", acme.tokens["analyst2"]) as other:
        corrections.correct(other, case, digest, {"invoice_number": "R-2"}, None)

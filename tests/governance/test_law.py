"""The database's law, first form: who may sign what, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from governance import errors
from governance.action import CATALOGUE, Action
from governance.chain import GENESIS_HASH, canonical, check_chain, salted_hash
from governance.decision import Decision, DecisionKind
from governance.recommendation import Draft, digest_of, is_recipient, recipient_of
from governance.record import ledger, outbox, queue, review
from governance.record.db import Database
from tests.build import HASHED, World, genesis, letter, recipients_named, world

WRITE_EFFECT = """
INSERT INTO cs.effects (tenant, recommendation_id, connector, available_at)
VALUES ('acme', %s, 'mail', now()) RETURNING 1
"""


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def hold(facts_digest: str, **changes: Any) -> Any:
    values = {"action": Action("hold_payment", {"invoice_id": "INV-1", "reason": "twin"}), "draft": None, **changes}
    return letter(facts_digest, **values)


def filed_hold(acme: World, amount: str | None = "1200.00", risk: str = "normal", **item: Any) -> dict[str, Any]:
    acme.accept(amount=amount, exception_type="duplicate_suspect", **item)
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        proposal = hold(queue.briefs(conn, [job])[0].facts_digest, risk=risk)
    return acme.recommendation(acme.file(job, proposal).recommendation_id)


def seats(row: dict[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for seat in row["seats"]:
        counts[seat["role"]] = counts.get(seat["role"], 0) + 1
    return counts


def deliver(acme: World, outcome: str = "sent") -> None:
    token = acme.tokens["courier"]
    acme.scalar("UPDATE cs.effects SET available_at = now() WHERE state = 'ready' RETURNING 1")
    with acme.database.transaction("courier", token) as conn:
        effect = outbox.claim(conn, "test-courier", 1, 60)[0]
    with acme.database.transaction("courier", token) as conn:
        outbox.execute(conn, effect)
    with acme.database.transaction("courier", token) as conn:
        outbox.settle(conn, effect, outcome, "test")


def test_a_case_goes_from_queue_to_effect(acme: World) -> None:
    row = acme.filed()
    assert row["state"] == "awaiting_review"
    assert seats(row) == {"reviewer": 1}
    assert acme.decide("reviewer", row, "approve")["state"] == "approved"
    deliver(acme)
    done = acme.recommendation(row["id"])
    assert (done["state"], done["case_state"]) == ("executed", "done")
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        kinds = [entry["kind"] for entry in ledger.page(conn, 0, 100)]
    assert kinds[0] == "genesis"
    assert kinds[-5:] == ["case.received", "recommendation.filed", "decision.approve", "effect.started", "effect.sent"]


def test_the_same_source_key_or_bytes_is_the_same_case(acme: World) -> None:
    first = acme.accept(content=b"<xml/>")
    again = acme.accept(content=b"<xml/>")
    renamed = acme.accept(content=b"<xml/>", source_key="another", name="copy.xml")
    assert (first["status"], again["status"], renamed["status"]) == ("accepted", "already_known", "already_known")
    assert first["case_id"] == again["case_id"] == renamed["case_id"]
    assert len(acme.claim()) == 1


def test_new_facts_make_a_revision_and_supersede_what_was_pending(acme: World) -> None:
    row = acme.filed()
    answer = acme.accept(amount="1300.00")
    assert answer["status"] == "already_known"
    assert answer["reason"] == "new facts: revision 2"
    assert acme.recommendation(row["id"])["state"] == "superseded"
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer", row, "approve")
    (job,) = acme.claim()
    assert job.revision == 2


def test_the_digest_is_that_of_the_pure_twin_and_covers_the_leaves(acme: World) -> None:
    row = acme.filed()
    assert digest_of(row["envelope"]) == row["digest"]
    salts = dict(
        acme.scalar("SELECT jsonb_object_agg(name, salt) FROM cs.leaves WHERE recommendation_id = %s", row["id"])
    )
    for name, content in row["leaves"].items():
        assert row["envelope"]["leaves"][name] == "sha256:" + salted_hash(salts[name], content)
    assert row["envelope"]["recipient"] == recipient_of(salts["draft"], "ap@supplier.example")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_recipients_are_named_by_the_database_as_by_the_pure_twin(acme: World, address: str) -> None:
    named = recipient_of("5a17", address)
    assert acme.scalar("SELECT cs._recipient('5a17', %s)", address) == named
    assert is_recipient(named, "5a17", address)
    assert not is_recipient(named, "5a18", address)
    assert not is_recipient(named, "5a17", address + "x")
    assert not is_recipient(named, "5a17", None)
    assert not is_recipient(None, "5a17", address)


def test_an_envelope_names_its_recipient_without_the_address(acme: World) -> None:
    row = acme.filed()
    assert "@" not in str(row["envelope"])
    words = {**json.loads(row["leaves"]["draft"]), "body": "Please."}
    made = acme.decide("reviewer", row, "override", draft=words)
    again = acme.recommendation(made["recommendation_id"])
    assert again["envelope"]["recipient"].startswith("sha256:")
    # The same address under another salt: nobody can tell that it is the same.
    assert again["envelope"]["recipient"] != row["envelope"]["recipient"]
    assert filed_hold(acme, source_key="hold")["envelope"]["recipient"] is None


@pytest.mark.parametrize("named", ["thief@x.example", "", "sha256:", "sha256:" + "0" * 64, None])
def test_a_letter_goes_to_nobody_but_whom_the_envelope_names(acme: World, named: str | None) -> None:
    """Envelope, digest, seats and ledger agree with each other; only the letter goes to somebody else."""
    recipients_named(acme, "NULL::text" if named is None else f"'{named}'")
    row = acme.filed()
    recipients_named(acme, HASHED)
    acme.decide("reviewer", row, "approve")
    with pytest.raises(errors.StaleDigest, match="not addressed to whom the envelope names"):
        acme.carry_out(row)


def test_what_was_filed_before_recipients_were_hashed_is_approved_and_leaves(acme: World) -> None:
    recipients_named(acme, "address")
    row = acme.filed()
    assert row["envelope"]["recipient"] == "ap@supplier.example"
    acme.decide("reviewer", row, "approve")
    assert acme.carry_out(row)["draft"]["to"] == "ap@supplier.example"


def test_catalogue_in_database_is_the_catalogue_in_python(acme: World) -> None:
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        rows = conn.execute("SELECT name, effect, risk_class, required, optional FROM cs.action_catalogue").fetchall()
    assert {row[0]: (row[1], row[2], set(row[3]), set(row[4])) for row in rows} == {
        spec.name: (spec.effect, spec.risk_class, set(spec.required), set(spec.optional)) for spec in CATALOGUE.values()
    }


@pytest.mark.parametrize(
    ("amount", "risk", "wanted"),
    [
        ("1200.00", "normal", {"reviewer": 1}),
        ("25000.00", "normal", {"reviewer": 1, "controller": 1}),
        ("24999.99", "normal", {"reviewer": 1}),
        ("-25000.00", "normal", {"reviewer": 1, "controller": 1}),
        ("1200.00", "high", {"reviewer": 1, "controller": 1}),
        (None, "normal", {"reviewer": 1, "controller": 1}),
    ],
)
def test_seats_are_the_maximum_over_matching_rules(
    acme: World, amount: str | None, risk: str, wanted: dict[str, int]
) -> None:
    assert seats(filed_hold(acme, amount, risk)) == wanted


def test_foreign_currency_is_judged_by_the_dated_rate_and_unknown_rates_as_top_band(acme: World) -> None:
    acme.import_books("fx", [{"day": "2020-01-01", "currency": "USD", "per_eur": 1.25}])
    assert seats(filed_hold(acme, "26000.00", currency="CHF", source_key="a")) == {"reviewer": 1, "controller": 1}
    assert seats(filed_hold(acme, "26000.00", currency="USD", source_key="b")) == {"reviewer": 1}
    assert seats(filed_hold(acme, "31250.00", currency="USD", source_key="c")) == {"reviewer": 1, "controller": 1}


def test_every_seat_needs_another_person(acme: World) -> None:
    row = filed_hold(acme, "90000.00")
    assert acme.decide("reviewer", row, "approve")["state"] == "awaiting_review"
    with pytest.raises(errors.AlreadyDecided):
        acme.decide("reviewer", row, "approve")
    with pytest.raises(errors.NoSeat):
        acme.decide("reviewer2", row, "approve")
    assert acme.scalar("SELECT count(*) FROM cs.effects") == 0
    assert acme.decide("controller", row, "approve")["state"] == "approved"


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("analyst", errors.NotPermitted),
        ("auditor", errors.NotPermitted),
        ("ml_engineer", errors.NotPermitted),
        ("service", errors.HumanRequired),
        ("agent", errors.HumanRequired),
        ("courier", errors.HumanRequired),
        ("controller", errors.NoSeat),
    ],
)
def test_who_may_not_approve(acme: World, who: str, refusal: type[errors.Refusal]) -> None:
    row = acme.filed()
    with pytest.raises(refusal) as caught:
        acme.decide(who, row, "approve")
    assert type(caught.value) is refusal


def test_the_initiator_holds_no_seat(acme: World) -> None:
    row = acme.filed(by="reviewer")
    for verb in ("approve", "reject", "send_back", "override"):
        with pytest.raises(errors.SegregationOfDuties):
            acme.decide("reviewer", row, verb, comment="mine", draft={})
    assert acme.decide("reviewer2", row, "approve")["state"] == "approved"


def test_an_editor_cannot_approve_what_they_edited(acme: World) -> None:
    row = acme.filed()
    draft = {"to": "ap@supplier.example", "subject": "Order?", "body": "Which order is it?", "language": "en"}
    answer = acme.decide("reviewer", row, "override", draft=draft, reason_code="wrong_data")
    assert acme.recommendation(row["id"])["state"] == "overridden"
    edited = acme.recommendation(answer["recommendation_id"])
    assert json.loads(edited["leaves"]["draft"]) == draft
    assert edited["digest"] != row["digest"]
    assert digest_of(edited["envelope"]) == edited["digest"]
    assert edited["revision"] == row["revision"] + 1
    with pytest.raises(errors.SegregationOfDuties):
        acme.decide("reviewer", edited, "approve")
    assert acme.decide("reviewer2", edited, "approve")["state"] == "approved"


def test_an_override_is_judged_like_any_proposal(acme: World) -> None:
    row = acme.filed(amount="90000.00")
    for action, refusal in (
        ({"name": "change_bank_details", "args": {}}, errors.UnknownAction),
        ({"name": "hold_payment", "args": {"invoice_id": "INV-1"}}, errors.UnknownAction),
        ({"name": "wait_until", "args": {"date": "2026-W52-4", "reason": "r"}}, errors.UnknownAction),
        ({"name": "wait_until", "args": {"date": "2026-02-30", "reason": "r"}}, errors.UnknownAction),
        ({"name": "release_payment", "args": {"invoice_id": "INV-1", "amount": "NaN€"}}, errors.UnknownAction),
        ({"name": "release_payment", "args": {"invoice_id": "INV-1", "amount": "10"}}, errors.FactsMismatch),
        ({"name": "release_payment", "args": {"invoice_id": "INV-1", "supplier_id": "S-2"}}, errors.FactsMismatch),
    ):
        with pytest.raises(refusal):
            acme.decide("reviewer", row, "override", action=action)
    with pytest.raises(errors.FactsMismatch):
        foreign = {"to": "thief@elsewhere.example", "subject": "s", "body": "b", "language": "en"}
        acme.decide("reviewer", row, "override", draft=foreign)
    answer = acme.decide(
        "reviewer",
        row,
        "override",
        action={"name": "release_payment", "args": {"invoice_id": "INV-1", "amount": "90000.00"}},
    )
    assert seats(acme.recommendation(answer["recommendation_id"])) == {"reviewer": 2, "controller": 1}


def test_a_rejected_recommendation_cannot_be_approved(acme: World) -> None:
    row = acme.filed()
    assert acme.decide("reviewer", row, "reject", reason_code="wrong_action")["state"] == "rejected"
    assert acme.recommendation(row["id"])["case_state"] == "rejected"
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer2", row, "approve")


def test_an_old_digest_is_refused_and_the_current_one_named(acme: World) -> None:
    row = acme.filed()
    with pytest.raises(errors.StaleDigest) as caught:
        acme.decide("reviewer", row, "approve", digest="sha256:" + "0" * 64)
    assert caught.value.extensions == {"current_digest": row["digest"], "controls": ["GATE-03"]}
    with pytest.raises(errors.StaleDigest):
        acme.decide("reviewer", row, "approve", digest=None)


def test_sent_back_work_is_resumed_and_filed_again(acme: World) -> None:
    row = acme.filed()
    with pytest.raises(errors.CommentRequired):
        acme.decide("reviewer", row, "send_back")
    assert acme.decide("reviewer", row, "send_back", comment="Friendlier, please")["state"] == "sent_back"
    (job,) = acme.claim()
    assert (job.kind, job.recommendation_id) == ("resume", row["id"])
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        brief = queue.briefs(conn, [job])[0]
    assert brief.returned is not None
    assert brief.returned.note == "Friendlier, please"
    again = acme.file(
        job, letter(brief.facts_digest, draft=Draft("ap@supplier.example", "Dear friends", "Please.", "en"))
    )
    redraft = acme.recommendation(again.recommendation_id)
    assert (redraft["state"], redraft["draft_number"], redraft["revision"]) == ("awaiting_review", 2, 2)
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer2", row, "approve")


def test_a_persons_draft_sent_back_returns_to_that_person(acme: World) -> None:
    row = acme.filed()
    draft = {"to": "ap@supplier.example", "subject": "Order?", "body": "Which order is it?", "language": "en"}
    edited = acme.recommendation(acme.decide("reviewer", row, "override", draft=draft)["recommendation_id"])
    acme.decide("reviewer2", edited, "send_back", comment="Too short")
    returned = acme.recommendation(edited["id"])
    assert (returned["state"], returned["returned_to"]) == ("sent_back", "reviewer")
    assert acme.claim() == []
    longer = {**draft, "body": "Which order is it? We could not find it."}
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer2", returned, "override", draft=longer)
    third = acme.decide("reviewer", returned, "override", draft=longer)
    assert acme.recommendation(third["recommendation_id"])["state"] == "awaiting_review"


def test_escalation_adds_a_seat(acme: World) -> None:
    row = acme.filed()
    acme.decide("analyst", row, "escalate", comment="Looks odd")
    assert seats(acme.recommendation(row["id"])) == {"reviewer": 1, "controller": 1}
    with pytest.raises(errors.IllegalState):
        acme.decide("analyst2", row, "escalate")
    acme.decide("reviewer", row, "approve")
    assert acme.scalar("SELECT count(*) FROM cs.effects") == 0


def test_an_approval_can_be_withdrawn_until_the_effect_leaves(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer2", row, "withdraw")
    acme.decide("reviewer", row, "withdraw")
    back = acme.recommendation(row["id"])
    assert (back["state"], back["case_state"], back["seats"]) == (
        "awaiting_review",
        "awaiting_review",
        [{"role": "reviewer", "filled_by": None}],
    )
    acme.decide("reviewer2", row, "approve")
    deliver(acme)
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer2", row, "withdraw")


def test_an_override_can_be_withdrawn_and_the_agent_starts_again(acme: World) -> None:
    row = acme.filed()
    draft = {"to": "ap@supplier.example", "subject": "Order?", "body": "Which order is it?", "language": "en"}
    edited = acme.recommendation(acme.decide("reviewer", row, "override", draft=draft)["recommendation_id"])
    assert acme.decide("reviewer", edited, "withdraw")["state"] == "withdrawn"
    (job,) = acme.claim()
    assert job.kind == "triage"
    # Whoever had edited a draft of this revision is still no judge of the next.
    assert "reviewer" in acme.recommendation(acme.file(job).recommendation_id)["excluded"]


def test_expiry_ends_a_recommendation_and_queues_the_case_again(acme: World) -> None:
    row = acme.filed()
    acme.scalar("UPDATE cs.recommendations SET expires_at = now() - interval '1 second' RETURNING 1")
    with pytest.raises(errors.Expired):
        acme.decide("reviewer", row, "approve")
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert outbox.tick(conn)["expired"] == 1
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert outbox.tick(conn)["expired"] == 0
    assert acme.recommendation(row["id"])["state"] == "expired"
    assert len(acme.claim()) == 1


def test_payee_bank_change_after_the_proposal_stops_it(acme: World) -> None:
    row = acme.filed()
    acme.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "DE75512108001245126199"}]
    )
    with pytest.raises(errors.PayeeChanged):
        acme.decide("reviewer", row, "approve")


def test_payee_bank_change_after_approval_stops_the_effect(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    acme.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "DE75512108001245126199"}]
    )
    with pytest.raises(errors.PayeeChanged):
        deliver(acme)
    assert acme.scalar("SELECT state FROM cs.effects WHERE recommendation_id = %s", row["id"]) == "leased"


def test_deactivated_approvers_do_not_count_at_execution(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    with acme.database.transaction("review", acme.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('reviewer', false)")
    with pytest.raises(errors.NoSeat):
        deliver(acme)


def test_an_effect_row_cannot_be_written_past_the_gate(acme: World) -> None:
    row = acme.filed()
    with pytest.raises(errors.IllegalState):
        acme.scalar(WRITE_EFFECT, row["id"])
    acme.scalar("UPDATE cs.recommendations SET state = 'approved' WHERE id = %s RETURNING 1", row["id"])
    with pytest.raises(errors.NoSeat):
        acme.scalar(WRITE_EFFECT, row["id"])


def test_filing_is_once_per_job_and_needs_the_lease(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(lease_seconds=0)
    (stolen,) = acme.claim()
    assert stolen.fence > job.fence
    with pytest.raises(errors.LostLease):
        acme.file(job)
    first = acme.file(stolen)
    again = acme.file(stolen)
    assert (first.created, again.created, again.recommendation_id) == (True, False, first.recommendation_id)


def test_filing_is_judged_on_the_cases_own_facts(acme: World) -> None:
    acme.accept(amount="10000.00")
    (job,) = acme.claim()
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    with pytest.raises(errors.FactsMismatch):
        acme.file(job, letter("sha256:" + "0" * 64))
    with pytest.raises(errors.FactsMismatch):
        acme.file(job, letter(digest, draft=Draft("thief@elsewhere.example", "s", "b", "en")))
    with pytest.raises(errors.FactsMismatch):
        wrong = Action("request_credit_note", {"supplier_id": "S-1", "invoice_number": "1", "amount": "10"})
        acme.file(job, letter(digest, action=wrong))
    with pytest.raises(errors.UnknownAction):
        acme.file(job, letter(digest, action=Action("release_payment", {"invoice_id": "INV-1"}), draft=None))


def test_failed_attempts_end_in_the_dead_letter_room_and_a_person_brings_them_back(acme: World) -> None:
    case = acme.accept()["case_id"]
    for attempt in range(3):
        (job,) = acme.claim()
        with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
            assert queue.fail(conn, job, "boom", 0.0, 3) == ("dead" if attempt == 2 else "retry")
    assert acme.claim() == []
    assert acme.scalar("SELECT state FROM cs.cases WHERE id = %s", case) == "dead_letter"
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        review.requeue(conn, case)
    assert len(acme.claim()) == 1


def test_genesis_happens_once_and_needs_two_administrators(database: Database) -> None:
    acme = genesis(database, "acme")
    with pytest.raises(errors.AlreadyEstablished):
        genesis(database, "acme")
    with database.transaction("audit", acme.tokens["auditor"]) as conn:
        (entry,) = ledger.page(conn, 0, 10)
    assert (entry["seq"], entry["kind"], entry["prev"]) == (1, "genesis", GENESIS_HASH)
    with pytest.raises(errors.Malformed), database.transaction("owner") as conn:
        lone = [{"id": "one", "kind": "person", "name": "One", "roles": ["administrator"]}]
        conn.execute("SELECT cs.genesis('beta', 'Beta', 'EU', %s, 'x', 'x')", (Jsonb(lone),))


def test_tenants_do_not_see_each_other(acme: World) -> None:
    beta = world(acme.database, "beta")
    mine, theirs = acme.filed(), beta.filed()
    with pytest.raises(errors.NotFound):
        acme.recommendation(theirs["id"])
    with pytest.raises(errors.NotFound):
        acme.decide("reviewer", theirs, "approve")
    for role, token in (("review", "reviewer"), ("audit", "auditor"), ("agent", "agent"), ("intake", "intake")):
        with acme.database.transaction(role, acme.tokens[token]) as conn:
            assert {row[0] for row in conn.execute("SELECT tenant FROM cs.cases")} == {"acme"}
    with acme.database.transaction("review", "no-such-token") as conn:
        assert conn.execute("SELECT count(*) FROM cs.cases").fetchone() == (0,)
    with pytest.raises(errors.Unauthenticated), acme.database.transaction("review", "no-such-token") as conn:
        review.decide(conn, mine["id"], Decision(DecisionKind.APPROVE, mine["digest"]))


def test_every_entry_of_the_ledger_follows_the_one_before(acme: World) -> None:
    for number in range(5):
        row = acme.filed(source_key=f"k{number}", invoice_id=f"I{number}")
        acme.decide("reviewer", row, "approve", comment='ok \U0001f44d \u0007 "quoted" \\ \u007f ümlaut')
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        rows = conn.execute("SELECT seq, entry, hash FROM cs.ledger ORDER BY seq").fetchall()
        assert ledger.verify(conn, "acme", None) == (len(rows), None)
    assert check_chain(rows, "acme")[2] is None
    for _, entry, _ in rows:
        assert canonical(json.loads(entry)) == entry


def test_comments_are_not_in_the_ledger(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve", comment="Herr Schmidt hat angerufen")
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE entry LIKE '%%Schmidt%%'") == 0
    assert acme.scalar("SELECT comment FROM cs.decision_notes") == "Herr Schmidt hat angerufen"


def test_the_database_and_python_write_the_same_canonical_text(acme: World) -> None:
    value = {"ä": 1, "b": [True, None, 'x\n\t\u0001\u007f"\\/é€😀'], "a": {"z": "", "y": -5, "": 0}}
    assert acme.scalar("SELECT cs._canon(%s)", Jsonb(value)) == canonical(value)

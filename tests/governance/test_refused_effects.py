"""Refusals that nothing but their own circumstances bring about: of filing, approving, applying, settling, erasing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from governance.action import Action
from governance.record import outbox, queue
from governance.record.db import Database
from tests.build import World, letter, world
from tests.governance.bypass.attempts import OTHER_IBAN, approved, execute, leased, payment, say

DIGEST = "sha256:" + "a" * 64
KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def signed_change(acme: World, kind: str, subject: str, content: dict[str, Any], *signers: str) -> dict[str, Any]:
    """A governed change of the first administrator, signed and not yet applied."""
    row = acme.propose("admin1", kind, subject, content)
    for signer in signers or ("controller", "admin2"):
        acme.decide(signer, row, "approve")
    return row


# Filing and approving -----------------------------------------------------------------------------------------------


def test_a_job_of_older_facts_files_nothing(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    # Past cs.accept, which would have ended the job with the revision.
    acme.scalar("UPDATE cs.cases SET revision = 2 RETURNING 1")
    with pytest.raises(errors.LostLease, match="the case has newer facts: this job is superseded"):
        acme.file(job)
    assert acme.scalar("SELECT count(*) FROM cs.recommendations") == 0


def test_an_agent_proposes_no_change_also_where_policy_allows_every_action(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    acme.scalar("UPDATE cs.workflows SET actions = '{*}' WHERE exception_type = 'missing_order_reference' RETURNING 1")
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    proposal = letter(digest, action=Action("change_policy", {"subject": "x", "change": DIGEST}), draft=None)
    with pytest.raises(errors.GovernedChange, match="an agent proposes no governed change"):
        acme.file(job, proposal)
    assert acme.scalar("SELECT count(*) FROM cs.recommendations") == 0


def test_the_first_of_two_signers_is_told_of_another_payee_account(acme: World) -> None:
    row = payment(acme)
    acme.opened("reviewer", row)
    acme.import_books("bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": OTHER_IBAN}])
    with pytest.raises(errors.PayeeChanged, match="the payee's bank details changed since this was proposed"):
        acme.decide("reviewer", row, "approve")
    assert acme.scalar("SELECT count(*) FROM cs.decisions") == 0


@pytest.mark.parametrize("when", ["filed", "signed", "delivered"])
def test_while_no_policy_is_active_nothing_goes_on(acme: World, when: str) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    row = acme.recommendation(acme.file(job).recommendation_id) if when != "filed" else {}
    if when == "delivered":
        acme.decide("reviewer", row, "approve")
    effect = leased(acme, row) if when == "delivered" else None
    acme.scalar("UPDATE cs.policies SET active = false RETURNING 1")
    with pytest.raises(errors.PolicyChanged, match="the policy is being changed: try again"):
        if effect is not None:
            execute(acme, effect)
        elif when == "signed":
            acme.decide("reviewer", row, "approve")
        else:
            with acme.database.transaction("owner") as conn:
                conn.execute("SELECT cs._hold_policy('acme')")


# Applying a change --------------------------------------------------------------------------------------------------


def test_a_change_that_makes_no_sense_any_more_is_not_applied(acme: World) -> None:
    row = signed_change(acme, "identity_broker", "intake", {"issuer": "https://id.example"})
    say(acme, "review", "admin1", "SELECT cs.set_active('intake', false)")
    with pytest.raises(errors.IllegalState, match="there is no service intake"):
        acme.carry_out(row)
    assert acme.scalar("SELECT count(*) FROM cs.identity_brokers") == 0


def test_two_administrators_remain_whatever_was_signed(acme: World) -> None:
    acme.enact("admin1", "roles", "analyst2", {"roles": ["administrator"], "active": True})
    row = signed_change(acme, "roles", "admin2", {"roles": [], "active": True}, "controller", "analyst2")
    # Who proposed it leaves meanwhile: with admin2 there would be one.
    say(acme, "review", "analyst2", "SELECT cs.set_active('admin1', false)")
    with pytest.raises(errors.IllegalState, match="two administrators must remain"):
        acme.carry_out(row)
    assert acme.scalar("SELECT roles FROM cs.actors WHERE id = 'admin2'") == ["administrator"]


def test_a_signing_key_that_is_gone_or_never_was_is_not_revoked(acme: World) -> None:
    acme.enact("reviewer", "signing_key", "reviewer", {"public_key": KEY})
    key = acme.scalar("SELECT id FROM cs.signing_keys")
    revoke = "SELECT cs.revoke_signing_key(%s)"
    say(acme, "review", "reviewer", (revoke, (key,)))
    for who, of in (("reviewer", key), ("admin1", "0" * 16)):
        with pytest.raises(errors.NotFound, match="there is no such live signing key"):
            say(acme, "review", who, (revoke, (of,)))
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'signing_key.revoked'") == 1


TWO = [{"id": "admin1", "token_sha256": "a" * 64}, {"id": "admin2", "token_sha256": "b" * 64}]


@pytest.mark.parametrize(
    ("tenant", "people", "why", "refusal", "words"),
    [
        ("acme", TWO, " ", errors.Malformed, "says why"),
        ("acme", TWO[:1], "keys lost", errors.Malformed, "at least two administrators"),
        ("acme", [TWO[0], TWO[0]], "keys lost", errors.Malformed, "at least two administrators"),
        ("acme", [TWO[0], TWO[1] | {"role": "controller"}], "keys lost", errors.Malformed, "at least two"),
        ("acme", [*TWO, TWO[0] | {"role": "auditor"}], "keys lost", errors.Malformed, "at least two"),
        ("nobody", TWO, "keys lost", errors.NotFound, "there is no such tenant"),
    ],
    ids=["no reason", "one", "one twice", "one and a controller", "another role", "no tenant"],
)
def test_a_recovery_is_refused_of(
    acme: World, tenant: str, people: list[dict[str, str]], why: str, refusal: type[errors.Refusal], words: str
) -> None:
    with pytest.raises(refusal, match=words), acme.database.transaction("owner") as conn:
        conn.execute("SELECT cs.recover(%s, %s, %s)", (tenant, Jsonb(people), why))
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'recovery'") == 0


# Settling and confirming --------------------------------------------------------------------------------------------


def delivering(acme: World) -> outbox.Effect:
    effect = leased(acme, approved(acme))
    execute(acme, effect)
    return effect


def manual(acme: World) -> outbox.Effect:
    effect = delivering(acme)
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        outbox.settle(conn, effect, "manual", "by hand")
    return effect


def given_up(acme: World) -> outbox.Effect:
    effect = leased(acme, approved(acme))
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        outbox.settle(conn, effect, "dead", "five times")
    return effect


def state_of(acme: World) -> tuple[Any, ...]:
    with acme.database.transaction("owner") as conn:
        row = conn.execute(
            "SELECT e.state, r.state, c.state FROM cs.effects e JOIN cs.recommendations r ON r.id = e.recommendation_id"
            " JOIN cs.cases c ON c.id = r.case_id"
        ).fetchone()
    assert row is not None
    return tuple(row)


def test_an_outcome_that_is_none_is_not_settled(acme: World) -> None:
    effect = delivering(acme)
    with (
        pytest.raises(errors.Malformed, match="an outcome is sent, manual, retry, unknown, refused or dead"),
        acme.database.transaction("courier", acme.tokens["courier"]) as conn,
    ):
        outbox.settle(conn, effect, "maybe", "who knows")
    assert state_of(acme) == ("delivering", "approved", "delivering")


@pytest.mark.parametrize("outcome", ["done", "not_done", "abandoned"])
def test_an_effect_that_waits_for_nobody_is_not_confirmed(acme: World, outcome: str) -> None:
    delivering(acme)
    with pytest.raises(errors.IllegalState, match="this effect is delivering: it waits for nobody"):
        confirm(acme, outcome)
    assert state_of(acme) == ("delivering", "approved", "delivering")


@pytest.mark.parametrize(
    ("scene", "outcome"), [(manual, "maybe"), (given_up, "done")], ids=["no outcome", "done of one given up"]
)
def test_an_outcome_that_cannot_be_is_not_confirmed(
    acme: World, scene: Callable[[World], outbox.Effect], outcome: str
) -> None:
    scene(acme)
    before = state_of(acme)
    with pytest.raises(errors.Malformed, match=r"an outcome is done \(not of one that was given up\), not_done"):
        confirm(acme, outcome)
    assert state_of(acme) == before


def confirm(acme: World, outcome: str) -> None:
    row = acme.scalar("SELECT recommendation_id FROM cs.effects")
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        outbox.confirm(conn, row, outcome, "looked")


# Erasing ------------------------------------------------------------------------------------------------------------


def test_a_case_that_is_not_there_is_not_erased(acme: World) -> None:
    with pytest.raises(errors.NotFound, match="there is no case none"), acme.database.transaction("owner") as conn:
        conn.execute("SELECT cs._erase_case('acme', 'admin1', 'none', 'case.erased')")


def test_a_hold_keeps_a_supplier_without_any_case(acme: World) -> None:
    acme.enact("controller", "hold", "supplier:S-1", {"reason": "court"}, ("reviewer",))
    row = signed_change(acme, "erasure", "supplier:S-1", {})
    with pytest.raises(errors.LegalHold, match="a legal hold keeps supplier:S-1"):
        acme.carry_out(row)
    assert acme.scalar("SELECT name FROM cs.suppliers WHERE id = 'S-1'") == "Supplier One"


def test_who_is_active_is_not_erased(acme: World) -> None:
    row = signed_change(acme, "erasure", "actor:analyst", {})
    with pytest.raises(errors.IllegalState, match="user analyst is active: switch them off first"):
        acme.carry_out(row)
    assert acme.scalar("SELECT name FROM cs.actors WHERE id = 'analyst'") == "Analyst"


# Observations -------------------------------------------------------------------------------------------------------

OBSERVE = "SELECT cs.observe('none', %s)"
CHAMPION = "SELECT cs.first_champion(%s, %s)"


@pytest.mark.parametrize(
    ("role", "by", "statement", "words"),
    [
        ("agent", "agent", (OBSERVE, (Jsonb({"started_at": 1}),)), "a short list of spans"),
        ("agent", "agent", (OBSERVE, (Jsonb({"spans": {}}),)), "a short list of spans"),
        ("agent", "agent", (OBSERVE, (Jsonb({"spans": ["x" * 20_001]}),)), "a short list of spans"),
        (
            "courier",
            "courier",
            ("SELECT cs.settle_observations('{1}', '{1}', 'maybe', '{x}', 0)", ()),
            "an outcome is sent, retry or dead",
        ),
        ("courier", "courier", (CHAMPION, ("Risk", DIGEST)), "a champion is the name of a model"),
        ("courier", "courier", (CHAMPION, ("risk", "latest")), "a champion is the name of a model"),
    ],
    ids=["no spans", "spans that are no list", "too long", "outcome", "champion's name", "champion's digest"],
)
def test_what_the_lab_is_told_has_its_form(
    acme: World, role: str, by: str, statement: tuple[str, tuple[Any, ...]], words: str
) -> None:
    with pytest.raises(errors.Malformed, match=words):
        say(acme, role, by, statement)
    assert acme.scalar("SELECT count(*) FROM cs.champions") == 0

"""What a seat hangs on besides the matrix: delegation, absence, evidence that was opened, signatures, totals, bulk."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance import errors
from governance.action import Action
from governance.decision import Decision, DecisionKind
from governance.policy import compile_policy
from governance.record import queue, review, standing
from governance.record.db import Database
from tests.build import World, letter, world

DAY = timedelta(days=1)


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def payment(acme: World, amount: str = "1200.00", *, key: str = "key-1", **item: Any) -> dict[str, Any]:
    """A filed release of a payment: one reviewer and one controller, who opened the document."""
    acme.accept(amount=amount, source_key=key, exception_type="invoice_received", **item)
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    proposal = letter(
        digest, action=Action("release_payment", {"invoice_id": item.get("invoice_id", "INV-1")}), draft=None
    )
    return acme.recommendation(acme.file(job, proposal).recommendation_id)


def approve(acme: World, row: dict[str, Any], *people: str, **values: Any) -> dict[str, Any]:
    done: dict[str, Any] = {}
    for who in people:
        acme.opened(who, row)
        done = acme.decide(who, row, "approve", **values)
    return done


def delegate(acme: World, giver: str, taker: str, role: str = "controller", days: int = 5, **scope: Any) -> int:
    now = datetime.now(UTC)
    with acme.database.transaction("review", acme.tokens[giver]) as conn:
        return standing.delegate(conn, taker, role, now - DAY, now + days * DAY, **scope)


def away(acme: World, who: str, by: str | None = None) -> int:
    now = datetime.now(UTC)
    with acme.database.transaction("review", acme.tokens[by or who]) as conn:
        return standing.set_absence(conn, who, now - DAY, now + 5 * DAY)


# Evidence ---------------------------------------------------------------------------------------------------------


def test_who_has_not_opened_the_document_cannot_approve(acme: World) -> None:
    row = payment(acme, content=b"<xml/>")
    acme.opened("reviewer", row, "case")
    with pytest.raises(errors.EvidenceNotOpened) as caught:
        acme.decide("reviewer", row, "approve")
    assert caught.value.extensions["unopened"] == ["document"]
    acme.opened("reviewer", row, "document")
    assert acme.decide("reviewer", row, "approve")["state"] == "awaiting_review"
    with pytest.raises(errors.EvidenceNotOpened):
        acme.decide("controller", row, "approve")


def test_without_a_document_the_facts_must_be_opened_and_new_facts_again(acme: World) -> None:
    row = payment(acme)
    with pytest.raises(errors.EvidenceNotOpened):
        acme.decide("reviewer", row, "approve")
    acme.opened("reviewer", row, "case")
    acme.decide("reviewer", row, "approve")
    row = payment(acme, "1300.00")
    assert row["case_revision"] == 2
    with pytest.raises(errors.EvidenceNotOpened):
        acme.decide("reviewer", row, "approve")


def test_the_gate_asks_for_the_openings_again(acme: World) -> None:
    row = payment(acme)
    approve(acme, row, "reviewer", "controller")
    acme.scalar("DELETE FROM cs.openings WHERE actor = 'controller' RETURNING 1")
    with pytest.raises(errors.EvidenceNotOpened):
        acme.carry_out(row)


# Delegation -------------------------------------------------------------------------------------------------------


def test_a_delegate_signs_for_the_person_who_lent_the_role(acme: World) -> None:
    row = payment(acme)
    approve(acme, row, "reviewer")
    with pytest.raises(errors.NotDelegated):
        approve(acme, row, "reviewer2", acting_for="controller")
    delegate(acme, "controller", "reviewer2")
    assert approve(acme, row, "reviewer2", acting_for="controller")["state"] == "approved"
    (seat,) = [one for one in acme.recommendation(row["id"])["seats"] if one["role"] == "controller"]
    assert (seat["filled_by"], seat["acting_for"]) == ("reviewer2", "controller")
    acme.carry_out(row)


@pytest.mark.parametrize("end", ["revoked", "over", "giver off", "giver lost the role", "taker off"])
def test_a_delegation_that_ends_before_the_effect_stops_it(acme: World, end: str) -> None:
    row = payment(acme)
    number = delegate(acme, "controller", "reviewer2")
    approve(acme, row, "reviewer")
    approve(acme, row, "reviewer2", acting_for="controller")
    acme.scalar(
        {
            "revoked": "UPDATE cs.delegations SET revoked_at = now() WHERE id = %s RETURNING 1",
            "over": "UPDATE cs.delegations SET ends_at = now() WHERE id = %s RETURNING 1",
            "giver off": "UPDATE cs.actors SET active = false WHERE id = 'controller' AND %s > 0 RETURNING 1",
            "giver lost the role": "UPDATE cs.actors SET roles = '{}' WHERE id = 'controller' AND %s > 0 RETURNING 1",
            "taker off": "UPDATE cs.actors SET active = false WHERE id = 'reviewer2' AND %s > 0 RETURNING 1",
        }[end],
        number,
    )
    with pytest.raises(errors.NoSeat):
        acme.carry_out(row)


def test_scope_of_a_delegation(acme: World) -> None:
    row = payment(acme)
    approve(acme, row, "reviewer")
    for scope in ({"queues": ["order_to_cash"]}, {"entities": ["FR01"]}, {"amount_below": 1200}):
        number = delegate(acme, "controller", "reviewer2", **scope)
        with pytest.raises(errors.NotDelegated):
            approve(acme, row, "reviewer2", acting_for="controller")
        with acme.database.transaction("review", acme.tokens["controller"]) as conn:
            standing.revoke_delegation(conn, number)
    delegate(acme, "controller", "reviewer2", queues=["accounts_payable"], entities=["DE01"], amount_below=1201)
    assert approve(acme, row, "reviewer2", acting_for="controller")["state"] == "approved"


def test_no_circles_no_chains_nobody_twice(acme: World) -> None:
    delegate(acme, "reviewer", "controller", "reviewer")
    with pytest.raises(errors.NotDelegated, match="circle"):
        delegate(acme, "controller", "reviewer")
    with pytest.raises(errors.NotPermitted):
        delegate(acme, "controller", "analyst", "reviewer")  # a lent role is not the borrower's to lend
    with pytest.raises(errors.NotDelegated):
        delegate(acme, "reviewer", "reviewer", "reviewer")
    with pytest.raises(errors.NotDelegated):
        delegate(acme, "reviewer", "auditor", "reviewer")
    row = payment(acme)
    approve(acme, row, "controller")
    with pytest.raises(errors.AlreadyDecided):
        approve(acme, row, "controller", acting_for="reviewer")


def test_one_authority_holds_one_seat(acme: World) -> None:
    row = payment(acme, "60000.00")  # two reviewers and a controller
    delegate(acme, "reviewer", "analyst", "reviewer")
    approve(acme, row, "reviewer")
    with pytest.raises(errors.AlreadyDecided):
        approve(acme, row, "analyst", acting_for="reviewer")


def test_an_excluded_person_does_not_sign_through_a_delegate(acme: World) -> None:
    acme.accept(by="intake")
    row = acme.filed(source_key="mine")
    acme.decide(
        "reviewer", row, "override", draft={"to": "ap@supplier.example", "subject": "s", "body": "b", "language": "en"}
    )
    (mine,) = [acme.recommendation(acme.scalar("SELECT id FROM cs.recommendations WHERE drafted_by = 'reviewer'"))]
    delegate(acme, "reviewer", "analyst", "reviewer")
    with pytest.raises(errors.SegregationOfDuties):
        acme.decide("analyst", mine, "approve", acting_for="reviewer")


# Absence ----------------------------------------------------------------------------------------------------------


def test_who_policy_names_stands_in_while_every_holder_is_away(acme: World) -> None:
    row = payment(acme)
    approve(acme, row, "reviewer")
    with pytest.raises(errors.NoSeat):
        approve(acme, row, "admin1")
    away(acme, "controller")
    assert approve(acme, row, "admin1")["state"] == "approved"
    acme.carry_out(row)


def test_who_stands_in_did_not_send_the_holder_away(acme: World) -> None:
    row = payment(acme)
    approve(acme, row, "reviewer")
    away(acme, "controller", by="admin1")
    with pytest.raises(errors.NoSeat):
        approve(acme, row, "admin1")
    assert approve(acme, row, "admin2")["state"] == "approved"


def test_a_seat_that_nobody_can_take_is_said_once_and_never_skipped(acme: World) -> None:
    row = payment(acme)
    approve(acme, row, "reviewer")
    for who in ("controller", "admin1", "admin2"):
        away(acme, who)
    assert (acme.tick()["unstaffed"], acme.tick()["unstaffed"]) == (1, 0)
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'recommendation.unstaffed'") == 1
    assert acme.recommendation(row["id"])["state"] == "awaiting_review"


# Totals -----------------------------------------------------------------------------------------------------------


def test_a_payment_that_was_split_asks_for_the_seats_of_the_whole(acme: World) -> None:
    first, second = payment(acme, "30000.00", key="a"), payment(acme, "30000.00", key="b", invoice_id="INV-2")
    assert len(second["seats"]) == 2
    assert approve(acme, first, "reviewer", "controller")["state"] == "approved"
    assert approve(acme, second, "reviewer", "controller")["state"] == "awaiting_review"
    assert approve(acme, second, "reviewer2")["state"] == "approved"
    acme.carry_out(first)  # what was approved later does not ask for more of what came before
    acme.carry_out(second)
    assert len(payment(acme, "1.00", key="c", invoice_id="INV-3")["seats"]) == 3


def test_vendor_records_that_share_an_account_are_one_payee(acme: World) -> None:
    acme.import_books("suppliers", [{"id": "S-2", "name": "Twin", "email": "x@twin.example"}])
    acme.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-2", "iban": "DE02120300000000202051"}]
    )
    first = payment(acme, "30000.00", key="a")
    approve(acme, first, "reviewer", "controller")
    assert len(payment(acme, "30000.00", key="b", supplier_id="S-2")["seats"]) == 3
    acme.import_books("suppliers", [{"id": "S-3", "name": "Other", "email": "x@other.example"}])
    assert len(payment(acme, "30000.00", key="c", supplier_id="S-3")["seats"]) == 2


def test_an_unknown_payee_counts_as_the_top_band(acme: World) -> None:
    assert len(payment(acme, supplier_id=None)["seats"]) == 3


def test_what_is_older_than_the_window_does_not_count(acme: World) -> None:
    first = payment(acme, "30000.00", key="a")
    approve(acme, first, "reviewer", "controller")
    acme.carry_out(first)
    acme.scalar(
        "UPDATE cs.recommendations SET approved_at = approved_at - interval '31 days' WHERE id = %s RETURNING 1",
        first["id"],
    )
    assert len(payment(acme, "30000.00", key="b")["seats"]) == 2


# Bulk and signatures ----------------------------------------------------------------------------------------------


BULK = """
name = "b"
owner = "o"
currency = "EUR"
[[rule]]
id = "all"
actions = ["*"]
seats = { reviewer = 1 }
bulk = true
"""


def in_bulk(acme: World, row: dict[str, Any]) -> dict[str, Any]:
    with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
        return review.decide(conn, row["id"], Decision(DecisionKind.APPROVE, row["digest"]), in_bulk=True)


def test_bulk_is_for_what_every_rule_lets_be_decided_in_bulk(database: Database) -> None:
    acme = world(database)
    with pytest.raises(errors.NotInBulk):
        in_bulk(acme, acme.filed())
    workflows = (resources.files("governance") / "policies" / "standard" / "workflows.toml").read_text("utf-8")
    other = world(database, "bulky", compile_policy(BULK, workflows))
    assert in_bulk(other, other.filed())["state"] == "approved"


def key_of(acme: World, who: str) -> tuple[Ed25519PrivateKey, str]:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    acme.enact(
        who,
        "signing_key",
        who,
        {"public_key": base64.b64encode(public).decode()},
    )
    return private, str(acme.scalar("SELECT id FROM cs.signing_keys WHERE actor = %s", who))


def test_a_tier_that_wants_signatures_takes_no_approval_without(acme: World) -> None:
    private, key = key_of(acme, "reviewer")
    row = payment(acme, "2000000.00")
    acme.opened("reviewer", row)
    for wrong in (None, "x", f"ed25519:{'0' * 16}:" + "A" * 86 + "=="):
        with pytest.raises(errors.SignatureRequired):
            acme.decide("reviewer", row, "approve", signature=wrong)
    signature = base64.b64encode(private.sign(b"anything: this database cannot tell")).decode()
    assert acme.decide("reviewer", row, "approve", signature=f"ed25519:{key}:{signature}")["state"] == "awaiting_review"
    acme.opened("reviewer2", row)
    with pytest.raises(errors.SignatureRequired):  # another person's key
        acme.decide("reviewer2", row, "approve", signature=f"ed25519:{key}:{signature}")

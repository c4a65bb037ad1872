"""Segregation of duties: nobody signs what they had a hand in, nor through another, nor twice."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from governance.record import standing
from tests.build import World
from tests.governance.bypass.attempts import (
    DRAFT,
    Attempt,
    Ground,
    Register,
    Try,
    approved,
    execute,
    leased,
    name_of,
    now,
    payment,
    say,
    sign,
)

tries = Register()
DAY = timedelta(days=1)


def lend(acme: World, giver: str, taker: str, role: str, **scope: Any) -> int:
    with acme.database.transaction("review", acme.tokens[giver]) as conn:
        return standing.delegate(conn, taker, role, now() - DAY, now() + DAY, **scope)


def away(acme: World, who: str, by: str) -> None:
    with acme.database.transaction("review", acme.tokens[by]) as conn:
        standing.set_absence(conn, who, now() - DAY, now() + DAY)


def roles(acme: World, who: str, *given: str) -> None:
    """The person's roles, whatever they were."""
    acme.scalar(
        "UPDATE cs.actors SET roles = %s WHERE tenant = %s AND id = %s RETURNING 1", list(given), acme.tenant, who
    )


def newest(acme: World) -> dict[str, Any]:
    return acme.recommendation(
        acme.scalar("SELECT id FROM cs.recommendations WHERE tenant = %s ORDER BY created_at DESC LIMIT 1", acme.tenant)
    )


def edited(acme: World, by: str = "reviewer") -> dict[str, Any]:
    """What `by` made of an agent's letter."""
    acme.decide(by, acme.filed(), "override", draft=DRAFT)
    return newest(acme)


# Who decides at all -------------------------------------------------------------------------------------------------

VERBS = ("approve", "reject", "send_back", "override", "withdraw")
NOT_SIGNERS = {"analyst": errors.NotPermitted, "auditor": errors.NotPermitted, "ml_engineer": errors.NotPermitted,
               "service": errors.HumanRequired, "courier": errors.HumanRequired, "intake": errors.HumanRequired,
               "agent": errors.HumanRequired}  # fmt: skip


@tries.each({f"{who}, {verb}": (why, who, verb) for who, why in NOT_SIGNERS.items() for verb in VERBS})
def decision_of_who_is_no_signer(acme: World, who: str, verb: str) -> Try:
    row = acme.filed()
    return lambda: acme.decide(who, row, verb, comment="x", draft=DRAFT)


@tries.each({who: (NOT_SIGNERS[who], who) for who in ("auditor", "ml_engineer", "service", "agent")})
def escalation_of_who_may_not(acme: World, who: str) -> Try:
    row = acme.filed()
    return lambda: acme.decide(who, row, "escalate", comment="x")


@tries.each({who: (errors.NoSeat, who) for who in ("controller", "admin1")})
def approval_without_a_seat_for_one_s_role(acme: World, who: str) -> Try:
    row = acme.filed()
    return lambda: acme.decide(who, row, "approve")


@tries(errors.NoSeat)
def seat_of_another_role_asked_for_by_name(acme: World) -> Try:
    row = payment(acme)
    acme.opened("reviewer", row)
    return lambda: acme.decide("reviewer", row, "approve", seat="controller")


@tries(errors.NoSeat)
def reviewer_s_second_signature_in_the_controller_s_place(acme: World) -> Try:
    row = payment(acme)
    sign(acme, row, "reviewer")
    acme.opened("reviewer2", row)
    return lambda: acme.decide("reviewer2", row, "approve")


@tries(errors.AlreadyDecided)
def two_seats_of_one_person(acme: World) -> Try:
    row = payment(acme, "60000.00")
    sign(acme, row, "reviewer")
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.AlreadyDecided)
def two_seats_of_one_person_with_two_roles(acme: World) -> Try:
    roles(acme, "reviewer", "reviewer", "controller")
    row = payment(acme)
    sign(acme, row, "reviewer")
    return lambda: acme.decide("reviewer", row, "approve", seat="controller")


@tries.each({kind: (errors.HumanRequired, kind) for kind in ("service", "agent")})
def machine_with_the_role_of_a_signer(acme: World, kind: str) -> Try:
    roles(acme, kind, "reviewer", "controller", "administrator")
    row = acme.filed()
    return lambda: acme.decide(kind, row, "approve")


@tries(errors.Malformed)
def verb_that_is_none(acme: World) -> Try:
    row = acme.filed()
    return lambda: acme.decide("reviewer", row, "execute")


@tries(errors.NotInBulk)
def money_in_bulk(acme: World) -> Try:
    row = payment(acme)
    acme.opened("reviewer", row)
    call = "SELECT cs.decide(%s, 'approve', %s, in_bulk => true)"
    return lambda: say(acme, "review", "reviewer", (call, (row["id"], row["digest"])))


@tries.each({verb: (errors.NotInBulk, verb) for verb in ("reject", "send_back", "override")})
def other_decisions_in_bulk(acme: World, verb: str) -> Try:
    row = acme.filed()
    call = "SELECT cs.decide(%s, %s, %s, in_bulk => true, comment => 'x')"
    return lambda: say(acme, "review", "reviewer", (call, (row["id"], verb, row["digest"])))


@tries.each({"nothing": (errors.EvidenceNotOpened, ()), "the case only": (errors.EvidenceNotOpened, ("case",))})
def signature_of_who_has_opened(acme: World, opened: tuple[str, ...]) -> Try:
    row = payment(acme, content=b"<xml/>")
    if opened:
        acme.opened("reviewer", row, *opened)
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.EvidenceNotOpened)
def evidence_that_a_colleague_opened(acme: World) -> Try:
    row = payment(acme)
    acme.opened("reviewer2", row)
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.EvidenceNotOpened)
def evidence_that_the_person_acted_for_opened(acme: World) -> Try:
    row = payment(acme)
    lend(acme, "controller", "analyst", "controller")
    acme.opened("controller", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="controller")


# Who had a hand in it -----------------------------------------------------------------------------------------------


@tries.each({verb: (errors.SegregationOfDuties, verb) for verb in VERBS[:-1]})
def decision_of_the_initiator(acme: World, verb: str) -> Try:
    row = acme.filed(by="reviewer")
    return lambda: acme.decide("reviewer", row, verb, comment="x", draft=DRAFT)


@tries(errors.SegregationOfDuties)
def initiator_of_an_earlier_revision(acme: World) -> Try:
    acme.accept(by="reviewer")
    acme.accept(by="intake", amount="1300.00")
    row = acme.recommendation(acme.file(acme.claim(1)[0]).recommendation_id)
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.SegregationOfDuties)
def person_who_changed_the_facts(acme: World) -> Try:
    acme.accept(by="intake")
    acme.accept(by="reviewer", amount="1.00")
    row = acme.recommendation(acme.file(acme.claim(1)[0]).recommendation_id)
    return lambda: acme.decide("reviewer", row, "approve")


@tries.each({verb: (errors.SegregationOfDuties, verb) for verb in ("approve", "reject", "send_back", "override")})
def decision_of_the_editor(acme: World, verb: str) -> Try:
    row = edited(acme)
    return lambda: acme.decide("reviewer", row, verb, comment="x", draft=DRAFT)


@tries(errors.SegregationOfDuties)
def editor_of_an_earlier_draft(acme: World) -> Try:
    acme.decide("reviewer2", edited(acme), "override", draft={**DRAFT, "subject": "Again"})
    row = newest(acme)
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.SegregationOfDuties)
def editor_after_the_agent_s_next_draft(acme: World) -> Try:
    row = edited(acme)
    acme.decide("reviewer", row, "withdraw")
    again = acme.recommendation(acme.file(acme.claim(1)[0]).recommendation_id)
    return lambda: acme.decide("reviewer", again, "approve")


@tries(errors.SegregationOfDuties)
def editor_under_the_next_policy(acme: World) -> Try:
    row = edited(acme)
    acme.scalar("UPDATE cs.recommendations SET policy_version = 0 WHERE id = %s RETURNING 1", row["id"])
    assert acme.tick()["regated"] == 1
    again = newest(acme)
    assert again["id"] != row["id"]
    return lambda: acme.decide("reviewer", again, "approve")


@tries(errors.SegregationOfDuties)
def editor_who_gets_another_role(acme: World) -> Try:
    row = edited(acme)
    acme.decide("analyst", row, "escalate", comment="x")
    roles(acme, "reviewer", "controller")
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.IllegalState)
def sender_back_who_approves_what_was_sent_back(acme: World) -> Try:
    row = acme.filed()
    acme.decide("reviewer", row, "send_back", comment="again")
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.IllegalState)
def sender_back_who_redrafts_what_returned_to_another(acme: World) -> Try:
    row = edited(acme)
    acme.decide("reviewer2", row, "send_back", comment="again")
    return lambda: acme.decide("reviewer2", row, "override", draft=DRAFT)


@tries(errors.IllegalState)
def editor_who_approves_what_returned_to_them(acme: World) -> Try:
    row = edited(acme)
    acme.decide("reviewer2", row, "send_back", comment="again")
    return lambda: acme.decide("reviewer", row, "approve")


@tries.each({"none": (errors.CommentRequired, None), "spaces": (errors.CommentRequired, "  \n\t ")})
def sending_back_with_a_comment_of(acme: World, comment: str | None) -> Try:
    row = acme.filed()
    return lambda: acme.decide("reviewer", row, "send_back", comment=comment)


@tries(errors.IllegalState)
def withdrawal_of_another_s_approval(acme: World) -> Try:
    row = approved(acme)
    return lambda: acme.decide("reviewer2", row, "withdraw")


@tries(errors.IllegalState)
def second_escalation(acme: World) -> Try:
    row = acme.filed()
    acme.decide("analyst", row, "escalate", comment="x")
    return lambda: acme.decide("analyst2", row, "escalate", comment="x")


# Through others -----------------------------------------------------------------------------------------------------


@tries(errors.SegregationOfDuties, "you act for somebody")
def delegate_of_the_editor(acme: World) -> Try:
    row = edited(acme)
    lend(acme, "reviewer", "analyst", "reviewer")
    return lambda: acme.decide("analyst", row, "approve", acting_for="reviewer")


@tries(errors.SegregationOfDuties, "you act for somebody")
def delegate_of_the_initiator(acme: World) -> Try:
    row = acme.filed(by="reviewer")
    lend(acme, "reviewer", "analyst", "reviewer")
    return lambda: acme.decide("analyst", row, "approve", acting_for="reviewer")


@tries(errors.SegregationOfDuties, "who initiated")
def initiator_as_the_delegate_of_a_clean_hand(acme: World) -> Try:
    row = acme.filed(by="analyst")
    lend(acme, "reviewer", "analyst", "reviewer")
    return lambda: acme.decide("analyst", row, "approve", acting_for="reviewer")


@tries(errors.AlreadyDecided)
def signer_and_delegate_of_a_second_signer(acme: World) -> Try:
    row = payment(acme)
    lend(acme, "controller", "reviewer", "controller")
    sign(acme, row, "reviewer")
    return lambda: acme.decide("reviewer", row, "approve", acting_for="controller")


@tries(errors.AlreadyDecided)
def delegate_after_the_person_signed(acme: World) -> Try:
    row = payment(acme, "60000.00")
    lend(acme, "reviewer", "analyst", "reviewer")
    sign(acme, row, "reviewer")
    acme.opened("analyst", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="reviewer")


@tries(errors.AlreadyDecided)
def person_after_the_delegate_signed(acme: World) -> Try:
    row = payment(acme, "60000.00")
    lend(acme, "reviewer", "analyst", "reviewer")
    sign(acme, row, "analyst", acting_for="reviewer")
    acme.opened("reviewer", row)
    return lambda: acme.decide("reviewer", row, "approve")


@tries.each(
    {who: (errors.NotDelegated, who) for who in ("controller", "reviewer", "nobody", "", "agent", "CONTROLLER")}
)
def delegate_without_a_delegation_of(acme: World, who: str) -> Try:
    row = payment(acme)
    acme.opened("reviewer", row)
    return lambda: acme.decide("reviewer", row, "approve", acting_for=who)


@tries.each({verb: (errors.NotDelegated, verb) for verb in ("reject", "override", "send_back", "escalate", "withdraw")})
def delegate_who_does_more_than_approve(acme: World, verb: str) -> Try:
    row = acme.filed()
    lend(acme, "reviewer", "analyst", "reviewer")
    return lambda: acme.decide("analyst", row, verb, acting_for="reviewer", comment="x", draft=DRAFT)


SCOPES: dict[str, dict[str, Any]] = {
    "another queue": {"queues": ["order_to_cash"]},
    "another entity": {"entities": ["FR01"]},
    "an amount below the payment": {"amount_below": 1200},
}


@tries.each({name: (errors.NotDelegated, scope) for name, scope in SCOPES.items()})
def delegate_for(acme: World, scope: dict[str, Any]) -> Try:
    row = payment(acme)
    lend(acme, "controller", "analyst", "controller", **scope)
    acme.opened("analyst", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="controller")


@tries(errors.NotDelegated)
def delegate_below_an_amount_when_the_amount_is_unknown(acme: World) -> Try:
    row = payment(acme, None)
    lend(acme, "controller", "analyst", "controller", amount_below=10**9)
    acme.opened("analyst", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="controller")


WINDOWS = {
    "is over": "UPDATE cs.delegations SET ends_at = now() WHERE id = %s RETURNING 1",
    "has not begun": "UPDATE cs.delegations SET starts_at = now() + interval '1 hour' WHERE id = %s RETURNING 1",
    "was revoked": "UPDATE cs.delegations SET revoked_at = now() WHERE id = %s RETURNING 1",
    "is of another role": "UPDATE cs.delegations SET role = 'reviewer' WHERE id = %s RETURNING 1",
}


@tries.each({name: (errors.NotDelegated, statement) for name, statement in WINDOWS.items()})
def delegate_whose_delegation(acme: World, statement: str) -> Try:
    row = payment(acme)
    acme.scalar(statement, lend(acme, "controller", "analyst", "controller"))
    acme.opened("analyst", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="controller")


@tries(errors.NotDelegated)
def delegate_who_has_become_an_auditor(acme: World) -> Try:
    row = payment(acme)
    lend(acme, "controller", "analyst", "controller")
    roles(acme, "analyst", "auditor")
    acme.opened("analyst", row)
    return lambda: acme.decide("analyst", row, "approve", acting_for="controller")


@tries(errors.NotPermitted, "delegate the role reviewer")
def chain_of_delegations(acme: World) -> Try:
    lend(acme, "reviewer", "analyst", "reviewer")
    return lambda: lend(acme, "analyst", "analyst2", "reviewer")


@tries(errors.NotDelegated)
def chain_used_without_the_second_link(acme: World) -> Try:
    lend(acme, "reviewer", "analyst", "reviewer")
    row = acme.filed()
    return lambda: acme.decide("analyst2", row, "approve", acting_for="analyst")


@tries(errors.NotDelegated, "circle")
def circle_of_two(acme: World) -> Try:
    lend(acme, "reviewer", "controller", "reviewer")
    return lambda: lend(acme, "controller", "reviewer", "controller")


@tries.each({taker: (errors.NotDelegated, taker) for taker in ("reviewer", "auditor", "service", "agent", "nobody")})
def role_lent_to(acme: World, taker: str) -> Try:
    return lambda: lend(acme, "reviewer", taker, "reviewer")


@tries.each({role: (errors.NotPermitted, role) for role in ("controller", "administrator", "auditor", "owner")})
def role_lent_that_is_not_one_s_own(acme: World, role: str) -> Try:
    return lambda: lend(acme, "reviewer", "analyst", role)


@tries(errors.HumanRequired)
def role_lent_by_a_machine(acme: World) -> Try:
    roles(acme, "service", "reviewer")
    return lambda: lend(acme, "service", "analyst", "reviewer")


TERMS: dict[str, tuple[str, str]] = {
    "over already": ("now() - interval '2 days'", "now() - interval '1 day'"),
    "backwards": ("now() + interval '2 days'", "now() + interval '1 day'"),
    "for ever": ("now()", "'infinity'"),
    "over a year": ("now()", "now() + interval '367 days'"),
    "without an end": ("now()", "NULL"),
}


@tries.each({name: (errors.Malformed, term) for name, term in TERMS.items()}, "a delegation ends after it starts")
def delegation_that_is(acme: World, term: tuple[str, str]) -> Try:
    return lambda: say(acme, "review", "reviewer", f"SELECT cs.delegate('analyst', 'reviewer', {term[0]}, {term[1]})")


@tries(errors.NotPermitted, "delegations of others")
def delegation_revoked_by_a_stranger(acme: World) -> Try:
    made = lend(acme, "controller", "analyst", "controller")
    return lambda: say(acme, "review", "reviewer", ("SELECT cs.revoke_delegation(%s)", (made,)))


# Standing in --------------------------------------------------------------------------------------------------------


@tries(errors.NoSeat)
def stand_in_while_the_holder_is_here(acme: World) -> Try:
    row = payment(acme)
    acme.opened("admin1", row)
    return lambda: acme.decide("admin1", row, "approve")


@tries(errors.NoSeat)
def stand_in_who_sent_the_holder_away(acme: World) -> Try:
    row = payment(acme)
    away(acme, "controller", "admin1")
    acme.opened("admin1", row)
    return lambda: acme.decide("admin1", row, "approve")


@tries(errors.NoSeat)
def stand_in_while_one_of_two_holders_is_here(acme: World) -> Try:
    roles(acme, "analyst2", "controller")
    row = payment(acme)
    away(acme, "controller", "controller")
    acme.opened("admin1", row)
    return lambda: acme.decide("admin1", row, "approve")


@tries(errors.NoSeat)
def stand_in_for_a_role_that_policy_covers_by_nobody(acme: World) -> Try:
    row = acme.filed()
    for who in ("reviewer", "reviewer2"):
        away(acme, who, who)
    return lambda: acme.decide("controller", row, "approve")


@tries(errors.NoSeat)
def stand_in_after_the_only_holder_was_switched_off(acme: World) -> Try:
    row = payment(acme)
    say(acme, "review", "admin1", "SELECT cs.set_active('controller', false)")
    acme.opened("admin1", row)
    return lambda: acme.decide("admin1", row, "approve")


@tries(errors.NoSeat)
def stand_in_who_switched_off_the_holder_that_was_here(acme: World) -> Try:
    roles(acme, "analyst2", "controller")
    row = payment(acme)
    away(acme, "controller", "controller")
    say(acme, "review", "admin1", "SELECT cs.set_active('analyst2', false)")
    acme.opened("admin1", row)
    return lambda: acme.decide("admin1", row, "approve")


@tries(errors.NotPermitted, "others are away")
def absence_of_another_set_by_who_may_not(acme: World) -> Try:
    return lambda: away(acme, "controller", "reviewer")


@tries(errors.HumanRequired)
def absence_set_by_a_machine(acme: World) -> Try:
    return lambda: away(acme, "controller", "service")


@tries(errors.NotPermitted, "others are back")
def absence_of_another_ended_by_who_may_not(acme: World) -> Try:
    away(acme, "controller", "controller")
    number = acme.scalar("SELECT id FROM cs.absences WHERE tenant = %s", acme.tenant)
    return lambda: say(acme, "review", "reviewer", ("SELECT cs.end_absence(%s)", (number,)))


# Between approval and effect ----------------------------------------------------------------------------------------

MEANWHILE = {
    "was switched off": "UPDATE cs.actors SET active = false WHERE tenant = %s AND id = 'controller' RETURNING 1",
    "lost the role": "UPDATE cs.actors SET roles = '{{reviewer}}' WHERE tenant = %s AND id = 'controller' RETURNING 1",
    "became a service": "UPDATE cs.actors SET kind = 'service' WHERE tenant = %s AND id = 'controller' RETURNING 1",
    "is found to have requested it":
        "UPDATE cs.recommendations SET excluded = excluded || '{{controller}}' WHERE tenant = %s RETURNING 1",
    "took the approval back": "UPDATE cs.decisions SET withdrawn_at = now() WHERE tenant = %s AND actor = 'controller' RETURNING 1",
    "approved something else":
        "UPDATE cs.decisions SET digest = 'sha256:' WHERE tenant = %s AND actor = 'controller' RETURNING 1",
    "rejected it": "UPDATE cs.decisions SET decision = 'reject' WHERE tenant = %s AND actor = 'controller' RETURNING 1",
    "sits in another's place":
        "UPDATE cs.seats SET filled_by = 'reviewer2' WHERE tenant = %s AND filled_by = 'controller' RETURNING 1",
    "has no seat": "UPDATE cs.seats SET filled_by = NULL, decision_id = NULL WHERE tenant = %s AND filled_by = 'controller' RETURNING 1",
    "sits in a lower seat": "UPDATE cs.seats SET role = 'reviewer' WHERE tenant = %s AND filled_by = 'controller' RETURNING 1",
    "lost the seat": "DELETE FROM cs.seats WHERE tenant = %s AND filled_by = 'controller' RETURNING 1",
    "acts for somebody all at once":
        "UPDATE cs.seats SET acting_for = 'admin1' WHERE tenant = %s AND filled_by = 'controller' RETURNING 1",
    "stands in for a role that nobody covers":
        "UPDATE cs.seats SET stands_in_as = 'reviewer' WHERE tenant = %s AND filled_by = 'controller' RETURNING 1",
}  # fmt: skip


@tries.each(
    {name: (errors.NoSeat, statement.replace("{{", "{").replace("}}", "}")) for name, statement in MEANWHILE.items()}
)
def effect_after_the_controller(acme: World, statement: str) -> Try:
    row = payment(acme)
    sign(acme, row, "reviewer", "controller")
    effect = leased(acme, row)
    acme.scalar(statement, acme.tenant)
    return lambda: execute(acme, effect)


LENT = {
    "was revoked": "UPDATE cs.delegations SET revoked_at = now() WHERE tenant = %s RETURNING 1",
    "ended": "UPDATE cs.delegations SET ends_at = now() WHERE tenant = %s RETURNING 1",
    "lost its giver": "UPDATE cs.actors SET active = false WHERE tenant = %s AND id = 'controller' RETURNING 1",
    "lost its giver's role": "UPDATE cs.actors SET roles = '{}' WHERE tenant = %s AND id = 'controller' RETURNING 1",
    "lost its taker": "UPDATE cs.actors SET active = false WHERE tenant = %s AND id = 'analyst' RETURNING 1",
    "came to an auditor": "UPDATE cs.actors SET roles = '{auditor}' WHERE tenant = %s AND id = 'analyst' RETURNING 1",
    "shrank to other entities": "UPDATE cs.delegations SET entities = '{FR01}' WHERE tenant = %s RETURNING 1",
    "shrank below the amount": "UPDATE cs.delegations SET amount_below = 1 WHERE tenant = %s RETURNING 1",
}


@tries.each({name: (errors.NoSeat, statement) for name, statement in LENT.items()})
def effect_after_the_delegation(acme: World, statement: str) -> Try:
    row = payment(acme)
    lend(acme, "controller", "analyst", "controller")
    sign(acme, row, "reviewer")
    sign(acme, row, "analyst", acting_for="controller")
    effect = leased(acme, row)
    acme.scalar(statement, acme.tenant)
    return lambda: execute(acme, effect)


@tries(errors.EvidenceNotOpened)
def effect_after_an_opening_is_found_to_be_none(acme: World) -> Try:
    row = payment(acme)
    sign(acme, row, "reviewer", "controller")
    effect = leased(acme, row)
    acme.scalar("DELETE FROM cs.openings WHERE tenant = %s AND actor = 'controller' RETURNING 1", acme.tenant)
    return lambda: execute(acme, effect)


@tries(errors.SignatureRequired)
def effect_without_the_signature_that_the_amount_demands(acme: World) -> Try:
    row = payment(acme, "1000000.00")
    acme.opened("reviewer", row)
    return lambda: acme.decide("reviewer", row, "approve")


# Changes of the law -------------------------------------------------------------------------------------------------

PROPOSALS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "one's own promotion, signed by oneself": (
        "controller",
        "roles",
        "controller",
        {"roles": ["controller"], "active": True},
    ),
    "an accomplice's promotion, signed by the author": (
        "admin1",
        "roles",
        "analyst",
        {"roles": ["controller"], "active": True},
    ),
    "a rate, signed by the author": ("controller", "fx", "USD", {"rates": {"2026-01-02": "1.2"}}),
    "a connector, signed by the author": ("admin1", "connector", "erp", {"url": "https://thief.example"}),
    "an erasure, signed by the author": ("controller", "erasure", "supplier:S-1", {}),
    "a retention rule, signed by the author": ("controller", "retention", "*", {"days": "10"}),
    "the end of a hold, signed by the author": ("controller", "hold_release", "*", {}),
    "a champion, signed by the author": ("admin1", "model", "risk", {"digest": "sha256:" + "a" * 64}),
    "a key, signed by its owner": ("reviewer", "signing_key", "reviewer", {"public_key": "A" * 43 + "="}),
}


@tries.each({name: (errors.SegregationOfDuties, *proposal) for name, proposal in PROPOSALS.items()})
def change(acme: World, signer: str, kind: str, subject: str, content: dict[str, Any]) -> Try:
    author = "admin1" if kind == "roles" else signer
    row = acme.propose(author, kind, subject, content)
    return lambda: acme.decide(signer, row, "approve")


@tries.each(
    {
        f"{kind} by {who}": (errors.NotPermitted, who, kind)
        for who, kind in (
            ("analyst", "policy"), ("reviewer", "policy"), ("controller", "roles"), ("reviewer", "fx"),
            ("analyst", "model"), ("ml_engineer", "tolerance"), ("auditor", "memory"), ("reviewer", "erasure"),
            ("analyst", "hold_release"), ("controller", "connector"),
        )
    }
)  # fmt: skip
def proposal_of_who_may_not(acme: World, who: str, kind: str) -> Try:
    return lambda: acme.propose(who, kind, "x", {})


@tries.each({who: (errors.HumanRequired, who) for who in ("service", "courier", "agent")})
def proposal_of_a_machine(acme: World, who: str) -> Try:
    return lambda: acme.propose(who, "memory", "S-1", {"a": "b"})


@tries(errors.GovernedChange)
def administrator_who_makes_a_signer(acme: World) -> Try:
    person = {"id": "puppet", "kind": "person", "name": "P", "roles": ["reviewer"]}
    return lambda: say(acme, "review", "admin1", ("SELECT cs.add_actor(%s)", (Jsonb(person),)))


@tries(errors.GovernedChange)
def administrator_who_switches_a_signer_on_again(acme: World) -> Try:
    say(acme, "review", "admin1", "SELECT cs.set_active('reviewer', false)")
    return lambda: say(acme, "review", "admin1", "SELECT cs.set_active('reviewer', true)")


@tries.each({who: (errors.NotPermitted, who) for who in ("analyst", "reviewer", "controller", "auditor")})
def person_who_switches_a_colleague_off(acme: World, who: str) -> Try:
    return lambda: say(acme, "review", who, "SELECT cs.set_active('reviewer2', false)")


@tries(errors.GovernedChange)
def override_into_a_change_of_the_law(acme: World) -> Try:
    row = acme.filed()
    action = {"name": "change_policy", "args": {"subject": "x", "change": "sha256:" + "a" * 64}}
    return lambda: acme.decide("reviewer", row, "override", action=action)


@tries(errors.GovernedChange)
def override_of_a_change_into_a_payment(acme: World) -> Try:
    row = acme.propose("analyst", "memory", "S-1", {"a": "b"})
    action = {"name": "hold_payment", "args": {"invoice_id": "INV-1", "reason": "r"}}
    return lambda: acme.decide("reviewer", row, "override", action=action)


@tries.each({"its queue": (errors.GovernedChange, {"queue": "governance"})})
def intake_of_a_change_by(acme: World, item: dict[str, Any]) -> Try:
    return lambda: acme.accept(**item)


@tries(errors.GovernedChange)
def intake_that_revises_a_pending_change(acme: World) -> Try:
    row = acme.propose("analyst", "memory", "S-1", {"a": "b"})
    return lambda: acme.accept(source_key=f"change:{row['case_id']}", amount="1.00")


@tries(errors.NotPermitted, "a signing key is proposed by its owner")
def signing_key_for_another(acme: World) -> Try:
    return lambda: acme.propose("admin1", "signing_key", "controller", {"public_key": "A" * 43 + "="})


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())

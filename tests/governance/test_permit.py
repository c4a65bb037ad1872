"""Permits: what each role may ask for, that machines never decide, and that an error is a denial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import permit
from governance.actor import ROLES, Actor, ActorKind
from governance.errors import HumanRequired, NotPermitted, PolicyInvalid
from governance.permit import ACTIONS, Permits, standard_permits

DECISIONS = ("approve", "override", "reject", "send_back", "escalate", "withdraw")
CHANGES = ("submit", "decide", "confirm", "requeue", "administer", "propose_change", "stand", "correct")

# Role → what a person of this role alone may ask for (decide: the decisions).
MAY = {
    "analyst": {"read_cases", "submit", "confirm", "requeue", "propose_change", "stand", "correct"},
    "reviewer": {"read_cases", "submit", "confirm", "requeue", "decide", "export", "propose_change", "stand",
                 "correct"},
    "controller": {
        "read_cases", "read_ledger", "read_telemetry", "submit", "confirm", "requeue", "decide", "export",
        "propose_change", "stand", "correct",
    },
    "auditor": {"read_cases", "read_ledger", "read_telemetry", "export"},
    "ml_engineer": {"read_cases", "read_telemetry", "propose_change", "stand"},
    "administrator": {
        "read_cases", "read_ledger", "read_telemetry", "decide", "requeue", "administer", "propose_change", "stand",
        "correct",
    },
    "service": {"read_cases", "read_telemetry", "submit"},
}  # fmt: skip


def actor(*roles: str, kind: str = "person", active: bool = True) -> Actor:
    return Actor("acme", "someone", ActorKind(kind), "Some One", frozenset(roles), active)


def context(action: str, decision: str = "approve") -> dict[str, str]:
    return {"decision": decision} if action == "decide" else {}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_role(role: str, action: str) -> None:
    assert standard_permits().ask(actor(role), action, context(action)).allowed == (action in MAY[role])


def test_an_analyst_escalates_and_nothing_else() -> None:
    for decision in DECISIONS:
        found = standard_permits().ask(actor("analyst"), "decide", {"decision": decision})
        assert found.allowed == (decision == "escalate")


def test_an_analyst_may_approve_for_somebody_and_an_auditor_never() -> None:
    permit.may_decide(actor("analyst"), "approve", acting=True)
    for role in ("auditor", "service"):
        with pytest.raises((NotPermitted, HumanRequired)):
            permit.may_decide(actor(role), "approve", acting=True)
    with pytest.raises(NotPermitted):
        permit.may_decide(actor("analyst"), "reject", acting=True)


@given(
    st.sampled_from(["service", "agent"]), st.sets(st.sampled_from(ROLES)), st.sampled_from(DECISIONS), st.booleans()
)
def test_machines_never_decide(kind: str, roles: set[str], decision: str, active: bool) -> None:
    """Whatever roles somebody gave to a machine."""
    machine = actor(*roles, kind=kind, active=active)
    with pytest.raises(HumanRequired) as refusal:
        permit.may_decide(machine, decision)
    assert "SOD-00" in refusal.value.extensions["controls"]  # type: ignore[operator]


@given(st.sets(st.sampled_from(ROLES)), st.sampled_from(ACTIONS), st.sampled_from(DECISIONS))
def test_roles_add_up_except_for_auditors(roles: set[str], action: str, decision: str) -> None:
    found = standard_permits().ask(actor(*roles), action, context(action, decision))
    alone = any(standard_permits().ask(actor(role), action, context(action, decision)).allowed for role in roles)
    assert found.allowed == (alone and not ("auditor" in roles and action in CHANGES))


def test_a_deactivated_person_may_nothing() -> None:
    for action in ACTIONS:
        found = standard_permits().ask(actor(*ROLES, active=False), action, context(action))
        assert not found.allowed
        assert "AC-00" in found.controls


def test_the_controls_that_decided_are_named() -> None:
    assert standard_permits().ask(actor("reviewer"), "read_cases").controls == ("AC-01",)
    with pytest.raises(NotPermitted) as refusal:
        permit.may_submit(actor("auditor"))
    assert refusal.value.extensions["controls"] == ["SOD-01"]


def test_a_question_that_errors_is_a_denial() -> None:
    """Without the context that the schema asks for, Cedar cannot build the request."""
    found = standard_permits().ask(actor("reviewer"), "decide", {})
    assert not found.allowed
    assert found.errors


def test_an_errored_forbid_beside_a_permit_is_a_denial() -> None:
    """Cedar itself answers Allow here: it skips the forbid. The sum overflows."""
    schema = """
    entity Tenant; entity Role;
    entity Actor in [Role] { kind: String, active: Bool, tenant: Tenant };
    action read_cases appliesTo { principal: [Actor], resource: [Tenant] };
    """
    policies = """
    @id("P") permit (principal, action, resource);
    @id("F") forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };
    """
    found = Permits(policies, schema).ask(actor("reviewer"), "read_cases")
    assert found.errors
    assert not found.allowed


@pytest.mark.parametrize(
    "policies",
    [
        'permit (principal, action == Action::"fly", resource);',
        "permit (principal, action, resource) when { principal.rank == 1 };",
        "permit (principal, action",
    ],
)
def test_policies_that_do_not_fit_the_schema_are_refused_at_load(policies: str) -> None:
    schema = "entity Tenant; entity Actor; action read_cases appliesTo { principal: [Actor], resource: [Tenant] };"
    with pytest.raises(PolicyInvalid):
        Permits(policies, schema)


def test_every_question_has_its_action() -> None:
    admin = actor("administrator")
    permit.may_read(admin)
    permit.may_read_ledger(admin)
    permit.may_read_telemetry(admin)
    permit.may_administer(admin)
    permit.may_requeue(admin)
    permit.may_decide(admin, "approve")
    permit.may_export(actor("auditor"))
    permit.may_confirm(actor("analyst"))
    permit.may_correct(admin)
    for question in (permit.may_export, permit.may_submit, permit.may_confirm):
        with pytest.raises(NotPermitted):
            question(admin)

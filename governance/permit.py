"""May THIS actor do such a thing at all? Cedar decides; the seats of one recommendation are the database's law.

The one door to cedarpy. Policies and schema are validated when they are loaded; whatever Cedar cannot evaluate
without an error is a denial. Source: https://docs.cedarpolicy.com
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import cedarpy

from governance.actor import Actor
from governance.errors import HumanRequired, NotPermitted, PolicyInvalid

ACTIONS = (
    "read_cases", "read_ledger", "read_telemetry", "export", "submit", "decide", "confirm", "requeue", "administer",
    "propose_change", "stand", "correct",
)  # fmt: skip

ONLY_PEOPLE = "SOD-00"
"""Control id of the rule that services and agents never decide."""

_IN_WORDS = {
    "read_cases": "read cases",
    "read_ledger": "read the ledger",
    "read_telemetry": "read measurements",
    "export": "export evidence",
    "submit": "bring in cases",
    "decide": "decide",
    "confirm": "confirm what became of an effect",
    "requeue": "put a case back in the queue",
    "administer": "administer users and policy",
    "propose_change": "propose a governed change",
    "stand": "delegate a role or say who is away",
    "correct": "correct what was read",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether Cedar said yes, and the @id of each policy that decided. `errors` alone make it a no."""

    allowed: bool
    controls: tuple[str, ...]
    errors: tuple[str, ...] = ()


class Permits:
    """A validated set of Cedar policies, parsed once. Raises PolicyInvalid where a policy does not fit the schema."""

    def __init__(self, policies: str, schema: str) -> None:
        found = cedarpy.validate_policies(policies, schema)
        if not found.validation_passed:
            raise PolicyInvalid("the permits are not valid: " + "; ".join(str(error) for error in found.errors))
        self._policies = cedarpy.PolicySet.from_str(policies)
        self._schema = cedarpy.Schema.from_str(schema)

    def ask(self, actor: Actor, action: str, context: Mapping[str, str] | None = None) -> Verdict:
        """Ask about one action of ACTIONS in the actor's own tenant."""
        tenant = {"type": "Tenant", "id": actor.tenant}
        entity = {
            "uid": {"type": "Actor", "id": actor.id},
            "attrs": {"kind": actor.kind.value, "active": actor.active, "tenant": {"__entity": tenant}},
            "parents": [{"type": "Role", "id": role} for role in sorted(actor.roles)],
        }
        request: dict[str, Any] = {
            "principal": entity["uid"],
            "action": {"type": "Action", "id": action},
            "resource": tenant,
            "context": dict(context or {}),
        }
        answer = cedarpy.is_authorized(request, self._policies, [entity], self._schema)
        names = answer.diagnostics.id_annotations_by_reason
        return verdict(
            answer.allowed,
            [names.get(reason, reason) for reason in answer.diagnostics.reasons],
            answer.diagnostics.errors,
        )

    def need(self, actor: Actor, action: str, context: Mapping[str, str] | None = None) -> Verdict:
        """The verdict where it is a yes. Raises HumanRequired or NotPermitted, naming the controls that said no."""
        found = self.ask(actor, action, context)
        if found.allowed:
            return found
        words = _IN_WORDS[action]
        if ONLY_PEOPLE in found.controls:
            raise HumanRequired(
                f"only a person may {words}: services and agents never do", controls=list(found.controls)
            )
        raise NotPermitted(f"your roles do not permit you to {words}", controls=list(found.controls))


def verdict(allowed: bool, controls: list[str], errors: list[str]) -> Verdict:
    """Cedar skips a `forbid` that errors and says Allow: any error is a no."""
    return Verdict(allowed and not errors, tuple(sorted(controls)), tuple(errors))


@functools.cache
def standard_permits() -> Permits:
    """The permits that come with the product: governance/policies/standard."""
    folder = resources.files("governance") / "policies" / "standard"
    return Permits((folder / "permits.cedar").read_text("utf-8"), (folder / "schema.cedarschema").read_text("utf-8"))


def may_read(actor: Actor) -> None:
    """Cases, recommendations and documents. This and the questions below raise HumanRequired or NotPermitted."""
    standard_permits().need(actor, "read_cases")


def may_read_ledger(actor: Actor) -> None:
    standard_permits().need(actor, "read_ledger")


def may_read_telemetry(actor: Actor) -> None:
    standard_permits().need(actor, "read_telemetry")


def may_export(actor: Actor) -> None:
    standard_permits().need(actor, "export")


def may_submit(actor: Actor) -> None:
    standard_permits().need(actor, "submit")


def may_decide(actor: Actor, decision: str, *, acting: bool = False) -> None:
    """`decision`: a governance.decision.DecisionKind; `acting`: for somebody who delegated a role.

    An analyst may escalate and nothing else, except for somebody.
    """
    standard_permits().need(actor, "decide", {"decision": f"{decision}_for" if acting else decision})


def may_confirm(actor: Actor) -> None:
    standard_permits().need(actor, "confirm")


def may_requeue(actor: Actor) -> None:
    standard_permits().need(actor, "requeue")


def may_administer(actor: Actor) -> None:
    standard_permits().need(actor, "administer")


def may_propose_change(actor: Actor) -> None:
    """Which kinds is the database's to say: each names its proposers."""
    standard_permits().need(actor, "propose_change")


def may_stand(actor: Actor) -> None:
    """Delegations and absences."""
    standard_permits().need(actor, "stand")


def may_correct(actor: Actor) -> None:
    """What was read of a document: who does it then holds no seat on that case."""
    standard_permits().need(actor, "correct")


def allowed(actor: Actor) -> list[str]:
    """What the actor may ask for: names of ACTIONS, and `escalate` for who may only do that of all decisions."""
    permits = standard_permits()
    plain = [name for name in ACTIONS if name != "decide" and permits.ask(actor, name).allowed]
    decisions = [
        name
        for name, verb in (("decide", "approve"), ("escalate", "escalate"))
        if permits.ask(actor, "decide", {"decision": verb}).allowed
    ]
    return sorted(plain + decisions)

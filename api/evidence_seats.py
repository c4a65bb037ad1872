"""Who may take a seat, as one bundle shows it: the checks of cs._approve and of the gate, from entries alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Never

from api.evidence import SeatRow
from api.evidence_people import GRACE, People, Scope, moment
from api.evidence_rules import Asked
from governance.decision import signed_statement
from governance.errors import Tampered
from governance.matrix import Rule
from governance.signature import verify_signature

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Approval:
    """One that stands. `wrong`: it carries a signature that its key did not make."""

    role: str
    actor: str
    acting_for: str | None
    stands_in_as: str | None
    wrong: bool

    @property
    def authority(self) -> str:
        return self.acting_for or self.actor


@dataclass(slots=True)
class Standing:
    """One recommendation as the entries so far leave it. `required` None: the currency's rate is not in the bundle."""

    id: str
    digest: str
    envelope: Body
    excluded: frozenset[str]
    seats: list[SeatRow]
    change: str | None
    asked: Asked
    rules: list[Rule] = field(default_factory=list)
    required: Counter[str] | None = None
    filed: bool = False
    complete: bool = False
    started: bool = False
    over: bool = False
    last: str = ""
    approvals: dict[str, Approval] = field(default_factory=dict)
    """By decision id."""


@dataclass(slots=True)
class Bench:
    """Judges seats with what the entries so far say of the people. Raises Tampered."""

    tenant: str
    people: People
    facts: list[tuple[str, Body]]
    queue: str = ""
    signatures: int = 0

    def approved(self, standing: Standing, entry: Body, at: datetime) -> None:
        body, actor, seq = entry["body"], entry["actor"], entry["seq"]
        if standing.over or at - GRACE >= moment(standing.envelope["expires_at"]):
            _no(f"entry {seq}: {actor} approved what was no longer open")
        made = Approval(
            body["seat"],
            actor,
            body.get("acting_for"),
            body.get("stands_in_as"),
            self._wrongly_signed(standing, entry, at),
        )
        self.may_sit(standing, made, at, f"entry {seq}")
        seated = {one.actor for one in standing.approvals.values()}
        if made.stands_in_as is not None and not self.people.all_away(made.role, standing.excluded, seated, actor, at):
            _no(f"entry {seq}: {actor} stood in for the role {made.role} while somebody held it who was there")
        if actor in seated or made.authority in {one.authority for one in standing.approvals.values()}:
            _no(f"entry {seq}: {actor} holds two seats")
        if "opened" in body and (unopened := standing.asked.evidence(standing.rules) - set(body["opened"])):
            _no(f"entry {seq}: {actor} had not opened the {min(unopened)}, which policy demands")
        if any(rule.signature for rule in standing.rules) and body.get("signature") is None:
            _no(f"entry {seq}: policy demands a signature, and there is none")
        standing.approvals[body["decision"]] = made
        self._counted(standing, body, seq)

    def _counted(self, standing: Standing, body: Body, seq: int) -> None:
        """The seats that the ledger names are at least those of the rules, and the last one completes them."""
        filled = Counter(one.role for one in standing.approvals.values())
        named: Counter[str] | None = Counter(body["seats"]) if "seats" in body else None
        if named is not None:
            if standing.required is not None and not (
                standing.required == named or (standing.required <= named and standing.asked.windows())
            ):
                _no(f"entry {seq}: the seats that were filled are not those that the policy asks for")
            standing.required = named
        if standing.required is None:
            standing.required = filled if body["complete"] else None
        elif body["complete"] != (filled == standing.required):
            _no(f"entry {seq}: the seats that were filled are not those that the policy asks for")
        standing.complete = body["complete"]

    def may_sit(self, standing: Standing, one: Approval, at: datetime, where: str) -> None:
        """The conditions that a seat hangs on when it is taken, and again when the effect leaves."""
        role = one.role if one.stands_in_as is None else one.stands_in_as
        if {one.actor, one.authority} & standing.excluded:
            _no(f"{where}: {one.authority} initiated or drafted this and can hold no seat")
        if not self.people.is_person(one.actor, at) or not self.people.holds(one.authority, role, at):
            _no(f"{where}: {one.authority} was no active person with the role {role}")
        if one.stands_in_as is not None and role not in standing.asked.policy.cover.get(one.role, ()):
            _no(f"{where}: policy lets nobody with the role {role} stand in for {one.role}")
        if one.acting_for is not None:
            facts = self.facts[standing.envelope["revision"] - 1][1]
            scope = Scope(self.queue, facts.get("entity", "unknown"), standing.asked.amount, standing.asked.known)
            if not self.people.has_lent(one.acting_for, one.actor, one.role, scope, at):
                _no(f"{where}: {one.acting_for} had not delegated the role {one.role} to {one.actor}")

    def _wrongly_signed(self, standing: Standing, entry: Body, at: datetime) -> bool:
        """Whether a signature was given that does not hold: the database cannot tell, who lets the effect out can."""
        text, actor = entry["body"].get("signature"), entry["actor"]
        if text is None:
            return False
        key = self.people.key_of(actor, text.split(":")[1], at)
        if key is None:
            if not self.people.lost_key(actor):
                _no(f"entry {entry['seq']}: {actor} signed with a key that was not theirs, or no longer")
            self.people.notes.append(
                f"the signature of {actor} on {standing.id}: the change that registered the key was erased"
            )
            return False
        self.signatures += 1
        return not verify_signature(key, text, signed_statement(self.tenant, standing.id, standing.digest))


def _no(reason: str) -> Never:
    raise Tampered(reason)

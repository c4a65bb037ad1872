"""The ledger's entries of one case, replayed: who filled which seat of what, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Never

from api.evidence import Bundle, SeatRow
from governance.errors import Tampered
from governance.gate import Question, matches
from governance.policy import Rule

Body = Mapping[str, Any]


@dataclass(slots=True)
class _Person:
    kind: str
    roles: frozenset[str]
    active: bool = True


@dataclass(slots=True)
class _Standing:
    """One recommendation as the entries so far leave it. `required` None: the currency's rate is not in the bundle."""

    digest: str
    envelope: Body
    excluded: frozenset[str]
    seats: list[SeatRow]
    required: Counter[str] | None = None
    filed: bool = False
    complete: bool = False
    started: bool = False
    last: str = ""
    approvals: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Decision id → (role, person), of approvals that stand."""


class Replay:
    """Follow the entries in order, then `finish`. Raises Tampered where one could not have been written lawfully."""

    def __init__(
        self,
        bundle: Bundle,
        facts: list[tuple[str, Body]],
        policies: Mapping[str, Body],
        envelopes: Mapping[str, Body],
    ) -> None:
        self._bundle = bundle
        self._facts = facts
        self._policies = policies
        self._people: dict[str, _Person] = {}
        self._revisions = 0
        self.decisions: dict[str, Body] = {}
        parts = {part.id: part for part in bundle.recommendations}
        self._standing = {
            name: _Standing(parts[name].digest, envelope, self._excluded(envelope, envelopes), parts[name].seats)
            for name, envelope in envelopes.items()
        }

    def _excluded(self, envelope: Body, envelopes: Mapping[str, Body]) -> frozenset[str]:
        """The initiator, and whoever drafted this or an earlier proposal on the same facts."""
        initiator = self._facts[envelope["revision"] - 1][1]["initiator"]
        drafters = (
            other["drafted_by"]
            for other in envelopes.values()
            if other["revision"] == envelope["revision"] and other["draft_number"] <= envelope["draft_number"]
        )
        return frozenset((initiator, *drafters))

    def follow(self, entry: Body) -> None:
        """One entry, in the order of the ledger."""
        kind, subject, body = entry["kind"], entry["subject"], entry["body"]
        if kind == "genesis" and subject == self._bundle.tenant:
            for person in body["people"]:
                self._meet(person["id"], person)
        elif kind.startswith("actor."):
            self._actor(kind, subject, body)
        elif kind.startswith("case.") and subject == self._bundle.case:
            self._case(kind, body)
        elif subject in self._standing and kind.split(".")[0] in ("recommendation", "decision", "effect"):
            self._of(self._standing[subject], entry)
        else:
            _no(f"entry {entry['seq']} is not about this case")

    def _meet(self, name: str, said: Body) -> None:
        self._people[name] = _Person(said["kind"], frozenset(said.get("roles") or ()))

    def _actor(self, kind: str, subject: str, body: Body) -> None:
        if kind == "actor.added":
            self._meet(subject, body)
        elif subject in self._people:
            person = self._people[subject]
            person.active = kind == "actor.activated" or (person.active and kind != "actor.deactivated")
            if isinstance(body.get("roles"), list):
                person.roles = frozenset(body["roles"])

    def _case(self, kind: str, body: Body) -> None:
        if kind not in ("case.received", "case.revised"):
            return
        self._revisions += 1
        if body.get("revision", 1) != self._revisions or self._revisions > len(self._facts):
            _no("a revision of the case is missing")
        if body["facts"] != self._facts[self._revisions - 1][0]:
            _no(f"the facts of revision {self._revisions} are not those that the ledger recorded")

    def _of(self, standing: _Standing, entry: Body) -> None:
        kind, body = entry["kind"], entry["body"]
        if body.get("digest", standing.digest if kind.startswith("effect.") else None) != standing.digest:
            _no(f"entry {entry['seq']} names another digest than its recommendation has")
        if kind == "recommendation.filed":
            self._filed(standing, body)
        elif not standing.filed:
            _no(f"entry {entry['seq']} is about a recommendation that was not filed before")
        if kind.startswith("decision."):
            if body["decision"] in self.decisions:
                _no(f"decision {body['decision']} was recorded twice")
            self.decisions[body["decision"]] = entry
            self._decided(standing, entry)
        elif kind == "effect.started":
            if not standing.complete:
                _no(f"entry {entry['seq']}: the effect left without every seat filled")
            standing.started = True
        elif kind in ("effect.sent", "effect.manual") and not standing.started:
            _no(f"entry {entry['seq']}: an effect that was never started")
        standing.last = kind

    def _filed(self, standing: _Standing, body: Body) -> None:
        envelope = standing.envelope
        said = (body["case"], body["revision"], body["draft_number"], body["policy_version"])
        if said != (self._bundle.case, envelope["revision"], envelope["draft_number"], envelope["policy"]["version"]):
            _no("a filing is of another case, revision or policy than its envelope")
        rules = self._policies[envelope["policy"]["digest"]]["rules"]
        if missing := set(body["rules"]) - {rule["id"] for rule in rules}:
            _no(f"the policy has no rule {min(missing)}")
        standing.filed = True
        standing.required = _seats([rule for rule in rules if rule["id"] in body["rules"]])

    def _decided(self, standing: _Standing, entry: Body) -> None:
        verb, body = entry["kind"].removeprefix("decision."), entry["body"]
        if verb == "approve":
            self._approved(standing, entry)
        elif verb == "withdraw" and body["withdraws"] is not None:
            _, person = standing.approvals.pop(body["withdraws"], ("", ""))
            if person != entry["actor"]:
                _no(f"entry {entry['seq']} withdraws an approval that is not this person's")
            standing.complete = False
        elif verb == "escalate" and standing.required is not None:
            standing.required["controller"] += 1
        elif verb == "override":
            successor = self._standing.get(body["becomes"])
            if successor is None or successor.digest != body["new_digest"] or successor.filed:
                _no(f"entry {entry['seq']} becomes a recommendation that is not in the bundle")
            successor.filed = True
            successor.required = self._asked(successor.envelope)

    def _approved(self, standing: _Standing, entry: Body) -> None:
        body, actor = entry["body"], entry["actor"]
        person = self._people.get(actor)
        if person is None or person.kind != "person" or not person.active or body["seat"] not in person.roles:
            _no(f"entry {entry['seq']}: {actor} was no active person with the role {body['seat']}")
        if actor in standing.excluded:
            _no(f"entry {entry['seq']}: {actor} initiated or drafted this and can hold no seat")
        if actor in {who for _, who in standing.approvals.values()}:
            _no(f"entry {entry['seq']}: {actor} holds two seats")
        standing.approvals[body["decision"]] = (body["seat"], actor)
        filled = Counter(role for role, _ in standing.approvals.values())
        if standing.required is None:
            standing.required = filled if body["complete"] else None
        elif body["complete"] != (filled == standing.required):
            _no(f"entry {entry['seq']}: the seats that were filled are not those that the policy asks for")
        standing.complete = body["complete"]

    def _asked(self, envelope: Body) -> Counter[str] | None:
        """The seats of a person's override: its entry names no rules, so the matrix is asked again."""
        policy = self._policies[envelope["policy"]["digest"]]
        facts = self._facts[envelope["revision"] - 1][1]
        amount = None
        if facts["amount"] is not None and facts["currency"] is not None:
            if facts["currency"] != policy["currency"]:
                return None
            amount = Decimal(facts["amount"])
        question = Question(envelope["action"]["name"], amount, envelope["risk"], facts["entity"], facts["region"])
        rules = policy["rules"]
        return _seats([row for row in rules if matches(_rule(row), question)] or rules)

    def finish(self) -> None:
        """After the last entry: all revisions and recommendations are accounted for, and the seats are as recorded."""
        if self._revisions != len(self._facts):
            _no("a revision of the case is not in the ledger")
        for name, standing in self._standing.items():
            if not standing.filed:
                _no(f"recommendation {name} was never filed")
            filled = {
                (seat.decision, seat.role, seat.filled_by)
                for seat in standing.seats
                if seat.filled_by is not None or seat.decision is not None
            }
            if filled != {(decision, role, person) for decision, (role, person) in standing.approvals.items()}:
                _no(f"the seats of {name} are not filled as the ledger recorded")
            roles = Counter(seat.role for seat in standing.seats)
            if standing.required is not None and roles != standing.required:
                _no(f"the seats of {name} are not those that its policy asks for")
            if not set(roles) <= {role for rule in self._rules(standing) for role in rule["seats"]}:
                _no(f"a seat of {name} has a role that its policy does not know")

    def _rules(self, standing: _Standing) -> list[Body]:
        rules: list[Body] = self._policies[standing.envelope["policy"]["digest"]]["rules"]
        return rules

    def outcomes(self) -> dict[str, str]:
        """Recommendation id → kind of its last entry, or that it only waits."""
        return {name: standing.last or "recommendation.filed" for name, standing in self._standing.items()}


def _seats(rules: list[Body]) -> Counter[str]:
    """Per role the maximum over the rules."""
    found: Counter[str] = Counter()
    for rule in rules:
        found |= Counter(rule["seats"])
    return found


def _rule(row: Body) -> Rule:
    below = row["amount_below"]
    return Rule(
        row["id"], tuple(row["actions"]), Decimal(row["amount_from"]), None if below is None else Decimal(below),
        row["risk_from"], tuple(row["entities"]), tuple(row["regions"]), row["seats"], row["expires_hours"],
    )  # fmt: skip


def _no(reason: str) -> Never:
    raise Tampered(reason)

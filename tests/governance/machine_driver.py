"""Drives a tenant on Postgres and its model side by side: every call is predicted, made and compared."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from governance import errors, gate
from governance.actor import Absence, Actor, ActorKind, Delegation
from governance.errors import BY_SQLSTATE, Refusal
from governance.matrix import Policy
from governance.policy import compile_policy
from governance.record.db import Database
from tests.build import PEOPLE, genesis
from tests.governance.machine import MAIL, PER_EUR, Case, Facts, Model, Need, Rec, now

FLOWS = """
[[workflow]]
queue = "accounts_payable"
exception_type = "invoice_received"
owner = "AP lead"
sla_hours = 900
actions = ["release_payment", "hold_payment", "request_purchase_order"]
[[workflow]]
queue = "partner_settlement"
exception_type = "payout"
owner = "AP lead"
sla_hours = 900
actions = ["approve_payout"]
"""
HEAD = 'name = "{}"\nowner = "Controller"\ncurrency = "EUR"\nundo_seconds = 0\n'
LOOSE = (
    HEAD.format("loose")
    + """
[cover]
controller = ["administrator"]
[[rule]]
id = "letters"
actions = ["request_purchase_order"]
seats = { reviewer = 1 }
bulk = true
[[rule]]
id = "holds"
actions = ["hold_payment"]
seats = { reviewer = 1 }
bulk = true
evidence = ["case"]
[[rule]]
id = "holds from 25,000"
actions = ["hold_payment"]
amount_from = "25000"
seats = { reviewer = 1, controller = 1 }
bulk = true
[[rule]]
id = "money"
actions = ["release_payment", "approve_payout"]
seats = { reviewer = 1, controller = 1 }
evidence = ["document"]
expires_hours = 48
[[rule]]
id = "money to one payee from 50,000"
actions = ["release_payment", "approve_payout"]
amount_from = "50000"
window_days = 30
seats = { reviewer = 2, controller = 1 }
expires_hours = 24
[[rule]]
id = "signed in France"
actions = ["*"]
entities = ["FR01"]
seats = { controller = 1 }
signature = true
[[rule]]
id = "risk"
actions = ["*"]
risk_from = "high"
seats = { reviewer = 1, controller = 1 }
"""
)
STRICT = (
    HEAD.format("strict")
    + """
[cover]
reviewer = ["controller"]
controller = ["administrator", "reviewer"]
[[rule]]
id = "letters"
actions = ["request_purchase_order"]
seats = { reviewer = 1 }
evidence = ["case"]
[[rule]]
id = "holds"
actions = ["hold_payment"]
amount_below = "100000"
seats = { controller = 2 }
bulk = true
[[rule]]
id = "money to one payee below 80,000"
actions = ["release_payment"]
amount_below = "80000"
window_days = 30
seats = { reviewer = 1 }
evidence = ["case", "document"]
[[rule]]
id = "money to one payee from 20,000"
actions = ["release_payment", "approve_payout"]
amount_from = "20000"
window_days = 10
seats = { reviewer = 1, controller = 1 }
signature = true
[[rule]]
id = "payouts"
actions = ["approve_payout"]
seats = { administrator = 1 }
bulk = true
"""
)
MORE_PEOPLE = {"reviewer3": ("reviewer",), "controller2": ("controller",), "both": ("controller", "reviewer")}
ACTORS = [*(name for name in PEOPLE if name not in ("intake", "service")), *MORE_PEOPLE]
SUPPLIERS = [f"S-{n}" for n in range(1, 6)]
AMOUNTS = ["1200", "9000", "20000", "24999.99", "25000", "30000", "30000", "49999.99", "50000", "120000", "0", "-3"]
DECIDE = """
SELECT cs.decide(%s, %s, %s, seat => %s, acting_for => %s, comment => %s, draft => %s, signature => %s, in_bulk => %s)
"""
SEATS = """
SELECT role, filled_by, acting_for, stands_in_as FROM cs.seats
WHERE tenant = %s AND recommendation_id = %s ORDER BY seat
"""
FACTS = "SELECT facts_digest FROM cs.case_revisions WHERE tenant = %s AND case_id = %s AND revision = %s"
FILE = "SELECT * FROM cs.file(%s, %s, %s, %s, %s, '{}', '{}', '{}', '{}', %s, NULL)"
NEWEST = """
SELECT id, digest, policy_version, rules, expires_at - created_at, excluded, expires_at, state FROM cs.recommendations
WHERE tenant = %s AND case_id = %s ORDER BY created_at DESC LIMIT 1
"""


def policies() -> list[Policy]:
    return [compile_policy(LOOSE, FLOWS), compile_policy(STRICT, FLOWS)]


class Disagreement(AssertionError):
    """The database and the model do not say the same."""


class Driver:
    """One tenant. `calls`, `said`, `seats`, `trail`: what was asked and answered, how seats were taken, the last
    steps."""

    def __init__(self, database: Database, tenant: str, seed: int) -> None:
        self.database, self.tenant, self.rng = database, tenant, random.Random(seed)
        self.policies = policies()
        self.world = genesis(database, tenant, self.policies[0])
        self.connections: dict[tuple[str, str], psycopg.Connection[Any]] = {}
        self.calls: Counter[str] = Counter()
        self.said: dict[str, Counter[str]] = {}
        self.seats: Counter[str] = Counter()
        self.trail: deque[str] = deque(maxlen=25)
        people = {name: (kind, frozenset(roles)) for name, (kind, roles) in PEOPLE.items()}
        people |= {name: ("person", frozenset(roles)) for name, roles in MORE_PEOPLE.items()}
        self.home = {n: Actor(tenant, n, ActorKind(kind), n, roles) for n, (kind, roles) in people.items()}
        self.model = Model(self.home.values(), self.policies[0])
        self._books()

    def _books(self) -> None:
        for name, roles in MORE_PEOPLE.items():
            token = self.world.tokens[name] = f"{self.tenant}-{name}-token"
            person = {"id": name, "kind": "person", "name": name, "roles": list(roles),
                      "token_sha256": hashlib.sha256(token.encode()).hexdigest()}  # fmt: skip
            self.owner("SELECT cs._add_actor(%s, %s)", self.tenant, Jsonb(person))
        world, model = self.world, self.model
        world.import_books(
            "suppliers", [{"id": s, "name": f"Firm {s}", "email": f"{s}@firm.example"} for s in SUPPLIERS]
        )
        world.import_books("customers", [{"id": "C-1", "name": "Customer", "email": "c@firm.example"}])
        world.import_books("fx", [{"day": "2020-01-01", "currency": "USD", "per_eur": str(PER_EUR["USD"])}])
        for supplier in SUPPLIERS:
            model.emails[supplier] = f"{supplier}@firm.example"
            self._bank(supplier, f"DE{supplier[2:]}")
        for who in ("reviewer", "reviewer2", "controller", "controller2", "both", "admin1"):
            self._key(who)

    # Calls ---------------------------------------------------------------------------------------------

    def owner(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        cursor = self._connection("owner", "owner").execute(query.encode(), args)
        return cursor.fetchall() if cursor.description else []

    def _connection(self, role: str, who: str) -> psycopg.Connection[Any]:
        if (role, who) not in self.connections:
            conn = psycopg.connect(self.database.url(role), autocommit=True)
            if who in self.world.tokens:
                conn.execute("SELECT set_config('countersign.token', %s, false)", (self.world.tokens[who],))
            self.connections[role, who] = conn
        return self.connections[role, who]

    def ask(self, role: str, who: str, query: str, *args: Any) -> tuple[Any, ...] | type[Refusal]:
        """What the database answers: the first row, or the class of its refusal."""
        try:
            row = self._connection(role, who).execute(query.encode(), args).fetchone()
        except psycopg.Error as error:
            if error.sqlstate not in BY_SQLSTATE:
                raise Disagreement(f"{error!r}\n" + "\n".join(self.trail)) from error
            return BY_SQLSTATE[error.sqlstate]
        assert row is not None
        return tuple(row)

    def compare(self, what: str, expected: Refusal | None, answer: tuple[Any, ...] | type[Refusal], about: str) -> bool:
        """Whether it was allowed; both said so. Raises Disagreement."""
        said = answer.__name__ if isinstance(answer, type) else "allowed"
        mine = "allowed" if expected is None else type(expected).__name__
        self.calls[what] += 1
        self.said.setdefault(what, Counter())[said] += 1
        self.note(f"{what} {about}: {said}")
        if said != mine:
            raise Disagreement(f"the model says {mine}, the database {said}\n" + "\n".join(self.trail))
        return expected is None

    def note(self, text: str) -> None:
        self.trail.append(text)

    def close(self) -> None:
        for conn in self.connections.values():
            conn.close()

    # The standing of things ----------------------------------------------------------------------------

    def _bank(self, supplier: str, iban: str) -> None:
        row = {"owner_kind": "supplier", "owner_id": supplier, "iban": iban}
        self._books_call("bank_accounts", row)
        self.model.banks.setdefault(supplier, set()).add(iban)

    def _books_call(self, kind: str, row: Mapping[str, Any]) -> None:
        answer = self.ask("intake", "intake", "SELECT cs.import_books(%s, %s, 'test')", kind, Jsonb([row]))
        assert not isinstance(answer, type), answer

    def at_stake(self) -> Rec | None:
        """Something that a change of standing should touch, or None for anything."""
        return None

    def _supplier(self) -> str:
        rec = self.at_stake()
        return (rec.facts.supplier if rec else None) or self.rng.choice(SUPPLIERS)

    def change_bank(self) -> None:
        supplier = self._supplier()
        shared = self.rng.random() < 0.15
        iban = f"DE{self.rng.choice(SUPPLIERS)[2:]}" if shared else f"XX{self.rng.randrange(10**9)}"
        self._bank(supplier, iban)
        self.note(f"{supplier} banks at {iban}")

    def change_email(self) -> None:
        supplier = self._supplier()
        email = f"{supplier}-{self.rng.randrange(10**6)}@firm.example"
        self._books_call("suppliers", {"id": supplier, "name": f"Firm {supplier}", "email": email})
        self.model.emails[supplier] = email

    def _key(self, who: str) -> None:
        key = f"{self.rng.randrange(16**16):016x}"
        self.owner("INSERT INTO cs.signing_keys (tenant, id, actor, public_key) VALUES (%s, %s, %s, %s)",
                   self.tenant, key, who, "A" * 43 + "=")  # fmt: skip
        self.model.keys[who] = key

    def change_key(self) -> None:
        who = self.rng.choice(["reviewer", "reviewer2", "controller", "controller2", "both", "admin1"])
        if who not in self.model.keys:
            return self._key(who)
        expected = None if self.model.people[who].active else errors.Unauthenticated()
        answer = self.ask("review", who, "SELECT cs.revoke_signing_key(%s)", self.model.keys[who])
        if self.compare("revoke_signing_key", expected, answer, who):
            del self.model.keys[who]
        return None

    def person(self) -> None:
        """Somebody is switched off by an administrator, gets other roles, or is again as at first."""
        rec = self.at_stake()
        signers = [name for seat in rec.seats for name in (seat.filled_by, seat.acting_for) if name] if rec else []
        who = self.rng.choice(signers or [*self.home])
        if self.home[who].kind is not ActorKind.PERSON:
            return
        model, dice = self.model, self.rng.random()
        if dice < 0.35:
            self._switch_off(who, self.rng.choice(["admin1", "admin2", "controller"]))
        elif dice < 0.55:
            roles = frozenset(
                self.rng.choice([["analyst"], ["reviewer"], ["controller"], ["auditor"], ["administrator"]])
            )
            self._roles(who, roles, model.people[who].active)
        for name in [n for n, one in self.home.items() if model.people[n] != one]:
            if self.rng.random() < 0.4:
                self._roles(name, self.home[name].roles, True)

    def _switch_off(self, who: str, by: str) -> None:
        expected = self._of_others(by, "")
        answer = self.ask("review", by, "SELECT cs.set_active(%s, false)", who)
        if self.compare("set_active", expected, answer, f"{who} by {by}"):
            self.model.people[who] = replace(self.model.people[who], active=False)
            self.model.switched_off.add((who, by))

    def _roles(self, who: str, roles: frozenset[str], active: bool) -> None:
        self.owner("UPDATE cs.actors SET roles = %s, active = %s WHERE tenant = %s AND id = %s",
                   sorted(roles), active, self.tenant, who)  # fmt: skip
        self.model.people[who] = replace(self.model.people[who], roles=roles, active=active)
        self.note(f"{who} is {sorted(roles)}, active {active}")

    def delegate(self) -> None:
        giver, taker = self.rng.choice(ACTORS), self.rng.choice(ACTORS)
        own = sorted(self.model.people[giver].roles & {"reviewer", "controller", "administrator"})
        role = self.rng.choice(own) if own and self.rng.random() < 0.9 else "controller"
        start, end = now() - timedelta(days=1), now() + timedelta(days=3)
        queues = self.rng.choice([["*"], ["*"], ["accounts_payable"]])
        entities = self.rng.choice([["*"], ["*"], ["DE01"]])
        below = self.rng.choice([None, None, Decimal(30000)])
        expected = self.model.judge_delegation(giver, taker, role)
        answer = self.ask("review", giver, "SELECT cs.delegate(%s, %s, %s, %s, %s, %s, %s)",
                          taker, role, start, end, queues, entities, below)  # fmt: skip
        if self.compare("delegate", expected, answer, f"{giver} to {taker} {role}") and isinstance(answer, tuple):
            self.model.delegations[answer[0]] = Delegation(
                giver, taker, role, start, end, frozenset(queues), frozenset(entities), below
            )

    def revoke(self) -> None:
        if not self.model.delegations:
            return
        rec = self.at_stake()
        used = {(seat.acting_for, seat.filled_by) for seat in rec.seats} if rec else set()
        numbers = sorted(self.model.delegations)
        number = self.rng.choice([n for n in numbers if self._pair(n) in used] or numbers)
        found = self.model.delegations[number]
        by = self.rng.choice([found.from_actor, found.to_actor, "analyst2", "admin1"])
        me = self.model.people[by]
        expected: Refusal | None = None
        if not me.active:
            expected = errors.Unauthenticated()
        elif by not in (found.from_actor, found.to_actor) and "administrator" not in me.roles:
            expected = errors.NotPermitted()
        answer = self.ask("review", by, "SELECT cs.revoke_delegation(%s)", number)
        if self.compare("revoke_delegation", expected, answer, f"{number} by {by}"):
            del self.model.delegations[number]

    def _pair(self, number: int) -> tuple[str | None, str | None]:
        found = self.model.delegations[number]
        return found.from_actor, found.to_actor

    def absence(self) -> None:
        model = self.model
        if model.absences and self.rng.random() < 0.6:
            number = self.rng.choice(sorted(model.absences))
            by = self.rng.choice([model.absences[number].actor, "admin1"])
            expected = self._of_others(by, model.absences[number].actor)
            if self.compare("end_absence", expected, self.ask("review", by, "SELECT cs.end_absence(%s)", number), by):
                del model.absences[number]
            return
        holders = self._holders(self.rng.choice(["controller", "controller", "reviewer", "administrator"]))
        many = self.rng.choice([1, 1, len(holders) - 1, len(holders)])
        for who in self.rng.sample(holders, max(0, min(many, len(holders)))):
            self._away(who, self.rng.choice([who, who, "admin1", "reviewer3"]))

    def _holders(self, role: str) -> list[str]:
        return [one.id for one in self.model.people.values() if role in one.roles and one.is_person]

    def _away(self, who: str, by: str) -> None:
        start, end = now() - timedelta(hours=1), now() + timedelta(days=2)
        expected = self._of_others(by, who)
        answer = self.ask("review", by, "SELECT cs.set_absence(%s, %s, %s)", who, start, end)
        if self.compare("set_absence", expected, answer, f"{who} by {by}") and isinstance(answer, tuple):
            self.model.absences[answer[0]] = Absence(who, by, start, end)

    def _of_others(self, by: str, whose: str) -> Refusal | None:
        me = self.model.people[by]
        if not me.active:
            return errors.Unauthenticated()
        return None if by == whose or "administrator" in me.roles else errors.NotPermitted()

    def open(self, who: str, rec: Rec, what: Sequence[str] = ("case", "document")) -> None:
        if not self.model.people[who].active or not self.model.people[who].is_person:
            return
        for one in what:
            self.ask("review", who, "SELECT cs.opened(%s, %s)", rec.case.id, one)
            self.model.opened.setdefault((rec.case.id, rec.case.revision, who), set()).add(one)

    # Cases ---------------------------------------------------------------------------------------------

    def _facts(self, before: Facts | None = None) -> Facts:
        rng, payout = self.rng, rng_payout(self.rng) if before is None else before.customer is not None
        document = f"<xml>{rng.randrange(10**12)}</xml>" if rng.random() < 0.3 else None
        return Facts(
            amount=None if (text := rng.choice([*AMOUNTS, None])) is None else Decimal(text),
            currency=rng.choice(["EUR", "EUR", "EUR", "EUR", "USD", "GBP"]),
            entity=before.entity if before else rng.choice(["DE01", "DE01", "FR01"]),
            supplier=None if payout else before.supplier if before else rng.choice(SUPPLIERS),
            customer="C-1" if payout else None,
            iban=f"DE{rng.choice(SUPPLIERS)[2:]}" if rng.random() < 0.1 and not payout else None,
            document=document if before is None else before.document,
            initiator=rng.choice(["intake", "intake", "intake", "analyst", "reviewer", "controller2"]),
        )

    def accept(self, case: Case | None = None) -> None:
        """A new case, or new facts of a known one."""
        facts = self._facts(case.facts[-1] if case else None)
        if not self.model.people[facts.initiator].active:
            facts = replace(facts, initiator="intake")
        key = case.key if case else f"k{len(self.model.cases)}"
        payout = facts.customer is not None
        content = facts.document.encode() if facts.document else None
        item: dict[str, Any] = {
            "name": "x.xml", "source_key": key, "invoice_id": f"I-{key}", "title": key, "media_type": "application/xml",
            "queue": "partner_settlement" if payout else "accounts_payable",
            "exception_type": "payout" if payout else "invoice_received",
            "amount": None if facts.amount is None else str(facts.amount), "currency": facts.currency,
            "entity": facts.entity, "region": "EU", "supplier_id": facts.supplier, "customer_id": facts.customer,
            "iban": facts.iban, "reading": {}, "details": {},
            "document_sha256": hashlib.sha256(content).hexdigest() if content else None,
        }  # fmt: skip
        answer = self.ask("intake", facts.initiator, "SELECT cs.accept(%s, %s)", Jsonb(item), content)
        assert isinstance(answer, tuple), answer
        if case is None:
            case = Case(answer[0]["case_id"], key, str(item["queue"]), str(item["exception_type"]), [facts])
            self.model.cases[case.id] = case
        elif self._revised(case, facts):
            last = case.facts[-1]
            by_person = facts.initiator != "intake" and last.document is not None
            case.facts.append(replace(facts, beside=last.judged if by_person else ()))
            case.state = "queued"
        (revision,) = self.owner("SELECT revision FROM cs.cases WHERE tenant = %s AND id = %s", self.tenant, case.id)[0]
        self.note(f"facts of {key}: {facts}: revision {revision}")
        self.calls["accept"] += 1
        if revision != case.revision:
            raise Disagreement(f"revision {revision}, not {case.revision}\n" + "\n".join(self.trail))

    def _revised(self, case: Case, facts: Facts) -> bool:
        # What people have corrected since, the same document brings no news of.
        known = (case.facts[-1], next(one for one in reversed(case.facts) if not one.beside))
        same = (facts.amount, facts.currency, facts.iban) in [(one.amount, one.currency, one.iban) for one in known]
        on_its_way = [r for r in self.model.recs.values() if r.case is case and r.effect in ("leased",)]
        if same or on_its_way:
            return False
        for rec in self.model.recs.values():
            if rec.case is case and (rec.pending or (rec.state == "sent_back" and rec.returned_to)):
                self.model.supersede(rec)
        return True

    def file(self) -> None:
        """The agent files for the next case that waits; now and then something that is refused, first."""
        if not any(case.state == "queued" for case in self.model.cases.values()):
            self.accept()
        row = self.ask("agent", "agent", "SELECT id, case_id, fence FROM cs.claim_jobs('test', 1, 3600)")
        assert isinstance(row, tuple), row
        job, case_id, fence = row
        case = self.model.cases[case_id]
        assert case.state == "queued"
        payout = case.kind == "payout"
        actions = ["approve_payout"] if payout else ["release_payment", "release_payment", "hold_payment", MAIL]
        risk = self.rng.choice(["low", "normal", "normal", "high"])
        while True:
            action = self.rng.choice(actions)
            if self.rng.random() < 0.05:
                self._file(case, job, fence, self.rng.choice(["wait_until", "release_credit_hold"]), risk, None)
            if self._file(case, job, fence, action, risk, self.rng.choice([None] * 12 + ["7"])):
                return
            actions = ["approve_payout", "refer_to_person"] if payout else ["hold_payment", MAIL]

    def _file(self, case: Case, job: int, fence: int, action: str, risk: str, wrong: str | None) -> bool:
        facts = case.facts[-1]
        args = {
            "approve_payout": {"partner_id": "C-1"}, "release_payment": {"invoice_id": f"I-{case.key}"},
            "hold_payment": {"invoice_id": f"I-{case.key}", "reason": "odd"}, "refer_to_person": {"reason": "odd"},
            MAIL: {"supplier_id": facts.supplier or "", "invoice_number": case.key},
            "wait_until": {"date": "2030-01-01", "reason": "later"},
            "release_credit_hold": {"customer_id": "C-1", "reason": "odd"},
        }[action]  # fmt: skip
        if wrong and action in ("approve_payout", "release_payment"):
            args = {**args, "amount": wrong}
        to = self.model.emails[facts.supplier or ""] if action == MAIL else None
        draft = f'{{"to": "{to}", "subject": "s", "body": "b", "language": "en"}}' if to else "null"
        digest = self.owner(FACTS, self.tenant, case.id, case.revision)[0][0]
        expected = self._judge_filing(facts, action, args)
        proposed = Jsonb({"name": action, "args": args})
        answer = self.ask("agent", "agent", FILE, job, fence, proposed, digest, draft, risk)
        if not self.compare("file", expected, answer, f"{action} of {case.key} {facts} {risk}"):
            return False
        earlier = [r for r in self.model.recs.values() if r.case is case and r.revision == case.revision]
        self._stored(case, action, to, risk, "agent", {r.drafter for r in earlier})
        case.state = "awaiting_review"
        return True

    def _judge_filing(self, facts: Facts, action: str, args: Mapping[str, str]) -> Refusal | None:
        if action in ("release_payment", "approve_payout") and facts.amount is not None and facts.amount <= 0:
            return errors.NotPayable()
        if "amount" in args or (action == "release_credit_hold" and facts.customer is None):
            return errors.FactsMismatch()
        allowed = (
            {"approve_payout", "refer_to_person"}
            if facts.customer
            else {"release_payment", "hold_payment", MAIL, "refer_to_person"}
        )
        return None if action in allowed else errors.UnknownAction()

    def _stored(self, case: Case, action: str, to: str | None, risk: str, drafter: str, excluded: set[str]) -> Rec:
        """The recommendation as the database composed it, held against what the model would have composed."""
        model, facts = self.model, case.facts[-1]
        need: Need = model.need(facts, action, risk)
        excluded |= {drafter, *(one.initiator for one in case.facts)}
        row = self.owner(NEWEST, self.tenant, case.id)[0]
        rec = Rec(row[0], case, case.revision, action, to, row[1], model.version, model.bank_of(facts), risk, row[6],
                  gate.as_seats(need.seats), frozenset(excluded), drafter, need.rules)  # fmt: skip
        mine = (model.version, need.rules, timedelta(hours=need.hours), sorted(excluded), "awaiting_review")
        if (theirs := (*row[2:5], sorted(row[5]), row[7])) != mine:
            raise Disagreement(f"composed {theirs}, not {mine}\n" + "\n".join(self.trail))
        model.recs[rec.id] = rec
        self.same_seats(rec)
        return rec

    def same_seats(self, rec: Rec) -> None:
        found = [gate.Seat(*row) for row in self.owner(SEATS, self.tenant, rec.id)]
        if found != rec.seats:
            raise Disagreement(f"seats {found}, not {rec.seats}\n" + "\n".join(self.trail))


def rng_payout(rng: random.Random) -> bool:
    return rng.random() < 0.15

"""Whom each function of the law is for: the same call, by anybody else, is refused for who they are and for nothing else.

The scene is such that each call would go through (`test_…_by_whom_it_is_for` shows it), so only the demand stands in its way.
"""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

from dataclasses import dataclass

import pytest

from governance import errors
from tests.build import PEOPLE, World
from tests.governance.bypass.attempts import Attempt, Ground, Reason, Try, approved, because, leased, outcome, say
from tests.governance.bypass.test_sessions import ISSUER, linked
from tests.governance.mutate import guards

KEY = "q" * 42 + "0="
"""32 bytes in base64: of a signing key that nobody signs with."""


@dataclass(frozen=True, slots=True)
class Demand:
    """`call` is SQL as the login role `role`. `who` may do it; `others` are of the same kind and may not."""

    function: str
    role: str
    kind: str
    call: str
    what: str
    who: str
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.function}, {self.what}"

    def strangers(self) -> list[str]:
        """Actors of the other kinds, and of the same kind without the role."""
        return [*(one for one in ("agent", "service", "admin1") if PEOPLE[one][0] != self.kind), *self.others]

    def reason(self, by: str) -> Reason:
        kind = PEOPLE[by][0]
        if kind == self.kind:
            return because(errors.NotPermitted, f"your roles do not permit you to {self.what}")
        if self.kind == "person":
            # Of the two demands of `decide`, the first speaks to machines.
            what = "decide" if self.function == "decide" else self.what
            return because(errors.HumanRequired, f"only a person may {what}:")
        return because(errors.NotPermitted, f"a {kind} may not {self.what}")


def agents(function: str, arguments: str, what: str) -> Demand:
    return Demand(function, "agent", "agent", f"cs.{function}({arguments})", what, "agent", ())


def services(function: str, arguments: str, what: str) -> Demand:
    return Demand(function, "courier", "service", f"cs.{function}({arguments})", what, "courier", ())


def people(function: str, arguments: str, what: str, who: str, *others: str) -> Demand:
    return Demand(function, "review", "person", f"cs.{function}({arguments})", what, who, others)


CASE = "(SELECT id FROM cs.cases WHERE source_key = '{}')"
JOB = "(SELECT {} FROM cs.jobs WHERE state = 'leased')"
EFFECT = "(SELECT {} FROM cs.effects WHERE state = '{}')"
ABOUT = "(SELECT r.{} FROM cs.recommendations r JOIN cs.cases c ON c.id = r.case_id WHERE c.source_key = 'pending')"
FACTS = (
    "(SELECT facts_digest FROM cs.case_revisions WHERE case_id = (SELECT case_id FROM cs.jobs WHERE state = 'leased'))"
)
READ = (
    "(SELECT r.facts_digest FROM cs.case_revisions r JOIN cs.cases c ON c.id = r.case_id WHERE c.source_key = 'read')"
)
REFER = """'{"name": "refer_to_person", "args": {"reason": "unclear"}}'"""
LEASED = f"{EFFECT.format('recommendation_id', 'leased')}, {EFFECT.format('fence', 'leased')}"
ADMINISTRATORS = ("admin1", "analyst", "reviewer", "controller", "auditor", "ml_engineer")
DAY = "now(), now() + interval '1 day'"

DEMANDS = (
    people("add_actor", """'{"id": "newcomer", "kind": "person", "name": "N"}'""", "add users", *ADMINISTRATORS),
    people("set_active", "'intake', false", "switch users on or off", *ADMINISTRATORS),
    people("issue_key", "repeat('c', 64), 'intake', 'k', NULL", "issue keys for others", *ADMINISTRATORS),
    people("revoke_key", "(SELECT id FROM cs.credentials WHERE actor = 'intake')", "revoke keys of others", *ADMINISTRATORS),
    people("open_session", "repeat('d', 64), 5", "sign in", "reviewer"),
    Demand("open_identity_session", "review", "service", f"cs.open_identity_session(repeat('e', 64), '{ISSUER}', 'r-1', 5)", "vouch for an account", "service"),
    people("revoke_identity", f"'{ISSUER}', 'r-1'", "unlink accounts of others", "admin1", "analyst", "controller", "auditor"),
    people("revoke_identity_broker", f"'service', '{ISSUER}'", "end a broker", *ADMINISTRATORS),
    agents("claim_jobs", "'w', 5, 60", "claim triage work"),
    agents("renew_jobs", f"ARRAY[{JOB.format('id')}], ARRAY[{JOB.format('fence')}], 3600", "renew a lease"),
    agents("fail_job", f"{JOB.format('id')}, {JOB.format('fence')}, 'x', 0, 5", "fail a job"),
    people("requeue", CASE.format("dead"), "put a case back in the queue", "analyst", "auditor", "ml_engineer"),
    people("delegate", f"'reviewer2', 'controller', {DAY}", "delegate the role controller", "controller", "reviewer", "admin1"),
    people("revoke_delegation", "(SELECT min(id) FROM cs.delegations)", "revoke delegations of others", "admin1", "analyst", "controller"),
    people("set_absence", f"'analyst2', {DAY}", "say when others are away", "admin1", "analyst", "controller"),
    people("end_absence", "(SELECT id FROM cs.absences)", "say when others are back", "admin1", "analyst2", "controller"),
    agents("file", f"{JOB.format('id')}, {JOB.format('fence')}, {REFER}, {FACTS}, 'null', '{{}}', '{{}}', '{{}}', '{{}}', 'normal', 0.5", "file a recommendation"),
    agents("note_thread", f"{ABOUT.format('id')}, 't', 'i', 'g'", "note a thread"),
    agents("remember", f"{CASE.format('pending')}, 1, array_fill(0.1, ARRAY[384])::vector", "remember a case"),
    agents("sharing", "'{1}', '{1}', '{9}', '{50}', '{4}', 10", "look for twins"),
    agents("latest_sharing", "'{1}', 10", "look for twins"),
    agents("users_of", "'{1}', 10", "look for twins"),
    agents("stale_bills", "1, 10", "make keys again"),
    agents("rekey", "1, '[]'", "make keys again"),
    agents("remember_bills", "'[]'", "remember what bills are for"),
    agents("recall", "'{c}', '{accounts_payable}', '{invoice_received}', ARRAY[array_fill(0.1, ARRAY[384])::vector::text], 3", "recall precedents"),
    agents("routes", "'{accounts_payable}', '{invoice_received}', 5", "recall routes"),
    agents("reserve_tokens", f"{CASE.format('pending')}, 10, 100, 1000", "ask a language model"),
    agents("settle_tokens", f"{CASE.format('pending')}, 10, 5", "ask a language model"),
    agents("seats_asked", f"ARRAY[{CASE.format('pending')}], '{{1}}'", "ask what the matrix demands"),
    people("decide", f"{ABOUT.format('id')}, 'approve', {ABOUT.format('digest')}, NULL, 'reviewer'", "decide", "analyst2"),
    people("decide", f"{ABOUT.format('id')}, 'approve', {ABOUT.format('digest')}", "approve", "reviewer", "analyst", "auditor", "ml_engineer"),
    people("decide", f"{ABOUT.format('id')}, 'escalate', {ABOUT.format('digest')}", "escalate", "analyst", "admin1", "auditor", "ml_engineer"),
    people("propose_change", """'retention', '*', '{"days": "3650"}', 'needed'""", "propose a change of for how many days closed cases are kept", "controller", "analyst", "reviewer", "auditor"),
    people("revoke_signing_key", "(SELECT id FROM cs.signing_keys)", "revoke signing keys of others", "admin1", "analyst", "controller", "auditor"),
    people("correct", f"{CASE.format('read')}, {READ}, '{{\"invoice_number\": \"R-1\"}}'", "correct what was read", "analyst", "auditor", "ml_engineer"),
    people("facts_if_corrected", f"{CASE.format('read')}, '{{\"invoice_number\": \"R-1\"}}'", "correct what was read", "analyst", "auditor", "ml_engineer"),
    services("signatures", ABOUT.format("id"), "read signatures"),
    people("recorded", "'EUR', 10", "replay a policy", "auditor", "analyst"),
    services("claim_effects", "'w', 5, 60", "deliver effects"),
    services("letter_to", LEASED, "deliver effects"),
    services("execute", LEASED, "deliver effects"),
    services("settle", f"{LEASED}, 'retry', 'x'", "settle effects"),
    people("confirm", "(SELECT recommendation_id FROM cs.effects WHERE state = 'manual'), 'done', 'x'", "confirm what became of an effect", "analyst", "admin1", "auditor", "ml_engineer"),
    services("tick", "5", "run the clock"),
    services("add_checkpoint", "1, 'note'", "file checkpoints"),
    services("erasures_for", "'elsewhere', 5", "follow erasures"),
    services("erased_in", "'elsewhere', '{1}'", "follow erasures"),
    agents("observe", f"""{ABOUT.format('id')}, '{{"started_at": null, "spans": []}}'""", "report a triage run"),
    agents("note_scores", "'[]'", "note what a model saw"),
    agents("note_reference", """'sha256:' || repeat('a', 64), '{"edges": [], "shares": [], "rows": 1}'""", "note what a model was trained on"),
    services("monitor_due", "", "judge a model"),
    services("risk_outcomes", "'x', current_date, current_date", "judge a model"),
    services("portfolio_outcomes", "current_date, current_date", "judge a model"),
    services("note_monitor", "'x', '{}', '[]', NULL, NULL, 28", "judge a model"),
    services("claim_observations", "5, 60", "send observations"),
    services("settle_observations", "'{1}', '{1}', 'sent', '{x}', 0", "settle observations"),
    services("first_champion", "'risk', 'sha256:' || repeat('a', 64)", "set the first champion"),
)  # fmt: skip

REFUSED = {f"{one} as {by}": (one, by) for one in DEMANDS for by in one.strangers()}


def stands_for_the_reviewer(acme: World, *people: str) -> None:
    for one in people:
        acme.scalar(
            "INSERT INTO cs.delegations (tenant, from_actor, to_actor, role, starts_at, ends_at, queues, entities)"
            " VALUES (%s, 'reviewer', %s, 'reviewer', now(), now() + interval '1 day', '{*}', '{*}') RETURNING id",
            acme.tenant,
            one,
        )


@pytest.fixture(scope="module")
def scene(ground: Ground) -> World:
    """A tenant where every call has what it asks for. Delegations to machines and brokers that are none were forged."""
    acme = ground.fresh()
    linked(acme)
    acme.enact("reviewer", "signing_key", "reviewer", {"public_key": KEY})
    stands_for_the_reviewer(acme, "analyst2", "service", "agent")
    for who in ("agent", "admin1"):
        acme.scalar(
            "INSERT INTO cs.identity_brokers (tenant, actor, issuer, recommendation_id) VALUES (%s, %s, %s, %s) RETURNING 1",
            acme.tenant, who, ISSUER, f"forged for {who}",
        )  # fmt: skip
    say(acme, "review", "analyst", f"SELECT cs.set_absence('analyst', {DAY})")
    acme.carry_out(approved(acme, source_key="task", invoice_id="INV-2"), "manual")
    acme.filed(source_key="pending", invoice_id="INV-3")
    leased(acme, approved(acme, source_key="leaves", invoice_id="INV-4"))
    approved(acme, source_key="ready", invoice_id="INV-5")
    acme.scalar(
        "UPDATE cs.effects SET available_at = now() WHERE tenant = %s AND state = 'ready' RETURNING 1", acme.tenant
    )
    for key in ("dead", "job", "queued"):
        acme.accept(source_key=key, invoice_id=f"INV-{key}")
    (dead, _) = acme.claim(2, 3600)
    say(acme, "agent", "agent", ("SELECT cs.fail_job(%s, %s, 'x', 0, 0)", (dead.id, dead.fence)))
    acme.accept(source_key="read", invoice_id="INV-read", content=b"<read/>")
    return acme


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_else_may(ground: Ground, scene: World, name: str) -> None:
    demand, by = REFUSED[name]

    def prepare(acme: World) -> Try:
        return lambda: say(acme, demand.role, by, f"SELECT {demand.call}")

    ground.run(Attempt(name, prepare, demand.reason(by)), scene)


@pytest.mark.parametrize("demand", DEMANDS, ids=str)
def test_the_same_call_goes_through_by_whom_it_is_for(scene: World, demand: Demand) -> None:
    statements = ("SAVEPOINT before", f"SELECT {demand.call}", "ROLLBACK TO SAVEPOINT before")
    assert outcome(lambda: say(scene, demand.role, demand.who, *statements)) == ("", None)


def test_every_function_that_demands_somebody_is_tried() -> None:
    assert {one.function for one in DEMANDS} == {one.function for one in guards() if one.kind == "demand on the caller"}

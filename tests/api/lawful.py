"""A tenant on which everything that the law knows has happened, for tests of its evidence."""

# ruff: noqa: E501  (statements stand on one line, as in governance/record/schema)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.evidence import build_bundle
from governance.action import Action
from governance.actor import ActorKind
from governance.chain import Checkpoint, origin, public_key_text, sign_checkpoint
from governance.decision import signed_statement
from governance.matrix import Policy
from governance.policy import compile_policy
from governance.record import accounts, changes, ledger, queue, standing
from governance.record.db import Database
from governance.signature import sign_statement
from tests.build import World, letter, world

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key()
DAY = timedelta(days=1)


def own_key(who: str) -> Ed25519PrivateKey:
    """The signing key of one person."""
    return Ed25519PrivateKey.from_private_bytes(who.encode().ljust(32, b"."))


def policy(local: str = "") -> Policy:
    """The standard policy without an undo window, and `local` rules."""
    folder = resources.files("governance") / "policies" / "standard"
    matrix, workflows = ((folder / name).read_text("utf-8") for name in ("matrix.toml", "workflows.toml"))
    return compile_policy(matrix.replace("undo_seconds = 2", "undo_seconds = 0"), workflows, [local] if local else [])


@dataclass
class Lawful:
    """`cases`: name of what happened → case id."""

    made: World
    home: Path
    cases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, database: Database, home: Path) -> Lawful:
        return cls(world(database, policy=policy()), home)

    def payment(self, key: str, amount: str = "1200.00", **item: Any) -> dict[str, Any]:
        """A filed release of a payment: one reviewer and one controller, who must open the document."""
        self.made.accept(amount=amount, source_key=key, exception_type="invoice_received", **item)
        (job,) = self.made.claim(1)
        with self.made.database.transaction("agent", self.made.tokens["agent"]) as conn:
            digest = queue.briefs(conn, [job])[0].facts_digest
        proposal = letter(
            digest, action=Action("release_payment", {"invoice_id": item.get("invoice_id", "INV-1")}), draft=None
        )
        return self.made.recommendation(self.made.file(job, proposal).recommendation_id)

    def approve(self, row: Mapping[str, Any], *people: str, sign: bool = False, **values: Any) -> None:
        for who in people:
            self.made.opened(who, row)
            if sign:
                statement = signed_statement("acme", row["id"], row["digest"])
                values["signature"] = sign_statement(statement, own_key(who))
            self.made.decide(who, dict(row), "approve", **values)

    def delegate(self, giver: str, taker: str, role: str, **scope: Any) -> int:
        now = datetime.now(UTC)
        with self.made.database.transaction("review", self.made.tokens[giver]) as conn:
            return standing.delegate(conn, taker, role, now - DAY, now + 5 * DAY, **scope)

    def away(self, who: str) -> int:
        now = datetime.now(UTC)
        with self.made.database.transaction("review", self.made.tokens[who]) as conn:
            return standing.set_absence(conn, who, now - DAY, now + 5 * DAY)

    def register(self, who: str) -> dict[str, Any]:
        public = public_key_text(own_key(who).public_key())
        controller = "controller2" if who == "controller" else "controller"
        return self.made.enact(who, "signing_key", who, {"public_key": public}, (controller, "admin2"))

    def hire(self, who: str, role: str) -> dict[str, Any]:
        """A new user, and the governed change that gives them a role."""
        with self.made.database.transaction("review", self.made.tokens["admin1"]) as conn:
            accounts.add(conn, who, kind=ActorKind.PERSON, name=who, email=None, roles=[], key=f"{who}-key")
        self.made.tokens[who] = f"{who}-key"
        return self.made.enact("admin1", "roles", who, {"roles": [role], "active": True})

    def sign(self) -> None:
        Clock(self.made.database, self.made.tokens["courier"], KEY, KeptCheckpoints(self.home)).sign()

    def bundle(self, name: str, **options: Any) -> str:
        """The bundle of a case by what happened to it, or by its id."""
        with self.made.database.transaction("audit", self.made.tokens["auditor"]) as conn:
            return build_bundle(conn, "acme", self.cases.get(name, name), PUBLIC, **options)


def eventful(database: Database, home: Path) -> Lawful:
    """Delegation, stand-in, total, signature, new policy, roles, recovery, erasure, in one ledger that is signed."""
    told = Lawful.on(database, home)
    made = told.made
    told.hire("controller2", "controller")
    row = told.payment("delegated", content=b"<xml/>")
    number = told.delegate("controller", "reviewer2", "controller", queues=["accounts_payable"], amount_below=5000)
    told.approve(row, "reviewer")
    told.approve(row, "reviewer2", acting_for="controller", comment="for the controller, who knows")
    made.carry_out(row)
    told.cases["delegated"] = row["case_id"]
    with made.database.transaction("review", made.tokens["controller"]) as conn:
        standing.revoke_delegation(conn, number)

    other = told.payment("split a", "30000.00", invoice_id="INV-2")
    split = told.payment("split b", "30000.00", invoice_id="INV-3")
    told.approve(other, "reviewer", "controller")
    told.approve(split, "reviewer", "controller", "reviewer2")
    made.carry_out(split)
    half = told.payment("split c", "100.00", invoice_id="INV-4", supplier_id=None)
    told.approve(half, "reviewer")
    told.cases |= {"split": split["case_id"], "half": half["case_id"], "first": other["case_id"]}

    for who in ("reviewer", "reviewer2", "controller"):
        key = told.register(who)
        told.cases["key"] = key["case_id"]
    large = told.payment("signed", "2000000.00", invoice_id="INV-5")
    told.approve(large, "reviewer", "reviewer2", "controller", sign=True)
    made.carry_out(large)
    told.cases["signed"] = large["case_id"]
    with made.database.transaction("review", made.tokens["reviewer2"]) as conn:
        changes.revoke_signing_key(conn, made.scalar("SELECT id FROM cs.signing_keys WHERE actor = 'reviewer2'"))

    covered = told.payment("covered", invoice_id="INV-6", supplier_id=None, customer_id="C-1")
    told.approve(covered, "reviewer")
    told.away("controller2")
    absence = told.away("controller")
    told.approve(covered, "admin1")
    made.carry_out(covered)
    with made.database.transaction("review", made.tokens["controller"]) as conn:
        standing.end_absence(conn, absence)
    told.cases["covered"] = covered["case_id"]

    pending = made.filed(source_key="regated")
    stricter = policy('[[rule]]\nid = "X-1"\nactions = ["request_purchase_order"]\nseats = { controller = 1 }\n')
    changed = made.enact("admin1", "policy", stricter.name, {"policy": stricter.text, "source": stricter.source})
    again = made.recommendation(
        str(
            made.scalar(
                "SELECT id FROM cs.recommendations WHERE case_id = %s AND state = 'awaiting_review'", pending["case_id"]
            )
        )
    )
    with made.database.transaction("review", made.tokens["admin1"]) as conn:
        accounts.set_active(conn, "analyst2", False)
    roles = made.enact("admin1", "roles", "analyst2", {"roles": ["controller"], "active": True})
    told.approve(again, "reviewer", "analyst2")
    made.carry_out(again)
    told.cases |= {"regated": pending["case_id"], "policy": changed["case_id"], "roles": roles["case_id"]}

    gone = made.filed(source_key="gone", content=b"<gone/>")
    told.approve(gone, "reviewer", "controller", comment="ask Mrs Smith")
    made.carry_out(gone)
    erasure = made.enact("admin1", "erasure", f"case:{gone['case_id']}", {})
    told.cases |= {"gone": gone["case_id"], "erasure": erasure["case_id"]}
    told.sign()
    return told


REWRITE = """
DO $$
DECLARE line record; before text := repeat('0', 64); body jsonb;
BEGIN
    FOR line IN SELECT * FROM cs.ledger WHERE tenant = 'acme' ORDER BY seq LOOP
        body := jsonb_set(line.entry::jsonb, '{prev}', to_jsonb(before));
        %s
        UPDATE cs.ledger SET entry = cs._canon(body), hash = cs._sha256(E'countersign/ledger/v1\\n' || cs._canon(body)) WHERE tenant = 'acme' AND seq = line.seq
        RETURNING hash INTO before;
    END LOOP;
    UPDATE cs.ledger_heads SET hash = before WHERE tenant = 'acme';
    DELETE FROM cs.checkpoints WHERE tenant = 'acme';
END $$
"""


def lawless(told: Lawful, name: str, rewrite: str, *statements: str) -> str:
    """The bundle of a case as the owner of a database that never had the law would sign it; nothing stays changed."""
    with told.made.database.transaction("owner") as conn, conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            assert conn.execute(statement.encode()).rowcount != 0, "the test changes nothing"
        conn.execute((REWRITE % rewrite).encode())
        ledger.as_owner(conn)
        size = ledger.head(conn, "acme")
        note = sign_checkpoint(Checkpoint(origin("acme"), size, ledger.root_at(conn, "acme", size)), KEY)
        conn.execute("INSERT INTO cs.checkpoints (tenant, size, note) VALUES ('acme', %s, %s)", (size, note))
        return build_bundle(conn, "acme", told.cases[name], PUBLIC)

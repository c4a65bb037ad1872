"""Builders that tests share: a tenant with its people, a case, a filed recommendation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from governance.action import Action
from governance.matrix import Policy
from governance.policy import standard_policy
from governance.recommendation import Draft, Proposal
from governance.record import changes, outbox, queue, review, standing
from governance.record.db import Database

PEOPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "analyst": ("person", ("analyst",)),
    "analyst2": ("person", ("analyst",)),
    "reviewer": ("person", ("reviewer",)),
    "reviewer2": ("person", ("reviewer",)),
    "controller": ("person", ("controller",)),
    "auditor": ("person", ("auditor",)),
    "ml_engineer": ("person", ("ml_engineer",)),
    "admin1": ("person", ("administrator",)),
    "admin2": ("person", ("administrator",)),
    "service": ("service", ("service",)),
    "intake": ("service", ("service",)),
    "courier": ("service", ("service",)),
    "agent": ("agent", ()),
}


@dataclass
class World:
    """One tenant on one database. `tokens` maps each actor of PEOPLE to its key."""

    database: Database
    tenant: str
    tokens: dict[str, str] = field(default_factory=dict)

    def accept(self, *, by: str = "intake", content: bytes | None = None, **item: Any) -> dict[str, Any]:
        """Bring in one case; defaults are an invoice of 1,200 EUR from supplier S-1."""
        base: dict[str, Any] = {
            "name": "invoice.xml",
            "source_key": "key-1",
            "queue": "accounts_payable",
            "exception_type": "missing_order_reference",
            "title": "Invoice 2026-1",
            "document_class": "invoice",
            "amount": "1200.00",
            "currency": "EUR",
            "entity": "DE01",
            "region": "EU",
            "supplier_id": "S-1",
            "invoice_id": "INV-1",
            "reading": {"fields": {"invoice_number": "2026-1"}},
            "details": {},
        }
        base.update(item)
        if content is not None:
            base["document_sha256"] = hashlib.sha256(content).hexdigest()
            base.setdefault("media_type", "application/xml")
        with self.database.transaction("intake", self.tokens[by]) as conn:
            row = conn.execute("SELECT cs.accept(%s, %s)", (Jsonb(base), content)).fetchone()
        assert row is not None
        result: dict[str, Any] = row[0]
        return result

    def import_books(self, kind: str, rows: list[dict[str, Any]], by: str = "intake") -> None:
        with self.database.transaction("intake", self.tokens[by]) as conn:
            conn.execute("SELECT cs.import_books(%s, %s, 'test')", (kind, Jsonb(rows)))

    def claim(self, most: int = 10, lease_seconds: int = 60) -> list[queue.Job]:
        with self.database.transaction("agent", self.tokens["agent"]) as conn:
            return queue.claim(conn, "test-worker", most, lease_seconds)

    def file(self, job: queue.Job, proposal: Proposal | None = None, **changes: Any) -> review.Filed:
        """File a proposal for a leased job: a letter that asks for the purchase order unless told otherwise."""
        with self.database.transaction("agent", self.tokens["agent"]) as conn:
            if proposal is None:
                brief = queue.briefs(conn, [job])[0]
                proposal = letter(brief.facts_digest, **changes)
            return review.file(conn, job, proposal)

    def filed(self, proposal: Proposal | None = None, **item: Any) -> dict[str, Any]:
        """A case with its pending recommendation, as `review.get` reads it."""
        self.accept(**item)
        job = self.claim(1)[0]
        return self.recommendation(self.file(job, proposal).recommendation_id)

    def recommendation(self, recommendation_id: str, by: str = "auditor") -> dict[str, Any]:
        with self.database.transaction("review", self.tokens[by]) as conn:
            return review.get(conn, recommendation_id)

    def decide(self, by: str, recommendation: dict[str, Any], verb: str, **values: Any) -> dict[str, Any]:
        """Call the database's `decide` as it is, without the polite checks of governance.decision."""
        values.setdefault("digest", recommendation["digest"])
        names = ("digest", "seat", "acting_for", "reason_code", "comment", "action", "draft", "signature")
        args = [
            Jsonb(values[n]) if n in ("action", "draft") and values.get(n) is not None else values.get(n) for n in names
        ]
        with self.database.transaction("review", self.tokens[by]) as conn:
            row = conn.execute(
                "SELECT cs.decide(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", [recommendation["id"], verb, *args]
            ).fetchone()
        assert row is not None
        result: dict[str, Any] = row[0]
        return result

    def opened(self, by: str, row: Mapping[str, Any], *what: str) -> None:
        """The person opens the case and its document, unless told otherwise."""
        with self.database.transaction("review", self.tokens[by]) as conn:
            for one in what or ("case", "document"):
                standing.opened(conn, row["case_id"], one)

    def propose(
        self, by: str, kind: str, subject: str, content: Mapping[str, Any], why: str = "needed"
    ) -> dict[str, Any]:
        """A governed change as `review.get` reads it."""
        with self.database.transaction("review", self.tokens[by]) as conn:
            made = changes.propose(conn, kind, subject, content, why)
        return self.recommendation(made["recommendation_id"])

    def enact(
        self,
        by: str,
        kind: str,
        subject: str,
        content: Mapping[str, Any],
        signers: Sequence[str] = ("controller", "admin2"),
    ) -> dict[str, Any]:
        """Propose, sign and apply a change; the recommendation after it."""
        row = self.propose(by, kind, subject, content)
        for signer in signers:
            self.decide(signer, row, "approve")
        self.carry_out(row)
        return self.recommendation(row["id"])

    def carry_out(self, row: Mapping[str, Any], outcome: str = "sent") -> dict[str, Any]:
        """Deliver the effect of one approved recommendation now, as a courier; what `execute` gave."""
        self.scalar(
            "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
            row["id"],
        )
        token = self.tokens["courier"]
        with self.database.transaction("courier", token) as conn:
            (effect,) = [one for one in outbox.claim(conn, "test", 1, 60) if one.recommendation_id == row["id"]]
        with self.database.transaction("courier", token) as conn:
            done = outbox.execute(conn, effect)
        if "applied" not in done:
            with self.database.transaction("courier", token) as conn:
                outbox.settle(conn, effect, outcome, "test")
        return dict(done)

    def tick(self) -> dict[str, Any]:
        with self.database.transaction("courier", self.tokens["courier"]) as conn:
            return outbox.tick(conn)

    def scalar(self, query: str, *args: Any, role: str = "owner") -> Any:
        """One value by the owner, past every wall: for looking, and for tampering on purpose."""
        with self.database.transaction(role) as conn:
            row = conn.execute(query.encode(), args).fetchone()
        return None if row is None else row[0]


HASHED = "'sha256:' || cs._sha256(E'countersign/recipient/v1\\n' || salt || E'\\n' || address)"


def recipients_named(made: World, what: str) -> None:
    """From now on the database's envelopes name their recipient so: SQL over `salt` and `address`.

    `address` is what older programs wrote; HASHED is what this one writes.
    """
    with made.database.transaction("owner") as conn:
        conn.execute(
            "CREATE OR REPLACE FUNCTION cs._recipient(salt text, address text) RETURNS text LANGUAGE sql STABLE"
            f" SET search_path = cs, pg_temp AS $$ SELECT {what} $$".encode()
        )


def letter(facts_digest: str, **changes: Any) -> Proposal:
    """A proposal to ask supplier S-1 for the purchase order."""
    values: dict[str, Any] = {
        "action": Action("request_purchase_order", {"supplier_id": "S-1", "invoice_number": "2026-1"}),
        "facts_digest": facts_digest,
        "draft": Draft("ap@supplier.example", "Purchase order for invoice 2026-1", "Please send it.", "en"),
        "findings": {"cause": {"primary": "missing_order_reference"}},
        "evidence": {"document": "2026-1"},
        "stamps": {"agent": "test"},
    }
    values.update(changes)
    if values["draft"] is not None:
        values["stamps"] = {"template": values["action"].name, **values["stamps"]}
    return Proposal(**values)


def genesis(database: Database, tenant: str, policy: Policy | None = None) -> World:
    """A tenant with every actor of PEOPLE, made by the one function that may."""
    policy = policy or standard_policy()
    world = World(database, tenant, {name: f"{tenant}-{name}-token" for name in PEOPLE})
    people = [
        {
            "id": name,
            "kind": kind,
            "name": name.title(),
            "roles": list(roles),
            "token_sha256": hashlib.sha256(world.tokens[name].encode()).hexdigest(),
        }
        for name, (kind, roles) in PEOPLE.items()
    ]
    with database.transaction("owner") as conn:
        conn.execute(
            "SELECT cs.genesis(%s, %s, 'EU', %s, %s, %s)",
            (tenant, tenant.title(), Jsonb(people), policy.text, policy.source),
        )
    return world


def world(database: Database, tenant: str = "acme", policy: Policy | None = None) -> World:
    """A tenant with people, policy and a small set of books."""
    made = genesis(database, tenant, policy)
    made.import_books("entities", [{"id": "DE01", "name": "Acme GmbH", "country": "DE", "region": "EU"}])
    made.import_books(
        "suppliers", [{"id": "S-1", "name": "Supplier One", "email": "ap@supplier.example", "language": "en"}]
    )
    made.import_books(
        "customers", [{"id": "C-1", "name": "Customer One", "email": "pay@customer.example", "language": "en"}]
    )
    made.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "DE02120300000000202051"}]
    )
    return made

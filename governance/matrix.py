"""The approval matrix and workflow templates of a policy, as values and as the canonical rows that are digested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from governance.chain import canonical, sha256_hex
from governance.plan import NO_PLAN, Plan, plan_from_row

POLICY_TAG = "countersign/policy/v1\n"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the approval matrix. `amount_below` None = no upper end; bands are in the policy's currency."""

    id: str
    actions: tuple[str, ...]
    amount_from: Decimal
    amount_below: Decimal | None
    risk_from: str
    entities: tuple[str, ...]
    regions: tuple[str, ...]
    seats: Mapping[str, int]
    expires_hours: int
    evidence: tuple[str, ...] = ()
    bulk: bool = False
    window_days: int | None = None
    """The band is of the total to one payee in so many days; payees that share a bank account are one."""
    signature: bool = False
    """Every signer of the tier adds a signature of a key of their own."""

    def as_row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "actions": sorted(self.actions),
            "amount_from": str(self.amount_from),
            "amount_below": None if self.amount_below is None else str(self.amount_below),
            "risk_from": self.risk_from,
            "entities": sorted(self.entities),
            "regions": sorted(self.regions),
            "seats": dict(self.seats),
            "expires_hours": self.expires_hours,
            "evidence": sorted(self.evidence),
            "bulk": self.bulk,
            "window_days": self.window_days,
            "signature": self.signature,
        }


@dataclass(frozen=True, slots=True)
class Workflow:
    """One exception type of one queue: who owns it, by when, and which actions may be proposed.

    `calendar`: `working` counts the hours of working days only, by the calendar of the case's entity; `always` counts
    every hour. `letters`: the templates that its letters may use; empty, those of its actions. `plan`: cause and steps
    as data; empty where the agent's own rules know the type.
    """

    queue: str
    exception_type: str
    owner: str
    sla_hours: int
    actions: tuple[str, ...]
    calendar: str = "always"
    letters: tuple[str, ...] = ()
    plan: Plan = NO_PLAN

    def as_row(self) -> dict[str, Any]:
        """What is not said is left out, so that an older policy keeps its digest."""
        row: dict[str, Any] = {
            "queue": self.queue,
            "exception_type": self.exception_type,
            "owner": self.owner,
            "sla_hours": self.sla_hours,
            "actions": sorted(self.actions),
        }
        if self.calendar != "always":
            row["calendar"] = self.calendar
        if self.letters:
            row["letters"] = sorted(self.letters)
        if self.plan != NO_PLAN:
            row["plan"] = self.plan.as_row()
        return row


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the rules, with a named owner."""

    name: str
    owner: str
    currency: str
    undo_seconds: int
    rules: tuple[Rule, ...]
    workflows: tuple[Workflow, ...]
    modes: Mapping[str, str]
    source: str
    cover: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which roles stand in for a seat's role while every holder of it is away."""

    def rows(self) -> dict[str, Any]:
        """The canonical form that the digest covers and the database stores."""
        return {
            "name": self.name,
            "owner": self.owner,
            "currency": self.currency,
            "undo_seconds": self.undo_seconds,
            "rules": [rule.as_row() for rule in sorted(self.rules, key=lambda rule: rule.id)],
            "workflows": [
                flow.as_row() for flow in sorted(self.workflows, key=lambda flow: (flow.queue, flow.exception_type))
            ],
            "modes": dict(self.modes),
            "cover": {role: sorted(roles) for role, roles in self.cover.items()},
        }

    @property
    def text(self) -> str:
        return canonical(self.rows())

    @property
    def digest(self) -> str:
        return "sha256:" + sha256_hex(POLICY_TAG + self.text)


def policy_from_rows(rows: Mapping[str, Any]) -> Policy:
    """A policy as the record keeps it (`Policy.rows`), older rows included; its source is not among them."""
    return Policy(
        name=rows["name"],
        owner=rows["owner"],
        currency=rows["currency"],
        undo_seconds=rows["undo_seconds"],
        rules=tuple(_rule_from_row(row) for row in rows["rules"]),
        workflows=tuple(
            Workflow(
                row["queue"],
                row["exception_type"],
                row["owner"],
                row["sla_hours"],
                tuple(row["actions"]),
                row.get("calendar", "always"),
                tuple(row.get("letters", ())),
                plan_from_row(row.get("plan", {})),
            )
            for row in rows["workflows"]
        ),
        modes=rows["modes"],
        source="",
        cover={role: tuple(names) for role, names in rows.get("cover", {}).items()},
    )


def _rule_from_row(row: Mapping[str, Any]) -> Rule:
    return Rule(
        id=row["id"],
        actions=tuple(row["actions"]),
        amount_from=Decimal(row["amount_from"]),
        amount_below=None if row["amount_below"] is None else Decimal(row["amount_below"]),
        risk_from=row["risk_from"],
        entities=tuple(row["entities"]),
        regions=tuple(row["regions"]),
        seats=row["seats"],
        expires_hours=row["expires_hours"],
        evidence=tuple(row["evidence"]),
        bulk=row["bulk"],
        window_days=row.get("window_days"),
        signature=row.get("signature", False),
    )

"""What a seat hangs on besides the matrix, read once a page, so that what is offered agrees with the database's law."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from governance import gate
from governance.actor import Absence, Actor, ActorKind, Delegation
from governance.recommendation import RecommendationState
from governance.record import people, standing, worklist
from governance.record.db import Connection

GOVERNANCE = "governance"
"""The queue of governed changes."""


def is_change(record: Mapping[str, Any]) -> bool:
    """Whether a recommendation, or a row of the worklist, is a governed change."""
    return bool(record["queue"] == GOVERNANCE)


@dataclass(frozen=True, slots=True)
class Signing:
    """One way in which this person may sign: a seat, for whom, and as what where they only stand in."""

    role: str
    acting_for: str | None
    stands_in_as: str | None

    @property
    def value(self) -> str:
        """As a form carries it."""
        return f"{self.role}|{self.acting_for}" if self.acting_for else self.role


@dataclass(frozen=True, slots=True)
class Law:
    """People, delegations to `me`, absences and the active policy. `rules`: id → canonical row."""

    me: Actor
    people: Mapping[str, Actor]
    delegations: tuple[Delegation, ...]
    absences: tuple[Absence, ...]
    version: int
    currency: str
    cover: Mapping[str, Collection[str]]
    rules: Mapping[str, Mapping[str, Any]]
    switched_off: tuple[tuple[str, str], ...]
    """(whom, by whom) of those whom `me` switched off."""

    def standing(self, row: Mapping[str, Any], seats: Sequence[Mapping[str, Any]], **more: Any) -> gate.Standing:
        """`row` with state, digest, expires_at, excluded, queue and entity; `more`: what else the caller knows."""
        return gate.Standing(
            state=RecommendationState(row["state"]),
            digest=row["digest"],
            expires_at=row["expires_at"],
            seats=[gate.Seat(seat["role"], seat["filled_by"], seat.get("acting_for")) for seat in seats],
            excluded=frozenset(row["excluded"]),
            people=self.people,
            delegations=self.delegations,
            absences=self.absences,
            cover=self.cover,
            switched_off=self.switched_off,
            queue=row["queue"],
            entity=row["entity"],
            **more,
        )

    def signings(self, standing: gate.Standing, now: datetime) -> tuple[Signing, ...]:
        """Every seat that could be taken now, first for oneself; evidence and signatures are another question."""
        bare = replace(standing, evidence=frozenset())
        roles = dict.fromkeys(seat.role for seat in standing.seats if seat.filled_by is None)
        givers = dict.fromkeys(one.from_actor for one in self.delegations if one.starts_at <= now < one.ends_at)
        found = []
        for person in (None, *givers):
            for role in roles:
                asked = gate.Asked(standing.digest, role, person, signed=True)
                seat = gate.judge_approval(bare, self.me, asked, now)
                if isinstance(seat, gate.Seat):
                    found.append(Signing(role, seat.acting_for, seat.stands_in_as))
        return tuple(found)


def read(conn: Connection, me: Actor, actors: Sequence[Mapping[str, Any]]) -> Law:
    """`actors`: rows of people.actors."""
    policy = people.active_policy(conn)
    rows = json.loads(policy["canon"]) if policy else {}
    return Law(
        me=me,
        people={
            one["id"]: Actor(
                me.tenant, one["id"], ActorKind(one["kind"]), one["name"], frozenset(one["roles"]), one["active"]
            )
            for one in actors
        },
        delegations=tuple(
            Delegation(
                one["from_actor"], one["to_actor"], one["role"], one["starts_at"], one["ends_at"],
                frozenset(one["queues"]), frozenset(one["entities"]), one["amount_below"],
            )
            for one in standing.delegations(conn)
            if one["to_actor"] == me.id
        ),
        absences=tuple(
            Absence(one["actor"], one["set_by"], one["starts_at"], one["ends_at"]) for one in standing.absences(conn)
        ),
        version=policy["version"] if policy else 0,
        currency=policy["currency"] if policy else "",
        cover=rows.get("cover", {}),
        rules={rule["id"]: rule for rule in rows.get("rules", ())},
        switched_off=tuple((one, me.id) for one in worklist.switched_off(conn, me.id)),
    )  # fmt: skip


def of_item(conn: Connection, law: Law, record: Mapping[str, Any]) -> gate.Standing:
    """One recommendation (api.shapes) with what policy demands of who signs it: one more question to the record.

    The rules are those of the filing: what was approved for the payee meanwhile may ask for more.
    """
    hangs_on = worklist.hangs_on(conn, record["id"], law.me.id, law.currency)
    rules = [law.rules[name] for name in record["policy"]["rules"] if name in law.rules]
    evidence = {what for rule in rules for what in rule["evidence"]}
    if record["document"]["sha256"] is None and "document" in evidence:
        # Where there is no document, the facts themselves are what can be opened.
        evidence = evidence - {"document"} | {"case"}
    return law.standing(
        {**record, "entity": record["facts"]["entity"]},
        record["required_seats"],
        amount=hangs_on["worth"],
        evidence=frozenset(evidence),
        opened={law.me.id: frozenset(hangs_on["opened"])},
        signature=any(rule.get("signature") for rule in rules),
        payee_changed=hangs_on["payee_changed"],
        policy_changed=record["policy"]["version"] != law.version,
    )


def of_row(law: Law, row: Mapping[str, Any]) -> gate.Standing:
    """One row of the worklist, for whether it is this person's to sign: nothing more is read."""
    known: Decimal | None = row["amount"] if row["currency"] == law.currency else None
    return law.standing(row, row["seats"] or [], amount=known)

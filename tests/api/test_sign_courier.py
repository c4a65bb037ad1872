"""A signature that its signer did not make over exactly this lets nothing out, whoever stored it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.delivery.connector import Outcome
from api.delivery.courier import Delivery
from governance import errors
from governance.chain import public_key_text
from governance.decision import signed_statement
from governance.matrix import Policy
from governance.policy import compile_policy
from governance.record import changes, queue
from governance.record.db import Database
from governance.record.outbox import Effect
from governance.signature import sign_statement
from tests.api.post import courier, effect_state, outcomes
from tests.build import World, letter, world

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
SIGNED = """
[[rule]]
id = "X-1 signed"
actions = ["request_purchase_order", "route_for_approval", "wait_until", "change_memory"]
seats = { reviewer = 1 }
signature = true
"""


def policy() -> Policy:
    """The standard policy where one reviewer's signature is on everything that is tried here, and nothing is undone."""
    from dataclasses import replace
    from importlib import resources

    folder = resources.files("governance") / "policies" / "standard"
    matrix, workflows = ((folder / name).read_text("utf-8") for name in ("matrix.toml", "workflows.toml"))
    return replace(compile_policy(matrix, workflows, [SIGNED]), undo_seconds=0)


@pytest.fixture
def acme(database: Database) -> World:
    made = world(database, policy=policy())
    for who, key in (("reviewer", KEY), ("reviewer2", OTHER)):
        made.enact(who, "signing_key", who, {"public_key": public_key_text(key.public_key())})
    return made


class Door:
    """Any way out, and what left by it."""

    def __init__(self) -> None:
        self.left: list[str] = []

    @contextlib.contextmanager
    def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> Iterator[Door]:
        yield self

    def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
        self.left.append(approved["recommendation_id"])
        return Outcome("sent", "out")


def pending(acme: World, kind: str, key: str = "key-1") -> dict[str, Any]:
    from governance.action import Action

    if kind == "change":
        return acme.propose("analyst", "memory", f"S-{key}", {"pays": "late"})
    actions = {
        "mail": None,
        "task": Action("route_for_approval", {"role": "controller", "reason": "large"}),
        "timer": Action("wait_until", {"date": "2026-01-02", "reason": "they promised"}),
    }
    of_type = "missing_receipt" if kind == "timer" else "missing_order_reference"
    acme.accept(source_key=key, exception_type=of_type)
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        facts = queue.briefs(conn, [job])[0].facts_digest
    action = actions[kind]
    proposal = letter(facts) if action is None else letter(facts, action=action, draft=None)
    return acme.recommendation(acme.file(job, proposal).recommendation_id)


def signature(row: Mapping[str, Any], key: Ed25519PrivateKey = KEY, **other: str) -> str:
    said = {"tenant": "acme", "recommendation_id": row["id"], "digest": row["digest"], **other}
    return sign_statement(signed_statement(**said), key)


def deliver(acme: World) -> tuple[list[str | None], list[str], list[str]]:
    """Outcomes, why, and what left by any door."""
    door, found = Door(), list[Delivery]()
    courier(acme, {"mail": door, "task": door, "timer": door}).drain(0, found.append)
    return outcomes(found), [one.outcome.why for one in found if one.outcome], door.left


@pytest.mark.parametrize("kind", ["mail", "task", "timer", "change"])
def test_what_was_signed_leaves_once(acme: World, kind: str) -> None:
    row = pending(acme, kind)
    acme.decide("reviewer", row, "approve", signature=signature(row))
    states, why, left = deliver(acme)
    assert states == ["sent"], why
    assert left == ([] if kind == "change" else [row["id"]])
    assert effect_state(acme, row)[0] == "sent"


FORGERIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "wrong bytes": lambda row: signature(row)[:25] + "A" * 86 + "==",
    "one bit": lambda row: signature(row)[:30] + ("A" if signature(row)[30] != "A" else "B") + signature(row)[31:],
    "of another digest": lambda row: signature(row, digest="sha256:" + "0" * 64),
    "of another recommendation": lambda row: signature(row, recommendation_id="another"),
    "of another tenant": lambda row: signature(row, tenant="globex"),
    "by another's key under mine": lambda row: signature(row)[:24] + signature(row, OTHER)[24:],
}
"""What a compromised API can send for a person whose session it holds: the database sees a live key of theirs."""


@pytest.mark.parametrize("kind", ["mail", "task", "timer", "change"])
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_signature_never_leaves(acme: World, kind: str, name: str) -> None:
    row = pending(acme, kind)
    assert acme.decide("reviewer", row, "approve", signature=FORGERIES[name](row))["state"] == "approved"
    states, why, left = deliver(acme)
    assert (states, left) == (["refused"], [])
    assert "the signature of reviewer is not over what was approved" in why[0]
    assert effect_state(acme, row)[:2] == ("failed", "superseded")
    kinds = ("change.applied", "effect.started")
    entries = acme.scalar(
        "SELECT count(*) FROM cs.ledger WHERE subject = %s AND kind = ANY (%s)", row["id"], list(kinds)
    )
    assert entries == 0
    assert acme.scalar("SELECT count(*) FROM cs.settings") == 0


def test_another_person_s_key_is_refused_at_once_and_at_the_door(acme: World) -> None:
    row = pending(acme, "mail")
    with pytest.raises(errors.SignatureRequired):
        acme.decide("reviewer", row, "approve", signature=signature(row, OTHER))
    with pytest.raises(errors.SignatureRequired):
        acme.decide("reviewer", row, "approve")
    acme.decide("reviewer", row, "approve", signature=signature(row))
    # Even by somebody who writes to the tables.
    acme.scalar("UPDATE cs.decisions SET signature = %s RETURNING 1", signature(row, OTHER))
    states, _, left = deliver(acme)
    assert (states, left) == (["refused"], [])


def test_a_signature_is_checked_where_policy_asks_for_none(database: Database) -> None:
    from tests.api.post import quick_world

    made = quick_world(database)
    made.enact("reviewer", "signing_key", "reviewer", {"public_key": public_key_text(KEY.public_key())})
    row = made.filed()
    made.decide("reviewer", row, "approve", signature=signature(row, digest="sha256:" + "0" * 64))
    states, _, left = deliver(made)
    assert (states, left) == (["refused"], [])
    row = made.filed(source_key="other", invoice_id="other")
    made.decide("reviewer", row, "approve")
    assert deliver(made)[0] == ["sent"]


def test_another_person_s_key_stored_by_the_owner_is_seen_without_the_gate(database: Database) -> None:
    """Where policy asks for no signature the gate does not look at it: the courier does."""
    from tests.api.post import quick_world

    made = quick_world(database)
    for who, key in (("reviewer", KEY), ("reviewer2", OTHER)):
        made.enact(who, "signing_key", who, {"public_key": public_key_text(key.public_key())})
    row = made.filed()
    made.decide("reviewer", row, "approve", signature=signature(row))
    made.scalar("UPDATE cs.decisions SET signature = %s RETURNING 1", signature(row, OTHER))
    states, why, left = deliver(made)
    assert (states, left) == (["refused"], [])
    assert "by no live key of theirs" in why[0]


def test_a_key_given_up_before_delivery_lets_nothing_out(acme: World) -> None:
    row = pending(acme, "mail")
    acme.decide("reviewer", row, "approve", signature=signature(row))
    with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
        changes.revoke_signing_key(conn, signature(row).split(":")[1])
    assert deliver(acme)[0] == ["refused"]

"""A stored row of an approved recommendation was altered past every function and trigger: the last look sees it.

Each case leaves exactly one thing wrong, so each clause of cs._check_seats is held by a case of its own. Tampering and
`execute` share a transaction that is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from governance.errors import EvidenceNotOpened, NoSeat, Refusal, SignatureRequired
from governance.record import outbox, standing
from governance.record.connection import translated
from governance.record.db import Database, clone, drop, urls_for
from governance.record.embedded import EmbeddedPostgres
from tests.build import World, world
from tests.conftest import PASSWORDS
from tests.governance.bypass.attempts import leased, payment, sign

DAY = timedelta(days=1)
KEY = "0123456789abcdef"
SIGNATURE = f"ed25519:{KEY[:-1]}%s:{'A' * 86}=="
"""By form alone: the database cannot compute what a courier then checks."""
SIGNERS = ("reviewer", "reviewer2", "controller")

WRONG_HOLDER = (NoSeat, "not every seat is filled by a different, active person who may hold it")
TOO_FEW = (NoSeat, "the matrix asks for more seats than were filled")
UNOPENED = (EvidenceNotOpened, "somebody signed without having opened what policy demands")
UNSIGNED = (SignatureRequired, "policy demands a signature of every signer of this tier")


@dataclass(frozen=True, slots=True)
class Scene:
    """Approved recommendations, each with its effect in the courier's hands."""

    acme: World
    effects: dict[str, outbox.Effect]


@pytest.fixture(scope="module")
def scene(postgres: EmbeddedPostgres, template: str) -> Iterator[Scene]:
    owner = postgres.superuser_url()
    url = clone(owner, template, "tampered_seats")
    try:
        with Database(urls_for(url, PASSWORDS)) as database:
            yield _scene(world(database))
    finally:
        drop(owner, "tampered_seats")


def _scene(acme: World) -> Scene:
    """`plain`: reviewer and controller. `lent`: reviewer, and reviewer2 for the controller. `cover`: reviewer, and the
    administrator in the absent controller's place. `signed`: two reviewers and a controller, with signatures."""
    now = datetime.now(UTC)
    effects: dict[str, outbox.Effect] = {}

    def approved(name: str, amount: str = "1200.00") -> dict[str, Any]:
        row: dict[str, Any] = payment(acme, amount, source_key=name, invoice_id=name)
        return row

    row = approved("plain")
    sign(acme, row, "reviewer", "controller")
    effects["plain"] = leased(acme, row)

    row = approved("lent")
    with acme.database.transaction("review", acme.tokens["controller"]) as conn:
        standing.delegate(conn, "reviewer2", "controller", now - DAY, now + DAY)
    sign(acme, row, "reviewer")
    sign(acme, row, "reviewer2", acting_for="controller")
    effects["lent"] = leased(acme, row)

    row = approved("cover")
    sign(acme, row, "reviewer")
    with acme.database.transaction("review", acme.tokens["controller"]) as conn:
        standing.set_absence(conn, "controller", now - DAY, now + DAY)
    sign(acme, row, "admin1")
    effects["cover"] = leased(acme, row)

    # Last, for what is approved for a payee counts for what follows.
    row = approved("signed", "2000000.00")
    for number, who in enumerate(SIGNERS):
        acme.scalar(
            "INSERT INTO cs.signing_keys (tenant, id, actor, public_key) VALUES ('acme', %s, %s, %s) RETURNING 1",
            f"{KEY[:-1]}{number}",
            who,
            "A" * 43 + "=",
        )
        sign(acme, row, who, signature=SIGNATURE % number)
    effects["signed"] = leased(acme, row)
    return Scene(acme, effects)


def execute(scene: Scene, which: str, *tampering: str) -> None:
    """The courier's `execute` after the tampering; all of it is undone. Raises the Refusal."""
    effect = scene.effects[which]
    with translated(), psycopg.connect(scene.acme.database.url("owner")) as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        for statement in tampering:
            done = conn.execute(statement.encode(), {"rec": effect.recommendation_id})
            assert done.statusmessage is not None
            assert done.statusmessage.startswith("DROP") or done.rowcount == 1, statement
        conn.execute("SET LOCAL session_replication_role = origin")
        conn.execute("SET LOCAL ROLE countersign_courier")
        conn.execute("SELECT set_config('countersign.token', %s, true)", (scene.acme.tokens["courier"],))
        try:
            outbox.execute(conn, effect)
        finally:
            conn.rollback()


OF_REC = "tenant = 'acme' AND recommendation_id = %(rec)s"
DECISION = f"UPDATE cs.decisions SET {{}} WHERE {OF_REC} AND actor = 'reviewer'"
SEAT = f"UPDATE cs.seats SET {{}} WHERE {OF_REC} AND role = '{{}}'"
ACTOR = "UPDATE cs.actors SET {} WHERE tenant = 'acme' AND id = '{}'"
EXCLUDED = "UPDATE cs.recommendations SET excluded = excluded || '{}'::text WHERE tenant = 'acme' AND id = %(rec)s"
OPENING = (
    "UPDATE cs.openings SET actor = '{}' WHERE tenant = 'acme' AND actor = '{}' AND what = 'case'"
    " AND case_id = (SELECT case_id FROM cs.recommendations WHERE tenant = 'acme' AND id = %(rec)s)"
)
LENT_DECISION = f"UPDATE cs.decisions SET actor = 'reviewer' WHERE {OF_REC} AND actor = 'reviewer2'"

CASES: dict[str, tuple[tuple[type[Refusal], str], str, tuple[str, ...]]] = {
    "an empty seat": (WRONG_HOLDER, "plain", (SEAT.format("filled_by = NULL, decision_id = NULL", "controller"),)),
    "a seat without a decision": (WRONG_HOLDER, "plain", (SEAT.format("decision_id = 'none'", "controller"),)),
    "a decision that was withdrawn": (WRONG_HOLDER, "plain", (DECISION.format("withdrawn_at = now()"),)),
    "a decision that is no approval": (WRONG_HOLDER, "plain", (DECISION.format("decision = 'escalate'"),)),
    "a decision on another digest": (
        WRONG_HOLDER,
        "plain",
        (DECISION.format("digest = 'sha256:' || repeat('0', 64)"),),
    ),
    "a decision of somebody else": (WRONG_HOLDER, "plain", (DECISION.format("actor = 'reviewer2'"),)),
    "a decision on something else": (WRONG_HOLDER, "plain", (DECISION.format("recommendation_id = 'another'"),)),
    "a decision for somebody, a seat for nobody": (
        WRONG_HOLDER,
        "plain",
        (DECISION.format("acting_for = 'reviewer2'"),),
    ),
    "a signer who was switched off": (WRONG_HOLDER, "lent", (ACTOR.format("active = false", "reviewer2"),)),
    "a service as signer": (WRONG_HOLDER, "lent", (ACTOR.format("kind = 'service'", "reviewer2"),)),
    "an agent as signer": (WRONG_HOLDER, "lent", (ACTOR.format("kind = 'agent'", "reviewer2"),)),
    "a giver who was switched off": (WRONG_HOLDER, "lent", (ACTOR.format("active = false", "controller"),)),
    "a service as giver": (WRONG_HOLDER, "lent", (ACTOR.format("kind = 'service'", "controller"),)),
    "an agent as giver": (WRONG_HOLDER, "lent", (ACTOR.format("kind = 'agent'", "controller"),)),
    "a signer without the role": (WRONG_HOLDER, "plain", (ACTOR.format("roles = '{analyst}'", "reviewer"),)),
    "cover by a role that policy does not name": (
        WRONG_HOLDER,
        "cover",
        (ACTOR.format("roles = roles || '{analyst}'", "admin1"), SEAT.format("stands_in_as = 'analyst'", "controller")),
    ),
    "cover of a role that policy lets nobody cover": (
        WRONG_HOLDER,
        "plain",
        (ACTOR.format("roles = roles || '{analyst}'", "reviewer"), SEAT.format("stands_in_as = 'analyst'", "reviewer")),
    ),
    "a delegation that was of another role": (
        WRONG_HOLDER,
        "lent",
        ("UPDATE cs.delegations SET role = 'reviewer' WHERE from_actor = 'controller'",),
    ),
    "an excluded signer": (WRONG_HOLDER, "lent", (EXCLUDED.format("reviewer2"),)),
    "an excluded giver": (WRONG_HOLDER, "lent", (EXCLUDED.format("controller"),)),
    # One for themselves and one for somebody else: two seats, two authorities, one person.
    "one person in two seats": (
        WRONG_HOLDER,
        "lent",
        (
            "DROP INDEX cs.one_seat_a_person",
            "DROP INDEX cs.one_approval_a_person",
            LENT_DECISION,
            SEAT.format("filled_by = 'reviewer'", "controller"),
            "UPDATE cs.delegations SET to_actor = 'reviewer' WHERE from_actor = 'controller'",
        ),
    ),
    # In person and by a delegate: two seats, two persons, one authority.
    "one authority in two seats": (
        WRONG_HOLDER,
        "lent",
        (
            ACTOR.format("roles = '{reviewer,controller}'", "controller"),
            DECISION.format("actor = 'controller'"),
            SEAT.format("filled_by = 'controller'", "reviewer"),
            OPENING.format("controller", "reviewer"),
        ),
    ),
    "a seat fewer than the matrix asks for": (
        TOO_FEW,
        "plain",
        (f"DELETE FROM cs.seats WHERE {OF_REC} AND role = 'controller'",),
    ),
    "evidence that somebody else opened": (UNOPENED, "plain", (OPENING.format("analyst", "controller"),)),
    "a signature that was struck out": (UNSIGNED, "signed", (DECISION.format("signature = NULL"),)),
    "a signature by a key of somebody else": (
        UNSIGNED,
        "signed",
        (f"UPDATE cs.signing_keys SET actor = 'analyst' WHERE id = '{KEY[:-1]}0'",),
    ),
    "a signature by a key that was revoked": (
        UNSIGNED,
        "signed",
        (f"UPDATE cs.signing_keys SET revoked_at = now() WHERE id = '{KEY[:-1]}2'",),
    ),
}


@pytest.mark.parametrize("which", ["plain", "lent", "cover", "signed"])
def test_what_nobody_touched_leaves(scene: Scene, which: str) -> None:
    execute(scene, which)


@pytest.mark.parametrize("name", CASES)
def test_the_last_look_refuses(scene: Scene, name: str) -> None:
    (refusal, words), which, tampering = CASES[name]
    with pytest.raises(refusal) as caught:
        execute(scene, which, *tampering)
    assert caught.value.detail == words


def test_seats_that_are_gone_are_no_seats(scene: Scene) -> None:
    with pytest.raises(NoSeat, match=WRONG_HOLDER[1]):
        execute(scene, "plain", *[f"DELETE FROM cs.seats WHERE {OF_REC} AND seat = {seat}" for seat in (1, 2)])

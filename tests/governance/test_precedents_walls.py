"""What no recalled case and no route may be: another tenant's, the case itself, one of old facts, somebody who left."""

from __future__ import annotations

import pytest

from governance.record import precedents
from governance.record.db import Database
from tests.build import World, genesis, world
from tests.governance.test_precedents import VECTOR, done, recalled, remembered

NEAR = [0.9, 0.1, *[0.0] * 382]
KIND = ("accounts_payable", "missing_order_reference")


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def nearest(made: World, vector: list[float], *, asking: str = "asking", exact: int = precedents.EXACT) -> list[str]:
    """The one precedent that is recalled for a case with this vector."""
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        found = precedents.recall(conn, [(asking, *KIND, vector)], most=1, exact=exact)
    return [one.case_id for one in found[asking]]


@pytest.mark.parametrize("exact", [precedents.EXACT, 0], ids=["all compared", "by the index"])
def test_nearer_cases_of_another_tenant_take_no_place(acme: World, exact: int) -> None:
    mine = done(acme, "mine")
    other = genesis(acme.database, "other")
    other.import_books("suppliers", [{"id": "S-1", "name": "Supplier One", "email": "ap@supplier.example"}])
    for key in ("theirs", "theirs too"):
        row = remembered(other, key)
        with other.database.transaction("agent", other.tokens["agent"]) as conn:
            conn.execute("SELECT cs.remember(%s, %s, %s::vector)", (row["case_id"], row["case_revision"], str(NEAR)))
        other.decide("reviewer", row, "reject", reason_code="wrong_data")
    assert len(recalled(other)) == 2
    assert nearest(acme, NEAR, exact=exact) == [mine["case_id"]]


@pytest.mark.parametrize("exact", [precedents.EXACT, 0], ids=["all compared", "by the index"])
def test_a_case_is_no_precedent_of_itself(acme: World, exact: int) -> None:
    row = done(acme, "one")
    assert nearest(acme, VECTOR, asking=row["case_id"], exact=exact) == []
    assert nearest(acme, VECTOR, exact=exact) == [row["case_id"]]


def test_what_was_decided_on_older_facts_is_no_precedent_of_the_newer(acme: World) -> None:
    row = remembered(acme, "again")
    acme.decide("reviewer", row, "reject", reason_code="wrong_data")
    assert len(recalled(acme)) == 1
    acme.accept(source_key="again", amount="1300.00")
    (job,) = acme.claim(1)
    newer = acme.recommendation(acme.file(job).recommendation_id)
    acme.decide("reviewer2", newer, "reject", reason_code="wrong_data")
    assert recalled(acme) == [], "the newer facts have no vector: what is near to them nobody knows"


@pytest.mark.parametrize("change", ["active = false", "roles = ARRAY['analyst']"])
def test_who_has_left_or_lost_the_role_is_not_recommended(acme: World, change: str) -> None:
    done(acme, "one", "reviewer")
    with acme.database.transaction("owner") as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute(f"UPDATE cs.actors SET {change} WHERE id = 'reviewer'".encode())
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        (route,) = precedents.routes(conn, {KIND}, most=10)[KIND]
    assert [(one.actor, one.holds) for one in route.seats] == [("reviewer", False)]

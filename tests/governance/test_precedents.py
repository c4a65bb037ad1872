"""What may be recalled: cases of the same tenant that people ended, and nothing that poisons. And who signed them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance import errors
from governance.action import Action
from governance.record import precedents, queue, standing
from governance.record.db import Database
from governance.record.precedents import Demand, Neighbour
from tests.build import World, genesis, letter, world

VECTOR = [1.0, *[0.0] * 383]


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def remembered(made: World, key: str, **item: Any) -> dict[str, Any]:
    row = made.filed(source_key=key, **item)
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        conn.execute("SELECT cs.remember(%s, %s, %s::vector)", (row["case_id"], row["case_revision"], str(VECTOR)))
    return row


def done(made: World, key: str, *signers: str, **item: Any) -> dict[str, Any]:
    """A case that ended as its signers wanted."""
    row = remembered(made, key, **item)
    for who in signers or ("reviewer",):
        made.decide(who, row, "approve")
    made.carry_out(row)
    return row


def recalled(
    made: World,
    kind: str | None = "missing_order_reference",
    *,
    asking: str = "asking",
    exact: int = 2000,
    most: int = 10,
) -> list[Neighbour]:
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        return precedents.recall(conn, [(asking, "accounts_payable", kind, VECTOR)], most=most, exact=exact)[asking]


def test_an_executed_and_a_rejected_case_are_precedents_with_roles_and_outcome(acme: World) -> None:
    kept = done(acme, "done")
    no = remembered(acme, "no")
    acme.decide("reviewer2", no, "reject", reason_code="wrong_data")
    found = {one.case_id: one for one in recalled(acme)}
    assert set(found) == {kept["case_id"], no["case_id"]}
    assert (found[kept["case_id"]].outcome, found[kept["case_id"]].decision, found[kept["case_id"]].roles) == (
        "done", "approve", ["reviewer"],
    )  # fmt: skip
    assert (found[no["case_id"]].outcome, found[no["case_id"]].decision) == ("rejected", "reject")


def test_what_a_person_wanted_instead_is_what_is_recalled(acme: World) -> None:
    row = remembered(acme, "changed")
    action = {"name": "refer_to_person", "args": {"reason": "ask the buyer"}}
    made = acme.decide("reviewer", row, "override", action=action, reason_code="wrong_action")
    new = acme.recommendation(made["recommendation_id"])
    acme.decide("reviewer2", new, "approve")
    acme.carry_out(new)
    ((found),) = recalled(acme)
    assert (found.action, found.decision, found.role) == ("refer_to_person", "override", "reviewer")


def test_what_is_not_decided_or_has_no_vector_or_ended_otherwise_is_none(acme: World) -> None:
    remembered(acme, "open")
    half = remembered(acme, "approved")
    acme.decide("reviewer", half, "approve")
    bare = acme.filed(source_key="bare")
    acme.decide("reviewer", bare, "reject", reason_code="wrong_data")
    gone = remembered(acme, "superseded")
    acme.scalar("UPDATE cs.cases SET state = 'superseded' WHERE id = %s RETURNING 1", gone["case_id"])
    nobody = remembered(acme, "nobody decided")
    acme.scalar("UPDATE cs.cases SET state = 'done' WHERE id = %s RETURNING 1", nobody["case_id"])
    assert recalled(acme) == []


def test_a_case_that_tries_the_process_out_teaches_nothing(acme: World) -> None:
    row = remembered(acme, "canary")
    acme.scalar("UPDATE cs.cases SET canary = true WHERE id = %s RETURNING 1", row["case_id"])
    acme.decide("reviewer", row, "reject", reason_code="wrong_data")
    later = done(acme, "later")
    assert [one.case_id for one in recalled(acme)] == [later["case_id"]]
    acme.scalar("UPDATE cs.cases SET canary = true WHERE id = %s RETURNING 1", later["case_id"])
    assert recalled(acme) == [], "also one that is marked afterwards"


def test_new_facts_take_a_precedent_away(acme: World) -> None:
    done(acme, "again")
    assert len(recalled(acme)) == 1
    acme.accept(source_key="again", amount="1300.00")
    assert recalled(acme) == []


def test_an_erased_case_is_no_precedent(acme: World) -> None:
    row = done(acme, "gone")
    acme.enact("admin1", "erasure", f"case:{row['case_id']}", {})
    assert recalled(acme) == []
    assert acme.scalar("SELECT count(*) FROM cs.precedents") == 0


def test_another_tenant_s_cases_do_not_exist(acme: World) -> None:
    done(acme, "mine")
    other = genesis(acme.database, "other")
    assert recalled(other) == []
    with other.database.transaction("agent", other.tokens["agent"]) as conn:
        assert precedents.routes(conn, {("accounts_payable", "missing_order_reference")}, most=10) == {}
        case_id = acme.scalar("SELECT id FROM cs.cases")
        assert precedents.demands(conn, [(case_id, 1)]) == {}
    with other.database.transaction("review", other.tokens["reviewer"]) as conn:
        assert conn.execute("SELECT count(*) FROM cs.precedents").fetchone() == (0,)


@pytest.mark.parametrize("exact", [2000, 0])
def test_two_tenants_with_equal_cases_recall_each_its_own(acme: World, exact: int) -> None:
    """By comparison, and by the index, which holds the vectors of all tenants and finds one of them for equal ones."""
    mine = [done(acme, f"mine-{n}")["case_id"] for n in range(2)]
    other = world(acme.database, "other")
    theirs = done(other, "theirs")["case_id"]
    assert {one.case_id for one in recalled(acme, exact=exact, most=2)} == set(mine)
    assert {one.case_id for one in recalled(acme, exact=exact, most=3)} == set(mine)
    assert [one.case_id for one in recalled(other, exact=exact, most=1)] == [theirs]
    kinds = {("accounts_payable", "missing_order_reference"), ("accounts_payable", "*")}
    with other.database.transaction("agent", other.tokens["agent"]) as conn:
        found = precedents.routes(conn, kinds, most=10)
    assert {kind: [one.case_id for one in routes] for kind, routes in found.items()} == {
        kind: [theirs] for kind in kinds
    }


def test_a_case_is_no_precedent_of_itself(acme: World) -> None:
    mine, other = (done(acme, key)["case_id"] for key in ("mine", "other"))
    for exact in (2000, 0):
        assert [one.case_id for one in recalled(acme, asking=other, exact=exact, most=1)] == [mine]
        assert [one.case_id for one in recalled(acme, asking=mine, exact=exact, most=1)] == [other]


def test_of_equal_cases_the_latest_come_first_and_one_that_is_erased_hides_none(acme: World) -> None:
    rows = [done(acme, f"equal-{n}") for n in range(4)]
    first = "SELECT array_agg(case_id) FROM cs.precedents WHERE first"
    assert acme.scalar(first) == [rows[0]["case_id"]], "one stands in the index for all"
    assert [one.case_id for one in recalled(acme, exact=0, most=2)] == [row["case_id"] for row in (rows[3], rows[2])]
    acme.enact("admin1", "erasure", f"case:{rows[0]['case_id']}", {})
    assert acme.scalar(first) == [rows[3]["case_id"]]
    left = [row["case_id"] for row in (rows[3], rows[2], rows[1])]
    assert [one.case_id for one in recalled(acme, exact=0, most=3)] == left


def test_a_type_that_is_not_known_has_precedents_of_its_own(acme: World) -> None:
    done(acme, "mine")
    assert recalled(acme, None) == []


def test_more_than_a_question_may_ask_is_refused(acme: World) -> None:
    with (
        pytest.raises(errors.Malformed, match="at most 500"),
        acme.database.transaction("agent", acme.tokens["agent"]) as conn,
    ):
        precedents.recall(conn, [("a", "b", "c", VECTOR)], most=51)


def test_a_route_says_who_signed_and_who_still_may(acme: World) -> None:
    done(acme, "one", "reviewer")
    done(acme, "two", "reviewer2")
    with acme.database.transaction("review", acme.tokens["reviewer2"]) as conn:
        now = datetime.now(UTC)
        standing.set_absence(conn, "reviewer2", now - timedelta(days=1), now + timedelta(days=1))
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        found = precedents.routes(conn, {("accounts_payable", "missing_order_reference")}, most=10)
    routes = found["accounts_payable", "missing_order_reference"]
    assert [(one.seats[0].actor, one.seats[0].holds) for one in routes] == [("reviewer2", False), ("reviewer", True)]
    assert {one.action for one in routes} == {"request_purchase_order"}


@pytest.mark.parametrize("action", ["hold_payment", "release_payment"])
def test_what_the_matrix_is_said_to_demand_is_what_it_demands_at_filing(acme: World, action: str) -> None:
    acme.accept(source_key="large", amount="60000.00", exception_type="invoice_received")
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        demand = precedents.demands(conn, [(job.case_id, job.revision)])[job.case_id]
        digest = queue.briefs(conn, [job])[0].facts_digest
    assert isinstance(demand, Demand)
    assert demand.amount == 60000
    args = {"invoice_id": "INV-1", **({"reason": "r"} if action == "hold_payment" else {})}
    row = acme.recommendation(
        acme.file(job, letter(digest, action=Action(action, args), draft=None, risk="high")).recommendation_id
    )
    asked = [one["role"] for one in row["seats"]]
    assert {role: asked.count(role) for role in asked} == demand.seats[action, "high"]


AMOUNTS = (
    ("1", "EUR"), ("9999.99", "EUR"), ("10000.00", "EUR"), ("-60000", "EUR"), ("1000000", "EUR"), ("70", "USD"),
    (None, None),
)  # fmt: skip
KINDS = (("invoice_received", "S-1", "DE01"), ("duplicate_suspect", None, "XX99"), (None, "S-2", "FR01"))


def test_what_is_said_of_all_cases_at_once_is_what_the_law_says_of_each(acme: World) -> None:
    """Amounts at lines of bands, without a rate, unknown; summed over what a payee gets; of facts that no rule fits."""
    acme.accept(source_key="paid before", amount="49000.00", exception_type="invoice_received")
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    paid = Action("release_payment", {"invoice_id": "INV-1"})
    row = acme.recommendation(acme.file(job, letter(digest, action=paid, draft=None)).recommendation_id)
    acme.scalar(
        "UPDATE cs.recommendations SET state = 'approved', approved_at = now() WHERE id = %s RETURNING 1", row["id"]
    )
    made = [
        acme.accept(source_key=f"{at}-{to}", amount=amount, currency=currency, exception_type=kind, entity=entity,
                    supplier_id=supplier)["case_id"]
        for at, (amount, currency) in enumerate(AMOUNTS) for to, (kind, supplier, entity) in enumerate(KINDS)
    ]  # fmt: skip
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        usual = precedents.demands(conn, [(case_id, 1) for case_id in made])
    with acme.database.transaction("owner") as conn:
        conn.execute("SET LOCAL session_replication_role = replica")  # rules are never changed but here
        conn.execute("UPDATE cs.matrix_rules SET entities = '{DE01,FR01}' WHERE entities = '{*}'")
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        local = precedents.demands(conn, [(case_id, 1) for case_id in made])
    assert len(usual) == len(local) == len(made)
    assert usual[made[0]] == local[made[0]]
    assert usual[made[1]] != local[made[1]], "where no rule fits, all do"
    needed = """
        SELECT (cs._needs(l, p, %s, %s, now()::date, NULL, NULL)).seats FROM cs.case_revisions l, cs.policies p
        WHERE l.case_id = %s AND p.active
    """
    seen = set()
    for case_id, demand in local.items():
        for (action, risk), seats in demand.seats.items():
            assert acme.scalar(needed, action, risk, case_id) == seats
            seen.add((action, risk, str(sorted(seats.items()))))
    assert {action for action, _, _ in seen} >= {"refer_to_person", "release_payment", "hold_payment"}
    assert len({seats for action, _, seats in seen if action == "release_payment"}) > 1

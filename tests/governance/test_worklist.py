"""Collections in the record: contacts, the lot of the control slice, governed lines, the numbers of the worklist."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest

from governance import errors
from governance.action import Action
from governance.recommendation import Draft
from governance.record import collections
from governance.record.db import Database
from tests.build import World, world

TODAY = datetime.now(UTC).date()
REMINDER = {"customer_id": "C-1", "tone": "friendly"}


@pytest.fixture
def acme(one_database: Database) -> World:
    return world(one_database, f"t{uuid.uuid4().hex[:12]}")


def due(acme: World, key: str, kind: str = "overdue", invoice: str = "R-1", **values: Any) -> dict[str, Any]:
    return acme.accept(
        queue="order_to_cash", exception_type=kind, source_key=key, supplier_id=None, customer_id="C-1",
        invoice_id=invoice, **values,
    )  # fmt: skip


def proposal(acme: World, name: str, args: dict[str, str], **values: Any) -> dict[str, Any]:
    """File this for the next case in the queue."""
    (job,) = acme.claim(1)
    action = Action(name, args)
    draft = Draft("pay@customer.example", "Reminder", "Please pay.", "en")
    return acme.recommendation(acme.file(job, action=action, draft=draft, **values).recommendation_id)


def agent(acme: World) -> Any:
    return acme.database.transaction("agent", acme.tokens["agent"])


def test_what_was_carried_out_is_known_and_what_was_only_proposed_is_not(acme: World) -> None:
    case = due(acme, "one")["case_id"]
    row = proposal(acme, "send_customer_reminder", REMINDER)
    with agent(acme) as conn:
        assert collections.contacts(conn, [case]) == []
    acme.decide("reviewer", row, "approve")
    acme.carry_out(row)
    other = due(acme, "two")["case_id"]
    stranger = due(acme, "three", invoice="R-2")["case_id"]
    with agent(acme) as conn:
        (found,) = collections.contacts(conn, [other])
        assert (found.case_id, found.recommendation_id, found.action) == (other, row["id"], "send_customer_reminder")
        assert (found.tone, found.day) == ("friendly", TODAY)
        assert [one.case_id for one in collections.contacts(conn, [case, stranger])] == [case]
        assert collections.contacts(conn, []) == []


def test_a_dispute_of_the_same_invoice_is_known(acme: World) -> None:
    case = due(acme, "one")["case_id"]
    disputed = due(acme, "two", "dispute")["case_id"]
    with agent(acme) as conn:
        assert [(one.case_id, one.action) for one in collections.contacts(conn, [case, disputed])] == [
            (case, "disputed")
        ]


def test_the_lot_can_be_drawn_again_by_an_auditor_and_is_nobody_s_choice(acme: World) -> None:
    cases = [due(acme, f"k{n}", invoice=f"R-{n}")["case_id"] for n in range(3)]
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        assert collections.draws(conn, cases, "2026-11") == {}
    with agent(acme) as conn:
        drawn = collections.draws(conn, cases, "2026-11")
        assert collections.draws(conn, cases[:1], "2026-12") != {cases[0]: drawn[cases[0]]}
    assert set(drawn) == set(cases)
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        assert collections.draws(conn, cases, "2026-11") == drawn
    secret = acme.scalar("SELECT secret FROM cs.control_keys WHERE tenant = %s", acme.tenant)
    for case in cases:
        inner = hashlib.sha256(secret + f"{acme.tenant}\n{case}\n2026-11".encode()).digest()
        assert drawn[case] == int(hashlib.sha256(secret + inner).hexdigest()[:13], 16) / 2**52
    said = (
        "SELECT count(*) FROM cs.ledger WHERE tenant = %s AND kind = 'control.key_made' "
        "AND entry::jsonb #>> '{body,commitment}' = %s"
    )
    assert acme.scalar(said, acme.tenant, "sha256:" + hashlib.sha256(secret).hexdigest()) == 1


def test_draws_are_spread_evenly(acme: World) -> None:
    with agent(acme) as conn:
        found = sorted(collections.draws(conn, [f"case-{n}" for n in range(4000)], "2026-11").values())
    assert 0 <= found[0] <= found[-1] < 1
    assert max(abs(value - place / 4000) for place, value in enumerate(found)) < 1.63 / 4000**0.5


@pytest.mark.parametrize("role", ["agent", "review", "courier", "audit", "intake"])
def test_nobody_reads_the_secret(acme: World, role: str) -> None:
    who = {"review": "admin1", "audit": "auditor"}.get(role, role)
    with pytest.raises(Exception, match="permission denied"), acme.database.transaction(role, acme.tokens[who]) as conn:
        conn.execute("SELECT secret FROM cs.control_keys")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"control_share": "0.11"}, "at most a tenth"),
        ({"control_share": "1.1"}, "share from 0 to 1"),
        ({"control_share": "-0.1"}, "is a number"),
        ({"control_days": "31"}, "1 to 30 days"),
        ({"control_days": "2.5"}, "whole for days"),
        ({"hours_a_day": "25"}, "24 hours"),
        ({"effect_letter": "0.1"}, "know no line"),
    ],
)
def test_lines_that_are_none_are_refused(acme: World, content: dict[str, Any], why: str) -> None:
    with pytest.raises(errors.Malformed, match=why):
        acme.propose("controller", "threshold", "collections", content)


def test_lines_hold_when_two_people_have_signed(acme: World) -> None:
    row = acme.propose("controller", "threshold", "collections", {"control_share": "0.1", "control_days": "5"})
    assert sorted(seat["role"] for seat in row["seats"]) == ["controller", "reviewer"]
    assert row["excluded"] == ["controller"]
    acme.propose("controller", "threshold", "something_else", {"any": "thing"})


def test_numbers_come_with_the_findings_and_odd_ones_stop_nothing(acme: World) -> None:
    priced = {"action": "send_customer_reminder", "value": "12.50", "value_eur": "10.00", "minutes": 2}
    good = {"collections": {"value": priced},
            "risk": {"expected_cash": [[TODAY.isoformat(), "100.00"], [None, "5.00"]]}}  # fmt: skip
    odd: list[Any] = [
        {"collections": {"value": {"value": "1e9", "value_eur": None, "minutes": "x"}}}, {"collections": 7},
        {"collections": {"value": "x"}, "risk": "?"}, {"risk": {"expected_cash": [["x", "y"], 3, "z", []]}},
    ]  # fmt: skip
    rows = []
    for number, findings in enumerate([good, *odd]):
        due(acme, f"k{number}", invoice=f"R-{number}")
        rows.append(proposal(acme, "send_customer_reminder", REMINDER, findings=findings))
    of = collections.Filter(TODAY)
    with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
        found = collections.ranked(conn, of)
        assert (found[0].id, str(found[0].value), str(found[0].value_eur), found[0].minutes) == (
            rows[0]["id"], "12.50", "10.00", 2
        )  # fmt: skip
        assert [one.value_eur for one in found[1:]] == [None] * 4
        cash = collections.cash(conn, of)
        assert [(str(one["expected"]), one["week"] is None) for one in cash] == [("100.00", False), ("5.00", True)]
        assert collections.counted(conn, of) == {"waiting": 5, "valued": 1, "with_cash": 2}
        assert [one["id"] for one in collections.rows(conn, [rows[1]["id"], rows[0]["id"]])] == [
            rows[1]["id"], rows[0]["id"]
        ]  # fmt: skip
        assert collections.choices(conn, "order_to_cash") == (["EUR"], ["DE01"])
        assert collections.ranked(conn, collections.Filter(TODAY, currency="USD")) == []


def test_aging_counts_every_open_item_of_the_books_by_currency(acme: World) -> None:
    rows = [
        {"invoice_id": f"I-{n}", "customer_id": "C-1", "posting_date": "2026-01-01", "due_date": day, "amount": "10.00",
         "currency": currency}
        for n, (day, currency) in enumerate([("2030-01-01", "EUR"), ("2026-01-02", "EUR"), ("2026-01-02", "USD")])
    ]  # fmt: skip
    acme.import_books("open_items", rows)
    with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
        found = collections.aging(conn, collections.Filter(TODAY))
    assert [(one["currency"], one["bucket"], one["invoices"]) for one in found] == [
        ("EUR", 0, 1), ("EUR", 4, 1), ("USD", 4, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["place_credit_hold", "escalate_to_collections"])
@pytest.mark.parametrize("amount", [None, "0.00", "10.00", "90000.00"])
def test_one_signature_never_lets_a_hold_or_collections_through(acme: World, name: str, amount: str | None) -> None:
    due(acme, "one", amount=amount, content=b"<Invoice/>")
    (job,) = acme.claim(1)
    args = {"customer_id": "C-1", "reason": "no payment"}
    filed = acme.file(job, action=Action(name, args), draft=None, risk="low")
    row = acme.recommendation(filed.recommendation_id)
    assert len(row["seats"]) >= 2
    acme.opened("reviewer", row)
    acme.decide("reviewer", row, "approve")
    assert acme.recommendation(row["id"])["state"] == "awaiting_review"
    assert acme.scalar("SELECT count(*) FROM cs.effects WHERE recommendation_id = %s", row["id"]) == 0
    with pytest.raises(errors.Refusal):
        acme.decide("reviewer", row, "approve")
    second = "controller" if name == "place_credit_hold" else "reviewer2"
    acme.opened(second, row)
    acme.decide(second, row, "approve")
    assert acme.recommendation(row["id"])["state"] == "approved"


def test_a_persons_own_action_is_not_ranked_by_the_agents_value(acme: World) -> None:
    due(acme, "one")
    value = {"action": "schedule_call", "value": "9.00", "value_eur": "9.00", "minutes": 15}
    proposal(acme, "send_customer_reminder", REMINDER, findings={"collections": {"value": value}})
    with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
        (found,) = collections.ranked(conn, collections.Filter(TODAY))
    assert found.value is None


def test_what_was_drawn_is_read_when_it_has_matured(acme: World) -> None:
    def lot(group: str, propensity: Any) -> dict[str, Any]:
        return {"collections": {"value": None, "control": {"group": group, "propensity": propensity}}}

    said = [("delayed", "0.05"), ("as_usual", "0.95"), ("as_usual", "1.0"), ("x", "0.5"), ("delayed", None)]
    for number, (group, propensity) in enumerate(said):
        due(acme, f"k{number}", invoice=f"R-{number}")
        proposal(acme, "send_customer_reminder", REMINDER, findings=lot(group, propensity))
    paid = [
        {"invoice_id": f"R-{n}", "customer_id": "C-1", "posting_date": "2026-01-01", "due_date": "2026-02-01",
         "amount": "10.00", "currency": "EUR", "clear_date": "2026-02-11" if n != 1 else None}
        for n in range(len(said))
    ]  # fmt: skip
    acme.import_books("open_items", paid)
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        found = {(one.delayed, str(one.propensity), one.days_late) for one in collections.drawn(conn, 0)}
        assert found == {(True, "0.05", 10), (False, "0.95", (TODAY - date(2026, 2, 1)).days)}
        assert collections.drawn(conn) == []

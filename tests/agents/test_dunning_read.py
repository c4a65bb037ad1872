"""A worker on a real Postgres: past contacts, governed lines and the lot reach the proposal and the lab."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from agents.dunning_read import read_dunning
from governance.record import queue, telemetry
from tests.agents.conftest import Workers
from tests.agents.scenes import TODAY
from tests.build import World


def due(acme: World, key: str, invoice: str = "R-1", amount: str = "900.00", **values: Any) -> str:
    item = {
        "queue": "order_to_cash", "exception_type": "overdue", "source_key": key, "supplier_id": None,
        "customer_id": "C-1", "invoice_id": invoice, "amount": amount, "currency": "EUR", "document_class": None,
        "due_date": (TODAY - timedelta(days=10)).isoformat(), "issue_date": (TODAY - timedelta(days=40)).isoformat(),
    }  # fmt: skip
    return str(acme.accept(**(item | values))["case_id"])


def drained(acme: World, workers: Workers) -> dict[str, dict[str, Any]]:
    """Case id → its newest recommendation, after a worker has seen to everything."""
    workers().drain()
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        ids = conn.execute(
            "SELECT DISTINCT ON (case_id) case_id, id FROM cs.recommendations ORDER BY case_id, draft_number DESC"
        )
        found = dict(ids.fetchall())
    return {case_id: read(acme.recommendation(one)) for case_id, one in found.items()}


def read(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its action, thresholds and findings beside it."""
    said = {name: row["envelope"][name] for name in ("action", "thresholds")}
    return row | said | {"findings": json.loads(row["leaves"]["findings"])}


def test_a_reminder_that_was_sent_is_known_to_the_next_proposal(acme: World, workers: Workers) -> None:
    acme.enact("ml_engineer", "threshold", "collections", {"control_share": "0"}, ("reviewer", "controller"))
    first = due(acme, "one")
    row = drained(acme, workers)[first]
    assert row["action"]["name"] == "send_customer_reminder"
    assert row["findings"]["collections"]["control"] is None
    acme.decide("reviewer", row, "approve")
    acme.carry_out(row)
    second = due(acme, "two")
    row = drained(acme, workers)[second]
    assert row["action"]["name"] == "wait_until"
    assert "a reminder was sent on" in row["findings"]["why"]
    assert [one["action"] for one in row["findings"]["collections"]["contacts"]] == ["send_customer_reminder"]


def test_the_lot_decides_by_the_governed_share_and_the_lab_hears_of_it(acme: World, workers: Workers) -> None:
    content = {"control_share": "0.10", "control_days": "5", "pause_days": "3"}
    acme.enact("ml_engineer", "threshold", "collections", content, ("reviewer", "controller"))
    cases = [due(acme, f"k{n}", f"R-{n}") for n in range(25)]
    large = due(acme, "large", "R-X", amount="9000.00")
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        jobs = queue.claim(conn, "other", 100, 0)
        briefs = {one.facts.case_id: one for one in queue.briefs(conn, jobs)}
        known = read_dunning(conn, briefs, TODAY)
        assert known == read_dunning(conn, briefs, TODAY)
    assert {one.lines.control_share for one in known.values()} == {Decimal("0.10")}
    rows = drained(acme, workers)
    for case_id in cases:
        said, draw = rows[case_id]["findings"]["collections"]["control"], known[case_id].draw
        assert draw is not None
        held = draw < 0.10
        assert said["group"] == ("delayed" if held else "as_usual")
        assert said["propensity"] == ("0.10" if held else "0.90")
        assert rows[case_id]["action"]["name"] == ("wait_until" if held else "send_customer_reminder")
        assert rows[case_id]["thresholds"]["collections_control_share"] == "0.10"
    assert rows[large]["findings"]["collections"]["control"] is None
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        bodies = {one.body["case_id"]: one.body for one in telemetry.claim(conn, 100, 60)}
    for case_id in cases:
        said = rows[case_id]["findings"]["collections"]["control"]
        assert bodies[case_id]["control"] == {name: value for name, value in said.items() if value is not None}


def test_a_batch_takes_the_same_number_of_questions_whatever_its_size(acme: World) -> None:
    counts = []
    for size in (1, 12):
        for n in range(size):
            due(acme, f"{size}-{n}", f"R-{size}-{n}")
        with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
            briefs = {one.facts.case_id: one for one in queue.briefs(conn, queue.claim(conn, "x", 100, 60))}
            asked = Counted(conn)
            read_dunning(asked, briefs, TODAY)  # type: ignore[arg-type]
        assert len(briefs) == size
        counts.append(asked.count)
    assert counts == [4, 4]


class Counted:
    """A connection that counts the questions that go through it."""

    def __init__(self, conn: Any) -> None:
        self._conn, self.count = conn, 0

    def execute(self, *args: Any, **values: Any) -> Any:
        self.count += 1
        return self._conn.execute(*args, **values)

    def cursor(self, **values: Any) -> Any:
        self.count += 1
        return self._conn.cursor(**values)

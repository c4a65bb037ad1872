"""A supplier's memory at the agent's desk: the twin stays visible and says why, and no seat falls away."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, cast

import numpy as np
import pytest

from agents.assess import shown
from agents.recommend import choice_of
from agents.tolerances import Tolerances
from agents.twins import TwinsRead, likely_twins, twin_findings
from api.intake.bills import ledger_rows
from governance.record import candidates, twin_memories
from governance.record.db import Database
from models.duplicates import PairScorer
from models.pair_features import PAIR_FEATURES
from models.twin_memory import DampedPair, SupplierHabit
from tests.agents.scenes import brief, twin, view
from tests.build import world
from tests.governance.test_habits import RENT, REUSED
from tests.models.test_twin_memory import bill


@pytest.mark.parametrize(("now", "without", "earlier", "risk"), [
    (0.95, None, True, "high"), (0.25, 0.95, True, "high"), (0.25, 0.79, True, "low"), (0.25, None, True, "low"),
    (0.25, 0.95, False, "low"),
])  # fmt: skip
def test_the_seats_follow_what_is_thought_without_the_memory(
    now: float, without: float | None, earlier: bool, risk: str
) -> None:
    found = twin(now, earlier=earlier)
    if without is not None:
        found["probability_without_memory"] = without
    made = brief("duplicate_suspect", amount="200.00")
    assert choice_of(view(made, duplicates=[found]))["risk"] == risk


def test_what_a_memory_explains_stays_in_sight() -> None:
    tolerances = Tolerances()
    found = {**twin(0.25), "probability_without_memory": 0.95}
    assert shown([found], tolerances) == [found]
    assert shown([twin(0.25)], tolerances) == []


class Certain:
    """A scorer that takes every pair for one bill."""

    def predict_proba(self, rows: Any) -> Any:
        return np.column_stack([np.full(len(rows), 0.03), np.full(len(rows), 0.97)])

    def shares(self, rows: Any) -> Any:
        return np.zeros((len(rows), len(PAIR_FEATURES)))


def test_a_batch_reads_the_memories_of_its_suppliers(one_database: Database) -> None:
    """The rent of another month is explained; the same bill again, and another account, never."""
    acme = world(one_database, f"t{uuid.uuid4().hex[:12]}")
    acme.enact("analyst", "memory", "S-1", {"habits": [REUSED, RENT]}, ("reviewer",))
    booked = [
        bill("RENT", date(2026, 3, 1), invoice_id="month before"),
        bill("RENT", date(2026, 4, 1), invoice_id="same bill"),
        bill("RENT", date(2026, 2, 1), invoice_id="other account", iban="DE75512108001245126199"),
    ]
    acme.import_books("invoices", ledger_rows([(one, None) for one in booked]))
    new = bill("RENT", date(2026, 4, 1), invoice_id="new")
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        habits = [SupplierHabit.stored(one) for one in twin_memories.of(conn, ["S-1"])]
        rows = candidates.invoices(conn, {one.invoice_id for one in booked})
    read = TwinsRead({"case": new}, [("case", row) for row in rows], rows, habits=habits)
    found = {one.twin.invoice_id: one.pair for one in likely_twins(read, cast(PairScorer, Certain()), 0.3)}
    assert sorted(found) == ["month before", "other account", "same bill"]
    assert {name: isinstance(pair, DampedPair) for name, pair in found.items()} == {
        "month before": True, "same bill": False, "other account": False,
    }  # fmt: skip
    findings = twin_findings(read, likely_twins(read, cast(PairScorer, Certain()), 0.3), {})["case"]
    (damped,) = [one for one in findings if "memory" in one]
    assert (damped["invoice_id"], damped["probability_without_memory"]) == ("month before", 0.97)
    assert damped["probability"] <= 0.25
    assert [one["approved_by"] for one in damped["memory"]] == [["Reviewer"], ["Reviewer"]]

"""The day's judgement over a real record: drifted estimates lead to one proposal a cause, healthy ones to none."""

# ruff: noqa: E501  (SQL stands on one line)

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from api.monitoring import RiskWatch
from governance.record import risk_outcomes
from governance.record.db import Database
from models.features import RISK_FEATURES
from tests.build import World, genesis

TODAY = datetime.now(UTC).date()
BUNDLE, OTHER = "sha256:" + "b" * 64, "sha256:" + "c" * 64
_BOOKS = """
INSERT INTO cs.open_items (tenant, invoice_id, customer_id, posting_date, due_date, amount, currency, clear_date, source, cleared_as_of)
SELECT %(tenant)s, i, c, d - 30, d, 100, 'EUR', p, 'test', p
FROM unnest(%(ids)s::text[], %(customers)s::text[], %(due)s::date[], %(paid)s::date[]) AS v(i, c, d, p)
"""
_SCORES = """
WITH bare AS (SELECT set_config('session_replication_role', 'replica', true))
INSERT INTO cs.risk_estimates (tenant, recommendation_id, case_id, revision, invoice_id, customer_id, scored_on, model, basis, p_late, p_late_15, p_late_30,
    days_late_low, days_late_high, features)
SELECT %(tenant)s, 'rec-' || i, 'case-' || i, 1, i, c, s, %(model)s, 'model', p, p / 2, p / 4, -5, 20, string_to_array(f, ',')::float8[]
FROM bare, unnest(%(ids)s::text[], %(customers)s::text[], %(scored)s::date[], %(chance)s::float8[], %(features)s::text[]) AS v(i, c, s, p, f)
"""
_CHALLENGED = """
WITH bare AS (SELECT set_config('session_replication_role', 'replica', true))
INSERT INTO cs.challenger_estimates (tenant, recommendation_id, model, outcome, p_late, p_late_15, p_late_30)
SELECT %(tenant)s, 'rec-' || i, %(model)s, 'scored', p, p / 2, p / 4 FROM bare, unnest(%(ids)s::text[], %(chance)s::float8[]) AS v(i, p)
"""


@pytest.fixture
def acme(one_database: Database) -> World:
    return genesis(one_database, f"t{uuid.uuid4().hex[:12]}")


def lived(acme: World, later: float = 0.0, noise: float = 0.0, days: int = 240) -> tuple[list[str], np.ndarray]:
    """Half a year of estimates and of what became of them; in the last seven weeks `later` more are late. `noise`: by
    how much what was said differs from the truth. The ids and the true chances."""
    rng = np.random.default_rng(7)
    n = days * 12
    customer = rng.integers(0, 60, n)
    due = np.sort(rng.integers(-days, 10, n))
    scored = due - rng.integers(1, 20, n)
    true = np.clip(rng.beta(2, 3, 60)[customer] + rng.normal(0, 0.1, n), 0.02, 0.9)
    late = rng.random(n) < true + np.where(due >= -50, later, 0.0)
    paid = due + np.where(late, rng.integers(1, 15, n), -rng.integers(0, 4, n))
    said = np.clip(true + rng.normal(0, noise, n) if noise else true, 0.01, 0.99)
    table = rng.normal(size=(n, len(RISK_FEATURES))).round(3)
    ids = [f"{acme.tenant}-{at}" for at in range(n)]
    values = {
        "tenant": acme.tenant, "model": BUNDLE, "ids": ids, "customers": [f"C-{one}" for one in customer],
        "due": [TODAY + timedelta(days=int(one)) for one in due],
        "paid": [TODAY + timedelta(days=int(one)) if one < 0 else None for one in paid],
        "scored": [TODAY + timedelta(days=int(one)) for one in scored], "chance": said.tolist(),
        "features": [",".join(map(str, row)) for row in table],
    }  # fmt: skip
    with acme.database.transaction("owner") as conn:
        conn.execute(_BOOKS, values)
        conn.execute(_SCORES, values)
    return ids, true


def watch(acme: World) -> RiskWatch:
    return RiskWatch(acme.database, acme.tokens["courier"], seconds=0.0)


def test_without_estimates_nothing_is_due(acme: World) -> None:
    assert watch(acme)() is None
    assert acme.scalar("SELECT count(*) FROM cs.risk_monitors WHERE tenant = %s", acme.tenant) == 0


def test_estimates_that_hold_raise_nothing(acme: World) -> None:
    lived(acme)
    done = watch(acme)()
    assert done == {"judged": True, "causes": [], "proposed": []}
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        (found,) = risk_outcomes.judgements(conn)
        assert risk_outcomes.kept(conn).estimates > 2000
    figures = found.figures
    assert found.model == BUNDLE
    assert figures["calibration"]["both"]["low"] <= 0.0 <= figures["calibration"]["both"]["high"]
    assert (
        figures["calibration_error"]["low"]
        <= figures["calibration_error"]["value"]
        <= figures["calibration_error"]["high"] + 0.02
    )
    assert len(figures["features"]) == len(RISK_FEATURES)
    assert all(0 <= one["index"] < 0.2 for one in figures["features"])
    assert len(figures["over_time"]) == 6
    # How the first estimates were spread is kept, to be compared with.
    assert acme.scalar("SELECT kind FROM cs.risk_references WHERE tenant = %s", acme.tenant) == "start"


def test_more_are_late_than_was_said_and_people_are_asked_once(acme: World) -> None:
    lived(acme, later=0.2)
    done = watch(acme)()
    assert done is not None
    assert "calibration" in done["causes"]
    assert len(done["proposed"]) == len(done["causes"])
    assert watch(acme)() is None
    acme.scalar("UPDATE cs.risk_monitors SET day = day - 1 WHERE tenant = %s RETURNING 1", acme.tenant)
    again = watch(acme)()
    assert again is not None
    assert (again["causes"], again["proposed"]) == (done["causes"], [])
    row = acme.recommendation(done["proposed"][done["causes"].index("calibration")]["recommendation_id"])
    why, told = (
        acme.scalar(f"SELECT content::jsonb FROM cs.leaves WHERE recommendation_id = %s AND name = '{name}'", row["id"])
        for name in ("findings", "evidence")
    )
    assert why["why"].startswith("more invoices are paid late than was said: +")
    assert told["figures"]["calibration"]["both"]["mean"] > 0.1
    assert len(told["figures"]["calibration_error"]["bins"]) == 10


def test_a_better_challenger_is_proposed_with_the_comparison(acme: World) -> None:
    ids, true = lived(acme, noise=0.25)
    acme.enact("ml_engineer", "model", "risk_challenger", {"digest": OTHER}, ("reviewer", "controller"))
    with acme.database.transaction("owner") as conn:
        conn.execute(_CHALLENGED, {"tenant": acme.tenant, "model": OTHER, "ids": ids, "chance": true.tolist()})
    done = watch(acme)()
    assert done is not None
    rows = [acme.recommendation(one["recommendation_id"]) for one in done["proposed"]]
    (row,) = [one for one in rows if one["envelope"]["action"]["name"] == "promote_model"]
    why = acme.scalar(
        "SELECT content::jsonb FROM cs.leaves WHERE recommendation_id = %s AND name = 'findings'", row["id"]
    )
    assert "the challenger was better on" in why["why"]
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        (found,) = risk_outcomes.judgements(conn)
    assert found.figures["challenger"]["high"] < 0


def test_a_worse_challenger_is_not(acme: World) -> None:
    ids, true = lived(acme)
    acme.enact("ml_engineer", "model", "risk_challenger", {"digest": OTHER}, ("reviewer", "controller"))
    worse = np.clip(true + np.random.default_rng(3).normal(0, 0.2, len(true)), 0.01, 0.99)
    with acme.database.transaction("owner") as conn:
        conn.execute(_CHALLENGED, {"tenant": acme.tenant, "model": OTHER, "ids": ids, "chance": worse.tolist()})
    done = watch(acme)()
    assert done is not None
    assert done["proposed"] == []


def test_books_that_nobody_updates_are_not_taken_for_lateness(acme: World) -> None:
    lived(acme)
    # For seven weeks no payment was imported: everything due since looks unpaid.
    acme.scalar(
        "WITH gone AS (UPDATE cs.open_items SET clear_date = NULL, cleared_as_of = NULL WHERE tenant = %s AND clear_date > %s RETURNING 1)"
        " SELECT count(*) FROM gone", acme.tenant, TODAY - timedelta(days=50),
    )  # fmt: skip
    done = watch(acme)()
    assert done is not None
    assert done["causes"] == []


def test_what_cannot_be_judged_does_not_stop_the_clock(acme: World) -> None:
    lived(acme, days=30)
    acme.scalar(
        "INSERT INTO cs.settings (tenant, kind, subject, version, content, digest, recommendation_id) "
        """VALUES (%s, 'threshold', 'risk_monitor', 1, '{"psi": "-1"}', '', '') RETURNING 1""",
        acme.tenant,
    )
    assert watch(acme)() is None

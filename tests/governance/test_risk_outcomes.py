"""Estimates in the record: kept as filed, joined with what became of them, judged once a day, proposed once a cause."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import errors as postgres

from governance import errors
from governance.record import risk_outcomes
from governance.record.db import Database
from tests.build import World, world

TODAY = datetime.now(UTC).date()
BUNDLE = "sha256:" + "b" * 64
OTHER = "sha256:" + "c" * 64
RISK = {
    "invoice_id": "R-1", "p_late": 0.61, "p_late_15": 0.3, "p_late_30": 0.1, "expected_days_late": 6.0,
    "days_late_low": -1.0, "days_late_high": 20.0, "basis": "model",
}  # fmt: skip


@pytest.fixture
def acme(one_database: Database) -> World:
    return world(one_database, f"t{uuid.uuid4().hex[:12]}")


def scored(
    acme: World, number: str = "1", risk: Any = None, due_in: int = -5, paid: int | None = None
) -> dict[str, Any]:
    """A filed recommendation whose findings hold a risk; its invoice stands in the books."""
    item = {
        "invoice_id": f"R-{number}", "customer_id": "C-1", "posting_date": str(TODAY - timedelta(days=60)),
        "due_date": str(TODAY + timedelta(days=due_in)), "amount": "100.00", "currency": "EUR",
        "clear_date": None if paid is None else str(TODAY + timedelta(days=paid)),
    }  # fmt: skip
    acme.import_books("open_items", [item])
    acme.accept(source_key=f"k-{number}", invoice_id=f"R-{number}")
    job = acme.claim(1)[0]
    said = {**RISK, "invoice_id": f"R-{number}"} if risk is None else risk
    filed = acme.file(job, None, findings={"risk": said}, stamps={"bundle": BUNDLE})
    return {**acme.recommendation(filed.recommendation_id), "revision": job.revision}


def row_of(acme: World, row: dict[str, Any]) -> Any:
    return acme.scalar(
        "SELECT to_jsonb(e) FROM cs.risk_estimates e WHERE tenant = %s AND recommendation_id = %s",
        acme.tenant,
        row["id"],
    )


def noted(acme: World, rows: list[dict[str, Any]]) -> int:
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        return risk_outcomes.note_scores(conn, rows)


def judge(
    acme: World, causes: list[str], promote: dict[str, str] | None = None, day_later: bool = True
) -> dict[str, Any]:
    """Judge today; what was judged before is made one of an earlier day first."""
    if day_later:
        acme.scalar("UPDATE cs.risk_monitors SET day = day - 1 WHERE tenant = %s RETURNING 1", acme.tenant)
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        told = [{"cause": cause, "why": f"{cause} is off"} for cause in causes]
        return risk_outcomes.note(conn, BUNDLE, {"matured": 9}, told, promote=promote, quiet_days=28)


def test_an_estimate_is_kept_as_it_was_filed(acme: World) -> None:
    found = row_of(acme, row := scored(acme))
    assert {name: found[name] for name in RISK if name in found} == {
        name: value for name, value in RISK.items() if name in found
    }
    assert (found["days_late"], found["model"], found["scored_on"]) == (6.0, BUNDLE, str(TODAY))
    assert found["features"] is None
    case = {"case_id": row["case_id"], "revision": row["revision"]}
    assert (
        noted(acme, [{**case, "features": [1.5, None, -2]}, {"case_id": "nobody's", "revision": 1, "features": [1]}])
        == 1
    )
    # What stands is not written over.
    assert noted(acme, [{**case, "features": [9, 9, 9]}]) == 0
    assert row_of(acme, row)["features"] == [1.5, None, -2]


@pytest.mark.parametrize(
    "risk",
    [
        None, [], "late", {}, {"p_late": 0.5}, {"invoice_id": "R-1", "p_late": None}, 
        {"invoice_id": "R-1", "p_late": 7},
        {"invoice_id": "R-1", "p_late": "0.5"}, {"invoice_id": "x" * 300, "p_late": 0.5},
    ],
)  # fmt: skip
def test_what_is_no_estimate_stops_nobody_s_filing(acme: World, risk: Any) -> None:
    row = scored(acme, risk=risk if risk is not None else {"invoice_id": None})
    assert row["state"] == "awaiting_review"
    assert row_of(acme, row) is None


def test_what_is_beyond_reason_is_null(acme: World) -> None:
    found = row_of(acme, scored(acme, risk={**RISK, "days_late_high": 1e9, "p_late_15": "much"}))
    assert (found["days_late_high"], found["p_late_15"], found["p_late"]) == (None, None, 0.61)


def test_estimates_join_with_what_became_of_their_invoices(acme: World) -> None:
    scored(acme, "1", due_in=-5, paid=-1)
    scored(acme, "2", due_in=20)
    acme.import_books("open_items", [{
        "invoice_id": "N-1", "customer_id": "C-1", "posting_date": "2026-01-01", "due_date": str(TODAY), 
        "amount": "-5.00",
        "currency": "EUR"}])  # fmt: skip
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        state = risk_outcomes.due(conn)
        found = {one.due_date: one for one in risk_outcomes.outcomes(conn, BUNDLE, TODAY, TODAY)}
        portfolio = risk_outcomes.portfolio(conn, TODAY - timedelta(days=30), TODAY + timedelta(days=30))
        assert risk_outcomes.outcomes(conn, OTHER, TODAY, TODAY) == []
    assert (state["due"], state["model"], state["until"]) == (True, BUNDLE, str(TODAY))
    assert found[TODAY - timedelta(days=5)].clear_date == TODAY - timedelta(days=1)
    assert found[TODAY + timedelta(days=20)].clear_date is None
    # Late, and not paid yet; a credit note is nobody's lateness.
    assert sorted(row[1:] for row in portfolio) == [
        (TODAY - timedelta(days=5), 1, 1),
        (TODAY + timedelta(days=20), 1, 1),
    ]


def test_a_day_has_one_judgement_and_a_cause_one_open_proposal(acme: World) -> None:
    scored(acme)
    first = judge(acme, ["calibration", "features"])
    assert (first["judged"], len(first["proposed"])) == (True, 2)
    assert judge(acme, ["coverage"], day_later=False) == {"judged": False, "proposed": []}
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert risk_outcomes.due(conn) == {"due": False}
    second = judge(acme, ["calibration", "coverage"])
    assert len(second["proposed"]) == 1
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        assert sorted(one.subject for one in risk_outcomes.proposed(conn)) == [
            "risk calibration", "risk coverage", "risk features"]  # fmt: skip
        assert [tuple(one.causes) for one in risk_outcomes.judgements(conn)] == [
            ("calibration", "coverage"), ("calibration", "features")]  # fmt: skip


def test_people_decide_on_it_like_on_every_change(acme: World) -> None:
    scored(acme)
    row = acme.recommendation(judge(acme, ["calibration"])["proposed"][0]["recommendation_id"])
    assert sorted(seat["role"] for seat in row["seats"]) == ["controller", "reviewer"]
    assert (row["envelope"]["action"]["name"], row["envelope"]["action"]["args"]["subject"]) == (
        "retrain_model",
        "risk calibration",
    )
    told = acme.scalar(
        "SELECT content::jsonb FROM cs.leaves WHERE recommendation_id = %s AND name = 'evidence'", row["id"]
    )
    assert told == {"of": "risk_monitor", "figures": {"matured": 9}}
    assert acme.scalar("SELECT count(*) FROM cs.champions WHERE tenant = %s", acme.tenant) == 0
    for signer in ("reviewer", "controller"):
        acme.decide(signer, row, "approve")
    acme.carry_out(row)
    assert acme.recommendation(row["id"])["state"] == "executed"
    # People have said what is to be done: for four weeks the same cause is not raised again.
    assert judge(acme, ["calibration"])["proposed"] == []
    acme.scalar(
        "UPDATE cs.recommendations SET created_at = created_at - interval '29 days' WHERE id = %s RETURNING 1",
        row["id"],
    )
    assert len(judge(acme, ["calibration"])["proposed"]) == 1


def test_a_better_challenger_is_proposed_and_nothing_moves_before_it_is_signed(acme: World) -> None:
    scored(acme)
    acme.enact("ml_engineer", "model", "risk", {"digest": BUNDLE}, ("reviewer", "controller"))
    made = judge(acme, [], {"digest": OTHER, "why": "it is better"})["proposed"]
    assert judge(acme, [], {"digest": OTHER, "why": "it is better"})["proposed"] == []
    row = acme.recommendation(made[0]["recommendation_id"])
    champion = "SELECT digest FROM cs.champions WHERE tenant = %s AND model = 'risk'"
    assert acme.scalar(champion, acme.tenant) == BUNDLE
    for signer in ("reviewer", "controller"):
        acme.decide(signer, row, "approve")
    acme.carry_out(row)
    assert acme.scalar(champion, acme.tenant) == OTHER


def test_nobody_reads_what_a_challenger_says_of_a_case(acme: World) -> None:
    row = scored(acme, due_in=10)
    case = {"case_id": row["case_id"], "revision": row["revision"]}
    told = {"model": OTHER, "outcome": "scored", "p_late": 0.12345, "p_late_15": 0.1, "p_late_30": 0.05}
    noted(acme, [{**case, "features": None, "challenger": told}])
    count = "SELECT count(*) FROM cs.challenger_estimates WHERE tenant = %s"
    assert acme.scalar(count, acme.tenant) == 0  # people named no challenger
    acme.enact("ml_engineer", "model", "risk_challenger", {"digest": OTHER}, ("reviewer", "controller"))
    noted(acme, [{**case, "features": None, "challenger": told}])
    assert acme.scalar(count, acme.tenant) == 1
    for role, who in (
        ("review", "admin1"),
        ("audit", "auditor"),
        ("agent", "agent"),
        ("courier", "courier"),
        ("intake", "intake"),
    ):
        with (
            pytest.raises((errors.Refusal, postgres.InsufficientPrivilege)),
            acme.database.transaction(role, acme.tokens[who]) as conn,
        ):
            conn.execute("SELECT * FROM cs.challenger_estimates")
    assert "0.12345" not in json.dumps(acme.recommendation(row["id"]), default=str)
    # The clock does not hear it either while the invoice is not due.
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert [one.other for one in risk_outcomes.outcomes(conn, BUNDLE, TODAY, TODAY)] == [None]
    acme.scalar(
        "UPDATE cs.open_items SET due_date = %s WHERE tenant = %s RETURNING 1", TODAY - timedelta(days=1), acme.tenant
    )
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert [one.other for one in risk_outcomes.outcomes(conn, BUNDLE, TODAY, TODAY)] == [[0.12345, 0.1, 0.05]]


def test_an_erased_case_takes_its_estimates_along(acme: World) -> None:
    row = scored(acme)
    acme.decide("reviewer", row, "reject", reason_code="wrong_data")
    acme.enact("admin1", "erasure", f"case:{row['case_id']}", {})
    assert row_of(acme, row) is None


@pytest.mark.parametrize(
    "content", [{"psi": "0"}, {"period_days": "2.5"}, {"mood": "1"}, {"least_rows": None}, {"psi": "much"}]
)
def test_lines_that_are_none_are_refused(acme: World, content: dict[str, Any]) -> None:
    with pytest.raises(errors.Malformed, match="above zero"):
        acme.propose("ml_engineer", "threshold", "risk_monitor", content)


def test_governed_lines_reach_the_judgement(acme: World) -> None:
    scored(acme)
    acme.enact(
        "ml_engineer", "threshold", "risk_monitor", {"least_rows": "40", "psi": "0.3"}, ("reviewer", "controller")
    )
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert risk_outcomes.due(conn)["lines"] == {"least_rows": "40", "psi": "0.3"}


@pytest.mark.parametrize("rows", ["{}", '"all"', "null", json.dumps([{}] * 1001)])
def test_what_a_model_saw_is_a_list_of_so_many_cases(acme: World, rows: str) -> None:
    with (
        pytest.raises(errors.Malformed, match="a list of at most 1000 cases"),
        acme.database.transaction("agent", acme.tokens["agent"]) as conn,
    ):
        conn.execute("SELECT cs.note_scores(%s::jsonb)", [rows])


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("standard", {"edges": [], "shares": [], "rows": 1}),
        (BUNDLE, {"edges": [], "shares": []}),
        (BUNDLE, {"edges": "", "shares": [], "rows": 1}),
        (BUNDLE, {"edges": [], "shares": [], "rows": "1"}),
    ],
)
def test_a_reference_says_whose_and_how_it_was_spread(acme: World, model: str, body: Any) -> None:
    with (
        pytest.raises(errors.Malformed, match="a reference is a model's digest"),
        acme.database.transaction("agent", acme.tokens["agent"]) as conn,
    ):
        risk_outcomes.note_reference(conn, model, body)

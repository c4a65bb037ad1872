"""How the model holds, at the API and the console; what a challenger says of a case is on no page."""

# ruff: noqa: E501  (SQL stands on one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import cli
from api.console import models
from api.monitoring import RiskWatch
from governance.record import risk_outcomes
from tests.api.conftest import Api
from tests.api.test_monitoring import BUNDLE, OTHER, lived
from tests.api.visitor import signed_in, words
from tests.conftest import PASSWORDS

SECRET = 0.7654321


def judged(api: Api) -> dict[str, Any]:
    done = RiskWatch(api.world.database, api.world.tokens["courier"], seconds=0.0)()
    assert done is not None
    return done


def test_before_the_first_estimate_the_page_says_so(api: Api) -> None:
    shown = api.of("analyst").get("/v1/models/risk/monitor").json()
    assert (shown["newest"], shown["days"], shown["proposals"], shown["champion"]) == (None, [], [], None)
    page = words(signed_in(api, "auditor").get("/console/models"))
    assert "Not judged yet" in page
    assert "No change of this model has been proposed." in page


def test_a_model_that_drifted_is_shown_with_its_figures_and_the_proposal(api: Api) -> None:
    lived(api.world, later=0.2)
    made = judged(api)
    shown = api.of("analyst").get("/v1/models/risk/monitor").json()
    assert shown["newest"]["model"] == BUNDLE
    assert "calibration" in shown["newest"]["causes"]
    assert shown["days"][0]["calibration"] == shown["newest"]["figures"]["calibration"]["both"]["mean"] > 0.1
    assert {one["recommendation_id"] for one in shown["proposals"]} == {
        one["recommendation_id"] for one in made["proposed"]
    }
    visitor = signed_in(api, "reviewer")
    page = visitor.get("/console/models")
    assert "more or fewer are late than was said" in words(page)
    assert page.text.count("<circle") >= 14
    about = next(one for one in shown["proposals"] if one["subject"] == "risk calibration")
    assert f"/console/recommendations/{about['recommendation_id']}" in page.text
    item = visitor.get(f"/console/recommendations/{about['recommendation_id']}")
    assert "is to be trained anew or replaced" in words(item)
    assert "How the model held" in words(item)
    assert page.text.count("<circle") == item.text.count("<circle")


def test_the_command_line_says_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", api.world.database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", api.world.tenant)
    monkeypatch.setenv("COUNTERSIGN_API_KEY", api.world.tokens["ml_engineer"])
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)

    def run(*more: str) -> tuple[str, str]:
        assert cli.main(["learning", "risk", *more, "--home", str(tmp_path / "home")]) == 0
        shown = capsys.readouterr()
        return shown.out, shown.err

    assert "not judged yet" in run()[1]
    lived(api.world, later=0.2)
    judged(api)
    capsys.readouterr()
    said = json.loads(run("--json")[0])
    assert said["newest"]["causes"][0] == "calibration"
    out, err = run()
    assert "calibration" in out
    assert "awaiting_review: retrain_model risk calibration" in err


def test_a_stranger_sees_nothing(api: Api) -> None:
    assert api.of(None).get("/v1/models/risk/monitor").status_code == 401
    assert api.of(None).get("/console/models").status_code == 401


def test_no_page_shows_what_a_challenger_says_of_an_open_case(api: Api) -> None:
    world = api.world
    world.enact("ml_engineer", "model", "risk_challenger", {"digest": OTHER}, ("reviewer", "controller"))
    world.import_books("open_items", [{
        "invoice_id": "R-1", "customer_id": "C-1", "posting_date": "2026-10-01", "due_date": "2026-11-01", "amount": "100.00",
        "currency": "EUR",
    }])  # fmt: skip
    world.accept(
        queue="order_to_cash",
        exception_type="overdue",
        supplier_id=None,
        customer_id="C-1",
        invoice_id="R-1",
        document_class=None,
        amount="100.00",
    )
    job = world.claim(1)[0]
    risk = {"invoice_id": "R-1", "p_late": 0.25, "p_late_15": 0.2, "p_late_30": 0.1, "basis": "model"}
    filed = world.file(job, None, action=_refer(), draft=None, findings={"risk": risk}, stamps={"bundle": BUNDLE})
    with world.database.transaction("agent", world.tokens["agent"]) as conn:
        told = {"model": OTHER, "outcome": "scored", "p_late": SECRET, "p_late_15": SECRET / 2, "p_late_30": SECRET / 4}
        assert (
            risk_outcomes.note_scores(
                conn, [{"case_id": job.case_id, "revision": 1, "features": [1.0], "challenger": told}]
            )
            == 1
        )
    judged(api)
    assert world.scalar("SELECT p_late FROM cs.challenger_estimates") == SECRET
    item, case = filed.recommendation_id, job.case_id
    pages = [
        f"/v1/cases/{case}", f"/v1/cases/{case}/timeline", f"/v1/cases/{case}/evidence", f"/v1/recommendations/{item}", "/v1/worklist?queue=order_to_cash",
        "/v1/cases", "/v1/recommendations", "/v1/ledger", "/v1/models/risk/monitor",
    ]  # fmt: skip
    for who in ("analyst", "admin1", "ml_engineer", "auditor"):
        for page in pages:
            response = api.of(who).get(page)
            assert "0.765" not in response.text, page
        visitor = signed_in(api, who)
        for page in (
            f"/console/recommendations/{item}",
            "/console/models",
            "/console/queue",
            "/console/collections",
            "/console/changes",
        ):
            response = visitor.get(page)
            assert response.status_code == 200, page
            assert "0.765" not in response.text, page
            assert "77 %" not in response.text, page


def _refer() -> Any:
    from governance.action import Action

    return Action("refer_to_person", {"reason": "a person should look"})


loose = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({
        "both", "mean", "low", "high", "rows", "target", "bins", "said", "came", "name", "index", "alarms", "off", "late_rate", "until", "value"})), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["calibration", "coverage", "calibration_error", "features", "over_time", "challenger", "causes", "until"]
        ),
        loose,
    )
)
def test_figures_of_any_shape_are_read(figures: dict[str, Any]) -> None:
    models.read(figures)


@pytest.mark.parametrize("value", [None, [], "x", {}])
def test_no_figures_are_none(value: Any) -> None:
    assert models.read(value) is None

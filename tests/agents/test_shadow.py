"""What the model saw is kept, a challenger is asked beside it, and no case waits for either or breaks with them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents import shadow
from agents.context import Models
from agents.worker import Worker
from governance.errors import Unavailable
from models.risk import RISK_FEATURES, CollectionRisk, risk_features
from models.synthetic import CompanyMonth
from tests.agents.scenes import TODAY, HashEncoder, SmallBundle
from tests.agents.test_risk_scores import accept, row
from tests.build import World

CHAMPION, CHALLENGER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
KEPT = "SELECT jsonb_agg(to_jsonb(e) ORDER BY e.invoice_id) FROM cs.risk_estimates e"
SCORED = "SELECT jsonb_agg(to_jsonb(e)) FROM cs.challenger_estimates e"


@pytest.fixture
def cases(acme: World, month: CompanyMonth) -> list[Any]:
    acme.import_books("open_items", [row(one) for one in month.receivables])
    items = [one for one in month.receivables if one.clear_date is None][:6]
    for one in items:
        accept(acme, one)
    acme.enact("ml_engineer", "model", "risk_challenger", {"digest": CHALLENGER}, ("reviewer", "controller"))
    return items


class Give:
    """A challenger that people named; `how` may fail, dawdle or be missing."""

    def __init__(self, risk: CollectionRisk, how: str = "") -> None:
        self.risk, self.how, self.done = risk, how, threading.Event()
        self.asked = 0

    def __call__(self, champions: Mapping[str, str]) -> tuple[str, CollectionRisk]:
        self.asked += 1
        assert champions["risk_challenger"] == CHALLENGER
        if self.how == "missing":
            raise Unavailable("it is not on this machine")
        if self.how == "broken":
            raise ZeroDivisionError
        if self.how == "slow":
            self.done.wait(20)
        return CHALLENGER, self.risk


@pytest.fixture
def workers(acme: World, bundle: SmallBundle) -> Iterator[Any]:
    made: list[Worker] = []

    def make(give: Give | None, seconds: float = 5.0) -> Worker:
        models = Models(replace(bundle, digest=CHAMPION), HashEncoder())
        worker = Worker(acme.database, acme.tokens["agent"], models, name="w", today=TODAY, challenger=give)
        worker._shadow._seconds = seconds
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.close()


def test_what_the_model_saw_is_kept_as_it_was(
    acme: World, cases: list[Any], workers: Any, month: CompanyMonth, bundle: SmallBundle
) -> None:
    worker = workers(None)
    worker.drain()
    assert worker._shadow.wait(20)
    rows = acme.scalar(KEPT)
    asked = sorted(cases, key=lambda one: one.invoice_id)
    assert [one["invoice_id"] for one in rows] == [one.invoice_id for one in asked]
    table = risk_features(asked, [TODAY] * len(asked), month.receivables)
    for one, seen in zip(rows, table, strict=True):
        assert one["model"] == CHAMPION
        assert len(one["features"]) == len(RISK_FEATURES)
        assert one["features"] == [None if value != value else pytest.approx(value, abs=1e-6) for value in seen]
    kind = acme.scalar("SELECT kind FROM cs.risk_references WHERE model = %s", CHAMPION)
    assert kind == ("trained" if bundle.risk.reference is not None else None)
    assert acme.scalar(SCORED) is None


def test_a_challenger_scores_the_same_cases_and_nobody_sees_it(
    acme: World, cases: list[Any], workers: Any, bundle: SmallBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = shadow.estimated  # type: ignore[attr-defined]

    def other(*asked: Any) -> tuple[list[Any], Any]:
        found, seen = usual(*asked)
        return [replace(one, p_late=0.5 * (one.p_late or 0.0) + 0.12345678) for one in found], seen

    monkeypatch.setattr(shadow, "estimated", other)
    worker = workers(Give(bundle.risk))
    worker.drain()
    assert worker._shadow.wait(20)
    rows = acme.scalar(SCORED)
    assert len(rows) == len(cases)
    assert {(one["outcome"], one["model"]) for one in rows} == {("scored", CHALLENGER)}
    shown = {one["recommendation_id"]: one["p_late"] for one in acme.scalar(KEPT)}
    for one in rows:
        assert one["p_late"] == pytest.approx(0.5 * shown[one["recommendation_id"]] + 0.12345678, abs=0.001)
    # Of nothing that people read is the challenger a part.
    leaves = acme.scalar("SELECT jsonb_agg(content) FROM cs.leaves WHERE name <> 'change'")
    said = json.dumps([leaves, acme.scalar("SELECT jsonb_agg(envelope) FROM cs.recommendations")])
    assert CHAMPION in said
    assert CHALLENGER not in said
    assert not [one for one in rows if repr(one["p_late"])[:9] in said]


@pytest.mark.parametrize(("how", "outcome"), [("broken", "failed"), ("missing", "failed"), ("slow", "late")])
def test_a_challenger_that_fails_or_dawdles_delays_nothing(
    acme: World, cases: list[Any], workers: Any, bundle: SmallBundle, how: str, outcome: str
) -> None:
    give = Give(bundle.risk, how)
    worker = workers(give, seconds=0.3)
    start = time.monotonic()
    with capture_logs() as logs:
        worker.run_once()
        took = time.monotonic() - start
        assert acme.scalar("SELECT count(*) FROM cs.recommendations WHERE action NOT IN ('promote_model')") == len(
            cases
        )
        assert worker._shadow.wait(20)
    rows = acme.scalar(SCORED)
    assert {(one["outcome"], one["p_late"]) for one in rows} == {(outcome, None)}
    assert all(one["features"] for one in acme.scalar(KEPT))
    assert [line for line in logs if line["event"] == "the challenger gave no scores"]
    assert took < 15
    if how == "slow":
        # It still dawdles: it is not asked a second time, and the next batch does not wait for it.
        accept(acme, replace(cases[0], invoice_id="NEXT"))
        worker.run_once()
        assert worker._shadow.wait(20)
        assert give.asked == 1
        assert acme.scalar("SELECT count(*) FROM cs.challenger_estimates WHERE outcome = 'late'") == len(cases) + 1
        give.done.set()
        assert worker._shadow._asking is not None
        worker._shadow._asking.join(20)
        assert not worker._shadow._asking.is_alive(), "its answer comes before the database of this test is gone"


def test_without_a_named_challenger_none_is_asked(
    acme: World, month: CompanyMonth, workers: Any, bundle: SmallBundle
) -> None:
    accept(acme, next(one for one in month.receivables if one.clear_date is None))
    worker = workers(give := Give(bundle.risk))
    worker.drain()
    assert worker._shadow.wait(20)
    assert (give.asked, acme.scalar(SCORED)) == (0, None)

"""Workers on Postgres with a language model: its part is on record, its budget is one, and no case waits for it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agents.compose import ModelComposer
from agents.letter import prompt
from agents.llm import Door, Limits, Place
from agents.llm_spending import SharedBudget
from evals.llm_stub import Stub, serving
from governance.record.db import Database
from models.traces import otlp
from tests.agents.conftest import Workers
from tests.agents.test_worker import bring, pending, send_back
from tests.build import World

BODY = "SELECT body FROM cs.observations WHERE kind = 'triage' ORDER BY id DESC LIMIT 1"


@contextlib.contextmanager
def model(
    acme: World, temper: str = "helpful", region: str = "EU", **limits: Any
) -> Iterator[tuple[ModelComposer, Stub]]:
    """A composer whose budgets are the record's."""
    kept = Limits(deadline=20.0, **limits)
    with serving(temper) as stub:
        spending = SharedBudget(kept, lambda: acme.database.transaction("agent", acme.tokens["agent"]))
        composer = ModelComposer(Door([Place(stub.url, "stub-model", region)], kept, spending=spending))
        try:
            yield composer, stub
        finally:
            composer.close()


def spent(acme: World, kind: str = "day") -> tuple[int, int]:
    found = acme.scalar(
        "SELECT ARRAY[coalesce(sum(reserved), 0), coalesce(sum(used), 0)]::bigint[]"
        " FROM cs.llm_spending WHERE kind = %s",
        kind,
    )
    return int(found[0]), int(found[1])


def test_what_a_model_took_is_on_record_in_findings_stamps_budget_and_trace(acme: World, workers: Workers) -> None:
    with model(acme) as (composer, stub):
        case = bring(acme)
        assert workers(composer=composer).drain().filed == 1
    row = pending(acme, case)
    asked = row["leaves"]["findings"]["language_model"]
    assert (asked["model"], asked["why"], asked["tokens_in"], asked["tokens_out"]) == ("stub-model", "", 300, 60)
    stamps = row["envelope"]["stamps"]
    assert (stamps["composer"], stamps["composer_prompt"]) == ("stub-model", asked["prompt"])
    assert (len(stub.asked), spent(acme), spent(acme, "case")) == (1, (0, 360), (0, 360))
    body = acme.scalar(BODY)
    (span,) = [one for one in body["spans"] if one["name"] == "draft"]
    assert span["llm"]["model"] == "stub-model"
    told = json.dumps(otlp(acme.tenant, [{**body, "recommendation_id": row["id"]}]))
    for name in ("llm.model", "llm.prompt", "llm.cost", "mlflow.chat.tokenUsage"):
        assert f'"{name}"' in told, name
    assert prompt("letter")[:40] not in told


@pytest.mark.parametrize("mode", ["observe", "rules"])
def test_in_no_other_mode_is_a_model_asked(acme: World, workers: Workers, mode: str) -> None:
    acme.scalar("WITH w AS (UPDATE cs.workflows SET mode = %s RETURNING 1) SELECT count(*) FROM w", mode)
    with model(acme) as (composer, stub):
        bring(acme)
        assert workers(composer=composer).drain().filed == 1
        assert stub.asked == []


def test_a_case_of_another_region_is_filed_and_never_shown(acme: World, workers: Workers) -> None:
    with model(acme, region="US") as (composer, stub):
        case = bring(acme)
        assert workers(composer=composer).drain().filed == 1
        assert stub.asked == []
    assert pending(acme, case)["leaves"]["findings"]["language_model"]["why"] == "no region"
    assert spent(acme) == (0, 0)


def test_without_budget_the_templates_write_and_the_case_is_filed(acme: World, workers: Workers) -> None:
    with model(acme, tokens_per_day=100) as (composer, stub):
        case = bring(acme)
        assert workers(composer=composer).drain().filed == 1
        assert stub.asked == []
    row = pending(acme, case)
    assert (row["leaves"]["findings"]["language_model"]["why"], row["envelope"]["stamps"]["composer"]) == (
        "budget",
        "template",
    )


def test_two_workers_have_one_budget(acme: World, workers: Workers) -> None:
    """The same day, cases that differ in language so that no answer is known already."""
    for n, language in enumerate(("en", "de", "fr", "es", "it", "nl")):
        row = {"id": f"S-{n + 10}", "name": f"Supplier {n}", "email": f"s{n}@supplier.example", "language": language}
        acme.import_books("suppliers", [row])
        bring(acme, n + 10, supplier_id=f"S-{n + 10}")
    with model(acme, tokens_per_day=3000) as (one, first), model(acme, tokens_per_day=3000) as (two, second):
        made = [workers(composer=composer, batch=1) for composer in (one, two)]
        running = [threading.Thread(target=worker.drain) for worker in made]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join(timeout=60)
        asked = len(first.asked) + len(second.asked)
    assert acme.scalar("SELECT count(*) FROM cs.recommendations") == 6
    reserved, used = spent(acme)
    assert (reserved, used) == (0, 360 * asked)
    assert 0 < used <= 3000


def test_a_record_that_cannot_count_means_that_nothing_is_asked(acme: World, workers: Workers) -> None:
    with serving() as stub:
        kept = Limits(deadline=1.0)
        nowhere = Database({"agent": "postgresql://nobody:x@127.0.0.1:9/none"})
        spending = SharedBudget(kept, lambda: nowhere.transaction("agent", "x"))
        assert spending.reserve("case", 10) is False
        spending.settle("case", 10, 5)
        nowhere.close()
        assert stub.asked == []


def test_a_redraft_tells_the_model_what_a_person_wanted_and_says_what_became_of_it(
    acme: World, workers: Workers
) -> None:
    with model(acme) as (composer, stub):
        case = bring(acme)
        worker = workers(composer=composer)
        worker.drain()
        send_back(acme, pending(acme, case), "In French please, and mention the order")
        assert worker.drain().resumed == 1
    told = json.loads(stub.asked[-1]["messages"][1]["content"])
    assert told["instructions"] == [
        {"from": "a reviewer, a person of this company", "note": "In French please, and mention the order"}
    ]
    row = pending(acme, case)
    assert row["leaves"]["draft"]["language"] == "fr"
    wishes = {one["wish"]: one["why"] for one in row["leaves"]["findings"]["reviewer_note"]["wishes"]}
    assert wishes == {"language: fr": None, "mention: order": "the record does not say it"}

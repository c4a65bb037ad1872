"""Modes of a queue, observe → rules → ai and back: a governed change each time, a worker on the record with a language
model at hand, and the baseline that is left of what was observed."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import pytest

from governance import errors
from governance.action import Action
from governance.policy import compile_policy
from governance.record.baseline import Baseline, baseline
from tests.agents.conftest import Workers
from tests.agents.test_llm import composing, said
from tests.build import World, letter

QUEUE = "customer_onboarding"


def enact(acme: World, mode: str) -> dict[str, Any]:
    """The standard policy with this mode of the queue: proposed, signed by two others, applied."""
    folder = resources.files("governance") / "policies" / "standard"
    matrix, flows = ((folder / name).read_text("utf-8") for name in ("matrix.toml", "workflows.toml"))
    flows = re.sub(rf'(?m)^{QUEUE} = "\w+"$', f'{QUEUE} = "{mode}"', flows)
    policy = compile_policy(matrix, flows)
    return acme.enact("admin1", "policy", policy.name, {"policy": policy.text, "source": policy.source})


def onboarding(acme: World, key: str) -> None:
    acme.accept(source_key=key, title=key, queue=QUEUE, exception_type="document_missing", supplier_id=None,
                customer_id="C-1", document_class=None, invoice_id=None, reading={},
                details={"missing": ["tax_form"]})  # fmt: skip


def newest(acme: World) -> dict[str, Any]:
    found = acme.scalar("SELECT r.id FROM cs.recommendations r JOIN cs.cases c ON c.id = r.case_id "
                        "WHERE c.queue = %s ORDER BY r.created_at DESC LIMIT 1", QUEUE)  # fmt: skip
    return acme.recommendation(found)


@pytest.fixture
def asked(acme: World, workers: Workers) -> Any:
    """What a worker with a language model files on a new case, and how often the model was asked for it."""
    with composing(said()) as (composer, server):
        worker = workers(composer=composer)

        def work(key: str) -> tuple[dict[str, Any], int]:
            before = len(server.asked)
            onboarding(acme, key)
            worker.drain()
            row = newest(acme)
            assert row["title"] == key
            return row, len(server.asked) - before

        yield work


def test_a_queue_goes_from_observed_to_ai_and_back_by_signed_changes(acme: World, asked: Any) -> None:
    with_model, times = asked("start")
    assert (with_model["envelope"]["action"]["name"], times > 0) == ("request_missing_document", True)
    seen: dict[str, dict[str, Any]] = {}
    for mode in ("observe", "rules", "ai", "observe"):
        enact(acme, mode)
        row, times = asked(f"{mode}-{len(seen)}")
        findings = json.loads(row["leaves"]["findings"])
        # The same question is answered from what was answered before, which is a model's answer all the same.
        assert ("language_model" in findings) == (mode == "ai"), mode
        assert times == 0 or mode == "ai"
        expected = "refer_to_person" if mode == "observe" else "request_missing_document"
        assert row["envelope"]["action"]["name"] == expected, mode
        assert findings.get("would_propose") == ("request_missing_document" if mode == "observe" else None)
        assert row["envelope"]["stamps"]["composer"] == "template" or mode == "ai"
        seen[f"{mode}-{len(seen)}"] = row
    assert len({row["envelope"]["policy"]["digest"] for row in seen.values()}) == 3, (
        "back in observe it is the policy of before"
    )


def test_what_was_observed_is_a_baseline(acme: World, asked: Any) -> None:
    enact(acme, "observe")

    def read(queue: str | None = None) -> list[Baseline]:
        with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
            return baseline(conn, queue)

    assert read() == []
    asked("waits")
    row, _ = asked("agreed")
    ask = {"name": "request_missing_document", "args": {"document": "tax_form", "customer_id": "C-1"}}
    draft = {"to": "pay@customer.example", "subject": "Tax form", "body": "Please send it.", "language": "en"}
    acme.decide("reviewer", row, "override", reason_code="other", comment="as ever", action=ask, draft=draft)
    acme.decide("reviewer2", newest(acme), "approve")
    row, _ = asked("otherwise")
    acme.decide("reviewer", row, "approve")
    row, _ = asked("rejected")
    acme.decide("reviewer", row, "reject", reason_code="other", comment="no case")
    (found,) = read()
    assert (found.queue, found.exception_type) == (QUEUE, "document_missing")
    assert (found.cases, found.decided, found.agreed, found.agreement) == (4, 3, 1, 0.333)
    assert found.hours is not None
    assert found.hours < 1
    assert (read("order_to_cash"), read(QUEUE)) == ([], [found])


def test_a_mode_that_is_proposed_changes_nothing_before_it_is_signed(acme: World, asked: Any) -> None:
    folder = resources.files("governance") / "policies" / "standard"
    matrix, flows = ((folder / name).read_text("utf-8") for name in ("matrix.toml", "workflows.toml"))
    policy = compile_policy(matrix, flows.replace(f'{QUEUE} = "ai"', f'{QUEUE} = "observe"'))
    row = acme.propose("admin1", "policy", policy.name, {"policy": policy.text, "source": policy.source})
    acme.decide("controller", row, "approve")
    assert asked("meanwhile")[0]["envelope"]["action"]["name"] == "request_missing_document"
    with pytest.raises((errors.SegregationOfDuties, errors.NotPermitted)):
        acme.decide("admin1", row, "approve")
    acme.decide("admin2", row, "approve")
    acme.carry_out(row)
    assert asked("afterwards")[0]["envelope"]["action"]["name"] == "refer_to_person"


def test_an_agent_that_thinks_it_is_in_another_mode_is_refused(acme: World) -> None:
    """The worker read its cases before the change took effect: the record has the last word."""
    onboarding(acme, "one")
    (job,) = acme.claim(1)
    enact(acme, "observe")
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
    call = Action("schedule_call", {"topic": "missing document", "customer_id": "C-1"})
    with pytest.raises(errors.UnknownAction, match="not among the actions"):
        acme.file(job, letter(digest, action=call, draft=None))

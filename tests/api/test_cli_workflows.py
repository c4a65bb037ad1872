"""Workflows on the command line: what policy says, what was observed, letters of one's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import cli
from governance.action import Action
from governance.policy import compile_policy, standard_policy
from tests.api.test_cli_record import Run
from tests.api.test_cli_record import acme as acme
from tests.api.test_cli_record import run as run
from tests.build import World, letter
from tests.governance.test_watchers import MATRIX

FLOWS = """
[modes]
accounts_payable = "observe"
[[workflow]]
queue = "accounts_payable"
exception_type = "missing_order_reference"
owner = "AP lead"
sla_hours = 24
actions = ["request_purchase_order"]
"""


def test_check_shows_every_workflow(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policy", "check", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for flow in standard_policy().workflows:
        assert f"{flow.queue},{flow.exception_type},ai,{flow.owner},{flow.sla_hours},working," in shown
    assert "request_missing_document_onboarding" in shown
    assert cli.main(["policy", "check", "--home", str(tmp_path), "--out", str(tmp_path / "rules.csv")]) == 0
    assert "AP lead" not in (tmp_path / "rules.csv").read_text()


def test_the_baseline_of_what_was_observed(acme: World, run: Run) -> None:
    assert run("policy", "baseline") == (0, [], "0 cases were observed, 0 are decided\n")
    policy = compile_policy(MATRIX, FLOWS)
    acme.enact("admin1", "policy", policy.name, {"policy": policy.text, "source": policy.source})

    for number, would in enumerate(("request_purchase_order", "refer_to_person")):
        acme.accept(source_key=f"key-{number}", invoice_id=f"INV-{number}")
        (job,) = acme.claim(1)
        digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
        filed = acme.file(job, letter(digest, action=Action("refer_to_person", {"reason": "observed"}), draft=None,
                                      findings={"would_propose": would}))  # fmt: skip
        acme.decide("reviewer", acme.recommendation(filed.recommendation_id), "approve")
    code, (line,), words = run("policy", "baseline", "--queue", "accounts_payable")
    assert (code, words) == (0, "2 cases were observed, 2 are decided\n")
    assert (line["exception_type"], line["cases"], line["decided"], line["agreed"], line["agreement"]) == (
        "missing_order_reference", 2, 2, 1, 0.5,
    )  # fmt: skip
    assert run("policy", "baseline", "--queue", "order_to_cash")[1] == []


def test_a_letter_that_the_guard_would_refuse_is_not_proposed(acme: World, run: Run) -> None:
    table = {"subject": "Insurance", "opening": ["It has ended."], "request": ["Please send us a current certificate."]}
    name = "request_missing_document_insurance.en"

    def propose(content: dict[str, Any]) -> tuple[int, str]:
        code, _, words = run("change", "propose", "template", name, json.dumps(content), "--why", "x", by="reviewer2")
        return code, words

    code, words = propose({**table, "request": ["We will pay you soon, please wait."]})
    assert (code, "the guard would refuse this letter: promise" in words) == (2, True)
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'change.proposed'") == 0
    assert propose(table)[0] == 0

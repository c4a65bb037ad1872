"""The page of workflows: every type as policy has it, in words; read by those who read the record; nothing is lost."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from governance.action import Action
from governance.case import QUEUES
from governance.policy import compile_policy, standard_policy
from tests.api.conftest import Api
from tests.api.visitor import filed, signed_in, words

PAGE = "/console/workflows"


def said(response: Any) -> str:
    """The words of the page, signs beside the word before them."""
    return re.sub(r"(?<=\() | (?=[:,;.)])", "", words(response))


def test_every_type_is_shown_with_what_policy_says_of_it(api: Api) -> None:
    page = said(signed_in(api, "auditor").get(PAGE))
    policy = standard_policy()
    assert f"version 1 of the policy {policy.name}" in page
    for flow in policy.workflows:
        name = flow.exception_type.replace("_", " ").capitalize()
        assert f"{name} Owner: {flow.owner} Due within {flow.sla_hours} hours of working days" in page, name
    assert "a language model for the wording" in page
    assert "where feed status contains fail, error, gap" in page
    assert "the task is overdue since ‹due› with ‹owner›" in page
    assert "Approval bottleneck, otherwise: it waits for a person" in page
    assert "refuted by somebody who works on it outside this system" in page
    assert "not written in" not in page
    assert not re.search(r"[{}]|\[|\]", page)


def test_it_is_for_those_who_read_the_record(api: Api) -> None:
    assert api.of(None).get(PAGE).status_code == 401
    for who in ("reviewer", "controller", "auditor", "analyst"):
        assert signed_in(api, who).get(PAGE).status_code == 200
    assert PAGE in signed_in(api, "reviewer").get("/console/changes").text


def test_a_policy_of_one_s_own_shows_modes_letters_that_lack_a_language_and_lines(api: Api) -> None:
    folder = resources.files("governance") / "policies" / "standard"
    matrix = (folder / "matrix.toml").read_text("utf-8")
    flows = """
[modes]
customer_onboarding = "observe"
partner_settlement = "rules"
[[workflow]]
queue = "customer_onboarding"
exception_type = "insurance_lapsed"
owner = "<b>Onboarding</b>\\u202e lead"
sla_hours = 16
actions = ["request_missing_document"]
letters = ["request_missing_document_insurance"]
judgement = true
"""
    policy = compile_policy(matrix, flows)
    api.world.enact("admin1", "policy", policy.name, {"policy": policy.text, "source": policy.source})
    table = {"subject": "Insurance", "opening": ["It has ended."], "request": ["Please send us a current certificate."]}
    signers = ("reviewer", "controller")
    api.world.enact("reviewer2", "template", "request_missing_document_insurance.en", table, signers)
    api.world.enact("admin1", "calendar", "DE01", {"holidays": ["2026-12-25"]}, signers)
    filed(api, action=Action("refer_to_person", {"reason": "observed"}), queue="customer_onboarding",
          exception_type="insurance_lapsed", customer_id="C-1",
          findings={"would_propose": "request_missing_document"})  # fmt: skip
    response = signed_in(api, "reviewer").get(PAGE)
    page = said(response)
    assert "Observed: 1 case, 0 decided; in 0 people did what rules would have proposed" in page
    assert "<b>Onboarding" not in response.text
    assert "Owner: <b>Onboarding</b>[U+202E] lead Due within 16 hours May" in page
    assert "(own words in en) (not written in de, fr, es, it, nl)" in page
    assert "summarised and never acted upon" in page
    assert "only observed: the agent proposes nothing" in page
    assert "by rules: no language model is asked" in page
    assert "Calendar DE01: holidays: 2026-12-25" in page
    assert page.count("Policy names no type of this queue") == len(QUEUES) - 1

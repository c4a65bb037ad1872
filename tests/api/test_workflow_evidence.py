"""What an auditor can prove of a workflow from a bundle alone; and letters of one's own at the door of the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.evidence_check import check_bundle
from governance.errors import Tampered
from governance.policy import standard_policy
from tests.api.conftest import Api, Start, problem_of

NAME = "request_missing_document_insurance.en"
TABLE: dict[str, Any] = {
    "subject": "Insurance", "opening": ["It has ended."], "request": ["Please send us a current certificate."],
}  # fmt: skip


def test_a_bundle_holds_mode_plan_and_letters_and_none_of_them_can_be_altered(start: Start) -> None:
    signer = Ed25519PrivateKey.generate()
    api = start(signer=signer)
    made = api.world.filed()
    api.decide("reviewer", made, "approve")
    text = api.of("auditor").get(f"/v1/cases/{made['case_id']}/evidence").text
    check_bundle(text, signer.public_key())
    bundle = json.loads(text)
    policy = json.loads(bundle["policies"][0])
    assert policy["modes"] == dict(standard_policy().modes)
    flows = {(flow["queue"], flow["exception_type"]): flow for flow in policy["workflows"]}
    for flow in standard_policy().workflows:
        kept = flows[flow.queue, flow.exception_type]
        assert kept == json.loads(json.dumps(flow.as_row()))
    envelope = json.loads(bundle["recommendations"][0]["envelope"])
    assert envelope["stamps"]["template"] == "request_purchase_order"
    assert made["envelope"]["policy"]["digest"] == standard_policy().digest
    for real, false in (
        ('\\"accounts_payable\\":\\"ai\\"', '\\"accounts_payable\\":\\"observe\\"'),
        ('the task is overdue', 'the task is not overdue'),
        ('\\"template\\":\\"request_purchase_order\\"', '\\"template\\":\\"send_supplier_email\\"'),
    ):  # fmt: skip
        assert real in text, real
        with pytest.raises(Tampered):
            check_bundle(text.replace(real, false), signer.public_key())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({**TABLE, "request": ["Please see www.portal.example now."]}, "the guard would refuse this letter: link"),
        ({**TABLE, "firm": ["Otherwise our lawyer will write to you."]}, "threat"),
        ({**TABLE, "opening": ["Your {account} has ended."]}, "no letter knows a fact {account}"),
        ({"subject": "Insurance"}, "are lists of one to six"),
    ],
)
def test_a_letter_that_could_never_be_sent_is_refused_at_the_door(api: Api, content: dict[str, Any], says: str) -> None:
    body = {"kind": "template", "subject": NAME, "content": content, "why": "insurance"}
    assert says in problem_of(api.of("reviewer2").post("/v1/changes", json=body), 400, "malformed")["detail"]
    assert api.of("reviewer2").post("/v1/changes", json={**body, "content": TABLE}).status_code == 201

"""What other agents may do, shown end to end: real server, real clients, a decision by a person's key alone."""

from __future__ import annotations

import json
from typing import cast

import pytest

from evals import show_agents
from models.bundle import Bundle
from tests.agents.conftest import bundle as bundle
from tests.agents.conftest import month as month
from tests.agents.scenes import HashEncoder, SmallBundle


def test_an_agent_reads_and_decides_nothing_and_a_person_approves_in_an_inbox(bundle: SmallBundle) -> None:
    pytest.importorskip("langgraph_sdk")
    told = list(show_agents.shown(cast(Bundle, bundle), HashEncoder()))
    said = {(one["client"], one["asked"]): one["answered"] for one in told}
    (case,) = said["mcp", "list_cases"]["items"]
    (proposed,) = said["mcp", "list_recommendations"]["items"]
    assert proposed["case_id"] == case["id"]
    assert said["mcp", "decide"]["status"] == 404
    assert said["inbox", "resume: ignore"]["status"] == 400
    assert "never ignored" in said["inbox", "resume: ignore"]["detail"]
    assert said["inbox", "resume: accept"]["state"] == "approved"
    left = said["record", "the recommendation afterwards"]
    assert left == {"state": "approved", "seats": [{"role": "reviewer", "filled_by": "d"}]}
    assert all(json.dumps(one["answered"], indent=2)[:20] in show_agents.page(one) for one in told)

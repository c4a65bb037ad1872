"""The recommended route on the page, and in no shape an error."""

from __future__ import annotations

from typing import Any

import pytest

from api.console import route_shown
from tests.api.conftest import Api
from tests.api.visitor import FINDINGS, filed, signed_in, words

ROUTE = {
    "seats": [
        {"role": "controller", "person": None, "support": 0, "share": None},
        {"role": "reviewer", "person": "ann", "support": 4, "share": 0.8},
    ],
    "demanded": {"reviewer": 1},
    "added": ["controller"],
    "support": 5,
    "basis": "who signed in similar cases",
}


def test_a_page_says_who_usually_signs_and_what_policy_does_not_demand(api: Api) -> None:
    near = [{"case_id": f"c{n}", "similarity": 0.9, "action": f"a{n}", "decision": "approve", "role": "reviewer",
             "outcome": "done", "roles": ["reviewer"], "decided_on": "2026-11-01"} for n in range(5)]  # fmt: skip
    made = filed(api, findings={**FINDINGS, "route": ROUTE, "precedents": near})
    said = words(signed_in(api, "reviewer").item(made["id"]))
    assert "Who usually signs Controller: nobody in particular Reviewer: ann 4 similar cases" in said.replace(
        "controller:", "Controller:"
    ).replace("reviewer:", "Reviewer:")
    assert "Policy does not demand: controller. People usually asked for it." in said
    assert said.count("90 % alike") == 3, "the three nearest are shown"


@pytest.mark.parametrize("value", [None, 7, [], {}, {"seats": 3}, {"seats": []}, {"added": ["x"]}])
def test_without_seats_there_is_no_route(value: Any) -> None:
    assert route_shown.read(value) is None


@pytest.mark.parametrize("seat", [None, "x", {}, {"role": ["a"], "person": {"x": 1}, "support": "4"}])
def test_a_seat_of_any_shape_can_be_read(seat: Any) -> None:
    found = route_shown.read({"seats": [seat]})
    assert found is not None
    assert found.seats == (route_shown.RouteSeat("unknown", None, 0),)

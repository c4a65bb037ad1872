"""No type without what it takes: an owner, a deadline by the calendar, actions, letters, a demo case and cases in the
suite of causes. A type that lacks one is noticed here, or misses a pass mark."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.letter import LANGUAGES, texts
from evals import suite_causes
from governance.action import CATALOGUE
from governance.matrix import Policy, Workflow
from governance.policy import standard_policy
from models.synthetic import company_month
from models.synthetic_watched import other_exceptions


def lacking(policy: Policy, planted: set[tuple[str, str]]) -> list[str]:
    """What the types of a policy lack, in words."""
    found = []
    for flow in policy.workflows:
        mails = [name for name in flow.actions if CATALOGUE[name].effect == "mail"]
        written = [name for name in flow.letters if all(name in texts(language) for language in LANGUAGES)]
        checks = {
            "an owner": bool(flow.owner.strip()),
            "working days": flow.calendar == "working" and 0 < flow.sla_hours <= 240,
            "an action": any(name != "refer_to_person" for name in flow.actions),
            "letters": all(any(one == name or one.startswith(f"{name}_") for one in written) for name in mails),
            "letters in six languages": len(written) == len(flow.letters),
            "a demo case": (flow.queue, flow.exception_type) in planted,
        }
        found += [f"{flow.queue}/{flow.exception_type} lacks {what}" for what, there in checks.items() if not there]
    return found


@pytest.fixture(scope="module")
def planted() -> set[tuple[str, str]]:
    month = company_month(20261120, mail=0)
    return {(one.queue, one.exception_type) for one in [*month.exceptions, *other_exceptions(month)]}


def test_every_type_of_the_standard_policy_has_what_it_takes(planted: set[tuple[str, str]]) -> None:
    assert lacking(standard_policy(), planted) == []


BARE = Workflow("partner_settlement", "new_type", " ", 999, ("refer_to_person",))


@pytest.mark.parametrize(
    ("flow", "what"),
    [
        (BARE, "an owner"), (BARE, "working days"), (BARE, "an action"), (BARE, "a demo case"),
        (replace(BARE, actions=("send_supplier_email",)), "letters"),
        (replace(BARE, actions=("send_supplier_email",), letters=("send_supplier_email_new",)), "six languages"),
    ],
)  # fmt: skip
def test_what_a_type_lacks_is_noticed(planted: set[tuple[str, str]], flow: Workflow, what: str) -> None:
    policy = standard_policy()
    found = lacking(replace(policy, workflows=(*policy.workflows, flow)), planted)
    assert any(what in one for one in found)
    assert all("new_type" in one for one in found)


def test_a_type_without_cases_in_the_suite_misses_its_pass_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = tomllib.loads((resources.files("evals") / "thresholds.toml").read_text("utf-8"))
    assert marks["causes"]["types"]["covered"] == {"at_least": 1.0}
    policy = standard_policy()
    cases = cast(Any, [
        SimpleNamespace(queue=flow.queue, exception_type=flow.exception_type, letter=None, inside=True)
        for flow in policy.workflows
    ])  # fmt: skip

    def covered() -> float | None:
        (metric,) = [one for one in suite_causes._of_all(cases) if (one.dataset, one.name) == ("types", "covered")]
        return metric.value

    assert covered() == 1.0
    monkeypatch.setattr(suite_causes, "standard_policy", lambda: replace(policy, workflows=(*policy.workflows, BARE)))
    value = covered()
    assert value is not None
    assert value < 1.0

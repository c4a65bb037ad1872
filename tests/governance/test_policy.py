"""Policy files become rows; rows become seats; the pure gate and the database agree."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.action import CATALOGUE
from governance.chain import parse_canonical
from governance.errors import PolicyInvalid
from governance.gate import Question, required_seats
from governance.matrix import Policy, policy_from_rows
from governance.policy import compile_policy, standard_policy
from governance.record.db import Database
from tests.build import genesis

MATRIX = """
name = "m"
owner = "Owner"
currency = "EUR"
[[rule]]
id = "one"
actions = ["hold_payment"]
seats = { reviewer = 1 }
"""
STRICT = '[[rule]]\nid = "two"\nactions = ["*"]\nentities = ["DE01"]\nseats = { controller = 2 }\n'


def test_the_standard_policy_compiles_and_reads_back() -> None:
    policy = standard_policy()
    assert policy.owner
    assert policy_from_rows(parse_canonical(policy.text)).digest == policy.digest
    for workflow in policy.workflows:
        assert "refer_to_person" in workflow.actions


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MATRIX.replace('owner = "Owner"', 'owner = " "'), "owner"),
        (MATRIX.replace('owner = "Owner"', ""), "owner"),
        (MATRIX.replace("EUR", "eur"), "ISO 4217"),
        (MATRIX.replace("{ reviewer = 1 }", "{}"), "nothing takes effect without a person"),
        (MATRIX.replace("reviewer = 1", "reviewer = 0"), "at least 1"),
        (MATRIX.replace("reviewer = 1", "agent = 1"), "role"),
        (MATRIX.replace("hold_payment", "change_bank_details"), "unknown actions"),
        (MATRIX + MATRIX[MATRIX.index("[[rule]]") :], "stands twice"),
        (MATRIX + 'amount_from = "10"\namount_below = "5"\n', "above"),
        (MATRIX + 'amount_from = "NaN"\n', "finite"),
        (MATRIX + "colour = 1\n", "unknown keys"),
        ("= nonsense", "not TOML"),
    ],
)
def test_bad_policies_are_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(PolicyInvalid, match=says):
        compile_policy(text, "")


def test_a_local_file_can_only_add_rules() -> None:
    with pytest.raises(PolicyInvalid):
        compile_policy(MATRIX, "", ['owner = "Me"\n'])
    base, local = compile_policy(MATRIX, ""), compile_policy(MATRIX, "", [STRICT])
    for entity in ("DE01", "FR01"):
        for action in CATALOGUE:
            question = Question(action, Decimal(10), "normal", entity, "EU")
            before, after = required_seats(base, question), required_seats(local, question)
            if action == "hold_payment":
                assert all(after.get(role, 0) >= count for role, count in before.items())


AMOUNTS = st.none() | st.decimals(-(10**6), 10**6, places=2)
QUESTIONS = st.builds(
    Question,
    st.sampled_from(sorted(CATALOGUE)),
    AMOUNTS,
    st.sampled_from(["low", "normal", "high"]),
    st.sampled_from(["DE01", "FR01"]),
    st.sampled_from(["EU", "US"]),
)


@given(QUESTIONS)
def test_somebody_must_always_sign_and_risk_never_lowers(question: Question) -> None:
    policy = standard_policy()
    seats = required_seats(policy, question)
    assert sum(seats.values()) >= 1
    risky = Question(question.action, question.amount, "high", question.entity, question.region)
    unknown = Question(question.action, None, question.risk, question.entity, question.region)
    for other in (required_seats(policy, risky), required_seats(policy, unknown)):
        assert all(other.get(role, 0) >= count for role, count in seats.items())


def local_rules() -> st.SearchStrategy[str]:
    def text(rules: list[dict[str, Any]]) -> str:
        lines = []
        for n, rule in enumerate(rules):
            below = f'amount_below = "{rule["low"] + rule["width"]}"\n' if rule["width"] else ""
            lines.append(
                f'[[rule]]\nid = "local-{n}"\nactions = ["{rule["action"]}"]\namount_from = "{rule["low"]}"\n{below}'
                f'risk_from = "{rule["risk"]}"\nentities = ["{rule["entity"]}"]\nregions = ["{rule["region"]}"]\n'
                f"seats = {{ {rule['role']} = {rule['count']} }}\n"
            )
        return "".join(lines)

    rule = st.fixed_dictionaries(
        {
            "action": st.sampled_from([*sorted(CATALOGUE)[:6], "*"]),
            "low": st.integers(0, 50_000),
            "width": st.integers(0, 50_000),
            "risk": st.sampled_from(["low", "normal", "high"]),
            "entity": st.sampled_from(["DE01", "*"]),
            "region": st.sampled_from(["EU", "*"]),
            "role": st.sampled_from(["reviewer", "controller"]),
            "count": st.integers(1, 3),
        }
    )
    return st.lists(rule, min_size=1, max_size=6).map(text)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(local=local_rules(), questions=st.lists(QUESTIONS, min_size=1, max_size=8))
def test_database_and_pure_gate_ask_for_the_same_seats(
    database: Database, local: str, questions: list[Question]
) -> None:
    policy = compile_policy(MATRIX, "", [local])
    tenant = uuid.uuid4().hex
    genesis(database, tenant, policy)
    with database.transaction("owner") as conn:
        for question in questions:
            rows = conn.execute(
                "SELECT m.role, max(m.seats) FROM cs._rules(%s, 1, %s, %s, %s, %s, %s, '{}') r JOIN cs.matrix_seats m"
                " ON m.tenant = r.tenant AND m.version = r.version AND m.rule_id = r.rule_id GROUP BY m.role",
                (tenant, question.action, question.amount, question.risk, question.entity, question.region),
            ).fetchall()
            assert dict(rows) == required_seats(policy, question), question


def test_policies_are_values() -> None:
    assert isinstance(standard_policy(), Policy)
    assert standard_policy() == standard_policy()

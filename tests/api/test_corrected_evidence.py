"""A corrected case proves itself offline: the rules of the earlier facts count there, too."""

# ruff: noqa: E501  (statements stand on one line, as in governance/record/schema)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.evidence_check import check_bundle
from governance.action import Action
from governance.errors import Tampered
from governance.record import agreement, corrections, queue
from governance.record.db import Database
from tests.api.lawful import PUBLIC, Lawful, lawless
from tests.build import letter


def corrected(told: Lawful) -> dict[str, Any]:
    """A bill of 60,000 that an analyst corrected to 100, with a proposal to pay it."""
    made = told.made
    reading = {"fields": {"total_amount": "60000.00", "currency": "EUR"}, "document_class": "invoice"}
    case = made.accept(
        content=b"<bill/>", amount="60000.00", exception_type="invoice_received", source_key="c", reading=reading
    )["case_id"]
    digest = made.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", case)
    with made.database.transaction("review", made.tokens["analyst"]) as conn:
        corrections.correct(conn, case, digest, {"total_amount": "100.00"}, None)
    (job,) = made.claim(1)
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    pay = letter(digest, action=Action("release_payment", {"invoice_id": "INV-1"}), draft=None)
    return made.recommendation(made.file(job, pay).recommendation_id)


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Lawful:
    told = Lawful.on(database, tmp_path)
    row = corrected(told)
    told.cases["corrected"] = row["case_id"]
    told.approve(row, *(("reviewer", "controller", "reviewer2")[: len(row["seats"])]))
    told.made.carry_out(row)
    return told


def test_a_corrected_case_is_sound_and_its_ledger_agrees(told: Lawful) -> None:
    told.sign()
    report = check_bundle(told.bundle("corrected"), PUBLIC)
    assert list(report.outcomes.values()) == ["effect.sent"]
    with told.made.database.transaction("audit", told.made.tokens["auditor"]) as conn:
        assert agreement.disagreements(conn, "acme") == []


LAWLESS = {
    "the correction hidden": "IF line.kind = 'case.corrected' THEN body := jsonb_set(body, '{kind}', '\"case.revised\"') #- '{body,corrects}'; END IF;",
    "rules of the new amount alone": "IF line.kind = 'recommendation.filed' THEN body := jsonb_set(body, '{body,rules}', (SELECT jsonb_agg(r) FROM "
    "jsonb_array_elements(body#>'{body,rules}') r WHERE r NOT IN (SELECT to_jsonb(m.rule_id) FROM cs.matrix_rules m WHERE m.amount_from > 100))); END IF;",
}  # fmt: skip


@pytest.mark.parametrize("name", LAWLESS)
def test_who_leaves_the_earlier_facts_out_is_found(told: Lawful, name: str) -> None:
    with pytest.raises(Tampered):
        check_bundle(lawless(told, "corrected", LAWLESS[name]), PUBLIC)

"""What is usual for a supplier, from two dismissed twins to a memory that holds and is taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.intake.bills import ledger_rows
from governance.record import changes
from models.duplicates import Invoice
from tests.api.conftest import Api, problem_of
from tests.api.test_learning import approve, memories
from tests.api.visitor import form_of, forms, signed_in, words
from tests.conftest import PASSWORDS
from tests.governance.test_habits import UNTIL, marked
from tests.models.test_twin_memory import bill

Run = Callable[..., tuple[int, list[Any], str]]
WORDS = ["this supplier puts RENT on bill after bill", "this supplier bills 1250.00 EUR monthly"]


def rents() -> list[Invoice]:
    return [
        bill("RENT", date(2026, month, 1 + month % 3), invoice_id=f"RENT-{month}", vendor_name="Supplier One")
        for month in range(1, 9)
    ]


@pytest.fixture
def acme(api: Api) -> Api:
    """A landlord's bills, two pairs of which a reviewer called no duplicates."""
    api.world.import_books("invoices", ledger_rows([(one, None) for one in rents()]))
    for own, twin in (("RENT-2", "RENT-1"), ("RENT-5", "RENT-4")):
        api.world.decide("reviewer", marked(api.world, own, twin), "reject", reason_code="business_exception")
    return api


@pytest.fixture
def run(acme: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `countersign learning …`: exit code, what it printed, its messages. `by` is who acts."""
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", acme.world.database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", acme.world.tenant)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)

    def runs(*given: str, by: str = "auditor") -> tuple[int, list[Any], str]:
        monkeypatch.setenv("COUNTERSIGN_API_KEY", acme.world.tokens[by])
        code = cli.main(["learning", *given, "--json", "--home", str(tmp_path / "home")])
        shown = capsys.readouterr()
        return code, [json.loads(line) for line in shown.out.splitlines()], shown.err

    return runs


def test_decisions_are_proposed_signed_shown_and_taken_back(acme: Api, run: Run) -> None:
    code, found, _ = run("habits")
    assert code == 0
    assert [row["words"] for row in found] == WORDS
    assert [(row["supplier_id"], row["dismissed"]) for row in found] == [("S-1", 2), ("S-1", 2)]
    assert run("propose", "S-1")[0] == 1  # an auditor proposes nothing
    code, (made,), said = run("propose", "S-1", "--why", "the landlord", by="analyst")
    assert (code, made["known"]) == (0, False)
    assert "a reviewer signs it" in said
    assert run("habits")[1] == []  # what waits is not suggested again
    row = acme.world.recommendation(made["recommendation_id"])
    assert [seat["role"] for seat in row["seats"]] == ["reviewer"]
    assert json.loads(row["leaves"]["evidence"]) == {
        "of": "habits", "pairs": 4, "dismissed": [["RENT-1", "RENT-2"], ["RENT-4", "RENT-5"]] * 2,
    }  # fmt: skip
    assert "the landlord (" in row["leaves"]["findings"]
    (waiting,) = memories(acme)
    assert (waiting["state"], [one["words"] for one in waiting["habits"]]) == ("awaiting_review", WORDS)
    problem_of(acme.decide("analyst", row, "approve"), 403, "not-permitted")

    approve(acme, row)
    (holds,) = memories(acme)
    assert (holds["state"], holds["supplier_name"], holds["approved_by"]) == ("holds", "Supplier One", ["Reviewer"])
    assert [one["approved_by"] for one in holds["habits"]] == [["Reviewer"]] * 2
    assert all(one["until"] > UNTIL for one in holds["habits"])

    code, (back,), _ = run("forget", "S-1", "--habit", "recurring_amount", "--why", "a new contract", by="analyst")
    approve(acme, acme.world.recommendation(back["recommendation_id"]))
    assert [one["words"] for one in memories(acme)[0]["habits"]] == WORDS[:1]
    code, (back,), _ = run("forget", "S-1", "--habit", "all", "--why", "moved out", by="analyst")
    approve(acme, acme.world.recommendation(back["recommendation_id"]))
    assert memories(acme) == []
    assert run("forget", "S-1", "--habit", "all", "--why", "again", by="analyst")[0] == 1


def test_one_kind_until_a_day_and_nothing_of_nobody(acme: Api, run: Run) -> None:
    code, (made,), _ = run("propose", "S-1", "--habit", "recurring_amount", "--until", UNTIL, by="analyst")
    change = json.loads(acme.world.recommendation(made["recommendation_id"])["leaves"]["change"])
    assert change["content"]["habits"] == [
        {"kind": "recurring_amount", "until": UNTIL, "amount": "1250.00", "currency": "EUR", "rhythm": "monthly"}
    ]
    assert run("propose", "S-1", "--habit", "reference_reused", "--until", "2020-01-01", by="analyst")[0] == 2
    code, _, said = run("propose", "S-2", by="analyst")
    assert (code, "decisions point to no habit of supplier S-2" in said) == (1, True)


def test_how_many_pairs_were_decided_on_is_said(acme: Api, run: Run) -> None:
    assert run("state")[1][0]["pairs"] == {
        "duplicates": 0, "others": 2, "needed": 3, "state": "not enough data yet (0 of 3)",
    }  # fmt: skip


def test_the_console_proposes_shows_and_takes_back(acme: Api) -> None:
    analyst = signed_in(acme, "analyst")
    page = analyst.get("/console/learning")
    assert all(one in words(page) for one in WORDS)
    assert "came on 8 days, monthly" in words(page)
    shown = analyst.follow(analyst.send(form_of(page, "/learning/propose")))
    assert "What is usual on bills of S-1" in words(shown)
    assert "Recurring amount: 1250.00 EUR monthly" in words(shown)
    assert "4 pairs of this supplier's bills were called no duplicates" in words(shown)
    assert not [form for form in forms(analyst.get("/console/learning")) if form.action.endswith("/learning/propose")]
    row = acme.world.scalar(
        "SELECT id FROM cs.recommendations WHERE action = 'change_memory' AND tenant = %s", acme.world.tenant
    )
    approve(acme, acme.world.recommendation(row))
    page = analyst.get("/console/learning")
    assert all(f"{one} , until" in words(page) or f"{one}, until" in words(page) for one in WORDS)
    shown = analyst.follow(analyst.send(form_of(page, "/learning/forget"), why="moved out"))
    assert "Change of what is known of a supplier" in words(shown)
    assert "Propose to remember" not in words(signed_in(acme, "auditor").get("/console/learning"))


def test_a_strange_proposal_is_a_page_all_the_same(acme: Api) -> None:
    """Evidence is what a program sent: a page shows what it can of it."""
    sent: list[Any] = [
        {"of": "habits"},
        {"of": "habits", "pairs": [], "dismissed": 5},
        {"of": "habits", "dismissed": [1, "x", {}]},
        {"of": "memory"},
    ]
    for at, replay in enumerate(sent):
        habit = {"kind": "numbers_restart", "until": f"2027-01-0{at + 1}"}
        with acme.world.database.transaction("review", acme.world.tokens["analyst"]) as conn:
            made = changes.propose(conn, "memory", "S-1", {"habits": [habit]}, "why", replay)
        shown = signed_in(acme, "auditor").get(f"/console/recommendations/{made['recommendation_id']}")
        assert (shown.status_code, "Numbers start again each year" in words(shown)) == (200, True)

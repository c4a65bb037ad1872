"""A refusal says which control spoke: to who asked, in the console, and once in the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import deciding
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.commands import sign
from api.delivery.sink import Sink
from api.evidence import build_bundle
from api.evidence_check import check_bundle
from api.words import in_words
from governance.errors import SegregationOfDuties
from governance.record import agreement, review
from governance.record.db import Database
from tests.api.conftest import Api, problem_of
from tests.api.post import approved, courier, outcomes, quick_world
from tests.api.test_app_decisions import pending, task
from tests.api.visitor import filed, form_of, signed_in, words
from tests.build import World

ROOT = Path(__file__).resolve().parents[2]


def noted(made: World) -> list[tuple[str, str, list[str], str]]:
    """(actor, decision, controls, code) of every refused decision in the tenant's ledger."""
    with made.database.transaction("owner") as conn:
        rows = conn.execute(
            "SELECT entry FROM cs.ledger WHERE tenant = %s AND kind = 'decision.refused' ORDER BY seq", (made.tenant,)
        ).fetchall()
    found = [json.loads(row[0]) for row in rows]
    return [(one["actor"], *(one["body"][part] for part in ("decision", "controls", "code"))) for one in found]


def test_who_brought_it_in_tries_three_times(api: Api) -> None:
    found = task(api, by="reviewer")
    for _ in range(3):
        body = problem_of(api.decide("reviewer", found, "approve"), 403, "segregation-of-duties")
        assert body["controls"] == ["SOD-10"]
    assert noted(api.world) == [("reviewer", "approve", ["SOD-10"], "CS410")]
    said = api.of("auditor").get(f"/v1/cases/{found['case_id']}/timeline").json()["items"]
    assert said[-1]["words"] == "Reviewer asked for the decision “approve” and was refused (control SOD-10)"
    assert api.decide("reviewer2", found, "approve").status_code == 200


def test_machines_and_auditors(api: Api) -> None:
    found = pending(api)
    for who in ("agent", "service"):
        body = problem_of(api.decide(who, found, "approve"), 403, "human-required")
        assert "SOD-00" in body["controls"]
    body = problem_of(api.decide("auditor", found, "reject", acting_for=None), 403, "not-permitted")
    assert body["controls"] == ["SOD-01"]
    assert noted(api.world) == [
        ("agent", "approve", ["SOD-00"], "CS412"),
        ("service", "approve", ["SOD-00"], "CS412"),
        ("auditor", "reject", ["SOD-01"], "CS403"),
    ]


def test_controls_by_their_id(api: Api) -> None:
    found = task(api, amount="30000.00")
    day = timedelta(days=1)
    ends = {"starts_at": (datetime.now(UTC) - day).isoformat(), "ends_at": (datetime.now(UTC) + day).isoformat()}
    lent = {"to": "analyst", "role": "reviewer", **ends}
    assert api.of("reviewer2").post("/v1/delegations", json=lent).status_code == 201
    assert api.decide("reviewer", found, "approve").status_code == 200
    old = {**found, "digest": "sha256:" + "0" * 64}
    for who, what, more, slug, control in (
        ("reviewer", found, {}, "already-decided", "SOD-11"),
        ("reviewer2", found, {}, "no-open-seat", "SEAT-01"),
        ("analyst", found, {"acting_for": "reviewer2"}, "not-delegated", "SEAT-07"),
        ("controller", found, {"signature": "ed25519:none"}, "signature-required", "SEAT-06"),
        ("controller", old, {}, "stale-digest", "GATE-03"),
    ):
        answer = api.decide(who, what, "approve", **more)
        assert answer.json()["type"].rsplit("/", 1)[-1] == slug
        assert answer.json()["controls"] == [control]
    assert [controls for _, _, (controls,), _ in noted(api.world)] == [
        "SOD-11", "SEAT-01", "SEAT-07", "SEAT-06", "GATE-03",
    ]  # fmt: skip


def test_what_no_control_refused_is_not_noted(api: Api) -> None:
    found = pending(api)
    problem_of(api.decide("analyst", found, "approve"), 403, "not-permitted")
    problem_of(api.decide("reviewer", {**found, "id": "no-such"}, "approve"), 404, "not-found")
    problem_of(api.decide("auditor", {**found, "id": "no-such"}, "approve"), 403, "not-permitted")
    body = problem_of(api.decide("reviewer", found, "send_back"), 422, "comment-required")
    assert "controls" not in body
    api.decide("reviewer", found, "reject")
    problem_of(api.decide("reviewer2", found, "approve"), 409, "illegal-state")
    assert noted(api.world) == []


def test_each_of_many(api: Api) -> None:
    row = api.world.filed()
    items = [{"recommendation_id": name, "digest": row["digest"]} for name in (row["id"], "no-such")]
    for _ in range(2):
        found = api.of("reviewer").post("/v1/decisions", json={"items": items}).json()["items"]
        assert [one["problem"].get("controls") for one in found] == [["SEAT-05"], None]
    problem_of(api.of("auditor").post("/v1/decisions", json={"items": items}), 403, "not-permitted")
    assert noted(api.world) == [
        ("reviewer", "approve", ["SEAT-05"], "CS437"),
        ("auditor", "approve", ["SOD-01"], "CS403"),
    ]


def test_a_ledger_that_cannot_be_written_hides_no_refusal(
    api: Api, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> bool:
        raise RuntimeError(f"the secret {api.world.tokens['reviewer']}")

    monkeypatch.setattr(review, "note_refusal", broken)
    found = task(api, by="reviewer")
    problem_of(api.decide("reviewer", found, "approve"), 403, "segregation-of-duties")
    said = "".join(capfd.readouterr())
    assert "a refused decision could not be noted" in said
    assert "CS410" in said
    assert "secret" not in said
    assert noted(api.world) == []


def test_all_decisions_meet_in_one_place() -> None:
    """Whoever called the record's `decide` besides would leave refusals out of the ledger."""
    callers = {
        path.relative_to(ROOT).as_posix()
        for package in ("agents", "api", "evals")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"\breview\.decide\(|\bcs\.decide\(", path.read_text("utf-8"))
    }
    assert callers == {"api/deciding.py"}
    meet = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "api").rglob("*.py")
        if "deciding.decide(" in path.read_text("utf-8")
    }
    assert meet == {"api/routes/review.py", "api/routes/inbox.py", "api/console/reviewing.py", "api/commands/sign.py"}
    for name in meet:
        assert "deciding.noting(" in (ROOT / name).read_text("utf-8"), name


def test_the_console_says_which(api: Api) -> None:
    made = filed(api, by="reviewer")
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"])
    assert "Control " not in words(page)
    for _ in range(2):
        answer = visitor.send(form_of(page, made["id"]), decision="approve")
        assert answer.status_code == 403
        said = "Who initiated, drafted, edited or requested a thing cannot decide on it Control SOD-10"
        assert said in words(answer)
        assert '<p class="quiet">Control SOD-10</p>' in answer.text
    assert noted(api.world) == [("reviewer", "approve", ["SOD-10"], "CS410")]
    assert words(answer).count("Reviewer asked for the decision “approve” and was refused (control SOD-10)") == 1


def test_the_file_of_a_case_with_refusals_proves_itself(api: Api, tmp_path: Path) -> None:
    """Before, between and after the decisions that were made; and what it came to stays what it came to."""
    found = task(api, by="reviewer")
    problem_of(api.decide("reviewer", found, "approve"), 403, "segregation-of-duties")
    assert api.decide("reviewer2", found, "approve").status_code == 200
    api.deliver("sent")
    problem_of(api.decide("auditor", found, "withdraw"), 403, "not-permitted")
    assert len(noted(api.world)) == 2
    made = api.world
    Clock(made.database, made.tokens["courier"], api.signer, KeptCheckpoints(tmp_path)).sign()
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        text = build_bundle(conn, made.tenant, found["case_id"], api.signer.public_key())
        assert agreement.disagreements(conn, made.tenant) == []
    assert text.count("decision.refused") == 2
    assert dict(check_bundle(text, api.signer.public_key()).outcomes) == {found["id"]: "effect.sent"}


def new_account(made: World) -> None:
    made.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "GB33BUKB20201555555555"}]
    )


def new_address(made: World) -> None:
    made.import_books("suppliers", [{"id": "S-1", "name": "Supplier One", "email": "new@supplier.example"}])


def newer_facts(made: World) -> None:
    """As no function leaves it: the recommendation would be superseded."""
    made.scalar(
        "WITH newer AS (INSERT INTO cs.case_revisions SELECT (jsonb_populate_record(v, '{\"revision\": 2}')).* "
        "FROM cs.case_revisions v) UPDATE cs.cases SET revision = 2 RETURNING 1"
    )


def signer_gone(made: World) -> None:
    with made.database.transaction("review", made.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('reviewer', false)")


@pytest.mark.parametrize(
    ("meanwhile", "control"),
    [
        (new_account, "GATE-05"),
        (newer_facts, "GATE-05"),
        (new_address, "GATE-04"),
        (signer_gone, "SEAT-01"),
        (lambda made: made.scalar("UPDATE cs.recommendations SET expires_at = now() RETURNING 1"), "GATE-06"),
        (lambda made: made.scalar("UPDATE cs.leaves SET content = content || ' ' RETURNING 1"), "GATE-03"),
    ],
    ids=["payee's account", "newer facts", "address", "signer", "time", "letter"],
)  # fmt: skip
def test_an_effect_that_the_gate_refused(
    database: Database, tmp_path: Path, meanwhile: Callable[[World], None], control: str
) -> None:
    made = quick_world(database)
    approved(made)
    meanwhile(made)
    found: list[Any] = []
    with Sink(tmp_path / "outbox") as sink:
        courier(made, port=sink.port).run_once(found.append)
    assert outcomes(found) == ["refused"]
    entry = json.loads(made.scalar("SELECT entry FROM cs.ledger WHERE kind = 'effect.refused'"))
    assert entry["body"]["controls"] == [control]
    assert in_words(entry, {}) == f"the last check refused it (control {control})"


def test_a_change_that_would_replace_something_else(database: Database) -> None:
    made = quick_world(database)
    rows = [made.propose("analyst", "memory", "S-1", {"pays": pays}) for pays in ("late", "early")]
    for row in rows:
        made.decide("reviewer", row, "approve")
    found: list[Any] = []
    courier(made).run_once(found.append)
    assert sorted(str(one) for one in outcomes(found)) == ["refused", "sent"]
    entry = json.loads(made.scalar("SELECT entry FROM cs.ledger WHERE kind = 'effect.refused'"))
    assert entry["body"]["controls"] == ["CHG-02"]


def test_signing_at_the_command_line_notes_it_too(database: Database) -> None:
    made = quick_world(database)
    row = made.filed(by="reviewer")
    with pytest.raises(SegregationOfDuties):
        sign._Database(made.database, made.tokens["reviewer"]).approve(row["id"], {"digest": row["digest"]})
    assert noted(made) == [("reviewer", "approve", ["SOD-10"], "CS410")]


def test_noting_is_only_for_refusals_of_controls(database: Database) -> None:
    made = quick_world(database)
    row = made.filed()
    with (
        pytest.raises(ValueError, match="x"),
        deciding.noting(made.database, made.tokens["reviewer"], row["id"], "approve"),
    ):
        raise ValueError("x")
    assert noted(made) == []

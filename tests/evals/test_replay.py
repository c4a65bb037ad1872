"""What people made of proposals becomes a suite: rows of the record, measured, and today's agent tried on them."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.context import Models, build_context
from agents.dunning import Contact, Dunning
from agents.worker import Worker
from api import wiring
from evals import cli, replay, replay_agent
from governance.errors import Malformed, NotPermitted
from governance.record import overrides
from governance.record.db import Database
from governance.record.overrides import Override
from tests.agents.conftest import bundle as bundle
from tests.agents.conftest import month as month
from tests.agents.scenes import HashEncoder, SmallBundle
from tests.build import World, letter, world


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def settled(made: World) -> list[Override]:
    with made.database.transaction("review", made.tokens["auditor"]) as conn:
        return overrides.settled(conn)


REFER = {"name": "refer_to_person", "args": {"reason": "ask the buyer"}}
DRAFT = {"to": "ap@supplier.example", "subject": "Your order", "body": "Please send it soon.", "language": "en"}


def test_each_settled_proposal_is_a_row_with_what_was_sent_instead(acme: World) -> None:
    kept = acme.filed(source_key="kept")
    acme.decide("reviewer", kept, "approve")
    other = acme.filed(source_key="other")
    made = acme.decide("reviewer", other, "override", action=REFER, reason_code="wrong_action")
    acme.decide("reviewer2", acme.recommendation(made["recommendation_id"]), "approve")
    worded = acme.filed(source_key="worded")
    made = acme.decide("reviewer", worded, "override", draft=DRAFT, reason_code="other", comment="warmer")
    acme.decide("reviewer2", acme.recommendation(made["recommendation_id"]), "approve")
    no = acme.filed(source_key="no")
    acme.decide("reviewer", no, "reject", reason_code="business_exception")
    acme.filed(source_key="open")
    rows = {one.recommendation_id: one for one in settled(acme)}
    assert set(rows) == {kept["id"], other["id"], worded["id"], no["id"]}
    assert (rows[kept["id"]].decided, rows[kept["id"]].agreed, rows[kept["id"]].letter) == ("approve", True, "kept")
    assert (rows[other["id"]].decided, rows[other["id"]].sent_action, rows[other["id"]].reason_code) == (
        "override", "refer_to_person", "wrong_action",
    )  # fmt: skip
    assert not rows[other["id"]].agreed
    one = rows[worded["id"]]
    assert (one.agreed, one.letter, one.subject_changed, one.kept_words) == (True, "edited", True, 0.6667)
    assert (rows[no["id"]].sent_action, rows[no["id"]].letter) == (None, "kept")
    assert {row.propensity for row in rows.values()} == {Decimal(1)}


def test_an_override_that_nobody_has_signed_yet_settles_nothing(acme: World) -> None:
    row = acme.filed()
    made = acme.decide("reviewer", row, "override", action=REFER, reason_code="wrong_action")
    assert settled(acme) == []
    acme.decide("reviewer2", acme.recommendation(made["recommendation_id"]), "approve")
    assert len(settled(acme)) == 1


def test_only_what_an_agent_drafted_is_a_row(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    assert [one.recommendation_id for one in settled(acme)] == [row["id"]]
    acme.scalar("UPDATE cs.recommendations SET drafted_by = 'reviewer2' WHERE id = %s RETURNING 1", row["id"])
    assert settled(acme) == []


def test_a_draft_that_no_job_asked_for_is_no_row(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    acme.scalar("UPDATE cs.recommendations SET job_id = NULL WHERE id = %s RETURNING 1", row["id"])
    assert settled(acme) == []


def test_the_chance_of_the_lot_is_the_row_s_propensity(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = conn.execute("SELECT facts_digest FROM cs.case_revisions").fetchone()
    assert digest is not None
    lot = {"collections": {"control": {"group": "delayed", "propensity": "0.05"}}}
    row = acme.recommendation(acme.file(job, letter(digest[0], findings=lot)).recommendation_id)
    acme.decide("reviewer", row, "approve")
    assert settled(acme)[0].propensity == Decimal("0.05")


def test_what_is_erased_and_what_tries_the_process_out_is_no_row(acme: World) -> None:
    gone = acme.filed(source_key="gone")
    acme.decide("reviewer", gone, "reject", reason_code="wrong_data")
    trial = acme.filed(source_key="trial")
    acme.decide("reviewer", trial, "reject", reason_code="wrong_data")
    assert len(settled(acme)) == 2
    acme.scalar("UPDATE cs.cases SET canary = true WHERE id = %s RETURNING 1", trial["case_id"])
    acme.enact("admin1", "erasure", f"case:{gone['case_id']}", {})
    assert settled(acme) == []


def test_a_suite_holds_no_letter_and_no_argument(acme: World) -> None:
    row = acme.filed()
    made = acme.decide("reviewer", row, "override", action=REFER, draft=None, reason_code="wrong_action")
    acme.decide("reviewer2", acme.recommendation(made["recommendation_id"]), "approve")
    text = overrides.lines(settled(acme))
    for word in ("ask the buyer", "supplier.example", "Please send it", '"2026-1"'):
        assert word not in text
    assert json.loads(text)["sent_action"] == "refer_to_person"


def override(**changes: Any) -> Override:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    base = Override(
        recommendation_id="r", case_id="c", revision=1, draft_number=1, job=1, queue="order_to_cash",
        exception_type="overdue", entity="DE01", decided="approve", reason_code=None, role="reviewer", proposed_at=day,
        decided_at=day, action="wait_until", args={"date": "2026-12-01"}, sent_action="wait_until",
        sent_args={"date": "2026-12-01"}, changed_args=(), letter="none", subject_changed=False, kept_words=None,
        propensity=Decimal(1), confidence=None, cause=None, stamps={},
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def value(found: list[dict[str, Any]], measure: str, group: str = "all") -> Any:
    (one,) = [row for row in found if (row["measure"], row["group"]) == (measure, group)]
    return one["value"]


def test_mended_and_spoilt_are_told_apart_and_lots_are_weighed() -> None:
    called: dict[str, Any] = {"sent_action": "schedule_call", "sent_args": {"topic": "t"}, "decided": "override"}
    called["reason_code"] = "wrong_action"
    rows = [
        override(recommendation_id="a", propensity=Decimal("0.05")),
        override(recommendation_id="b"),
        override(recommendation_id="c", **called),
        override(recommendation_id="d", **called),
        override(recommendation_id="e", decided="reject", sent_action=None, sent_args=None, reason_code="wrong_data"),
    ]
    now = {
        "a": {"name": "wait_until", "args": {"date": "2026-12-01", "reason": "in other words"}},
        "b": {"name": "schedule_call", "args": {"topic": "t"}},
        "c": {"name": "schedule_call", "args": {"topic": "t"}},
        "d": {"name": "schedule_call", "args": {"topic": "u"}},
        "e": {"name": "refer_to_person", "args": {}},
    }
    found = replay.measures(rows, now)
    assert value(found, "agreed") == 0.5
    assert value(found, "agreed_weighed") == pytest.approx(21 / 23, abs=1e-4)
    assert value(found, "agreed_now") == 0.5
    assert (value(found, "mended"), value(found, "spoilt"), value(found, "dropped")) == (0.5, 0.5, 1.0)
    assert value(found, "mended", "wrong_action") == 0.5
    assert value(found, "decided_reject") == 0.2


def test_of_nothing_nothing_is_claimed() -> None:
    assert {row["value"] for row in replay.measures([], {})} == {None}


def test_today_s_agent_is_tried_on_the_case_as_it_was_and_writes_nothing(acme: World, bundle: SmallBundle) -> None:
    acme.accept(reading={"fields": {"invoice_number": "2026-1"}, "document_class": "invoice", "basis": "structured"})
    models = Models(bundle, HashEncoder())
    with Worker(acme.database, acme.tokens["agent"], models, name="w") as worker:
        assert worker.drain().filed == 1
    case_id = acme.scalar("SELECT case_id FROM cs.recommendations")
    row = acme.recommendation(acme.scalar("SELECT id FROM cs.recommendations"))
    acme.decide("reviewer", row, "approve")
    tables = ("recommendations", "case_vectors", "invoice_vectors", "jobs", "ledger", "leaves")
    before = [acme.scalar(f"SELECT count(*) FROM cs.{table}") for table in tables]
    (one,) = settled(acme)
    found = replay_agent.proposals(acme.database, acme.tokens["agent"], models, [one])
    assert found[row["id"]]["name"] == row["envelope"]["action"]["name"]
    assert replay.measures([one], found)
    assert [acme.scalar(f"SELECT count(*) FROM cs.{table}") for table in tables] == before
    assert one.case_id == case_id


def test_what_was_learned_later_is_left_out(acme: World, bundle: SmallBundle) -> None:
    day = date(2026, 11, 10)
    first, later = ({"case_id": f"p{at}", "decided_on": f"2026-11-{at:02}"} for at in (9, 10))
    contacts = tuple(Contact(f"r{at}", "send_customer_reminder", "friendly", date(2026, 11, at)) for at in (9, 11))
    with Worker(acme.database, acme.tokens["agent"], Models(bundle, HashEncoder()), name="w") as worker:
        acme.accept()
        jobs = acme.claim(1)
        context = build_context(worker._transaction, jobs, worker.parts)
    (case_id,) = context.briefs
    known = dataclasses.replace(
        context, precedents={case_id: [first, later]},
        dunning={case_id: Dunning(contacts=contacts, disputed_on=date(2026, 11, 12))}, notes={case_id: ("warmer",)},
    )  # fmt: skip
    seen = replay_agent.as_of(known, day)
    assert seen.precedents[case_id] == [first]
    assert seen.dunning[case_id].contacts == contacts[:1]
    assert seen.dunning[case_id].disputed_on is None
    assert seen.notes == {}


class Connected:
    """A system on the test's database; closing it leaves that open."""

    def __init__(self, made: World) -> None:
        self.database = made.database
        self.token = made.tokens.__getitem__

    def __enter__(self) -> Connected:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


@pytest.fixture
def command(acme: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command as an actor; the rows that it printed."""
    monkeypatch.setattr(wiring, "connect", lambda home: Connected(acme))

    def call(*given: str, who: str = "ml_engineer") -> int:
        (tmp_path / "key").write_text(acme.tokens[who])
        args = cli.parser_of("replay").parse_args(["--key-file", str(tmp_path / "key"), "--json", *given])
        args.home = tmp_path
        return replay.run(args)

    return call


def test_the_command_writes_the_suite_for_its_owner_alone_and_reads_it_again(
    acme: World, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [acme.filed(source_key=key) for key in ("a", "b")]
    for row in rows:
        acme.decide("reviewer", row, "approve")
    assert command("--only-record") == 0
    path = tmp_path / "evals" / "replay.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = path.read_text().splitlines()
    assert {json.loads(line)["recommendation_id"] for line in lines} == {row["id"] for row in rows}
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert value(shown, "agreed") == 1.0
    kept = tmp_path / "kept.jsonl"
    kept.write_text(lines[0] + "\n" + json.dumps({"recommendation_id": "gone"}) + "\n")
    assert command("--only-record", "--suite", str(kept)) == 0
    said = capsys.readouterr()
    assert "1 of 2" in said.err
    agreed = {
        one["group"]: one["proposals"] for one in map(json.loads, said.out.splitlines()) if one["measure"] == "agreed"
    }
    assert agreed == {"all": 1, "accounts_payable": 1, "accounts_payable/missing_order_reference": 1}
    assert len(kept.read_text().splitlines()) == 2, "a suite that is there stays as it is"


def test_a_suite_is_its_owner_s_alone_even_where_others_could_read_an_older_one(tmp_path: Path) -> None:
    """Whoever may list the folder reads no suite: neither while it is made new nor where an open file stood."""
    seen = os.umask(0)
    try:
        for path in (tmp_path / "new.jsonl", tmp_path / "open.jsonl"):
            if path.stem == "open":
                path.write_text("old")
                path.chmod(0o644)
            replay._write(path, [override()])
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.stem
            assert json.loads(path.read_text())["recommendation_id"] == "r"
    finally:
        os.umask(seen)


def test_a_suite_is_born_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not closed afterwards: between the two, others could open it."""
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: None)
    seen = os.umask(0)
    try:
        replay._write(tmp_path / "new.jsonl", [override()])
    finally:
        os.umask(seen)
    assert stat.S_IMODE((tmp_path / "new.jsonl").stat().st_mode) == 0o600


def test_what_is_spoilt_misses_the_mark_and_stands_in_the_report(
    acme: World, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [acme.filed(source_key=key) for key in ("a", "b")]
    for row in rows:
        acme.decide("reviewer", row, "approve")
    names = iter(["request_purchase_order", "hold_payment"])

    def now(args: Any, system: Any, settled: list[Override]) -> dict[str, Any]:
        return {one.recommendation_id: {"name": next(names), "args": one.args} for one in settled}

    monkeypatch.setattr(replay, "_now", now)
    report = tmp_path / "r.html"
    assert command("--report", str(report)) == 1
    said = capsys.readouterr()
    assert value(list(map(json.loads, said.out.splitlines())), "spoilt") == 0.5
    assert "missed: replay all/spoilt is 0.5" in said.err
    page = report.read_text()
    assert "hold payment" in page
    assert "Your order" not in page, "no letter"
    marks = tmp_path / "marks.toml"
    marks.write_text("[replay.all]\nspoilt = { at_most = 0.5 }\n")
    names = iter(["request_purchase_order", "hold_payment"])
    assert command("--report", str(report), "--thresholds", str(marks)) == 0
    assert command("--only-record", "--report", str(report)) == 0, "what was not measured misses nothing"


def test_run_sits_the_suite_that_replay_wrote(
    acme: World, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    assert command("--only-record") == 0
    monkeypatch.setenv("COUNTERSIGN_API_KEY", acme.tokens["ml_engineer"])
    monkeypatch.setattr(replay, "_now", lambda args, system, rows: {
        one.recommendation_id: {"name": one.action, "args": one.args} for one in rows})  # fmt: skip
    suite, report = tmp_path / "evals" / "replay.jsonl", tmp_path / "again.html"
    capsys.readouterr()
    given = ("--home", str(tmp_path), "run", "replay", "--data", str(suite), "--out", str(report), "--json")
    assert cli.main([*given[2:], *given[:2]]) == 0
    assert value(list(map(json.loads, capsys.readouterr().out.splitlines())), "spoilt") == 0.0
    assert "replay" in report.read_text()
    for wrong in (["run", "replay"], ["run", "replay", "causes", "--data", str(suite)],
                  ["run", "replay", "--data", str(tmp_path / "none.jsonl")]):  # fmt: skip
        assert cli.main([*wrong, "--home", str(tmp_path)]) == 2


def test_the_command_is_for_who_may_read_measurements(acme: World, command: Any) -> None:
    with pytest.raises(NotPermitted):
        command("--only-record", who="reviewer")


@pytest.mark.parametrize("given", [("--since", "yesterday"), ("--until", "2026-13-01")])
def test_what_is_no_day_is_refused(command: Any, given: tuple[str, ...]) -> None:
    with pytest.raises(Malformed, match="is no day"):
        command("--only-record", *given)


def test_what_is_no_suite_is_refused(command: Any, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("[1]\n")
    with pytest.raises(Malformed, match="no suite"):
        command("--only-record", "--suite", str(tmp_path / "x.jsonl"))

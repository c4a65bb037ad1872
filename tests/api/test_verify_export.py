"""What was tampered with is found: in the database by `countersign verify`, in an exported case without one."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import keyring
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.delivery.sink import Sink
from api.evidence import build_bundle, fingerprint
from api.evidence_check import Report, check_bundle
from governance.action import Action
from governance.chain import canonical, inclusion_proof, public_key_text
from governance.errors import NotFound, Tampered, Unavailable
from governance.record import agreement, ledger
from governance.record.db import Connection, Database, clone, drop, urls_for
from governance.record.ledger import _paths
from tests.api.post import approved, courier, installed, quick_world, run_command, task
from tests.build import World
from tests.conftest import PASSWORDS

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key()


@pytest.fixture
def made(database: Database) -> World:
    return quick_world(database)


@pytest.fixture
def home(made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return installed(made, tmp_path / "home", KEY, monkeypatch)


@pytest.fixture(scope="module")
def settled(postgres: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """A tenant on a database of this module's own, with a `story`, and the id of its case. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("settled")
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = clone(postgres.superuser_url(), template, name)
    try:
        with Database(urls_for(url, PASSWORDS)) as database:
            made = quick_world(database)
            with Sink(folder / "outbox") as sink:
                case_id = story(made, folder, sink)
            yield made, case_id
    finally:
        drop(postgres.superuser_url(), name)


Run = Callable[..., tuple[int, list[Any], str]]


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(run_command, home, capsys)


def sign(made: World, home: Path) -> None:
    Clock(made.database, made.tokens["courier"], KEY, KeptCheckpoints(home)).sign()


def bundle_of(made: World, case_id: str, **options: Any) -> str:
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        return build_bundle(conn, "acme", case_id, PUBLIC, **options)


# The database --------------------------------------------------------------------------------------


def test_a_sound_database_verifies_and_the_limits_are_said(made: World, home: Path, run: Run, tmp_path: Path) -> None:
    rec = approved(made, content=b"<Invoice/>")
    with Sink(tmp_path / "outbox") as sink:
        courier(made, port=sink.port).drain(0)
    assert run("tick")[0] == 0
    made.accept(source_key="after the checkpoint")
    code, (line,), said = run("verify")
    assert code == 0
    assert line["sound"]
    assert line["entries"] == line["signed"] + 1 == made.scalar("SELECT seq FROM cs.ledger_heads")
    assert line["entries_per_second"] > 0
    assert "1 entries follow the last checkpoint" in said
    assert "Not proven" in said
    assert rec["id"]


def test_an_auditor_s_key_is_enough(
    made: World, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    approved(made)
    quick_world(database, "other")
    sign(made, home)
    monkeypatch.delenv("COUNTERSIGN_DATABASE_URL")
    monkeypatch.setenv("COUNTERSIGN_AUDIT_URL", made.database.url("audit"))
    monkeypatch.setenv("COUNTERSIGN_API_KEY", made.tokens["auditor"])
    code, lines, _ = run("verify")
    assert (code, [line["tenant"] for line in lines]) == (0, ["acme"])


FORGED_ENTRY = "replace(entry, 'reviewer2', 'analyst22')"
TAMPERED_LEDGER = {
    "one word of an entry": ("UPDATE cs.ledger SET entry = replace(entry, ':true', ':false') WHERE seq = 9", 9),
    "an entry and its hash": (
        f"UPDATE cs.ledger SET entry = {FORGED_ENTRY}, hash = encode(sha256(convert_to("
        f"E'countersign/ledger/v1\\n' || {FORGED_ENTRY}, 'UTF8')), 'hex') WHERE seq = 11",
        12,
    ),
    "a hash": ("UPDATE cs.ledger SET hash = repeat('0', 64) WHERE seq = 3", 3),
    "a hash that is none": ("UPDATE cs.ledger SET hash = 'none' WHERE seq = 3", 3),
    "the kind it is filed under": ("UPDATE cs.ledger SET kind = 'decision.reject' WHERE seq = 9", 9),
    "the subject it is filed under": ("UPDATE cs.ledger SET subject = 'somebody' WHERE seq = 9", 9),
    "a deleted row": ("DELETE FROM cs.ledger WHERE seq = 4", 4),
    "two rows swapped": (
        "UPDATE cs.ledger a SET entry = b.entry, hash = b.hash, kind = b.kind, subject = b.subject FROM cs.ledger b "
        "WHERE (a.seq, b.seq) IN ((3, 4), (4, 3))",
        3,
    ),
    "a tail that was cut off": ("DELETE FROM cs.ledger WHERE seq > 10", 11),
    "rows after the head": (
        "INSERT INTO cs.ledger SELECT tenant, seq + 100, entry, hash, kind, subject FROM cs.ledger WHERE seq = 5",
        14,
    ),
    "the head": ("UPDATE cs.ledger_heads SET hash = repeat('0', 64)", 14),
}


@pytest.mark.parametrize("what", TAMPERED_LEDGER)
def test_a_changed_ledger_is_named(settled: tuple[World, str], what: str) -> None:
    statement, first_bad = TAMPERED_LEDGER[what]
    with tampered(settled[0], statement) as conn:
        found = ledger.verify(conn, "acme", PUBLIC)[1]
        assert found is not None
        assert found.seq == first_bad
    with tampered(settled[0]) as conn:
        assert ledger.verify(conn, "acme", PUBLIC) == (13, None)


@contextlib.contextmanager
def tampered(made: World, *statements: str) -> Iterator[Connection]:
    """What somebody sees after somebody else switched the triggers off; all of it is undone."""
    with made.database.transaction("owner") as conn, conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            assert conn.execute(statement.encode()).rowcount != 0, "the test changes nothing"
        ledger.as_owner(conn)
        yield conn


def superuser(made: World, *statements: str) -> None:
    """Somebody who can switch triggers off."""
    with made.database.transaction("owner") as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            conn.execute(statement.encode())


CUT = (
    "DELETE FROM cs.ledger WHERE seq = (SELECT seq FROM cs.ledger_heads)",
    "UPDATE cs.ledger_heads h SET seq = l.seq, hash = l.hash FROM cs.ledger l WHERE l.seq = h.seq - 1",
    "DELETE FROM cs.checkpoints",
)


def test_a_tail_cut_with_its_head_shows_against_the_kept_checkpoint(made: World, home: Path, run: Run) -> None:
    approved(made)
    made.import_books("orders", [{"id": "O-1", "supplier_id": "S-1"}])
    sign(made, home)
    superuser(made, *CUT)
    code, (line,), _ = run("verify")
    assert code == 3
    assert "it was cut" in line["reasons"][0]
    elsewhere = shutil.copy(home / "checkpoint.latest", home / "elsewhere.txt")
    shutil.rmtree(home / "checkpoints")
    (home / "checkpoint.latest").unlink()
    code, (line,), said = run("verify")
    assert (code, line["sound"]) == (0, True)  # nothing else remembers: and that is said
    assert "a cut of the tail would not show" in said
    assert run("verify", "--checkpoint", str(elsewhere))[0] == 3


def test_a_cut_that_forgets_the_tables_shows_without_a_checkpoint(made: World, home: Path, run: Run) -> None:
    approved(made)
    superuser(made, *CUT[:2])
    code, (line,), _ = run("verify")
    assert code == 3
    assert any("the ledger does not say" in reason for reason in line["reasons"])


def test_a_tenant_that_is_gone_shows_against_its_kept_checkpoint(made: World, home: Path, run: Run) -> None:
    sign(made, home)
    superuser(made, "DELETE FROM cs.ledger", "DELETE FROM cs.ledger_heads", "DELETE FROM cs.checkpoints")
    code, (line,), _ = run("verify")
    assert (code, line["tenant"], line["entries"]) == (3, "acme", 0)


def test_a_rewritten_history_shows_against_the_signature(made: World, home: Path, run: Run) -> None:
    approved(made)
    sign(made, home)
    superuser(
        made,
        # The forger computes the chain anew, as the database does.
        """
        DO $$
        DECLARE line record; before text := repeat('0', 64); body text;
        BEGIN
            FOR line IN SELECT * FROM cs.ledger ORDER BY seq LOOP
                body := cs._canon(jsonb_set(line.entry::jsonb, '{prev}', to_jsonb(before)) || CASE WHEN line.seq = 1
                                  THEN '{"at": "2020-01-01T00:00:00.000000Z"}'::jsonb ELSE '{}' END);
                before := cs._sha256(E'countersign/ledger/v1\\n' || body);
                UPDATE cs.ledger SET entry = body, hash = before WHERE seq = line.seq;
            END LOOP;
            UPDATE cs.ledger_heads SET hash = before;
        END $$
        """,
    )
    with made.database.transaction("owner") as conn:
        ledger.as_owner(conn)
        assert ledger.verify(conn, "acme", None)[1] is None  # the chain alone is sound
    code, (line,), _ = run("verify")
    assert code == 3
    assert "not those that were signed" in line["reasons"][0]


TAMPERED_TABLES = {
    "a letter": "UPDATE cs.leaves SET content = replace(content, 'send it', 'pay me') WHERE name = 'draft'",
    "an envelope": "UPDATE cs.recommendations SET envelope = replace(envelope, 'S-1', 'S-9')",
    "an envelope and its digest": (
        "UPDATE cs.recommendations SET envelope = replace(envelope, 'S-1', 'S-9'), digest = 'sha256:' || encode("
        "sha256(convert_to(E'countersign/recommendation/v1\\n' || replace(envelope, 'S-1', 'S-9'), 'UTF8')), 'hex')"
    ),
    "who approved": "UPDATE cs.decisions SET actor = 'reviewer' WHERE actor = 'reviewer2'",
    "a withdrawal": "UPDATE cs.decisions SET withdrawn_at = NULL WHERE withdrawn_at IS NOT NULL",
    "a decision that is gone": "DELETE FROM cs.decisions",
    "a decision that was never made": (
        "INSERT INTO cs.decisions SELECT tenant, 'forged', recommendation_id, 'approve', 'controller', NULL, "
        "'controller', digest, NULL, NULL, at, NULL FROM cs.decisions LIMIT 1"
    ),
    "a seat": "UPDATE cs.seats SET filled_by = 'reviewer' WHERE filled_by = 'reviewer2'",
    "the facts": "UPDATE cs.case_revisions SET facts = replace(facts, '1200.00', '12.00')",
    "the amount that the law reads": "UPDATE cs.case_revisions SET amount = 12",
    "the initiator": "UPDATE cs.case_revisions SET initiator = 'agent'",
    "a seat count of the matrix": "UPDATE cs.matrix_seats SET seats = 1 WHERE rule_id LIKE 'M-2%' AND seats = 2",
    "an amount of the matrix": "UPDATE cs.matrix_rules SET amount_from = 1 WHERE rule_id LIKE 'H-2%'",
    "the policy": "UPDATE cs.policies SET canon = replace(canon, 'Group Controller', 'Nobody')",
    "a role": "UPDATE cs.actors SET roles = ARRAY['reviewer', 'controller'] WHERE id = 'analyst'",
    "a service made a person": "UPDATE cs.actors SET kind = 'person' WHERE id = 'service'",
    "a user nobody added": "INSERT INTO cs.actors (tenant, id, kind, name) VALUES ('acme', 'ghost', 'person', 'Ghost')",
    "an effect of nothing": (
        "INSERT INTO cs.effects SELECT tenant, id, 'mail', 'sent', 1, now() FROM cs.recommendations "
        "WHERE state = 'overridden'"
    ),
    "a document": "UPDATE cs.document_contents SET content = 'forged'",
}


@pytest.mark.parametrize("what", TAMPERED_TABLES)
def test_a_table_that_says_other_than_the_ledger_is_named(settled: tuple[World, str], what: str) -> None:
    with tampered(settled[0], TAMPERED_TABLES[what]) as conn:
        assert agreement.disagreements(conn, "acme")
        assert ledger.verify(conn, "acme", PUBLIC)[1] is None  # the chain alone does not know
    with tampered(settled[0]) as conn:
        assert agreement.disagreements(conn, "acme") == []


def test_readings_and_documents_are_working_copies_that_may_go(settled: tuple[World, str]) -> None:
    with tampered(settled[0], "DELETE FROM cs.document_contents", "DELETE FROM cs.case_readings") as conn:
        assert agreement.disagreements(conn, "acme") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cs.ledger SET entry = replace(entry, 'reviewer', 'analyst0') WHERE seq = 8",
        "UPDATE cs.leaves SET content = replace(content, 'send it', 'pay me') WHERE name = 'draft'",
    ],
)
def test_verify_ends_with_three_and_names_the_row(made: World, home: Path, run: Run, statement: str) -> None:
    approved(made)
    assert run("verify")[0] == 0
    superuser(made, statement)
    code, (line,), _ = run("verify")
    assert (code, line["sound"]) == (3, False)
    assert line["first_bad"] == (8 if "ledger" in statement else None)
    assert ("entry 8" if "ledger" in statement else "the draft of recommendation") in line["reasons"][0]


def test_a_missing_or_wrong_key(made: World, home: Path, run: Run) -> None:
    sign(made, home)
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key()
    assert run("verify", "--public-key", public_key_text(stranger))[0] == 3
    assert run("verify", "--public-key", "nonsense")[0] == 2
    (home / keyring.LEDGER_PUB).unlink()
    assert run("verify")[0] == 2
    assert run("verify", str(home / "no such file"), "--public-key", public_key_text(PUBLIC))[0] == 2
    assert run("verify", "--public-key", public_key_text(PUBLIC))[0] == 0


def test_verifying_while_others_write_raises_no_alarm(made: World, home: Path, run: Run) -> None:
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            made.accept(source_key=f"busy-{n}")
            sign(made, home)
            n += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(8):
            code, lines, _ = run("verify")
            assert (code, lines[0]["reasons"]) == (0, [])
    finally:
        stop.set()
        thread.join()


# An exported case ----------------------------------------------------------------------------------


def story(made: World, home: Path, sink: Sink) -> str:
    """A case with a comment, a withdrawal, an override, an escalation and a letter that was sent; its id."""
    made.accept(content=b"<Invoice/>")
    case_id: str = made.scalar("SELECT id FROM cs.cases")
    filed = made.file(made.claim(1)[0])
    rec = made.recommendation(filed.recommendation_id)
    kinder = {"to": "ap@supplier.example", "subject": "Order?", "body": "Would you please send it?", "language": "en"}
    made.decide("controller", rec, "override", comment="friendlier", draft=kinder)
    edited = made.recommendation(made.scalar("SELECT id FROM cs.recommendations WHERE drafted_by = 'controller'"))
    made.decide("reviewer", edited, "approve", comment="fine")
    made.decide("reviewer", edited, "withdraw")
    made.decide("reviewer2", edited, "approve", reason_code="other", comment="checked — with Jürgen")
    courier(made, port=sink.port).drain(0)
    sign(made, home)
    return case_id


@pytest.fixture(scope="module")
def exported(settled: tuple[World, str]) -> tuple[str, str]:
    """The bundle of the case with its document, and without."""
    return bundle_of(*settled, with_document=True), bundle_of(*settled)


def test_an_exported_case_proves_itself(exported: tuple[str, str]) -> None:
    report = check_bundle(exported[0], PUBLIC)
    assert isinstance(report, Report)
    assert sorted(report.outcomes.values()) == ["decision.override", "effect.sent"]
    assert (report.erased, report.documents) == ((), 1)
    assert check_bundle(exported[1], PUBLIC).documents == 0
    assert json.loads(exported[0])["key"] == fingerprint(PUBLIC)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_a_bundle_can_change_unnoticed(exported: tuple[str, str], data: st.DataObject) -> None:
    content = bytearray(exported[0].encode())
    at = data.draw(st.integers(0, len(content) - 1), label="at")
    content[at] ^= data.draw(st.integers(1, 255), label="with")
    assert not sound(bytes(content))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_a_bundle_can_be_lost_or_added(exported: tuple[str, str], data: st.DataObject) -> None:
    content = exported[0].encode()
    at = data.draw(st.integers(0, len(content)), label="at")
    more = data.draw(st.sampled_from([b"", b" ", b"\n", b"0", b'"']), label="with")
    changed = content[:at] + more + content[at + (0 if more else 1) :]
    assert changed == content or not sound(changed)


def test_every_meaningful_byte_once(exported: tuple[str, str]) -> None:
    """Each place of the short parts in turn, so that no field is missed by luck."""
    content = exported[1].encode()
    whole = json.loads(content)
    policies = sum(len(text) for text in whole["policies"])
    assert len(content) > policies
    step = max(1, len(content) // 700)
    for at in range(0, len(content), step):
        changed = bytearray(content)
        changed[at] ^= 1
        assert not sound(bytes(changed)), f"byte {at}: {content[max(0, at - 30) : at + 30]!r}"


def sound(content: bytes) -> bool:
    try:
        check_bundle(content.decode("utf-8"), PUBLIC)
    except (Tampered, UnicodeDecodeError):
        return False
    return True


def forge(text: str, change: Callable[[dict[str, Any]], Any]) -> str:
    bundle = json.loads(text)
    change(bundle)
    return canonical(bundle)


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another key's name": lambda b: b.update(key="sha256:" + "0" * 64),
    "another tenant": lambda b: b.update(tenant="other"),
    "another case": lambda b: b.update(case="00000000-0000-0000-0000-000000000000"),
    "a field more": lambda b: b.update(note="trust me"),
    "a field less": lambda b: b.pop("documents"),
    "a decision left out": lambda b: b["decisions"].pop(),
    "an approval's entry left out": lambda b: b["entries"].remove(
        next(e for e in b["entries"] if "decision.approve" in e["entry"])
    ),
    "a recommendation left out": lambda b: b["recommendations"].pop(0),
    "a recommendation twice": lambda b: b["recommendations"].append(b["recommendations"][0]),
    "the genesis left out": lambda b: b["entries"].pop(0),
    "entries in another order": lambda b: b["entries"].reverse(),
    "decisions in another order": lambda b: b["decisions"].reverse(),
    "an entry of one's own": lambda b: b["entries"].append({**b["entries"][-1], "seq": b["entries"][-1]["seq"] + 1}),
    "another seat holder": lambda b: b["recommendations"][1]["seats"][0].update(filled_by="reviewer"),
    "an open seat more": lambda b: b["recommendations"][1]["seats"].append(
        {"role": "controller", "filled_by": None, "acting_for": None, "stands_in_as": None, "decision": None}
    ),
    "an open seat less": lambda b: b["recommendations"][0]["seats"].clear(),
    "an emptied seat": lambda b: b["recommendations"][1]["seats"][0].update(filled_by=None, decision=None),
    "half a leaf": lambda b: b["recommendations"][1]["leaves"]["draft"].update(salt=None),
    "a leaf less": lambda b: b["recommendations"][1]["leaves"].pop("evidence"),
    "another comment": lambda b: b["decisions"][0]["comment"].update(text="never"),
    "a comment where none was": lambda b: b["decisions"][2].update(comment={"salt": "00", "text": "never"}),
    "another reason": lambda b: b["decisions"][3].update(reason_code="wrong_data"),
    "other facts": lambda b: b["facts"].append(b["facts"][0]),
    "no facts": lambda b: b["facts"].clear(),
    "another policy": lambda b: b["policies"].append("{}"),
    "no policy": lambda b: b["policies"].clear(),
    "another document": lambda b: b["documents"][0].update(content=base64.b64encode(b"forged").decode()),
    "a document that is not base64": lambda b: b["documents"][0].update(content="%%%"),
    "a document left out": lambda b: b["documents"].clear(),
    "garbage for an envelope": lambda b: b["recommendations"][0].update(envelope="[]"),
    "garbage for an entry": lambda b: b["entries"][0].update(entry="[]"),
    "a number for a text": lambda b: b["decisions"][0].update(actor=7),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_bundle_is_refused(exported: tuple[str, str], what: str) -> None:
    with pytest.raises(Tampered):
        check_bundle(forge(exported[0], FORGERIES[what]), PUBLIC)


def test_another_layout_of_the_same_words_is_refused(exported: tuple[str, str]) -> None:
    for text in (json.dumps(json.loads(exported[0]), indent=1), exported[0] + "\n", "[" * 100_000, "null", ""):
        with pytest.raises(Tampered):
            check_bundle(text, PUBLIC)


def test_another_key_does_not_verify(exported: tuple[str, str]) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key()
    with pytest.raises(Tampered, match="key"):
        check_bundle(exported[0], stranger)
    with pytest.raises(Tampered, match="signature"):
        check_bundle(forge(exported[0], lambda b: b.update(key=None)), stranger)


def test_a_lawless_record_does_not_pass_as_sound(made: World, home: Path) -> None:
    """A ledger that hashes and is signed by the right key must also show seats that were lawfully filled."""
    hold = {"action": Action("hold_payment", {"invoice_id": "INV-1", "reason": "twice"}), "draft": None}
    superuser(
        made,
        # A database whose owner took the law out of it.
        "CREATE OR REPLACE FUNCTION cs._gate(rec cs.recommendations) RETURNS void LANGUAGE sql AS ''",
        "CREATE FUNCTION cs._no_seat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER no_seat BEFORE INSERT ON cs.seats FOR EACH ROW WHEN (NEW.role = 'controller') "
        "EXECUTE FUNCTION cs._no_seat()",
    )
    rec = approved(made, proposal=hold, amount="60000.00", exception_type="duplicate_suspect")
    assert rec["state"] == "approved"
    sign(made, home)
    with pytest.raises(Tampered, match="seats that were filled are not those"):
        check_bundle(bundle_of(made, rec["case_id"]), PUBLIC)


def test_what_was_erased_by_right_is_allowed_and_said(made: World, home: Path, tmp_path: Path) -> None:
    with Sink(tmp_path / "outbox") as sink:
        case_id = story(made, home, sink)
    made.enact("admin1", "erasure", f"case:{case_id}", {})
    sign(made, home)
    report = check_bundle(bundle_of(made, case_id, with_document=True), PUBLIC)
    assert len(report.erased) == 6 + 3
    assert report.documents == 0


@pytest.mark.parametrize("table", ["leaves", "decision_notes"])
def test_what_is_gone_without_an_entry_is_tampering(made: World, home: Path, tmp_path: Path, table: str) -> None:
    with Sink(tmp_path / "outbox") as sink:
        case_id = story(made, home, sink)
    superuser(made, f"DELETE FROM cs.{table}")
    with pytest.raises(Tampered, match="no entry says that it was erased"):
        check_bundle(bundle_of(made, case_id), PUBLIC)


def test_cases_at_every_stage_export(made: World, home: Path) -> None:
    made.accept(source_key="only received")
    waiting = made.filed(source_key="waiting")
    returned = made.filed(source_key="returned")
    made.decide("reviewer", returned, "send_back", comment="shorter")
    made.file(made.claim(1)[0])
    raised = made.filed(source_key="raised")
    made.decide("analyst", raised, "escalate", comment="large")
    made.decide("reviewer", raised, "approve")
    revised = made.filed(source_key="revised")
    made.accept(source_key="revised", amount="99.00")
    thing = approved(made, "task", task())
    courier(made).drain(0)
    sign(made, home)
    with made.database.transaction("owner") as conn:
        ids = [row[0] for row in conn.execute("SELECT id FROM cs.cases")]
    assert {waiting["case_id"], revised["case_id"], thing["case_id"]} < set(ids)
    for case_id in ids:
        assert check_bundle(bundle_of(made, case_id), PUBLIC).case == case_id


def test_export_and_verify_commands(made: World, home: Path, run: Run, tmp_path: Path) -> None:
    rec = approved(made, content=b"<Invoice/>")
    out = tmp_path / "case.json"
    code, (line,), _ = run("export", rec["case_id"], "--out", str(out), "--with-document")
    assert (code, line["case"]) == (0, rec["case_id"])
    code, (line,), said = run("verify", str(out))
    assert (code, line["sound"], line["documents"]) == (0, True, 1)
    assert line["sealed"]
    assert "left out of the file" not in said
    assert "what was first written was true" in said
    elsewhere = tmp_path / "elsewhere.pub"
    elsewhere.write_text(public_key_text(PUBLIC) + "\n")
    assert run("verify", str(out), "--public-key", str(elsewhere))[0] == 0
    out.write_bytes(out.read_bytes().replace(b"reviewer", b"reviewe7", 1))
    code, (line,), _ = run("verify", str(out))
    assert (code, line["sound"]) == (3, False)
    assert line["reason"]
    out.write_bytes(b"\xff\xfe")
    assert run("verify", str(out))[0] == 3
    assert run("export", "no-such-case")[0] == 1


def test_an_export_proves_growth_from_a_kept_checkpoint(made: World, home: Path, run: Run, tmp_path: Path) -> None:
    sign(made, home)
    kept = Path(shutil.copy(home / "checkpoint.latest", tmp_path / "kept.txt"))
    rec = approved(made)
    out = tmp_path / "case.json"
    assert run("export", rec["case_id"], "--out", str(out))[0] == 0
    code, (line,), said = run("verify", str(out), "--checkpoint", str(kept))
    assert (code, line["follows_checkpoint"]) == (0, None)
    assert "--since" in said
    assert run("export", rec["case_id"], "--out", str(out), "--since", str(kept))[0] == 0
    code, (line,), said = run("verify", str(out), "--checkpoint", str(kept))
    assert (code, line["follows_checkpoint"], line["grew_from"]) == (0, True, int(kept.read_text().split("\n")[1]))
    assert "--since" not in said
    superuser(made, "UPDATE cs.ledger SET hash = repeat('0', 64) WHERE seq = 2")
    (home / keyring.LEDGER_KEY).unlink()
    assert run("export", rec["case_id"], "--out", str(out), "--since", str(kept))[0] == 3


def test_without_the_ledger_s_key_an_export_is_not_sealed(made: World, home: Path, run: Run, tmp_path: Path) -> None:
    rec = approved(made)
    sign(made, home)
    (home / keyring.LEDGER_KEY).unlink()
    out = tmp_path / "case.json"
    code, _, said = run("export", rec["case_id"], "--out", str(out))
    assert (code, "not sealed" in said) == (0, True)
    code, (line,), said = run("verify", str(out))
    assert (code, line["sealed"]) == (0, False)
    assert "left out of the file" in said


def test_a_case_that_no_checkpoint_covers_is_not_exported(made: World, home: Path) -> None:
    rec = approved(made)
    with pytest.raises(Unavailable, match="tick"):
        bundle_of(made, rec["case_id"])
    with pytest.raises(NotFound):
        bundle_of(made, "no-such-case")


def test_another_tenant_s_case_is_not_there(made: World, home: Path, database: Database) -> None:
    rec = approved(made)
    sign(made, home)
    other = quick_world(database, "other")
    with pytest.raises(NotFound), database.transaction("audit", other.tokens["auditor"]) as conn:
        build_bundle(conn, "acme", rec["case_id"], PUBLIC)


@given(st.integers(1, 70), st.data())
def test_many_proofs_at_once_are_those_of_the_rfc(size: int, data: st.DataObject) -> None:
    leaves = [bytes([n]) * 32 for n in range(size)]
    wanted = data.draw(st.lists(st.integers(0, size - 1), unique=True))
    assert _paths(wanted, leaves) == {index: inclusion_proof(index, leaves) for index in wanted}

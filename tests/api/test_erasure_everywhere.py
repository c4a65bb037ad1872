"""After the erasure of a case no word of it is left: not in any row of any table, in a letter on disk, or in HOME.

What is said in the case is said in words that occur nowhere else, and then these words are looked for everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql
from psycopg.types.json import Jsonb

from agents.worker import Worker
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.delivery.erasure import Follower, Letters, Threads
from api.delivery.sink import Sink
from api.evidence_check import check_bundle
from api.intake.door import File, IntakeDoor
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.intake.rows import case_row
from governance.record import agreement, corrections, ledger, outbox, queue
from governance.record.db import Database
from governance.record.twin_keys import packed
from tests.agents.conftest import Workers
from tests.agents.conftest import bundle as bundle
from tests.agents.conftest import month as month
from tests.agents.conftest import workers as workers
from tests.api.intake_samples import ubl
from tests.api.post import courier, effect_state, hurry, installed, quick_world, run_command
from tests.build import World, world

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ADDRESS = "wilhelmine@quittenbaum.example"
SAID = {
    "address": ADDRESS, "file": "Xanthippe", "title": "Oberkofler", "sender": "Quittenbaum", "tax": "ATU99887766",
    "account": "AT611904300234573201", "detail": "Zwiebelmuster", "letter": "Ysbrandt", "subject": "Unterhuber",
    "comment": "Vinzenzius", "note": "Jodokus", "error": "Habakuk", "server": "Pankraz",
    "right": "Theophilus",
}  # fmt: skip
"""Where it is said → the word by which it is found again."""


@pytest.fixture
def acme(database: Database) -> World:
    made = quick_world(database)
    # The address is in the books, and gets into the case by the letter alone. It is not the case's: erasing the
    # supplier takes it from there, erasing one case of theirs must not.
    made.import_books("suppliers", [{"id": "S-1", "name": "Supplier One", "email": ADDRESS, "language": "en"}])
    return made


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as pool:
        yield pool


class Unhelpful:
    """A mail server that names the addressee in its refusals, and then one that goes away during the letter."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        if self.asked == 1:
            return f"450 4.2.1 {SAID['server']}: the mailbox of {address} is full"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert server.transport is not None
        server.transport.close()
        return "250 nobody hears this"


def received(acme: World, pool: PdfPool) -> str:
    """An e-invoice with what the ERP said of it, by the door through which all documents come."""
    text = ubl().replace("Nordlicht\n      Energie GmbH", SAID["sender"]).replace("Nordlicht", SAID["sender"])
    text = text.replace("<cac:OrderReference><cbc:ID>PO-778</cbc:ID></cac:OrderReference>", "")
    text = text.replace("DE 136 695 976", SAID["tax"]).replace("DE02 1203 0000 0000 2020 51", SAID["account"])
    stated = case_row(
        {
            "queue": "accounts_payable", "exception_type": "missing_order_reference", "source_key": "key-1",
            "title": f"Invoice of {SAID['title']}", "supplier_id": "S-1", "details": {"said": SAID["detail"]},
        }
    )  # fmt: skip
    door = IntakeDoor(acme.database, acme.tokens["intake"], DocumentReader(None, pool, default_currency="EUR"))
    (receipt,) = door.receive([File(f"{SAID['file']}.xml", text.encode(), "application/xml", stated)])
    assert receipt.status == "accepted", receipt
    assert receipt.case_id is not None
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", receipt.case_id)
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        corrections.correct(conn, receipt.case_id, digest, {"supplier": SAID["right"]}, None)
    return receipt.case_id


def pending(acme: World, case_id: str) -> dict[str, Any]:
    query = "SELECT id FROM cs.recommendations WHERE case_id = %s AND state = 'awaiting_review'"
    return acme.recommendation(acme.scalar(query, case_id))


def triaged(acme: World, worker: Worker, case_id: str) -> dict[str, Any]:
    """The agent fails once, loudly, and then proposes; sent back with a note it proposes again."""
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        assert queue.fail(conn, job, f"no order of {SAID['error']}", 0.0, 5) == "retry"
    worker.drain()
    acme.decide("reviewer", pending(acme, case_id), "send_back", comment=f"ask {SAID['comment']} first")
    worker.drain()
    return pending(acme, case_id)


def delivered(acme: World, row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A person writes the letter anew; it leaves at the third attempt, the second of which nobody knows the end of."""
    action = {"name": "request_purchase_order", "args": {"supplier_id": "S-1", "invoice_number": "RE-2026/0042"}}
    words = {"to": ADDRESS, "subject": SAID["subject"], "body": f"Dear {SAID['letter']},", "language": "en"}
    made = acme.decide("reviewer", row, "override", action=action, draft=words, comment=f"{SAID['comment']} knows")
    letter = acme.recommendation(made["recommendation_id"])
    with acme.database.transaction("review", acme.tokens["reviewer2"]) as conn:
        # As the API keeps its answers for a caller who asks again.
        conn.execute("SELECT cs.idempotent('again', repeat('0', 64))")
        conn.execute(
            "SELECT cs.remember_answer('again', repeat('0', 64), 200, %s)", (json.dumps({"id": letter["id"], **words}),)
        )
    acme.decide("reviewer2", letter, "approve", comment=f"as {SAID['comment']} said")
    with Sink(folder / "away", handler=Unhelpful()) as server:
        courier(acme, port=server.port).drain(3)
    assert effect_state(acme, letter)[0] == "reconcile"
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        outbox.confirm(conn, letter["id"], "not_done", f"{SAID['note']} has got nothing")
    hurry(acme)
    with Sink(folder / "outbox") as server:
        courier(acme, port=server.port).drain(3)
    assert effect_state(acme, letter) == ("sent", "executed", "done")
    return letter


def found(acme: World, folder: Path) -> dict[str, set[str]]:
    """Which of SAID is where, by name of table or file."""
    places: dict[str, set[str]] = {}
    with acme.database.transaction("owner") as conn:
        tables = conn.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('cs', 'langgraph', 'countersign_meta')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("SELECT t::text FROM {}.{} t").format(sql.Identifier(schema), sql.Identifier(table))
            text = "\n".join(row[0] for row in conn.execute(query))
            # Bytes are shown in hexadecimal.
            hits = {name for name, word in SAID.items() if word in text or word.encode().hex() in text}
            places[f"{schema}.{table}"] = hits
    for file in filter(Path.is_file, folder.rglob("*")):
        content = file.read_bytes()
        places[str(file.relative_to(folder))] = {
            name for name, word in SAID.items() if word.encode() in content or word in file.name
        }
    return {place: hits for place, hits in places.items() if hits}


EVERYWHERE = {
    "cs.cases", "cs.case_readings", "cs.documents", "cs.document_contents", "cs.intake_log", "cs.jobs", "cs.leaves",
    "cs.decision_notes", "cs.invoices", "cs.idempotency",
    "langgraph.checkpoint_blobs",
}  # fmt: skip
"""Where the words are before: what is looked for is there to be found."""


def test_no_word_of_an_erased_case_is_left_and_its_proof_holds(
    acme: World,
    workers: Workers,
    pool: PdfPool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = installed(acme, tmp_path / "home", KEY, monkeypatch)
    case_id = received(acme, pool)
    letter = delivered(acme, triaged(acme, workers(), case_id), home)
    clock = Clock(acme.database, acme.tokens["courier"], KEY, KeptCheckpoints(home))
    clock.sign()
    before = found(acme, home)
    places = {place for place in before if "/" not in place}
    assert places >= EVERYWHERE, EVERYWHERE - places
    # What was written over meanwhile is not in the ledger either, which nobody could take it from.
    assert set().union(*before.values()) == set(SAID) - {"server", "note"}
    assert not {"cs.ledger", "cs.recommendations", "cs.decisions", "cs.observations"} & places
    (kept,) = (home / "outbox").glob("*.eml")
    assert SAID["letter"] in kept.read_text()

    remembered = "SELECT count(*) FROM cs.precedents WHERE case_id = %s"
    assert acme.scalar(remembered, case_id) == 1, "a vector of its words, and who signed"
    acme.enact("admin1", "erasure", f"case:{case_id}", {})
    assert acme.scalar(remembered, case_id) == 0
    Follower(acme.database, acme.tokens["courier"], [Threads(acme.database), Letters(home / "outbox")]).follow()
    clock.sign()
    # The account stands in the facts that the law judged (see docs/governance.md), the address in the books.
    assert found(acme, home) == {"cs.suppliers": {"address"}, "cs.case_revisions": {"account"}}

    acme.enact("admin1", "erasure", "supplier:S-1", {})
    assert found(acme, home) == {"cs.case_revisions": {"account"}}
    clock.sign()
    code, (line,), said = run_command(home, capsys, "verify")
    assert (code, line["sound"]) == (0, True), said
    file = tmp_path / "case.json"
    assert run_command(home, capsys, "export", case_id, "--out", str(file))[0] == 0
    report = check_bundle(file.read_text(), KEY.public_key())
    assert report.outcomes[letter["id"]] == "effect.sent"
    assert f"draft of recommendation {letter['id']}" in report.erased


def test_an_unknown_sender_goes_from_the_books_and_the_invoice_is_still_found_by_its_number(database: Database) -> None:
    acme = world(database)
    row = acme.filed()
    made_of = (("vendor_number", "QUITTENBAUM|1"), ("name_number", "QUITTENBAUM|1"), ("tax_number", "ATU99887766|1"),
               ("account_number", "AT61|1"), ("text_words", "ZWIEBEL"),
               ("number_amount", "2026-1|1200.00"))  # fmt: skip
    keys = [packed(*one) for one in made_of]
    bill = {"vendor_name": "Quittenbaum", "tax_id": "ATU99887766", "invoice_no": "2026-1", "amount": "1200.00",
            "currency": "EUR", "description": "Zwiebelmuster", "entity": "DE01", "keys": keys}  # fmt: skip
    acme.import_books("invoices", [
        {**bill, "invoice_id": "I-1", "vendor_id": "", "case_id": row["case_id"]},
        {**bill, "invoice_id": "I-2", "vendor_id": "S-1"},
    ])  # fmt: skip
    left = "SELECT keys FROM cs.invoices WHERE invoice_id = %s"
    mixed = acme.scalar("SELECT cs._own_keys('acme', %s)", keys)
    vector = Jsonb([{"invoice_id": one, "text_sha256": "x", "embedding": f"[1{',0' * 383}]"} for one in ("I-1", "I-2")])
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        assert conn.execute("SELECT cs.remember_bills(%s)", (vector,)).fetchone() == (2,)
    acme.decide("reviewer", row, "reject")
    acme.enact("admin1", "erasure", f"case:{row['case_id']}", {})
    assert acme.scalar(left, "I-1") == [mixed[-1]]
    assert acme.scalar(left, "I-2") == mixed, "the other invoice is not the case's"
    assert acme.scalar("SELECT array_agg(invoice_id) FROM cs.invoice_vectors") == ["I-2"]
    acme.enact("admin1", "erasure", "supplier:S-1", {})
    assert acme.scalar(left, "I-2") == [mixed[0], mixed[-1]]
    assert acme.scalar("SELECT count(*) FROM cs.invoice_vectors") == 0
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        assert conn.execute("SELECT cs.remember_bills(%s)", (vector,)).fetchone() == (0,), "what is erased stays so"
    assert acme.scalar("SELECT string_agg(i::text, ' ') FROM cs.invoices i").count("erased") == 2


def test_changes_that_were_about_a_party_or_a_user_go_with_them(database: Database, tmp_path: Path) -> None:
    acme = world(database)
    acme.enact("analyst", "memory", "S-1", {"asks for": SAID["note"]}, ("reviewer",))
    acme.enact("analyst", "memory", "S-2", {"asks for": "nothing"}, ("reviewer",))
    account = {"issuer": "https://id.example", "subject": SAID["sender"]}
    acme.enact("analyst2", "identity", "analyst2", account)
    with acme.database.transaction("review", acme.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('analyst2', false)")
    assert found(acme, tmp_path) == {
        "cs.settings": {"note"}, "cs.identities": {"sender"}, "cs.leaves": {"note", "sender"},
    }  # fmt: skip
    acme.enact("admin1", "erasure", "supplier:S-1", {})
    acme.enact("admin1", "erasure", "actor:analyst2", {})
    assert found(acme, tmp_path) == {}
    assert acme.scalar("SELECT array_agg(content ORDER BY subject) FROM cs.settings WHERE kind = 'memory'") == [
        "{}",
        '{"asks for":"nothing"}',
    ]
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        assert ledger.verify(conn, "acme", None)[1] is None
        assert agreement.disagreements(conn, "acme") == []

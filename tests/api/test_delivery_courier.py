"""The courier on a real Postgres and a real SMTP server: what is approved leaves once, whatever breaks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from api.delivery.connector import Outcome, Ready
from api.delivery.courier import Backoff, Courier, Delivery
from api.delivery.direct import Direct
from api.delivery.sink import Sink
from governance.action import Action
from governance.errors import LostLease, Unavailable
from governance.record import agreement, ledger, outbox
from governance.record.db import Database
from governance.record.outbox import Effect
from tests.api.post import approved, courier, effect_state, expire_leases, hurry, outcomes, quick_world, task
from tests.build import World


@pytest.fixture
def made(database: Database) -> World:
    return quick_world(database)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink(tmp_path / "outbox") as server:
        yield server


def letters(sink: Sink) -> list[Path]:
    return sorted(sink.outbox.folder.glob("*.eml"))


def tick(made: World) -> dict[str, Any]:
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        return outbox.tick(conn)


def confirm(made: World, rec: Mapping[str, Any], outcome: str) -> None:
    with made.database.transaction("review", made.tokens["analyst"]) as conn:
        outbox.confirm(conn, rec["id"], outcome, "I asked them")


def run(made: World, port: int, **options: Any) -> list[str | None]:
    found: list[Delivery] = []
    courier(made, port=port, **options).run_once(found.append)
    return outcomes(found)


def test_an_approved_letter_arrives_once_and_says_what_was_approved(made: World, sink: Sink) -> None:
    rec = approved(made)
    post = courier(made, port=sink.port)
    assert post.drain(patience=0) == 1
    assert post.drain(patience=0) == 0
    assert effect_state(made, rec) == ("sent", "executed", "done")
    (path,) = letters(sink)
    assert path.name == f"{rec['id']}@acme.example.eml"
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert mail["To"] == "ap@supplier.example"
    assert mail["From"] == "Acme AP <ap@acme.example>"
    assert mail["Subject"] == "Purchase order for invoice 2026-1"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "en"
    assert mail["Message-ID"] == f"<{rec['id']}@acme.example>"
    assert mail.get_content() == "Please send it.\r\n"
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        assert ledger.verify(conn, "acme", None)[1] is None
        assert agreement.disagreements(conn, "acme") == []


def test_nothing_leaves_without_the_last_seat(made: World, sink: Sink) -> None:
    rec = made.filed()
    assert run(made, sink.port) == []
    made.decide("reviewer", rec, "reject")
    assert run(made, sink.port) == []
    assert letters(sink) == []


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """Carries the letter out, or not, and then the process is gone before it can settle."""

    def __init__(self, post: Courier, die_before_data: bool) -> None:
        self._mail = post._connectors["mail"]
        self._die_before_data = die_before_data

    def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> AbstractContextManager[Ready]:
        self._inner = self._mail.prepare(effect, envelope)
        self._ready = self._inner.__enter__()
        return self  # type: ignore[return-value]

    def __enter__(self) -> Dying:
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.__exit__(None, None, None)

    def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
        if not self._die_before_data:
            self._ready.send(approved, now)
        raise Killed


@pytest.mark.parametrize(("sent", "said"), [(True, "done"), (False, "not_done")])
def test_a_courier_killed_while_sending_leaves_the_letter_to_a_person(
    made: World, sink: Sink, sent: bool, said: str
) -> None:
    rec = approved(made)
    post = courier(made, port=sink.port)
    with pytest.raises(Killed):
        courier(made, {"mail": Dying(post, die_before_data=not sent)}, port=sink.port).run_once()
    assert effect_state(made, rec)[0] == "delivering"
    assert tick(made)["swept"] == 0
    expire_leases(made)
    assert tick(made)["swept"] == 1
    assert effect_state(made, rec) == ("reconcile", "approved", "awaiting_reconciliation")
    assert post.run_once() == 0
    confirm(made, rec, said)
    post.drain(patience=0)
    assert effect_state(made, rec) == ("sent", "executed", "done")
    assert sum(sink.received.values()) == 1


def test_a_courier_killed_while_connecting_costs_nothing(made: World, sink: Sink) -> None:
    rec = approved(made)
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        (lost,) = outbox.claim(conn, "dead", 5, 60)
    assert run(made, sink.port) == []
    expire_leases(made)
    tick(made)
    assert run(made, sink.port) == ["sent"]
    assert len(letters(sink)) == 1
    with pytest.raises(LostLease), made.database.transaction("courier", made.tokens["courier"]) as conn:
        outbox.execute(conn, lost)
    assert effect_state(made, rec)[0] == "sent"


def test_a_server_that_is_away_is_tried_again_later(made: World, sink: Sink) -> None:
    port = sink.port
    sink.stop()
    rec = approved(made)
    assert run(made, port) == ["retry"]
    assert effect_state(made, rec) == ("ready", "approved", "approved")
    assert run(made, port) == []  # not before its time
    with Sink(sink.outbox.folder, port=port) as back:
        hurry(made)
        assert run(made, port) == ["sent"]
        assert list(back.received.values()) == [1]


def test_a_server_that_stays_away_is_given_up_and_a_person_decides(made: World) -> None:
    rec = approved(made)
    post = courier(made, port=9, backoff=Backoff(first=0.01, longest=0.01, attempts=3))
    assert post.drain(patience=1) == 3
    assert effect_state(made, rec) == ("dead", "approved", "dead_letter")
    confirm(made, rec, "abandoned")
    assert effect_state(made, rec) == ("failed", "superseded", "queued")


class Refusing:
    """A server that refuses the recipient."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return self.answer


class Hanging:
    """A server that answers DATA with `answer`, or drops the connection where it is None."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.seen = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.seen += 1
        if self.answer is None:
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(0)
            return "250 nobody hears this"
        return self.answer


@pytest.mark.parametrize(
    ("handler", "outcome", "state"),
    [
        (Refusing("550 5.1.1 no such user"), "dead", ("dead", "approved", "dead_letter")),
        (Refusing("450 4.2.1 busy"), "retry", ("ready", "approved", "approved")),
        (Hanging("451 4.3.0 try later"), "retry", ("ready", "approved", "approved")),
        (Hanging("554 5.7.1 spam"), "dead", ("dead", "approved", "dead_letter")),
        (Hanging(None), "unknown", ("reconcile", "approved", "awaiting_reconciliation")),
    ],
)
def test_what_the_server_says_is_what_is_recorded(
    made: World, tmp_path: Path, handler: object, outcome: str, state: tuple[str, str, str]
) -> None:
    rec = approved(made)
    with Sink(tmp_path, handler=handler) as server:
        assert run(made, server.port) == [outcome]
        assert effect_state(made, rec) == state
        if outcome == "unknown":
            hurry(made)
            expire_leases(made)
            tick(made)
            assert run(made, server.port) == []
            assert isinstance(handler, Hanging)
            assert handler.seen == 1


def test_a_payee_whose_bank_changed_gets_no_letter(made: World, sink: Sink) -> None:
    rec = approved(made)
    made.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "GB33BUKB20201555555555"}]
    )
    assert run(made, sink.port) == ["refused"]
    assert effect_state(made, rec) == ("failed", "superseded", "queued")
    assert letters(sink) == []
    assert [job.case_id for job in made.claim()] == [rec["case_id"]]


def test_an_address_that_changed_gets_no_letter(made: World, sink: Sink) -> None:
    rec = approved(made)
    made.import_books("suppliers", [{"id": "S-1", "name": "Supplier One", "email": "new@supplier.example"}])
    assert run(made, sink.port) == ["refused"]
    assert effect_state(made, rec) == ("failed", "superseded", "queued")
    assert letters(sink) == []


@pytest.mark.parametrize(
    "tamper", ["UPDATE cs.leaves SET content = replace(content, 'send it', 'pay me')", "DELETE FROM cs.leaves"]
)
def test_a_letter_that_is_not_the_signed_one_does_not_leave(made: World, sink: Sink, tamper: str) -> None:
    rec = approved(made)
    with made.database.transaction("owner") as conn:
        conn.execute(tamper.encode())
    assert run(made, sink.port) == ["refused"]
    assert effect_state(made, rec)[0] == "failed"
    assert letters(sink) == []


def test_a_seat_holder_who_was_switched_off_counts_no_more(made: World, sink: Sink) -> None:
    rec = approved(made)
    with made.database.transaction("review", made.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('reviewer', false)")
    assert run(made, sink.port) == ["refused"]
    assert effect_state(made, rec) == ("failed", "superseded", "queued")


def test_one_bad_effect_does_not_stop_its_neighbours(made: World, sink: Sink) -> None:
    good = [approved(made, f"good-{n}") for n in range(2)]
    bad = approved(made, "bad", {"draft": None, **task()})

    class Broken:
        def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> AbstractContextManager[Ready]:
            raise ZeroDivisionError("a bug")

    found: list[Delivery] = []
    courier(made, {"task": Broken()}, port=sink.port).drain(0, found.append)
    assert sorted(outcomes(found), key=str) == [None, "sent", "sent"]
    assert len(letters(sink)) == 2
    assert all(effect_state(made, rec)[0] == "sent" for rec in good)
    assert effect_state(made, bad)[0] == "leased"


def test_a_connector_that_breaks_while_sending_leaves_an_open_question(made: World) -> None:
    class Breaks(Direct):
        def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
            raise ZeroDivisionError("a bug")

    rec = approved(made)
    assert run(made, 1) == ["retry"]
    hurry(made)
    courier(made, {"mail": Breaks(Outcome("sent", ""))}).run_once()
    assert effect_state(made, rec) == ("reconcile", "approved", "awaiting_reconciliation")


def test_an_effect_that_kills_every_courier_is_given_up(made: World) -> None:
    rec = approved(made)
    with made.database.transaction("owner") as conn:
        conn.execute("UPDATE cs.effects SET attempts = 4")
    assert run(made, 1) == ["dead"]
    assert effect_state(made, rec) == ("dead", "approved", "dead_letter")


def test_a_task_without_a_connector_waits_for_a_person(made: World) -> None:
    rec = approved(made, proposal=task())
    assert run(made, 1) == ["manual"]
    assert effect_state(made, rec) == ("manual", "approved", "delivering")
    with made.database.transaction("review", made.tokens["analyst"]) as conn:
        assert [row["recommendation_id"] for row in outbox.waiting(conn)] == [rec["id"]]
    confirm(made, rec, "done")
    assert effect_state(made, rec) == ("sent", "executed", "done")


def test_a_wait_ends_with_the_case_in_the_queue(made: World) -> None:
    today = made.scalar("SELECT (now() AT TIME ZONE 'UTC')::date::text")
    wait = {"action": Action("wait_until", {"date": today, "reason": "they promised"}), "draft": None}
    rec = approved(made, proposal=wait, exception_type="missing_receipt")
    assert run(made, 1) == ["sent"]
    assert effect_state(made, rec) == ("sent", "executed", "queued")


def test_two_couriers_at_once_send_fifty_letters_once(made: World, sink: Sink) -> None:
    recs = [approved(made, f"key-{n}") for n in range(50)]
    total: list[int] = []

    def work(name: str) -> None:
        total.append(courier(made, port=sink.port, name=name, parallel=3).drain(patience=0))

    threads = [threading.Thread(target=work, args=(f"courier-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(total) == 50
    assert {name.split("@")[0] for name in sink.received} == {rec["id"] for rec in recs}
    assert set(sink.received.values()) == {1}
    assert made.scalar("SELECT count(*) FROM cs.effects WHERE state = 'sent'") == 50


def test_an_approval_that_was_withdrawn_in_time_sends_nothing(database: Database, sink: Sink) -> None:
    from tests.build import world

    made = world(database)  # with the standard undo window
    rec = approved(made)
    post = courier(made, port=sink.port)
    assert post.run_once() == 0
    made.decide("reviewer", rec, "withdraw")
    assert post.drain(patience=3) == 0
    assert letters(sink) == []


def test_draining_waits_for_the_undo_window(database: Database, sink: Sink) -> None:
    from tests.build import world

    made = world(database)
    approved(made)
    assert courier(made, port=sink.port).drain(patience=10) == 1
    assert len(letters(sink)) == 1


def test_a_running_courier_delivers_soon_and_stops_when_told(made: World, sink: Sink) -> None:
    """The poll alone would come too late: the database's hint wakes the courier."""
    stop = threading.Event()
    thread = threading.Thread(target=courier(made, port=sink.port).run_forever, args=(stop, 60.0))
    thread.start()
    try:
        time.sleep(0.5)
        rec = approved(made)
        deadline = time.monotonic() + 10
        while effect_state(made, rec)[0] != "sent" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert effect_state(made, rec)[0] == "sent"
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()


def test_a_halted_courier_claims_nothing(made: World, sink: Sink) -> None:
    rec = approved(made)
    with pytest.raises(Unavailable, match="restored"):
        courier(made, port=sink.port, halted=lambda: "the database was restored").run_once()
    assert effect_state(made, rec)[0] == "ready"


def test_another_tenants_courier_sees_nothing(made: World, database: Database, sink: Sink) -> None:
    other = quick_world(database, "other")
    approved(made)
    assert courier(other, port=sink.port).run_once() == 0
    assert letters(sink) == []


@pytest.mark.parametrize("attempt", [1, 2, 5, 40, 5000])
def test_backoff_grows_to_its_limit(attempt: int) -> None:
    seconds = Backoff(first=10, longest=300).seconds(attempt)
    full = min(300, 10 * 2 ** min(attempt - 1, 30))
    assert full / 2 <= seconds <= full

"""The worker on a real Postgres: every case gets one recommendation, whatever happens on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents import graph, threads, waking
from agents.letter import Letter
from agents.pause import Resume
from agents.state import BatchContext
from agents.worker import Worker
from governance.record import candidates
from governance.record.db import Database, urls_for
from tests.agents.conftest import Workers
from tests.build import World, genesis
from tests.conftest import PASSWORDS

BY_CASE = "SELECT count(*) FROM cs.recommendations WHERE case_id = %s"
PENDING = "SELECT id FROM cs.recommendations WHERE case_id = %s AND state = 'awaiting_review'"


def bring(acme: World, number: int = 1, **item: Any) -> str:
    return str(acme.accept(source_key=f"key-{number}", reading={"fields": {"invoice_number": f"2026-{number}"}},
                           invoice_id=f"INV-{number}", **item)["case_id"])  # fmt: skip


def pending(acme: World, case_id: str) -> dict[str, Any]:
    row = acme.recommendation(acme.scalar(PENDING, case_id))
    row["leaves"] = {name: json.loads(text) for name, text in row["leaves"].items()}
    return row


def threads_of(acme: World) -> int:
    return int(acme.scalar("SELECT count(DISTINCT thread_id) FROM langgraph.checkpoints"))


def send_back(acme: World, row: dict[str, Any], note: str) -> None:
    acme.decide("reviewer", row, "send_back", comment=note)


def test_every_case_gets_one_recommendation_with_findings_and_evidence(acme: World, workers: Workers) -> None:
    ids = [bring(acme, n) for n in range(3)]
    ids.append(bring(acme, 9, queue="order_to_cash", exception_type="overdue", supplier_id=None, customer_id="C-1",
                     due_date="2026-10-01", issue_date="2026-09-01"))  # fmt: skip
    ids.append(bring(acme, 10, queue="record_to_report", exception_type="reconciliation_break", supplier_id=None,
                     details={"interface_status": "failed", "ledger_account": "1200 Bank"}))  # fmt: skip
    worker = workers(batch=3)
    counts = worker.drain()
    assert (counts.filed, counts.failed, counts.dead) == (5, 0, 0)
    rows = [pending(acme, case_id) for case_id in ids]
    assert [row["envelope"]["action"]["name"] for row in rows] == [
        *["request_purchase_order"] * 3, "send_customer_reminder", "escalate_close_task",
    ]  # fmt: skip
    first = rows[0]
    assert first["case_state"] == "awaiting_review"
    assert first["confidence"] is None
    assert first["leaves"]["findings"]["cause"]["primary"] == "missing_order_reference"
    assert first["leaves"]["findings"]["alternatives"]
    assert first["leaves"]["evidence"]["supplier"]["email"] == "ap@supplier.example"
    assert first["leaves"]["evidence"]["supplier"]["ibans"] == ["DE02120300000000202051"]
    assert first["leaves"]["draft"]["to"] == "ap@supplier.example"
    assert "2026-0" in first["leaves"]["draft"]["subject"]
    assert first["leaves"]["draft"]["body"].endswith("Accounts Payable\nAcme GmbH")
    stamps = first["envelope"]["stamps"]
    assert stamps["agent"] == graph.graph_version()
    assert (stamps["composer"], stamps["bundle"], stamps["embedding"]) == ("template", "sha256:small", "hash-words")
    assert first["envelope"]["thresholds"]["duplicate_likely"] == "0.80"
    assert rows[3]["leaves"]["findings"]["risk"]["basis"] in ("model", "rule", "cold_start")
    assert acme.scalar("SELECT count(*) FROM cs.case_vectors") == 5
    assert {"read", "embed", "file", "langgraph", "diagnose"} <= set(worker.split())


def test_a_paused_thread_shows_itself_to_both_inboxes(acme: World, workers: Workers) -> None:
    case_id = bring(acme)
    workers().drain()
    row = pending(acme, case_id)
    thread, interrupt = acme.scalar("SELECT thread_id FROM cs.recommendations"), acme.scalar(
        "SELECT interrupt_id FROM cs.recommendations")  # fmt: skip
    assert thread == f"{case_id}:1"
    opened = threads.Threads(acme.database)
    snapshot = opened._graph.get_state({"configurable": {"thread_id": thread}})
    (waiting,) = snapshot.interrupts
    opened.close()
    assert waiting.id == interrupt
    value = waiting.value
    assert json.loads(json.dumps(value)) == value
    assert value["action_request"] == {"action": "request_purchase_order", "args": row["envelope"]["action"]["args"]}
    assert value["config"] == {"allow_ignore": False, "allow_respond": True, "allow_edit": True, "allow_accept": True}
    assert [one["name"] for one in value["action_requests"]] == ["request_purchase_order"]
    assert value["review_configs"][0]["action_name"] == "request_purchase_order"
    assert value["recommendation_id"] == row["id"]
    assert isinstance(waiting.response_schema, dict)
    assert waiting.response_schema["required"] == list(Resume.__dataclass_fields__)


def test_a_draft_that_was_sent_back_is_redrafted_in_its_thread(acme: World, workers: Workers) -> None:
    case_id = bring(acme)
    worker = workers()
    worker.drain()
    first = pending(acme, case_id)
    send_back(acme, first, "In German and shorter, please")
    counts = worker.drain()
    assert (counts.filed, counts.resumed, counts.failed) == (2, 1, 0)
    second = pending(acme, case_id)
    assert (second["draft_number"], second["digest"] != first["digest"]) == (2, True)
    assert second["leaves"]["draft"]["language"] == "de"
    assert "Thank you for your help." in first["leaves"]["draft"]["body"]
    assert "Vielen Dank" not in second["leaves"]["draft"]["body"], "what is not needed is left out"
    note = second["leaves"]["findings"]["reviewer_note"]
    assert {name: note[name] for name in ("note", "earlier", "recognised")} == {
        "note": "In German and shorter, please", "earlier": [], "recognised": ["language: de", "shorter"],
    }  # fmt: skip
    assert [(one["wish"], one["followed"]) for one in note["wishes"]] == [("language: de", True), ("shorter", True)]
    assert {one["change"] for one in note["changes"]} >= {"gone", "new"}
    send_back(acme, second, "I still do not like it")
    assert worker.drain().resumed == 2
    third = pending(acme, case_id)
    assert third["leaves"]["draft"]["body"] != second["leaves"]["draft"]["body"]
    assert third["leaves"]["draft"]["language"] == "de"
    acme.decide("reviewer", third, "approve")
    assert acme.recommendation(third["id"])["state"] == "approved"


def test_a_reviewer_who_asks_for_another_action_gets_it(acme: World, workers: Workers) -> None:
    case_id = bring(acme)
    worker = workers()
    worker.drain()
    send_back(acme, pending(acme, case_id), "route it for approval instead")
    assert worker.drain().resumed == 1
    second = pending(acme, case_id)
    assert second["envelope"]["action"]["name"] == "route_for_approval"
    assert second["leaves"]["draft"] is None
    assert "a reviewer asked for it" in second["leaves"]["findings"]["why"]


def _delete_thread(acme: World) -> None:
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
        acme.scalar(f"WITH gone AS (DELETE FROM langgraph.{table} RETURNING 1) SELECT count(*) FROM gone")


def _other_version(acme: World) -> None:
    acme.scalar("UPDATE cs.recommendations SET graph_version = 'graph-older' RETURNING 1")


def _lost_note(acme: World) -> None:
    acme.scalar("UPDATE cs.recommendations SET thread_id = NULL, interrupt_id = NULL RETURNING 1")


def _other_interrupt(acme: World) -> None:
    acme.scalar("UPDATE cs.recommendations SET interrupt_id = repeat('0', 32) RETURNING 1")


def _erased(acme: World) -> None:
    acme.scalar("WITH gone AS (DELETE FROM cs.leaves WHERE name = 'findings' RETURNING 1) SELECT count(*) FROM gone")


def _unreadable(acme: World) -> None:
    acme.scalar("WITH done AS (UPDATE langgraph.checkpoint_blobs SET blob = '\\xc1ff' WHERE channel = 'choice' "
                "RETURNING 1) SELECT count(*) FROM done")  # fmt: skip


@pytest.mark.parametrize(
    "harm",
    [_delete_thread, _other_version, _lost_note, _other_interrupt, _erased, _unreadable],
    ids=lambda f: f.__name__,
)
def test_without_its_thread_a_case_is_run_again_with_the_note(
    acme: World, workers: Workers, harm: Callable[[World], None]
) -> None:
    case_id = bring(acme)
    worker = workers()
    worker.drain()
    first = pending(acme, case_id)
    harm(acme)
    send_back(acme, first, "in French")
    counts = worker.drain()
    assert (counts.filed, counts.resumed, counts.failed) == (2, 0, 0)
    second = pending(acme, case_id)
    assert second["leaves"]["draft"]["language"] == "fr"
    assert second["leaves"]["findings"]["reviewer_note"]["note"] == "in French"


def test_a_forged_checkpoint_is_not_believed(acme: World, workers: Workers) -> None:
    case_id = bring(acme)
    worker = workers()
    worker.drain()
    first = pending(acme, case_id)
    serde = threads.serializer()
    kind, blob = acme.scalar("SELECT array[type::bytea, blob] FROM langgraph.checkpoint_blobs WHERE channel = 'choice' "
                             "ORDER BY version DESC LIMIT 1")  # fmt: skip
    choice = serde.loads_typed((bytes(kind).decode(), bytes(blob)))
    choice["action"] = {"name": "route_for_approval", "args": {"role": "thief", "reason": "because"}}
    acme.scalar("WITH done AS (UPDATE langgraph.checkpoint_blobs SET blob = %s WHERE channel = 'choice' RETURNING 1) "
                "SELECT count(*) FROM done", serde.dumps_typed(choice)[1])  # fmt: skip
    send_back(acme, first, "friendlier")
    assert worker.drain().resumed == 0
    assert pending(acme, case_id)["envelope"]["action"]["name"] == "request_purchase_order"


def test_papers_of_another_shape_are_not_the_record() -> None:
    for state in ({}, {"choice": 1}, {"choice": {"action": None}, "letter": {}, "assessment": {}}):
        assert not waking.as_recorded(state, None, {})  # type: ignore[arg-type]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[BatchContext]:
    """The contexts with which workers ran their cases."""
    contexts: list[BatchContext] = []
    original = Worker._run

    def run(self: Worker, job: Any, context: BatchContext) -> Any:
        contexts.append(context)
        return original(self, job, context)

    monkeypatch.setattr(Worker, "_run", run)
    return contexts


def test_an_answer_of_another_shape_is_refused_and_the_next_one_works(
    acme: World, workers: Workers, seen: list[BatchContext]
) -> None:
    case_id = bring(acme)
    worker = workers()
    worker.drain()
    thread, interrupt = f"{case_id}:1", acme.scalar("SELECT interrupt_id FROM cs.recommendations")
    send_back(acme, pending(acme, case_id), "in Dutch")
    with contextlib.closing(threads.Threads(acme.database)) as opened, pytest.raises(ValidationError, match="Resume"):
        opened.wake(thread, interrupt, [{"type": "accept"}], seen[0])  # type: ignore[arg-type]
    assert worker.drain().resumed == 1
    assert pending(acme, case_id)["leaves"]["draft"]["language"] == "nl"


def test_a_thread_that_nobody_sent_back_goes_nowhere(acme: World, workers: Workers, seen: list[BatchContext]) -> None:
    """Waking a thread without a recorded decision files nothing: the answer is not an authority."""
    case_id = bring(acme)
    workers().drain()
    interrupt = acme.scalar("SELECT interrupt_id FROM cs.recommendations")
    answer = {"recommendation_id": pending(acme, case_id)["id"], "decision_id": "made-up"}
    with contextlib.closing(threads.Threads(acme.database)) as opened:
        result = opened.wake(f"{case_id}:1", interrupt, answer, seen[0])
    assert "__interrupt__" not in result
    assert acme.scalar(BY_CASE, case_id) == 1


def test_two_workers_at_once_file_nothing_twice(acme: World, workers: Workers) -> None:
    ids = [bring(acme, n) for n in range(24)]
    pair = [workers(batch=4), workers(batch=4)]
    running = [threading.Thread(target=worker.drain) for worker in pair]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert [acme.scalar(BY_CASE, case_id) for case_id in ids] == [1] * 24
    assert sum(worker.counts.filed for worker in pair) == 24
    assert sum(worker.counts.failed for worker in pair) == 0


def test_several_processes_make_the_checkpoint_tables_at_once(acme: World) -> None:
    opened: list[threads.Threads] = []
    errors: list[BaseException] = []

    def start() -> None:
        try:
            opened.append(threads.Threads(acme.database))
        except BaseException as error:
            errors.append(error)

    racers = [threading.Thread(target=start) for _ in range(4)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert errors == []
    assert len(opened) == 4
    for made in opened:
        made.close()


class Poison:
    """A composer that cannot bear one invoice."""

    name = "poison"

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        if letter.facts.get("invoice_number") == "2026-2":
            raise RuntimeError("the document says: secret words")
        return ("Please send us the order number.",)


def test_a_poisoned_case_waits_in_the_dead_letter_room_and_its_neighbours_go_on(acme: World, workers: Workers) -> None:
    ids = [bring(acme, n) for n in range(5)]
    counts = workers(composer=Poison(), most_attempts=3).drain()
    assert (counts.filed, counts.failed, counts.dead) == (4, 3, 1)
    states = [acme.scalar("SELECT state FROM cs.cases WHERE id = %s", case_id) for case_id in ids]
    assert states == ["awaiting_review", "awaiting_review", "dead_letter", "awaiting_review", "awaiting_review"]
    error = acme.scalar("SELECT last_error FROM cs.jobs WHERE state = 'dead'")
    assert error.startswith("RuntimeError")
    assert "secret" not in error
    # A person puts it back; with the cause gone it goes through.
    with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
        conn.execute("SELECT cs.requeue(%s)", (ids[2],))
    assert workers().drain().filed == 1


def test_a_case_that_breaks_the_batch_does_not_break_its_neighbours(
    acme: World, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [bring(acme, n) for n in range(4)]
    original = candidates.beside

    def beside(conn: Any, cases: Any) -> Any:
        if any(case_id == ids[1] for case_id, _ in cases):
            raise ValueError("this one is broken")
        return original(conn, cases)

    monkeypatch.setattr(candidates, "beside", beside)
    counts = workers(most_attempts=2).drain()
    assert (counts.filed, counts.failed, counts.dead) == (3, 2, 1)
    assert acme.scalar("SELECT state FROM cs.cases WHERE id = %s", ids[1]) == "dead_letter"


def test_failures_wait_longer_each_time(acme: World, workers: Workers) -> None:
    bring(acme, 2)
    workers(composer=Poison(), backoff_seconds=100.0).drain()
    waits = acme.scalar("SELECT extract(epoch FROM available_at - now()) FROM cs.jobs WHERE state = 'ready'")
    assert 40 < waits <= 100


def test_a_late_write_is_refused_and_is_no_failure(acme: World, workers: Workers) -> None:
    case_id = bring(acme)
    slow, quick = workers(), workers()
    jobs = acme.claim(1, lease_seconds=60)
    contexts = [context for _, context in slow._contexts(jobs)]
    acme.scalar("UPDATE cs.jobs SET lease_until = now() - interval '1 second' RETURNING 1")
    assert quick.drain().filed == 1
    late = jobs[0]
    assert slow._guarded(late, contexts[0]) is not None, "the same job finds what was filed for it"
    assert acme.scalar(BY_CASE, case_id) == 1
    other = bring(acme, 2)
    (job,) = acme.claim(1)
    (context,) = [context for _, context in slow._contexts([job])]
    acme.scalar("UPDATE cs.jobs SET fence = fence + 100 WHERE id = %s RETURNING 1", job.id)
    assert slow._guarded(job, context) is None
    assert (slow.counts.lost, slow.counts.failed) == (1, 0)
    assert acme.scalar(BY_CASE, other) == 0


def test_leases_are_renewed_while_a_batch_takes_long(acme: World, workers: Workers) -> None:
    class Slow(Poison):
        def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
            time.sleep(0.5)
            return None

    ids = [bring(acme, n) for n in range(10, 15)]
    counts = workers(composer=Slow(), lease_seconds=1).drain()
    assert (counts.filed, counts.lost, counts.failed) == (5, 0, 0)
    assert [acme.scalar(BY_CASE, case_id) for case_id in ids] == [1] * 5


CHILD = """
import sys
from agents.context import Models
from agents.worker import Worker
from governance.record.db import Database
from models.duplicates import train_pair_scorer
from models.risk import CollectionRisk
from models.synthetic import company_month
from tests.agents.scenes import TODAY, HashEncoder, SmallBundle
import json, time
urls, token = json.loads(sys.argv[1]), sys.argv[2]
month = company_month(3, suppliers=20, customers=15, invoices=250, exceptions=40, today=TODAY)
class Slow:
    name = "slow"
    def paragraphs(self, letter):
        time.sleep(0.15)
bundle = SmallBundle(train_pair_scorer([month], seed=1, drills=0), CollectionRisk().fit(month.receivables, as_of=TODAY))
with Database(urls) as database:
    worker = Worker(database, token, Models(bundle, HashEncoder()), name="child", composer=Slow())
    worker.drain()
"""


def test_a_killed_worker_loses_nothing_and_files_nothing_twice(acme: World, workers: Workers) -> None:
    ids = [bring(acme, n) for n in range(12)]
    urls = {role: acme.database.url(role) for role in ("agent", "checkpoint")}
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-c", CHILD, json.dumps(urls), acme.tokens["agent"]], cwd=root,
                             env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    deadline = time.monotonic() + 60
    while acme.scalar("SELECT count(*) FROM cs.recommendations") < 3 and time.monotonic() < deadline:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = acme.scalar("SELECT count(*) FROM cs.recommendations")
    assert 3 <= before < 12
    assert workers().drain().filed == 0, "what is leased is left alone until the lease ends"
    acme.scalar("UPDATE cs.jobs SET lease_until = now() WHERE state = 'leased' RETURNING 1")
    workers().drain()
    assert [acme.scalar(BY_CASE, case_id) for case_id in ids] == [1] * 12
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'recommendation.filed'") == 12


def test_threads_are_forgotten_when_their_case_has_ended(acme: World, workers: Workers, database: Database) -> None:
    ids = [bring(acme, n) for n in range(3)]
    other = genesis(database, "other")
    other.accept(supplier_id=None)
    workers().drain()
    foreign = Worker(database, other.tokens["agent"], workers().parts.models, name="other")
    foreign.drain()
    assert threads_of(acme) == 4
    acme.decide("reviewer", pending(acme, ids[0]), "reject", reason_code="wrong_data")
    other.scalar("UPDATE cs.cases SET state = 'done' WHERE tenant = 'other' RETURNING 1")
    worker = workers()
    assert worker.prune(limit=2) + worker.prune(limit=2) + worker.prune(limit=2) == 1
    assert threads_of(acme) == 3, "another tenant's threads are not ours to judge"
    assert foreign.prune() == 1
    foreign.close()
    # New facts end the thread of the old ones.
    acme.accept(source_key="key-1", amount="99.00", reading={"fields": {"invoice_number": "2026-1"}})
    assert worker.prune() == 1


def test_a_case_that_is_proposed_again_starts_on_clean_papers(acme: World, workers: Workers) -> None:
    case_id = bring(acme)
    worker = workers()
    worker.drain()
    acme.scalar("UPDATE cs.recommendations SET expires_at = now() RETURNING 1")
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        conn.execute("SELECT cs.tick(5)")
    counts = worker.drain()
    assert (counts.filed, counts.resumed) == (2, 0)
    assert acme.scalar(BY_CASE, case_id) == 2
    assert acme.scalar("SELECT count(*) FROM langgraph.checkpoints") == 1, "nothing of the first run is left"


def test_a_worker_works_until_it_is_told_to_stop(acme: World, workers: Workers) -> None:
    stop = threading.Event()
    worker = workers()
    running = threading.Thread(target=worker.run_forever, args=(stop,), kwargs={"poll_seconds": 30.0})
    running.start()
    time.sleep(0.5)
    bring(acme)
    deadline = time.monotonic() + 15
    while worker.counts.filed < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    running.join(timeout=10)
    assert not running.is_alive()
    assert worker.counts.filed == 1, "the notification woke it long before the poll"


def test_an_unreachable_database_is_waited_for(acme: World, workers: Workers) -> None:
    urls = urls_for(acme.database.url("owner"), PASSWORDS)
    dead = {role: url.replace("dbname=", "dbname=not_there_") for role, url in urls.items()}
    with Database(dead, timeout=0.5) as nowhere:
        worker = Worker(nowhere, "token", workers().parts.models, name="lonely")
        stop = threading.Event()
        running = threading.Thread(target=worker.run_forever, args=(stop,), kwargs={"poll_seconds": 0.1})
        running.start()
        time.sleep(1.0)
        alive = running.is_alive()
        stop.set()
        running.join(timeout=10)
    assert alive
    assert not running.is_alive()


def test_the_serializer_builds_nothing_that_a_checkpoint_names(tmp_path: Path) -> None:
    import ormsgpack

    mark = tmp_path / "ran"
    for code in range(8):
        inner = ormsgpack.packb(("os", "system", (f"touch {mark}",), {}, "system"))
        blob = ormsgpack.packb(ormsgpack.Ext(code, inner))
        found = threads.serializer().loads_typed(("msgpack", blob))
        assert not callable(found)
    payload = json.dumps({"lc": 2, "type": "constructor", "id": ["os", "system"], "args": [f"touch {mark}"]}).encode()
    with pytest.raises(Exception, match=r".*"):
        assert threads.serializer().loads_typed(("json", payload)) is None
    assert not mark.exists()

"""Signed checkpoints by webhook: each arrives, in order, whatever the receiver does, and nobody waits for it."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook
from structlog.testing import capture_logs

from api import wiring
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.delivery.publisher import CheckpointPublisher
from api.delivery.webhook import WebhookTarget
from api.settings import Settings
from api.system import System
from governance.chain import origin, read_checkpoint
from governance.errors import Malformed
from governance.record import ledger
from governance.record.db import Database
from tests.api.conftest import Start
from tests.api.post import quick_world
from tests.api.test_clock import rewrite_ledger
from tests.build import World

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Witness:
    """Who keeps the checkpoints elsewhere. Answers `status` after `pause` seconds; closed, it answers nothing."""

    def __init__(self) -> None:
        self.status = 204
        self.pause = 0.0
        self.asked = 0
        self.notes: list[str] = []
        self.ids: list[str] = []
        self.types: set[str] = set()
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                witness.asked += 1
                time.sleep(witness.pause)
                # Raises where the signature is not right, and then nothing is answered.
                Webhook(SECRET).verify(body, headers, json_parse=False)
                if 200 <= witness.status < 300:
                    witness.notes.append(body)
                    witness.ids.append(headers["webhook-id"])
                    witness.types.add(headers["content-type"])
                self.send_response(witness.status)
                if witness.status == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._handler = Handler
        self.open(0)

    def open(self, port: int) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    @property
    def sizes(self) -> list[int]:
        return [read_checkpoint(note, KEY.public_key()).size for note in self.notes]


@pytest.fixture
def witness() -> Iterator[Witness]:
    made = Witness()
    yield made
    made.close()


@pytest.fixture
def made(database: Database) -> World:
    return quick_world(database)


def clock_of(made: World, home: Path, port: int, *, timeout: float = 5.0, retry: float = 0.0) -> Clock:
    kept = KeptCheckpoints(home)
    target = WebhookTarget(f"http://127.0.0.1:{port}/witness", SECRET, timeout=timeout)
    publisher = CheckpointPublisher(target, kept, retry_seconds=retry)
    return Clock(made.database, made.tokens["courier"], KEY, kept, publisher=publisher)


def entry(made: World, number: int) -> None:
    made.accept(source_key=f"key-{number}", invoice_id=f"INV-{number}")


def test_what_arrives_verifies_with_the_public_key(made: World, tmp_path: Path, witness: Witness) -> None:
    clock = clock_of(made, tmp_path, witness.port)
    first = clock.tick()
    assert first["unpublished"] == 0
    entry(made, 1)
    second = clock.tick()
    signed = [read_checkpoint(note, KEY.public_key()) for note in witness.notes]
    assert [(one.origin, one.size) for one in signed] == [
        (origin("acme"), first["checkpoint"]), (origin("acme"), second["checkpoint"]),
    ]  # fmt: skip
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        assert [one.root for one in signed] == [ledger.root_at(conn, "acme", one.size) for one in signed]
    assert witness.types == {"text/plain; charset=utf-8"}
    assert len(set(witness.ids)) == 2
    clock.tick()
    clock_of(made, tmp_path, witness.port).tick()
    assert witness.asked == 2, "nothing is new, also for a process that starts again"


def test_while_the_receiver_is_away_signing_goes_on_and_later_all_arrive_in_order(
    made: World, tmp_path: Path, witness: Witness
) -> None:
    clock_of(made, tmp_path, witness.port).tick()
    before = list(witness.sizes)
    witness.close()
    sizes = []
    with capture_logs() as logs:
        clock = clock_of(made, tmp_path, witness.port)
        for number in range(4):
            entry(made, number)
            done = clock.tick()
            sizes.append(done["checkpoint"])
            assert done["unpublished"] == number + 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "signed checkpoints do not reach their webhook"
    ]
    assert "COUNTERSIGN_CHECKPOINT_WEBHOOK_URL" in logs[0]["todo"]
    assert {path.name for path in (tmp_path / "checkpoints").glob("*.txt")} >= {f"acme-{size}.txt" for size in sizes}
    witness.open(witness.port)
    # The process is another one: what waits is in HOME.
    assert clock_of(made, tmp_path, witness.port).tick()["unpublished"] == 0
    assert witness.sizes == before + sizes


@pytest.mark.parametrize(
    ("status", "words"), [(302, "redirect"), (401, "secret"), (404, "address"), (410, "address"), (500, "500")]
)
def test_a_refusal_is_said_once_and_tried_again(
    made: World, tmp_path: Path, witness: Witness, status: int, words: str
) -> None:
    witness.status = status
    clock = clock_of(made, tmp_path, witness.port)
    with capture_logs() as logs:
        assert [clock.tick()["unpublished"] for _ in range(3)] == [1, 1, 1]
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert words in line["reason"]
    assert witness.asked == 3
    witness.status = 204
    with capture_logs() as logs:
        assert clock.tick()["unpublished"] == 0
    assert [line["event"] for line in logs] == ["signed checkpoints reach their webhook again"]
    assert len(witness.notes) == 1


def test_a_wrong_secret_delivers_nothing_that_the_receiver_believes(
    made: World, tmp_path: Path, witness: Witness
) -> None:
    kept = KeptCheckpoints(tmp_path)
    target = WebhookTarget(f"http://127.0.0.1:{witness.port}/", "whsec_" + base64.b64encode(b"x" * 32).decode())
    clock = Clock(made.database, made.tokens["courier"], KEY, kept, publisher=CheckpointPublisher(target, kept))
    assert clock.tick()["unpublished"] == 1
    assert witness.notes == []


def test_a_slow_receiver_holds_one_tick_no_longer_than_its_timeout(
    made: World, tmp_path: Path, witness: Witness
) -> None:
    clock = clock_of(made, tmp_path, witness.port, timeout=0.3)
    clock.tick()
    witness.pause = 3.0
    entry(made, 1)
    clock.sign()
    entry(made, 2)
    started = time.monotonic()
    done = clock.tick()
    assert time.monotonic() - started < 1.5
    # The attempt that was given up is not counted as one that arrived.
    assert done["unpublished"] == 2
    witness.pause = 0.0
    for _ in range(100):
        if clock.tick()["unpublished"] == 0:
            break
        time.sleep(0.05)
    arrived = witness.sizes
    assert arrived[-1] == done["checkpoint"]
    # What is repeated carries the same id.
    assert len(set(witness.ids)) == len(set(arrived)) == 3


def test_a_receiver_that_never_ends_its_answer_holds_nobody_and_is_told_of(made: World, tmp_path: Path) -> None:
    stop = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(b"HTTP/1.1 204 No Content\r\nx-endless: ")
            while not stop.wait(0.05):
                self.wfile.write(b"x")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        clock = clock_of(made, tmp_path, server.server_port, timeout=0.2)
        with capture_logs() as logs:
            started = time.monotonic()
            for number in range(4):
                entry(made, number)
                assert clock.tick()["unpublished"] == number + 1
            assert time.monotonic() - started < 4
        (line,) = [line for line in logs if line["log_level"] == "error"]
        assert "does not come to the end" in line["reason"]
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_running_clock_publishes_and_does_not_wait(made: World, tmp_path: Path, witness: Witness) -> None:
    witness.pause = 1.0
    clock = clock_of(made, tmp_path, witness.port)
    stop = threading.Event()
    thread = threading.Thread(
        target=clock.run_forever, args=(stop,), kwargs={"sweep_seconds": 0.02, "checkpoint_seconds": 0.05}
    )
    thread.start()
    try:
        kept = KeptCheckpoints(tmp_path)
        deadline = time.monotonic() + 20
        for number in range(3):
            entry(made, number)
            size = made.scalar("SELECT seq FROM cs.ledger_heads")
            while not (tmp_path / "checkpoints" / f"acme-{size}.txt").exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert kept.waiting("acme"), "three were signed while the receiver thought about the first"
        witness.pause = 0.0
        while kept.waiting("acme"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join(10)
    files = sorted(int(path.stem.removeprefix("acme-")) for path in (tmp_path / "checkpoints").glob("*.txt"))
    assert witness.sizes == files


def test_a_webhook_that_is_set_later_begins_with_the_newest(made: World, tmp_path: Path, witness: Witness) -> None:
    quiet = Clock(made.database, made.tokens["courier"], KEY, KeptCheckpoints(tmp_path))
    sizes = []
    for number in range(3):
        entry(made, number)
        sizes.append(quiet.sign())
    clock_of(made, tmp_path, witness.port).tick()
    assert witness.sizes == sizes[-1:]


def test_after_a_restore_the_new_branch_is_published(made: World, tmp_path: Path, witness: Witness) -> None:
    clock = clock_of(made, tmp_path, witness.port)
    for number in range(3):
        entry(made, number)
        clock.tick()
    sent = witness.sizes
    rewrite_ledger(made, sent[0])
    # What the operator does (docs/operate.md, Restore): the newer files are moved away.
    for size in sent[1:]:
        (tmp_path / "checkpoints" / f"acme-{size}.txt").unlink()
    (tmp_path / "checkpoint.latest").unlink()
    entry(made, 7)
    again = clock_of(made, tmp_path, witness.port).tick()
    assert again["unpublished"] == 0
    assert witness.sizes[-1] == again["checkpoint"] <= sent[1]
    assert len(set(witness.ids)) >= 4, "another note for a size that was sent before has another id"


def test_what_a_crash_left_unwritten_is_published_too(made: World, tmp_path: Path, witness: Witness) -> None:
    clock = clock_of(made, tmp_path, witness.port)
    sizes = [clock.tick()["checkpoint"]]
    for number in range(2):
        # Signed and committed, and nothing was written outside.
        entry(made, number)
        sizes.append(Clock(made.database, made.tokens["courier"], KEY, KeptCheckpoints(tmp_path / "lost")).sign())
    entry(made, 9)
    sizes.append(clock.tick()["checkpoint"])
    assert witness.sizes == sizes


def test_two_processes_on_one_home_send_each_once(made: World, tmp_path: Path, witness: Witness) -> None:
    witness.pause = 0.1
    entry(made, 1)
    clocks = [clock_of(made, tmp_path, witness.port) for _ in range(3)]
    threads = [threading.Thread(target=clock.tick) for clock in clocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(witness.notes) == len(set(witness.ids)) == 1


def system_of(database: Database, home: Path, **settings: object) -> System:
    key = SecretStr(base64.b64encode(KEY.private_bytes_raw()).decode())
    made = Settings(home=home, ledger_key=key).model_copy(update=settings)
    return System(made, home, database, "acme", {"courier": "token"})


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("http://witness.example/", SECRET, "https"),
        ("ftp://127.0.0.1/", SECRET, "https://"),
        ("witness", SECRET, "https://"),
        ("https://user:pass@witness.example/", SECRET, "password"),
        ("https://witness.example/", None, "COUNTERSIGN_CHECKPOINT_WEBHOOK_SECRET"),
        ("https://witness.example/", "whsec_c2hvcnQ=", "24 bytes"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_the_start(
    database: Database, tmp_path: Path, url: str, secret: str | None, words: str
) -> None:
    given = {"checkpoint_webhook_url": url, "checkpoint_webhook_secret": SecretStr(secret) if secret else None}
    with pytest.raises(Malformed, match="COUNTERSIGN_CHECKPOINT_WEBHOOK_") as refusal:
        wiring.clock(system_of(database, tmp_path, **given))
    assert words in refusal.value.detail
    assert secret is None or secret not in refusal.value.detail


def test_the_settings_make_a_clock_that_publishes(made: World, tmp_path: Path, witness: Witness) -> None:
    url = f"http://localhost:{witness.port}/"
    system = system_of(made.database, tmp_path, checkpoint_webhook_url=url, checkpoint_webhook_secret=SecretStr(SECRET))
    system = System(system.settings, tmp_path, made.database, "acme", {"courier": made.tokens["courier"]})
    assert wiring.clock(system).tick()["unpublished"] == 0
    assert len(witness.notes) == 1


def test_metrics_show_what_the_receiver_lacks(start: Start, tmp_path: Path) -> None:
    api = start(metrics_open=True)

    def shown() -> list[str]:
        text = httpx.get(f"{api.url}/metrics", trust_env=False).text
        return [line for line in text.splitlines() if line.startswith("countersign_checkpoints_unpublished")]

    assert shown() == []
    clock_of(api.world, tmp_path, 9, timeout=0.5).tick()
    assert shown() == ["countersign_checkpoints_unpublished 1.0"]

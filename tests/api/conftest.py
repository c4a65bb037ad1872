"""The HTTP service on a real server in a thread, and a client for each person of the test's tenant."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.evidence import seal
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.readers import Readers
from api.serving import server
from api.settings import Settings
from api.system import System
from governance.chain import public_key_text
from governance.record import outbox
from governance.record.db import Database, clone, drop, urls_for
from governance.record.embedded import EmbeddedPostgres
from tests import build
from tests.build import World
from tests.conftest import PASSWORDS

WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a signing key of 32 random bytes").decode()
PROBLEM = "application/problem+json"


@dataclass
class Api:
    """A running service and this test's tenant. `of` is a client with the key of one actor of tests.build.PEOPLE."""

    world: World
    url: str
    signer: Ed25519PrivateKey
    app: FastAPI
    _stack: contextlib.ExitStack

    def client(self, key: str | None) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return self._stack.enter_context(httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False))

    def of(self, who: str | None) -> httpx.Client:
        return self.client(None if who is None else self.world.tokens[who])

    def decide(self, who: str, recommendation: dict[str, Any], decision: str, **more: Any) -> httpx.Response:
        """One decision on the digest of `recommendation` unless told another; `key` is the Idempotency-Key."""
        key = more.pop("key", None)
        body = {"decision": decision, "digest": recommendation["digest"], **more}
        headers = {"Idempotency-Key": key} if key else {}
        return self.of(who).post(f"/v1/recommendations/{recommendation['id']}/decisions", json=body, headers=headers)

    def count(self, table: str) -> int:
        """Rows of this tenant."""
        counts = {
            "cases": "SELECT count(*) FROM cs.cases WHERE tenant = %s",
            "decisions": "SELECT count(*) FROM cs.decisions WHERE tenant = %s",
            "intake_log": "SELECT count(*) FROM cs.intake_log WHERE tenant = %s",
            "ledger": "SELECT count(*) FROM cs.ledger WHERE tenant = %s",
        }
        return int(self.world.scalar(counts[table], self.world.tenant))

    def deliver(self, outcome: str) -> None:
        """Carry out what is due, as a courier would, and settle it with `outcome`."""
        for _ in range(200):
            with self.world.database.transaction("courier", self.world.tokens["courier"]) as conn:
                effects = outbox.claim(conn, "test", 10, 60)
            for effect in effects:
                with self.world.database.transaction("courier", self.world.tokens["courier"]) as conn:
                    outbox.execute(conn, effect)
                    outbox.settle(conn, effect, outcome, "test")
            if effects:
                return
            time.sleep(0.05)
        raise AssertionError("nothing was due")


@contextlib.contextmanager
def running(app: Any) -> Iterator[str]:
    """The app on a real server in a thread; its URL."""
    made = server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    while not made.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = made.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        made.should_exit = True
        thread.join(15)


def make_app(database: Database, home: Path) -> FastAPI:
    """An app with small limits and one webhook source, whatever the environment says."""
    settings = Settings(home=home, max_upload_bytes=200_000, webhook_secrets={"erp": SecretStr(WEBHOOK_SECRET)})
    readers = Readers(lambda: DocumentReader(None, PdfPool(size=1), default_currency="EUR"))
    return create(System(settings, home, database, "none"), readers)


@pytest.fixture(scope="session")
def service(
    postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FastAPI, str]]:
    """One service for all tests, each of which has a tenant of its own: the key says which."""
    owner = postgres.superuser_url()
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = clone(owner, template, name)
    try:
        with Database(urls_for(url, PASSWORDS)) as database:
            app = make_app(database, tmp_path_factory.mktemp("home"))
            with running(app) as address:
                yield app, address
    finally:
        drop(owner, name)


Start = Callable[..., Api]


@pytest.fixture
def start(service: tuple[FastAPI, str], tmp_path: Path) -> Iterator[Start]:
    """A tenant on the service; settings may be replaced, and with `signer` it signs checkpoints itself."""
    app, url = service
    before: System = app.state.system
    with contextlib.ExitStack() as stack:

        def begin(signer: Ed25519PrivateKey | None = None, **changes: Any) -> Api:
            world = build.world(before.database, f"acme-{uuid.uuid4().hex[:8]}")
            tokens = {name: world.tokens[name] for name in ("intake", "agent", "courier")}
            settings = before.settings.model_copy(update=changes)
            app.state.system = System(settings, tmp_path, before.database, world.tenant, tokens)
            key = signer or Ed25519PrivateKey.generate()
            app.state.public_key = public_key_text(key.public_key())
            app.state.sign = app.state.seal = None
            if signer is not None:
                app.state.sign = Clock(before.database, tokens["courier"], signer, KeptCheckpoints(tmp_path)).sign
                app.state.seal = partial(seal, key=signer)
            return Api(world, url, key, app, stack)

        yield begin
    app.state.system = before


@pytest.fixture
def api(start: Start) -> Api:
    return start()


def problem_of(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document of a refused request."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body: dict[str, Any] = response.json()
    assert body["type"] == f"https://countersign.dev/problems/{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body

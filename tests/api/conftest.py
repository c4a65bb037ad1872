"""The HTTP service on a real server in a thread, and a client for each person of the test's tenant."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.readers import Readers
from api.serving import server
from api.settings import Settings
from api.system import System
from governance.chain import public_key_text
from governance.record import outbox
from governance.record.db import Database
from tests import build
from tests.build import World

WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a signing key of 32 random bytes").decode()
PROBLEM = "application/problem+json"


@dataclass
class Api:
    """A running service and its tenant. `of` is a client with the key of one actor of tests.build.PEOPLE."""

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


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits and one webhook source, whatever the environment says."""
    return Settings(home=tmp_path, max_upload_bytes=200_000, webhook_secrets={"erp": SecretStr(WEBHOOK_SECRET)})


Start = Callable[..., Api]


@pytest.fixture
def start(database: Database, settings: Settings) -> Iterator[Start]:
    """Start a service; settings may be replaced, and with `signer` it signs checkpoints itself."""
    with contextlib.ExitStack() as stack:

        def begin(signer: Ed25519PrivateKey | None = None, **changes: Any) -> Api:
            made = build.world(database)
            chosen = settings.model_copy(update=changes)
            tokens = {name: made.tokens[name] for name in ("intake", "agent", "courier")}
            system = System(chosen, chosen.home, database, made.tenant, tokens)
            readers = Readers(lambda: DocumentReader(None, PdfPool(size=1), default_currency="EUR"))
            sign = None
            if signer is not None:
                sign = Clock(database, tokens["courier"], signer, KeptCheckpoints(chosen.home)).sign
            key = signer or Ed25519PrivateKey.generate()
            app = create(system, readers, public_key=public_key_text(key.public_key()), sign=sign)
            url = stack.enter_context(running(app))
            return Api(made, url, key, app, stack)

        yield begin


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

"""Tasks by webhook: signed as the receiver's library wants it, never twice for a receiver that remembers ids."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.delivery.connector import NotDelivered
from api.delivery.webhook import WebhookConnector, WebhookTarget
from governance.errors import Malformed
from governance.record import outbox
from governance.record.db import Database
from tests.api.post import approved, courier, effect_state, expire_leases, hurry, quick_world, task

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Receiver:
    """Another company's system: verifies, and acts once per webhook-id. `answers` are given in turn, then 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.acted: dict[str, Any] = {}
        self.requests = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests += 1
                headers = {name.lower(): value for name, value in self.headers.items()}
                data = Webhook(SECRET).verify(body, headers)
                receiver.acted.setdefault(headers["webhook-id"], data)
                status = receiver.answers.pop(0) if receiver.answers else 204
                if status == 0:
                    return self.connection.close()
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()
                return None

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tasks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def connector(receiver: Receiver) -> Iterator[WebhookConnector]:
    made = WebhookConnector(WebhookTarget(receiver.url, SECRET, timeout=5))
    yield made
    made.close()


def test_an_approved_task_arrives_signed_and_says_what_was_approved(
    database: Database, receiver: Receiver, connector: WebhookConnector
) -> None:
    made = quick_world(database)
    rec = approved(made, proposal=task(role="controller", reason="large"))
    assert courier(made, {"task": connector}).drain(patience=0) == 1
    assert effect_state(made, rec) == ("sent", "executed", "done")
    (data,) = receiver.acted.values()
    assert data["type"] == "task.approved"
    assert data["data"] == {
        "recommendation_id": rec["id"],
        "case_id": rec["case_id"],
        "digest": rec["digest"],
        "action": {"name": "route_for_approval", "args": {"role": "controller", "reason": "large"}},
    }
    assert list(receiver.acted) == [rec["id"]]


@pytest.mark.parametrize("trouble", [[500], [0], [302], [429, 503]])
def test_trouble_is_tried_again_and_the_receiver_acts_once(
    database: Database, receiver: Receiver, connector: WebhookConnector, trouble: list[int]
) -> None:
    made = quick_world(database)
    receiver.answers = list(trouble)
    rec = approved(made, proposal=task())
    assert courier(made, {"task": connector}).drain(patience=2) == len(trouble) + 1
    assert effect_state(made, rec)[0] == "sent"
    assert receiver.requests == len(trouble) + 1
    assert list(receiver.acted) == [rec["id"]]


def test_a_receiver_that_is_gone_is_left_alone(
    database: Database, receiver: Receiver, connector: WebhookConnector
) -> None:
    made = quick_world(database)
    receiver.answers = [410]
    rec = approved(made, proposal=task())
    courier(made, {"task": connector}).drain(patience=1)
    assert effect_state(made, rec) == ("dead", "approved", "dead_letter")
    assert receiver.requests == 1


def test_a_courier_killed_after_posting_posts_again_and_the_receiver_acts_once(
    database: Database, receiver: Receiver, connector: WebhookConnector
) -> None:
    made = quick_world(database)
    rec = approved(made, proposal=task())
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "dead", 1, 60)
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        ready = outbox.execute(conn, effect)
    from datetime import UTC, datetime

    connector.send(ready, datetime.now(UTC))
    expire_leases(made)
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        assert outbox.tick(conn)["swept"] == 1
    hurry(made)
    courier(made, {"task": connector}).run_once()
    assert effect_state(made, rec) == ("sent", "executed", "done")
    assert receiver.requests == 2
    assert list(receiver.acted) == [rec["id"]]


def test_a_changed_body_does_not_verify() -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    signer = Webhook(SECRET)
    body = json.dumps({"type": "task.approved"})
    headers = {
        "webhook-id": "1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign("1", now, body),
    }
    assert signer.verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        signer.verify(body.replace("approved", "rejected"), headers)
    with pytest.raises(WebhookVerificationError):
        signer.verify(body, {**headers, "webhook-id": "2"})


def test_no_answer_names_no_secret() -> None:
    made = WebhookConnector(WebhookTarget("http://127.0.0.1:9/tasks", SECRET, timeout=1))
    from datetime import UTC, datetime

    with pytest.raises(NotDelivered) as refused:
        made.send({"recommendation_id": "1", "case_id": "2", "digest": "3", "action": {}}, datetime.now(UTC))
    assert refused.value.outcome.state == "retry"
    assert SECRET not in refused.value.outcome.why
    assert SECRET not in repr(WebhookTarget("https://erp.example/tasks", SECRET))
    made.close()


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://erp.example/tasks", SECRET),
        ("ftp://erp.example/tasks", SECRET),
        ("https://", SECRET),
        ("not a url", SECRET),
        ("https://user:pass@erp.example/", SECRET),
        ("https://erp.example/tasks", "whsec_" + base64.b64encode(b"short").decode()),
        ("https://erp.example/tasks", "not base64 !"),
        ("https://erp.example/tasks", ""),
    ],
)
def test_targets_that_would_leak_or_not_sign_are_refused(url: str, secret: str) -> None:
    with pytest.raises(Malformed):
        WebhookTarget(url, secret)

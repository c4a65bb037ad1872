"""Processes that are killed at a named step: the product's own worker, courier and service, stopped from outside.

Run as a program it keeps everything imported, and forks one child for each line of JSON on stdin; for each it prints
how the child ended. The product has no switch for this: the child replaces a function before it begins.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

import api.auth
from agents.context import Models
from agents.worker import Worker
from api.delivery.courier import Courier
from api.delivery.direct import MANUAL_TASK, TIMER
from api.delivery.mail import MailConnector, MailServer
from governance.record import outbox, queue, review, telemetry
from governance.record.db import Database
from models.duplicates import train_pair_scorer
from models.risk import CollectionRisk
from models.synthetic import company_month
from tests.agents.scenes import TODAY, HashEncoder, SmallBundle
from tests.api.conftest import make_app, running

Order = dict[str, Any]
Place = tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]]


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def instead(_: Callable[..., Any]) -> Callable[..., Any]:
    """Dies when the step begins."""
    return die


def after(step: Callable[..., Any]) -> Callable[..., Any]:
    """Dies when the step is done, before its caller hears of it."""

    def stepped(*args: Any, **values: Any) -> Any:
        step(*args, **values)
        die()

    return stepped


def _last_line(kill: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[..., Any]:
    """For smtplib's `send`: only the line that ends a letter."""

    def replaced(step: Callable[..., Any]) -> Callable[..., Any]:
        def send(session: smtplib.SMTP, text: Any) -> Any:
            return (kill(step) if text == b".\r\n" else step)(session, text)

        return send

    return replaced


WORKER: dict[str, Place] = {
    "claiming, not committed": (queue, "claim", after),
    "claimed": (Worker, "_contexts", instead),
    "about to file": (review, "file", instead),
    "filed, not committed": (review, "file", after),
    "filed and committed": (Worker, "_file", after),
    "interrupted, not noted": (Worker, "_note", instead),
    "noting, not committed": (telemetry, "observe", after),
    "noted": (Worker, "_note", after),
}
SERVICE: dict[str, Place] = {
    "decided, not committed": (review, "decide", after),
    "decided and committed, not answered": (api.auth.Caller, "write", after),
}
COURIER: dict[str, Place] = {
    "claiming, not committed": (outbox, "claim", after),
    "claimed": (Courier, "_deliver", instead),
    "connected, not executed": (Courier, "_execute", instead),
    "executed, not committed": (outbox, "execute", after),
    "executed, about to send": (Courier, "_execute", after),
    "letter handed over but for its last line": (smtplib.SMTP, "send", _last_line(instead)),
    "letter handed over, no answer yet": (smtplib.SMTP, "send", _last_line(after)),
    "sent, about to settle": (Courier, "_settle", instead),
    "settling, not committed": (outbox, "settle", after),
    "settled": (Courier, "_settle", after),
}
CHANGE: dict[str, Place] = {
    "claimed": (Courier, "_deliver", instead),
    "about to apply": (Courier, "_execute", instead),
    "applied, not committed": (outbox, "execute", after),
    "applied and committed": (Courier, "_execute", after),
}
PLACES = {"worker": WORKER, "service": SERVICE, "courier": COURIER, "change": CHANGE}


def work(order: Order, models: Models) -> None:
    with Database(order["urls"]) as database, Worker(database, order["token"], models, name="w", today=TODAY) as worker:
        worker.drain()


def deliver(order: Order) -> None:
    server = MailServer("127.0.0.1", order["port"], "Acme AP <ap@acme.example>", "none", timeout=10)
    ways: dict[str, Any] = {"mail": MailConnector(server), "task": MANUAL_TASK, "timer": TIMER}
    with Database(order["urls"]) as database:
        Courier(database, order["token"], ways, name="c").drain(patience=0)


def decide(order: Order) -> None:
    """Start the service, and approve through it: the client's request is in the order."""
    with (
        tempfile.TemporaryDirectory() as home,
        Database(order["urls"]) as database,
        running(make_app(database, Path(home))) as url,
        httpx.Client(base_url=url, timeout=30, trust_env=False) as client,
    ):
        body = {"decision": "approve", "digest": order["digest"]}
        headers = {"Authorization": f"Bearer {order['token']}", "Idempotency-Key": order["key"]}
        path = f"/v1/recommendations/{order['id']}/decisions"
        client.post(path, json=body, headers=headers).raise_for_status()


def run(order: Order, models: Models) -> None:
    what = order["what"]
    if order["at"] is not None:
        owner, name, how = PLACES[what][order["at"]]
        setattr(owner, name, how(getattr(owner, name)))
    if what == "worker":
        work(order, models)
    elif what == "service":
        decide(order)
    else:
        deliver(order)


def small_models() -> Models:
    month = company_month(3, suppliers=20, customers=15, invoices=250, exceptions=40, today=TODAY)
    scorer = train_pair_scorer([month], seed=1, drills=0)
    return Models(SmallBundle(scorer, CollectionRisk().fit(month.receivables, as_of=TODAY)), HashEncoder())


def lines() -> Iterator[Order]:
    for line in sys.stdin:
        yield json.loads(line)


def main() -> None:
    models = small_models()
    print("ready", flush=True)
    for order in lines():
        if (child := os.fork()) == 0:
            # The log goes to stdout: there the parent answers.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                run(order, models)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

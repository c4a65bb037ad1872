"""What the tests of delivery share: a tenant without an undo window, approved effects, a courier on a real sink."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api import cli, keyring
from api.delivery.connector import Connector
from api.delivery.courier import Backoff, Courier, Delivery
from api.delivery.direct import MANUAL_TASK, TIMER
from api.delivery.mail import MailConnector, MailServer
from governance.action import Action
from governance.chain import public_key_text
from governance.policy import standard_policy
from governance.record import queue
from governance.record.db import Database
from tests.build import World, letter, world
from tests.conftest import PASSWORDS

SENDER = "Acme AP <ap@acme.example>"
QUICK = Backoff(first=0.05, longest=0.2, attempts=4)


def quick_world(database: Database, tenant: str = "acme") -> World:
    """A tenant whose approvals take effect at once."""
    return world(database, tenant, dataclasses.replace(standard_policy(), undo_seconds=0))


def approved(made: World, key: str = "key-1", proposal: dict[str, Any] | None = None, **item: Any) -> dict[str, Any]:
    """A case with an approved recommendation: a letter unless `proposal` changes it."""
    made.accept(source_key=key, **item)
    job = made.claim(1)[0]
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        facts = queue.briefs(conn, [job])[0].facts_digest
    filed = made.file(job, letter(facts, **(proposal or {})))
    rec = made.recommendation(filed.recommendation_id)
    made.decide("reviewer", rec, "approve")
    return made.recommendation(rec["id"])


def task(**args: str) -> dict[str, Any]:
    """A proposal that is no letter."""
    return {"action": Action("route_for_approval", args or {"role": "controller", "reason": "large"}), "draft": None}


def courier(
    made: World, connectors: Mapping[str, Connector] | None = None, *, port: int = 0, **options: Any
) -> Courier:
    """A courier of the tenant; letters go to the server on `port`."""
    server = MailServer("127.0.0.1", port or 1, SENDER, "none", timeout=5)
    ways: dict[str, Connector] = {"mail": MailConnector(server), "task": MANUAL_TASK, "timer": TIMER}
    options = {"name": "test", "backoff": QUICK, **options}
    return Courier(made.database, made.tokens["courier"], {**ways, **(connectors or {})}, **options)


def outcomes(deliveries: list[Delivery]) -> list[str | None]:
    return [delivery.outcome.state if delivery.outcome else None for delivery in deliveries]


def effect_state(made: World, rec: Mapping[str, Any]) -> tuple[str, str, str]:
    """States of effect, recommendation and case."""
    with made.database.transaction("owner") as conn:
        row = conn.execute(
            "SELECT e.state, r.state, c.state FROM cs.effects e JOIN cs.recommendations r "
            "ON r.id = e.recommendation_id JOIN cs.cases c ON c.id = r.case_id WHERE e.recommendation_id = %s",
            (rec["id"],),
        ).fetchone()
    assert row is not None
    return row


def hurry(made: World) -> None:
    """Every effect that waits is due now."""
    with made.database.transaction("owner") as conn:
        conn.execute("UPDATE cs.effects SET available_at = now() WHERE state = 'ready'")


def expire_leases(made: World) -> None:
    """Time travel: every lease is over."""
    with made.database.transaction("owner") as conn:
        conn.execute("UPDATE cs.effects SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


def installed(made: World, home: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HOME and environment of an installation on the test's database."""
    home.mkdir()
    (home / keyring.LEDGER_KEY).write_text(base64.b64encode(key.private_bytes_raw()).decode())
    (home / keyring.LEDGER_PUB).write_text(public_key_text(key.public_key()))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", made.database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", made.tenant)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)
    for name in keyring.SERVICES:
        monkeypatch.setenv(f"COUNTERSIGN_{name.upper()}_TOKEN", made.tokens[name])
    return home


def run_command(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    """Run a command with --json: exit code, its lines on stdout, what it said on stderr."""
    capsys.readouterr()
    code = cli.main([*arguments, "--json", "--home", str(home)])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err

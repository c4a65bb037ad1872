"""Whom a letter goes to: the envelope names it without its address, and everybody who needs to know can still tell."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api import wire
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.delivery.connector import NotDelivered
from api.delivery.mail import MailConnector, MailServer
from api.delivery.sink import Sink
from api.evidence import build_bundle
from api.evidence_check import check_bundle
from api.signing import statement_of
from governance.errors import LostLease, Malformed, NotPermitted, Tampered
from governance.recommendation import recipient_of
from governance.record import outbox
from governance.record.db import Database
from governance.record.outbox import Effect
from tests.api.conftest import Api
from tests.api.post import approved, courier, effect_state, quick_world
from tests.build import HASHED, World, recipients_named

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ADDRESS = "ap@supplier.example"


@pytest.fixture
def made(database: Database) -> World:
    return quick_world(database)


@pytest.fixture(params=["hashed", "as older programs wrote it"])
def named(request: pytest.FixtureRequest, made: World) -> World:
    """A tenant whose envelopes name their recipients in one way or the other."""
    if request.param != "hashed":
        recipients_named(made, "address")
    return made


def bundle_of(made: World, case_id: str, home: Path) -> str:
    Clock(made.database, made.tokens["courier"], KEY, KeptCheckpoints(home)).sign()
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        return build_bundle(conn, "acme", case_id, KEY.public_key())


def test_a_letter_arrives_and_its_proof_holds(named: World, tmp_path: Path) -> None:
    rec = approved(named, content=b"<Invoice/>")
    with Sink(tmp_path / "outbox") as sink:
        courier(named, port=sink.port).drain(0)
    assert effect_state(named, rec) == ("sent", "executed", "done")
    (letter,) = (tmp_path / "outbox").glob("*.eml")
    assert f"To: {ADDRESS}" in letter.read_text()
    report = check_bundle(bundle_of(named, rec["case_id"], tmp_path), KEY.public_key())
    assert report.outcomes == {rec["id"]: "effect.sent"}


@pytest.mark.parametrize("other", ["'thief@x.example'", "'sha256:' || repeat('0', 64)", "NULL::text"])
def test_a_letter_to_somebody_else_is_refused_before_anybody_is_called(made: World, tmp_path: Path, other: str) -> None:
    recipients_named(made, other)
    rec = approved(made)
    recipients_named(made, HASHED)

    class Nobody:
        def prepare(self, *_: object) -> Any:
            raise AssertionError("a server was called")

    courier(made, {"mail": Nobody()}).drain(0)
    assert effect_state(made, rec) == ("failed", "superseded", "queued")
    with pytest.raises(Tampered, match="not addressed to the recipient of its envelope"):
        check_bundle(bundle_of(made, rec["case_id"], tmp_path), KEY.public_key())


def test_only_whoever_holds_the_effect_is_told_where_its_letter_goes(made: World) -> None:
    approved(made)
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "test", 1, 60)
        assert outbox.envelope(conn, effect)["recipient"] == ADDRESS
    for who in ("admin1", "agent"):
        with (
            pytest.raises(NotPermitted, match="deliver effects"),
            made.database.transaction("courier", made.tokens[who]) as conn,
        ):
            outbox.envelope(conn, effect)
    with pytest.raises(LostLease), made.database.transaction("courier", made.tokens["courier"]) as conn:
        outbox.envelope(conn, replace(effect, fence=effect.fence + 1))


def test_the_connector_takes_an_address_and_no_hash_of_one() -> None:
    connector = MailConnector(MailServer("127.0.0.1", 1, "ap@acme.example", "none"))
    with (
        pytest.raises(NotDelivered, match="is not a mail address"),
        connector.prepare(Effect("r", "mail", 1, 1), {"recipient": recipient_of("5a17", ADDRESS)}),
    ):
        pass


@pytest.fixture
def api(api: Api) -> Iterator[Api]:
    """The service's database is everybody's: it is left as it was."""
    yield api
    recipients_named(api.world, HASHED)


def shown_of(api: Api, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = wire.parse(api.of("reviewer").get(f"/v1/recommendations/{row['id']}").content)
    return found


@pytest.mark.parametrize("older", [False, True])
def test_a_signer_reads_the_address_that_the_digest_names(api: Api, older: bool) -> None:
    if older:
        recipients_named(api.world, "address")
    row = api.world.filed()
    shown = shown_of(api, row)
    assert (ADDRESS in json.dumps(shown["signed"]["envelope"])) == older
    assert ("letter to", ADDRESS) in statement_of(shown, row["id"]).lines


def leaf(shown: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shown["signed"]["draft"]
    return found


LIES: dict[str, tuple[type[Exception], Callable[[dict[str, Any]], object]]] = {
    "another address": (Tampered, lambda s: leaf(s).update(content=leaf(s)["content"].replace("ap@", "me@"))),
    "another salt": (Tampered, lambda s: leaf(s).update(salt="0" * 32)),
    "another letter": (Tampered, lambda s: leaf(s).update(content='{"to":"me@evil.example"}')),
    "no letter": (Malformed, lambda s: s["signed"].update(draft=None)),
    "nothing about a letter": (Malformed, lambda s: s["signed"].pop("draft")),
    "half of a letter": (Malformed, lambda s: leaf(s).pop("salt")),
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("older", [False, True])
def test_a_service_that_shows_another_letter_gets_no_signature(api: Api, name: str, older: bool) -> None:
    if older:
        recipients_named(api.world, "address")
    row = api.world.filed()
    shown = copy.deepcopy(shown_of(api, row))
    refusal, lie = LIES[name]
    lie(shown)
    with pytest.raises(refusal):
        statement_of(shown, row["id"])


def test_a_signer_is_shown_no_letter_that_goes_elsewhere(api: Api) -> None:
    recipients_named(api.world, "'thief@x.example'")
    row = api.world.filed()
    with pytest.raises(Tampered, match="does not go to whom the digest names"):
        statement_of(shown_of(api, row), row["id"])

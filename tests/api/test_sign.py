"""Signing at the command line: what is shown is what the digest says, and only the signer's key makes the signature."""

from __future__ import annotations

import copy
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from api import cli, wire
from api.commands import asking
from api.signing import encrypted, read_key, statement_of
from governance.chain import public_key_text
from governance.decision import signed_statement
from governance.errors import Malformed, Refusal, Tampered
from governance.record import accounts, people
from governance.signature import verify_signature
from tests.api.conftest import Api, running
from tests.api.test_sign_courier import deliver
from tests.build import World
from tests.conftest import PASSWORDS

WORDS = "correct horse battery staple"
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def run(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on this test's tenant: exit code, what it printed, its messages. `by` is who acts."""
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", api.world.database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", api.world.tenant)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)

    def runs(*arguments: object, by: str) -> tuple[int, list[dict[str, Any]], str]:
        monkeypatch.setenv("COUNTERSIGN_API_KEY", api.world.tokens.get(by, by))
        code = cli.main([*map(str, arguments), "--json", "--home", str(tmp_path / "home")])
        shown = capsys.readouterr()
        return code, [json.loads(line) for line in shown.out.splitlines()], shown.err

    return runs


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(WORDS + "\n")
    return path


@pytest.fixture
def key(api: Api, run: Run, tmp_path: Path, words: Path) -> Path:
    """The reviewer's key, made at the command line and registered by others."""
    path = tmp_path / "reviewer.pem"
    code, (made,), said = run("key", "signing", "new", "--out", path, "--passphrase-file", words, by="reviewer")
    assert code == 0, said
    row = api.world.recommendation(made["recommendation_id"])
    for signer in ("controller", "admin2"):
        api.world.decide(signer, row, "approve")
    api.world.carry_out(row)
    return path


def test_a_new_key_is_closed_and_says_nothing_without_its_passphrase(key: Path, run: Run, words: Path) -> None:
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert key.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(Malformed, match="wrong passphrase"):
        read_key(key, "another passphrase")
    before = key.read_bytes()
    code, lines, said = run("key", "signing", "new", "--out", key, "--passphrase-file", words, by="reviewer")
    assert (code, lines) == (2, [])
    assert "never written over" in said
    assert key.read_bytes() == before


def test_a_key_that_could_not_be_kept_is_not_proposed(api: Api, run: Run, tmp_path: Path, words: Path) -> None:
    (tmp_path / "there").write_text("x")
    assert run("key", "signing", "new", "--out", tmp_path / "there", "--passphrase-file", words, by="analyst")[0] == 2
    assert api.world.scalar("SELECT count(*) FROM cs.cases WHERE tenant = %s", api.world.tenant) == 0
    words.write_text("short\n")
    assert run("key", "signing", "new", "--out", tmp_path / "new", "--passphrase-file", words, by="analyst")[0] == 2
    assert run("key", "signing", "new", "--passphrase-file", words, by="analyst")[0] == 2
    assert not (tmp_path / "new").exists()
    words.write_text(WORDS)
    assert run("key", "signing", "new", "--out", tmp_path / "new", "--passphrase-file", words, by="auditor")[0] == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("way", ["database", "service"])
def test_signed_approvals_leave(api: Api, run: Run, key: Path, words: Path, way: str) -> None:
    row = api.world.filed()
    more = ["--url", api.url] if way == "service" else []
    code, lines, said = run("sign", row["id"], "--key", key, "--passphrase-file", words, "--yes", *more, by="reviewer")
    assert code == 0, said
    (made,) = lines
    assert (made["state"], made["digest"], made["recommendation_id"]) == ("approved", row["digest"], row["id"])
    for shown in ("request_purchase_order", "1200.00 EUR", "S-1", "ap@supplier.example", row["digest"], row["case_id"]):
        assert shown in said
    public = public_key_text(read_key(key, WORDS).public_key())
    assert verify_signature(public, made["signature"], signed_statement(api.world.tenant, row["id"], row["digest"]))
    api.world.scalar("UPDATE cs.effects SET available_at = now() WHERE recommendation_id = %s RETURNING 1", row["id"])
    assert deliver(api.world)[0] == ["sent"]


def test_a_change_is_shown_with_what_shall_hold(api: Api, run: Run, key: Path, words: Path) -> None:
    row = api.world.propose("analyst", "memory", "S-1", {"pays": "late"})
    code, _, said = run("sign", row["id"], "--key", key, "--passphrase-file", words, "--yes", by="reviewer")
    assert code == 0
    assert "memory S-1" in said
    assert '{"pays":"late"}' in said


def test_nothing_is_signed_without_a_yes(
    api: Api, run: Run, key: Path, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = api.world.filed()
    arguments = ("sign", row["id"], "--key", key, "--passphrase-file", words)
    code, _, said = run(*arguments, by="reviewer")
    assert code == 2
    assert "--yes" in said
    monkeypatch.setattr(asking, "confirmed", lambda question: False)
    code, lines, said = run(*arguments, by="reviewer")
    assert (code, lines) == (1, [])
    assert api.world.recommendation(row["id"])["state"] == "awaiting_review"
    monkeypatch.setattr(asking, "confirmed", lambda question: True)
    assert run(*arguments, by="reviewer")[0] == 0


def test_a_key_of_somebody_else_signs_nothing(api: Api, run: Run, key: Path, words: Path) -> None:
    row = api.world.filed()
    for more in ([], ["--url", api.url]):
        code, _, said = run("sign", row["id"], "--key", key, "--passphrase-file", words, "--yes", *more, by="reviewer2")
        assert code == 1
        assert "registered as yours" in said
    assert run("sign", "none", "--key", key, "--passphrase-file", words, "--yes", by="reviewer")[0] == 1


def shown_of(api: Api, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = wire.parse(api.of("reviewer").get(f"/v1/recommendations/{row['id']}").content)
    return found


def test_a_service_that_shows_something_else_gets_no_signature(api: Api) -> None:
    row = api.world.filed()
    good = shown_of(api, row)
    assert statement_of(good, row["id"]).digest == row["digest"]
    lies: list[Callable[[dict[str, Any]], None]] = [
        lambda s: s["signed"]["envelope"]["action"].update(name="wait_until"),
        lambda s: s["signed"]["envelope"].update(recipient="me@evil.example"),
        lambda s: s["signed"].update(facts=s["signed"]["facts"].replace("1200.00", "12.00")),
        lambda s: s["signed"].update(facts=s["signed"]["facts"].replace("S-1", "S-2")),
        lambda s: s.update(digest="sha256:" + "0" * 64),
        lambda s: s.update(id="another"),
    ]
    for lie in lies:
        shown = copy.deepcopy(good)
        lie(shown)
        with pytest.raises(Tampered):
            statement_of(shown, row["id"])
    for missing in ("signed", "digest", "id"):
        with pytest.raises(Malformed):
            statement_of({name: value for name, value in good.items() if name != missing}, row["id"])
    change = api.world.propose("analyst", "memory", "S-1", {"pays": "late"})
    shown = shown_of(api, change)
    shown["change"]["content"]["pays"] = "early"
    with pytest.raises(Tampered, match="change"):
        statement_of(shown, change["id"])


def test_a_lying_service_is_noticed_at_the_command_line(
    api: Api, run: Run, key: Path, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi import FastAPI

    row = api.world.filed()
    shown = shown_of(api, row)
    shown["signed"]["facts"] = shown["signed"]["facts"].replace("1200.00", "12.00")
    liar = FastAPI()
    asked: list[str] = []

    @liar.get("/v1/recommendations/{which}")
    def read(which: str) -> dict[str, Any]:
        asked.append(which)
        return shown

    with running(liar) as url:
        code, _, said = run(
            "sign", row["id"], "--key", key, "--passphrase-file", words, "--yes", "--url", url, by="reviewer"
        )
    assert code == 3
    assert "sign nothing" in said
    assert asked == [row["id"]]


@pytest.mark.parametrize("url", ["http://review.example", "ftp://localhost", "review.example", "http://127.0.0.1:9"])
def test_where_no_service_can_be_trusted_or_reached(api: Api, run: Run, key: Path, words: Path, url: str) -> None:
    code, _, said = run("sign", "x", "--key", key, "--passphrase-file", words, "--url", url, by="reviewer")
    assert code == (1 if url.endswith(":9") else 2)
    assert "https" in said or "does not answer" in said


@given(text=st.recursive(st.none() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["signed", "digest", "id", "envelope", "facts", "action", "args"]), inner, max_size=5)))  # fmt: skip  # noqa: E501
@settings(deadline=None, max_examples=200)
def test_whatever_a_service_says_is_refused_in_words(text: Any) -> None:
    with pytest.raises(Refusal):
        statement_of(text if isinstance(text, dict) else {"signed": text}, "x")


def test_keys_that_are_none(tmp_path: Path) -> None:
    plain = tmp_path / "plain.pem"
    key = Ed25519PrivateKey.generate()
    plain.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Malformed):
        read_key(plain, WORDS)
    plain.write_text("nothing")
    with pytest.raises(Malformed):
        read_key(plain, WORDS)
    plain.write_text(encrypted(key, WORDS))
    assert public_key_text(read_key(plain, WORDS).public_key()) == public_key_text(key.public_key())


# API keys ---------------------------------------------------------------------------------------------------------


def test_a_key_has_256_bits_and_is_kept_by_its_hash(api: Api, run: Run) -> None:
    code, (made,), _ = run("key", "new", "--days", 7, "--scope", "read", by="reviewer")
    assert code == 0
    secret = made["key"].removeprefix("cs_")
    assert len(secret) == 43  # base64url of 32 bytes
    assert made["scopes"] == ["read"]
    rows = api.world.scalar(
        "SELECT jsonb_agg(c) FROM cs.credentials c WHERE tenant = %s AND kind = 'api_key'", api.world.tenant
    )
    assert made["key"] not in json.dumps(rows)
    mine = next(row for row in rows if row["id"] == made["id"])
    assert mine["sha256"] == people.token_hash(made["key"])
    assert api.client(made["key"]).get("/v1/me").status_code == 200
    api.world.scalar("UPDATE cs.credentials SET expires_at = now() WHERE id = %s RETURNING 1", made["id"])
    assert api.client(made["key"]).get("/v1/me").status_code == 401
    _, (again,), _ = run("key", "new", by="reviewer")
    assert api.client(again["key"]).get("/v1/me").status_code == 200
    assert run("key", "revoke", again["id"], by="reviewer")[0] == 0
    assert api.client(again["key"]).get("/v1/me").status_code == 401
    assert len({row["key"] for row in (made, again)}) == 2


def limited(world: World, who: str, *scopes: str) -> str:
    key = f"{world.tenant}-{who}-{'-'.join(scopes)}"
    with world.database.transaction("review", world.tokens[who]) as conn:
        accounts.issue_key(conn, key, who, "limited", None, scopes)
    return key


ROW = {
    "queue": "accounts_payable", "exception_type": "missing_receipt", "source_key": "k", "amount": "5.00",
    "currency": "EUR", "supplier_id": "S-1",
}  # fmt: skip


def test_a_key_does_what_its_scopes_say_and_nothing_else(api: Api) -> None:
    row = api.world.filed()
    decision = {"decision": "approve", "digest": row["digest"]}
    path = f"/v1/recommendations/{row['id']}"
    reads = api.client(limited(api.world, "reviewer", "read"))
    assert (reads.get("/v1/me").status_code, reads.get(path).status_code) == (200, 200)
    refused = reads.post(path + "/decisions", json=decision)
    assert (refused.status_code, refused.json()["detail"]) == (403, "this key may only read: use another")
    assert reads.post("/v1/cases", json=ROW).status_code == 403
    submits = api.client(limited(api.world, "reviewer", "submit"))
    assert submits.get(path).status_code == 404
    for address in ("/v1/cases", "/v1/recommendations", "/v1/tasks"):
        assert submits.get(address).json()["items"] == [], address
    assert submits.post(path + "/decisions", json=decision).status_code == 403
    assert submits.post("/v1/cases", json=ROW).is_success
    decides = api.client(limited(api.world, "reviewer", "decide"))
    assert decides.get(path).status_code == 200
    assert decides.post("/v1/cases", json={**ROW, "source_key": "k2"}).status_code == 403
    change = {"kind": "memory", "subject": "S-1", "content": {"a": "b"}, "why": "so"}
    assert decides.post("/v1/changes", json=change).status_code == 403
    assert decides.post(path + "/decisions", json=decision).json()["state"] == "approved"


def test_a_limited_key_makes_no_other_key_and_no_session(api: Api) -> None:
    from tests.api.visitor import Visitor

    for scopes in (("read",), ("decide",), ("read", "decide", "submit")):
        key = limited(api.world, "admin1", *scopes)
        for statement in (
            "SELECT cs.issue_key(repeat('a', 64), 'admin1', 'x', NULL)",
            "SELECT cs.open_session(repeat('b', 64), 5)",
            "SELECT cs.add_actor('{}')",
            "SELECT cs.set_active('reviewer', false)",
            "SELECT cs.revoke_key('x')",
        ):
            with (
                pytest.raises(Refusal, match="this key may only"),
                api.world.database.transaction("review", key) as conn,
            ):
                conn.execute(statement.encode())
    visitor = Visitor(api)
    assert visitor.sign_in("reviewer", key=limited(api.world, "reviewer", "decide")).status_code == 403


def test_a_submitting_key_reads_nothing_past_its_door(api: Api) -> None:
    api.world.filed()
    key = limited(api.world, "reviewer", "submit")
    for role in ("review", "agent", "courier", "audit"):
        with api.world.database.transaction(role, key) as conn:
            assert conn.execute("SELECT count(*) FROM cs.cases").fetchone() == (0,)


@pytest.mark.parametrize("scopes", [(), ("write",), ("read", "all"), ("READ",)])
def test_scopes_are_those_that_there_are(api: Api, scopes: tuple[str, ...]) -> None:
    with pytest.raises(Malformed):
        limited(api.world, "reviewer", *scopes)

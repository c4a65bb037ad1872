"""What can be read over HTTP: lists that lose and repeat nothing, cases, documents, the timeline and the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from api import cli, wire
from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.evidence_check import check_bundle
from api.routes.triage import disposition
from governance.chain import canonical, entry_hash, public_key_text, read_checkpoint, read_public_key
from governance.errors import Malformed, Tampered
from governance.record import ledger
from tests.api.conftest import Api, Start, problem_of

XML = b"<Invoice>1</Invoice>"


def walk(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor = None
    for _ in range(100):
        page = client.get(path, params={**params, **({"cursor": cursor} if cursor else {})}).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


@pytest.fixture
def many(api: Api) -> Api:
    """23 cases in two queues, 11 of them with a recommendation."""
    for n in range(23):
        queue = "accounts_payable" if n % 3 else "order_to_cash"
        api.world.accept(source_key=f"key-{n}", queue=queue, invoice_id=f"INV-{n}")
    for job in api.world.claim(50):
        if api.world.scalar("SELECT queue FROM cs.cases WHERE id = %s", job.case_id) == "accounts_payable":
            api.world.file(job)
    return api


def test_cursors_walk_all_items_exactly_once(many: Api) -> None:
    person = many.of("analyst")
    everything = {case["id"] for case in walk(person, "/v1/cases", limit=500)}
    assert len(everything) == 23

    @settings(deadline=None, max_examples=15)
    @given(st.integers(1, 30), st.sampled_from([None, "accounts_payable", "order_to_cash"]))
    def check(limit: int, queue: str | None) -> None:
        params = {"limit": limit, **({"queue": queue} if queue else {})}
        cases = walk(person, "/v1/cases", **params)
        assert len({case["id"] for case in cases}) == len(cases) == {None: 23, "accounts_payable": 15}.get(queue, 8)
        assert sorted(cases, key=lambda case: (case["created_at"], case["id"])) == cases
        if queue != "order_to_cash":
            proposed = walk(person, "/v1/recommendations", state="awaiting_review", **params)
            assert len({item["id"] for item in proposed}) == len(proposed) == 15

    check()


def test_new_items_do_not_disturb_a_walk(many: Api) -> None:
    person = many.of("analyst")
    first = person.get("/v1/cases", params={"limit": 10}).json()
    many.world.accept(source_key="late", invoice_id="INV-late")
    rest = walk(person, "/v1/cases", limit=10, cursor=first["next_cursor"])
    ids = [case["id"] for case in first["items"] + rest]
    assert len(set(ids)) == len(ids) == 24


def test_cursors_that_were_not_given_out(many: Api) -> None:
    person = many.of("analyst")
    good = person.get("/v1/cases", params={"limit": 2}).json()["next_cursor"]
    assert person.get("/v1/cases", params={"limit": 2, "cursor": good}).status_code == 200
    for bad in ("", "x", "0", good[:-1], good + "A", good[:-1] + ("A" if good[-1] != "A" else "B"), "\x00", "W10", "é"):
        problem_of(person.get("/v1/cases", params={"cursor": bad}), 400, "malformed")
    # A cursor belongs to its list and filters.
    problem_of(person.get("/v1/cases", params={"cursor": good, "queue": "order_to_cash"}), 400, "malformed")
    problem_of(person.get("/v1/recommendations", params={"cursor": good}), 400, "malformed")


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.text(max_size=40),
    st.text(max_size=20),
    st.integers(0, 200),
    st.integers(1, 255),
)
@settings(deadline=None)
def test_a_cursor_says_its_place_and_no_other(at: datetime, last: str, name: str, where: int, flip: int) -> None:
    text = wire.cursor(name, at, last)
    assert wire.read_cursor(name, text) == (at, last)
    changed = bytearray(text.encode())
    changed[where % len(changed)] ^= flip
    if changed != text.encode():
        with pytest.raises(Malformed):
            wire.read_cursor(name, changed.decode("latin-1"))


BAD_PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/cases", {"limit": 0}),
    ("/v1/cases", {"limit": 501}),
    ("/v1/cases", {"limit": "1e3"}),
    ("/v1/cases", {"limit": "9" * 5000}),
    ("/v1/cases", {"state": "nowhere"}),
    ("/v1/cases", {"queue": "\x00"}),
    ("/v1/recommendations", {"state": "approved\x00"}),
    ("/v1/recommendations", {"case_id": "a\x00b"}),
    ("/v1/ledger", {"after": -1}),
    ("/v1/ledger", {"after": "1" * 40}),
    ("/v1/intake", {"status": "lost"}),
]


def test_parameters_that_make_no_sense(api: Api) -> None:
    for path, params in BAD_PARAMETERS:
        found = problem_of(api.of("controller").get(path, params=params), 400, "malformed")
        assert found["errors"][0]["in"] == "query"
        assert found["errors"][0]["name"] == next(iter(params))


def test_a_case_with_all_that_is_known(api: Api) -> None:
    made = api.world.filed(content=XML, details={"buyer": "Müller & Söhne"}, due_date="2026-12-01")
    found = api.of("analyst").get(f"/v1/cases/{made['case_id']}").json()
    assert found["state"] == "awaiting_review"
    assert (found["amount"], found["currency"], found["due_date"]) == ("1200.00", "EUR", "2026-12-01")
    assert found["supplier_name"] == "Supplier One"
    assert found["facts"]["initiator"] == "intake"
    assert found["facts"]["facts_digest"].startswith("sha256:")
    assert found["reading"] == {"fields": {"invoice_number": "2026-1"}}
    assert found["details"] == {"buyer": "Müller & Söhne"}
    assert [item["id"] for item in found["recommendations"]] == [made["id"]]
    assert found["recommendations"][0] == api.of("analyst").get(f"/v1/recommendations/{made['id']}").json()
    assert found["job"]["state"] == "done"


def test_the_document_comes_as_a_download(api: Api) -> None:
    case = api.world.accept(content=XML, name="/etc/../Rechnung „März“.xml", media_type="text/html")["case_id"]
    response = api.of("auditor").get(f"/v1/cases/{case}/document")
    assert response.content == XML
    assert response.headers["content-type"] == "application/octet-stream"  # a sender's text/html is not believed
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith('attachment; filename="Rechnung ')
    assert "Rechnung%20%E2%80%9EM%C3%A4rz%E2%80%9C.xml" in response.headers["content-disposition"]
    without = api.world.accept(source_key="key-2", invoice_id="INV-2")["case_id"]
    problem_of(api.of("auditor").get(f"/v1/cases/{without}/document"), 404, "not-found")
    api.world.scalar("DELETE FROM cs.document_contents WHERE tenant = %s RETURNING 1", api.world.tenant)
    problem_of(api.of("auditor").get(f"/v1/cases/{case}/document"), 404, "not-found")


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_a_name_cannot_leave_its_header(name: str) -> None:
    value = disposition(name)
    value.encode("latin-1")
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    assert "/" not in value
    assert "\\" not in value


def test_evidence_verifies_with_the_public_key_alone(start: Start) -> None:
    signer = Ed25519PrivateKey.generate()
    api = start(signer=signer)
    made = api.world.filed(content=XML)
    api.decide("reviewer", made, "approve")
    path = f"/v1/cases/{made['case_id']}/evidence"
    for who in ("analyst", "service", "ml_engineer", "admin1"):
        problem_of(api.of(who).get(path), 403, "not-permitted")
    problem_of(api.of("auditor").get("/v1/cases/unknown/evidence"), 404, "not-found")
    answer = api.of("auditor").get(path)
    assert answer.status_code == 200
    report = check_bundle(answer.text, signer.public_key())
    assert report.case == made["case_id"]
    assert report.documents == 0
    full = api.of("auditor").get(path, params={"with_document": "true"})
    assert check_bundle(full.text, signer.public_key()).documents == 1
    with pytest.raises(Tampered):
        check_bundle(answer.text.replace("Please send it.", "Please pay it."), signer.public_key())


def test_evidence_from_who_signs_ends_with_a_checkpoint_and_a_seal(start: Start) -> None:
    signer = Ed25519PrivateKey.generate()
    api = start(signer=signer)
    made = api.world.filed()
    for _ in range(2):
        text = api.of("auditor").get(f"/v1/cases/{made['case_id']}/evidence").text
        report = check_bundle(text, signer.public_key())
        assert report.sealed
        bundle = json.loads(text)
        assert report.checkpoint_size >= bundle["entries"][-1]["seq"]
        assert "unsigned" not in bundle
        api.decide("reviewer", made, "approve")


def test_an_entry_that_comes_in_while_the_ledger_is_signed_is_signed_the_second_time(start: Start) -> None:
    signer = Ed25519PrivateKey.generate()
    api = start(signer=signer)
    made = api.world.filed()
    sign, signed = api.app.state.sign, []

    def busy() -> None:
        signed.append(sign())
        if len(signed) == 1:
            api.decide("reviewer", made, "approve")

    api.app.state.sign = busy
    text = api.of("auditor").get(f"/v1/cases/{made['case_id']}/evidence").text
    assert len(signed) == 2
    assert check_bundle(text, signer.public_key()).unsigned == ()
    assert "decision.approve" in text


def test_evidence_without_a_signer_waits_for_the_first_checkpoint(api: Api) -> None:
    made = api.world.filed()
    response = api.of("auditor").get(f"/v1/cases/{made['case_id']}/evidence")
    problem_of(response, 503, "unavailable")
    assert response.headers["retry-after"]


def test_evidence_without_a_signer_says_which_entries_nobody_has_signed(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = api.world.filed()
    clock = Clock(api.world.database, api.world.tokens["courier"], api.signer, KeptCheckpoints(tmp_path / "clock"))
    size = clock.sign()
    assert size is not None
    api.decide("reviewer", made, "approve")
    path = f"/v1/cases/{made['case_id']}/evidence"
    text = api.of("auditor").get(path).text
    bundle, key = json.loads(text), api.signer.public_key()
    late = [row["seq"] for row in bundle["entries"] if row["seq"] > size]
    assert late
    assert bundle["unsigned"] == late
    assert bundle["seal"] is None
    # Whoever does not ask for it is never given what is not proven.
    with pytest.raises(Tampered, match="nobody has signed"):
        check_bundle(text, key)
    assert check_bundle(text, key, unsigned=True).unsigned == tuple(late)
    file = tmp_path / "evidence.json"
    file.write_text(text, "utf-8")
    arguments = ["verify", str(file), "--public-key", public_key_text(key), "--home", str(tmp_path)]
    assert cli.main([*arguments, "--json"]) == 1
    told = capsys.readouterr()
    line = json.loads(told.out)
    assert (line["sound"], line["unsigned"], line["signed"]) == (False, late, size)
    assert "after the next checkpoint" in told.err
    assert cli.main(arguments) == 1
    assert f"NOT PROVEN YET: {'entry' if len(late) == 1 else 'entries'} {late[0]}" in capsys.readouterr().out
    clock.sign()
    file.write_text(api.of("auditor").get(path).text, "utf-8")
    assert cli.main(arguments) == 0


def test_what_is_not_signed_can_be_neither_hidden_nor_pretended(api: Api, tmp_path: Path) -> None:
    made = api.world.filed()
    clock = Clock(api.world.database, api.world.tokens["courier"], api.signer, KeptCheckpoints(tmp_path))
    clock.sign()
    api.decide("reviewer", made, "approve")
    path, key = f"/v1/cases/{made['case_id']}/evidence", api.signer.public_key()
    before = json.loads(api.of("auditor").get(path).text)
    clock.sign()
    after = json.loads(api.of("auditor").get(path).text)
    assert check_bundle(canonical(after), key).unsigned == ()
    late = before["unsigned"]
    proof = after["entries"][-1]["proof"]
    wrong = {
        "not said": {name: part for name, part in before.items() if name != "unsigned"},
        "none": {**before, "unsigned": []},
        "null": {**before, "unsigned": None},
        "another": {**before, "unsigned": [late[0] + 1]},
        "one more": {**before, "unsigned": [late[0] - 1, *late]},
        "signed and said not to be": {**after, "unsigned": late},
        "a proof of nothing": {
            **before,
            "entries": [*before["entries"][:-1], {**before["entries"][-1], "proof": proof}],
        },
        "an older checkpoint in place of the one that signs": {**after, "checkpoint": before["checkpoint"]},
    }
    for name, bundle in wrong.items():
        for unsigned in (False, True):
            with pytest.raises(Tampered):
                check_bundle(canonical(bundle), key, unsigned=unsigned)
                pytest.fail(name)


def test_the_timeline_tells_the_story(api: Api) -> None:
    made = api.world.filed()
    api.decide("reviewer", made, "approve")
    items = api.of("analyst").get(f"/v1/cases/{made['case_id']}/timeline").json()["items"]
    assert [item["kind"] for item in items] == ["case.received", "recommendation.filed", "decision.approve"]
    assert [item["words"] for item in items] == [
        "Intake brought in the case",
        "Agent recommended an action (draft 1)",
        "Reviewer approved as reviewer, which completes the seats",
    ]
    for item in items:
        assert entry_hash(item["raw"]) == item["hash"]
        assert json.loads(item["raw"]) == item["entry"]
    problem_of(api.of("analyst").get("/v1/cases/unknown/timeline"), 404, "not-found")


def test_the_ledger_pages_to_its_end(api: Api) -> None:
    for n in range(7):
        api.world.accept(source_key=f"key-{n}", invoice_id=f"INV-{n}")
    total = api.count("ledger")
    seqs: list[int] = []
    after: str | None = "0"
    while after is not None:
        page = api.of("auditor").get("/v1/ledger", params={"after": after, "limit": 3}).json()
        seqs += [entry["seq"] for entry in page["items"]]
        after = page["next_cursor"]
    assert seqs == list(range(1, total + 1))
    assert set(page["items"][-1]) >= {"tenant", "seq", "at", "actor", "kind", "subject", "body", "prev", "hash"}
    for who in ("analyst", "reviewer", "service", "ml_engineer"):
        problem_of(api.of(who).get("/v1/ledger"), 403, "not-permitted")


def test_the_checkpoint_verifies_with_the_key_beside_it(api: Api) -> None:
    problem_of(api.of("auditor").get("/v1/ledger/checkpoint"), 404, "not-found")
    with api.world.database.transaction("courier", api.world.tokens["courier"]) as conn:
        ledger.checkpoint(conn, api.world.tenant, api.signer)
    found = api.of("auditor").get("/v1/ledger/checkpoint").json()
    signed = read_checkpoint(found["note"], read_public_key(found["public_key"]))
    assert signed.size == found["size"] == api.count("ledger")


def test_who_am_i(api: Api) -> None:
    found = api.of("analyst").get("/v1/me").json()
    assert found["tenant"] == api.world.tenant
    assert (found["id"], found["kind"], found["roles"]) == ("analyst", "person", ["analyst"])
    assert found["may"] == [
        "confirm", "correct", "escalate", "propose_change", "read_cases", "requeue", "stand", "submit",
    ]  # fmt: skip
    assert "decide" in api.of("controller").get("/v1/me").json()["may"]
    assert api.of("agent").get("/v1/me").json()["may"] == []


def test_the_policy(api: Api) -> None:
    found = api.of("ml_engineer").get("/v1/policy").json()
    assert found["digest"] == api.world.scalar(
        "SELECT digest FROM cs.policies WHERE active AND tenant = %s", api.world.tenant
    )
    assert found["owner"] == "Group Controller"
    assert {"id", "actions", "seats"} <= set(found["rules"][0])
    assert {"queue", "exception_type", "sla_hours"} <= set(found["workflows"][0])


READS = ("/v1/cases", "/v1/recommendations", "/v1/tasks", "/v1/policy", "/v1/intake")


def test_nothing_without_a_key(api: Api) -> None:
    key = api.world.tokens["analyst"]
    headers = ("Basic YTpi", "Bearer", "bearer  ", key, "Bearer wrong", f"Bearer {key}X")
    for path in (*READS, "/v1/ledger", "/v1/me", "/metrics"):
        problem_of(api.of(None).get(path), 401, "unauthenticated")
        for header in (*headers, "Bearer " + "x" * 600):
            response = api.of(None).get(path, headers={"Authorization": header.strip()})
            problem_of(response, 401, "unauthenticated")
            assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_deactivated_person_is_out_at_once(api: Api) -> None:
    person = api.of("analyst")
    assert person.get("/v1/cases").status_code == 200
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('analyst', false)")
    problem_of(person.get("/v1/cases"), 401, "unauthenticated")


def test_tenants_do_not_see_each_other(start: Start) -> None:
    ours = start()
    made = ours.world.filed(content=XML)
    theirs = start()
    for path in (
        f"/v1/cases/{made['case_id']}",
        f"/v1/recommendations/{made['id']}",
        f"/v1/cases/{made['case_id']}/document",
    ):
        assert ours.of("auditor").get(path).status_code == 200
        problem_of(theirs.of("auditor").get(path), 404, "not-found")
    problem_of(theirs.decide("reviewer", made, "approve"), 404, "not-found")
    assert theirs.of("auditor").get("/v1/cases").json()["items"] == []
    assert {entry["tenant"] for entry in theirs.of("auditor").get("/v1/ledger").json()["items"]} == {
        theirs.world.tenant
    }


def test_agents_read_through_their_own_door_only(api: Api) -> None:
    for path in READS:
        problem_of(api.of("agent").get(path), 403, "not-permitted")

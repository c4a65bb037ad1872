"""The way in over HTTP: documents, case rows and signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from api import signature
from governance.case import DOCUMENT_CLASSES, QUEUES
from governance.errors import Unauthenticated, Unavailable
from tests.api.conftest import WEBHOOK_SECRET, Api, problem_of

TEXT = b"Payment reminder\n\nDear Sir or Madam, our invoice 4711 is overdue. Please pay 12.00 EUR by next week.\n"
ROW = {
    "queue": "accounts_payable", "exception_type": "price_variance", "source_key": "erp-1", "title": "Price differs",
    "entity": "DE01", "amount": "30.50", "currency": "EUR", "supplier_id": "S-1", "invoice_number": "77",
    "due_date": "2026-12-24", "details": {"line": 3},
}  # fmt: skip


def upload(api: Api, who: str, *contents: bytes, **params: Any) -> httpx.Response:
    files = [("file", (f"letter-{n}.txt", content, "text/plain")) for n, content in enumerate(contents)]
    return api.of(who).post("/v1/documents", files=files, params=params)


def test_a_document_becomes_a_case_of_its_sender(api: Api) -> None:
    answer = upload(api, "analyst", TEXT)
    assert answer.status_code == 202
    (item,) = answer.json()["items"]
    assert set(item) == {"path", "row", "source_key", "status", "case_id", "document_class", "reason"}
    assert item["status"] == "accepted"
    assert item["path"] == "letter-0.txt"
    assert item["source_key"] == "sha256:" + hashlib.sha256(TEXT).hexdigest()
    case = api.of("analyst").get(f"/v1/cases/{item['case_id']}").json()
    assert case["facts"]["initiator"] == "analyst"
    assert api.of("analyst").get(f"/v1/cases/{item['case_id']}/document").content == TEXT
    # The same bytes again, from anybody and under any name, are the same case.
    again = api.of("service").post("/v1/documents", content=TEXT, params={"name": "copy.txt"})
    assert again.json()["items"][0]["status"] == "already_known"
    assert again.json()["items"][0]["case_id"] == item["case_id"]
    log = api.of("analyst").get("/v1/intake").json()["items"]
    assert [(entry["status"], entry["name"]) for entry in log] == [
        ("accepted", "letter-0.txt"),
        ("already_known", "copy.txt"),
    ]


def test_a_bad_file_leaves_its_neighbours_alone(api: Api) -> None:
    answer = upload(api, "service", TEXT, b"%PDF-1.7 not really", b"")
    assert answer.status_code == 202
    assert [item["status"] for item in answer.json()["items"]] == ["accepted", "rejected", "rejected"]
    assert answer.json()["items"][1]["reason"]
    rejected = api.of("analyst").get("/v1/intake", params={"status": "rejected"}).json()["items"]
    assert len(rejected) == 2
    nothing = problem_of(upload(api, "service", b"%PDF-1.7 not really"), 422, "unreadable")
    assert nothing["items"][0]["status"] == "rejected"


def test_a_file_of_rows(api: Api) -> None:
    rows = json.dumps([ROW, {**ROW, "source_key": "erp-2", "amount": "much"}]).encode()
    answer = api.of("service").post("/v1/documents", content=rows, params={"name": "rows.json"})
    assert [(item["row"], item["status"]) for item in answer.json()["items"]] == [(1, "accepted"), (2, "rejected")]


def test_who_may_not_bring_things_in(api: Api) -> None:
    for who in ("auditor", "ml_engineer", "admin1", "agent"):
        problem_of(upload(api, who, TEXT), 403, "not-permitted")
        problem_of(api.of(who).post("/v1/cases", json=ROW), 403, "not-permitted")
    assert api.count("cases") == 0
    assert api.count("intake_log") == 0


def test_requests_without_a_document(api: Api) -> None:
    person = api.of("analyst")
    problem_of(person.post("/v1/documents"), 400, "malformed")
    problem_of(
        person.post("/v1/documents", files={"file": ("a", b"")}, params={"queue": "somewhere"}), 400, "malformed"
    )
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    problem_of(person.post("/v1/documents", content=b"--y\r\nnonsense", headers=broken), 400, "malformed")
    none = {"Content-Type": "multipart/form-data"}
    problem_of(person.post("/v1/documents", content=b"abc", headers=none), 400, "malformed")


def test_names_are_cleaned(api: Api) -> None:
    (item,) = api.of("analyst").post(
        "/v1/documents", content=TEXT, params={"name": "../../etc/pass\x00wd\r\n.txt"}
    ).json()["items"]  # fmt: skip
    assert item["path"] == "passwd.txt"


def test_too_large_is_said_before_it_is_read(api: Api) -> None:
    """The limit of the test's service is 200,000 bytes and 1 MiB for the form."""
    content = b"a" * 1_300_000
    problem_of(api.of("analyst").post("/v1/documents", content=content), 413, "too-large")

    def stream() -> Any:
        for _ in range(26):
            yield b"a" * 50_000

    problem_of(api.of("analyst").post("/v1/documents", content=stream()), 413, "too-large")
    problem_of(api.of("analyst").post("/v1/cases", content=stream()), 413, "too-large")
    problem_of(upload(api, "analyst", b"a" * 300_000, TEXT + b"x" * 1_100_000), 413, "too-large")


def test_rows_become_cases(api: Api) -> None:
    answer = api.of("service").post("/v1/cases", json=[ROW, {**ROW, "source_key": "erp-2", "amount": None}])
    assert answer.status_code == 202
    first, second = answer.json()["items"]
    assert (first["status"], first["row"], first["source_key"]) == ("accepted", 1, "erp-1")
    case = api.of("analyst").get(f"/v1/cases/{first['case_id']}").json()
    assert (case["amount"], case["currency"], case["supplier_name"]) == ("30.50", "EUR", "Supplier One")
    assert (case["title"], case["details"]) == ("Price differs", {"line": 3})
    assert api.of("analyst").get(f"/v1/cases/{second['case_id']}").json()["amount"] is None
    again = api.of("service").post("/v1/cases", json=ROW)
    assert again.json()["items"][0]["status"] == "already_known"
    changed = api.of("service").post("/v1/cases", json={**ROW, "amount": "31.50"})
    assert changed.json()["items"][0]["reason"] == "new facts: revision 2"


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"queue": "elsewhere"}, "/queue"),
    ({"amount": "1,200.00"}, "/amount"),
    ({"amount": True}, "/amount"),
    ({"currency": "eur"}, "/currency"),
    ({"due_date": "24.12.2026"}, "/due_date"),
    ({"due_date": "2026-02-30"}, "/due_date"),
    ({"title": "a\nb"}, "/title"),
    ({"bank_account": "DE1"}, "/bank_account"),
    ({"details": [1]}, "/details"),
    ({"exception_type": None}, "/exception_type"),
    ({"amount": "1.005"}, ""),
    ({"document_class": "poem"}, ""),
]


def test_rows_that_are_refused_say_where(api: Api) -> None:
    for change, pointer in BAD_ROWS:
        found = problem_of(api.of("service").post("/v1/cases", json={**ROW, **change}), 400, "malformed")
        assert found["errors"][0]["pointer"].startswith(pointer)
        listed = problem_of(api.of("service").post("/v1/cases", json=[ROW, {**ROW, **change}]), 400, "malformed")
        assert listed["errors"][0]["pointer"].startswith("/1" + pointer)
    assert api.count("cases") == 0


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
TEXTS = (
    "source_key", "title", "entity", "region", "supplier_id", "customer_id", "iban", "invoice_number", "purchase_order",
)  # fmt: skip
ANY_ROW = st.fixed_dictionaries(
    {},
    optional={
        "queue": st.sampled_from(QUEUES) | ANY_TEXT,
        "exception_type": st.sampled_from(["price_variance", "overdue"]) | ANY_TEXT,
        "amount": st.from_regex(r"-?[0-9]{1,16}(\.[0-9]{1,5})?", fullmatch=True) | st.integers() | st.floats(),
        "currency": st.sampled_from(["EUR", "JPY", "KWD", "XXX"]) | ANY_TEXT,
        "issue_date": st.dates().map(str) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True) | ANY_TEXT,
        "due_date": st.dates().map(str) | st.sampled_from(["2026-W01-1", "20261224", "0000-01-01"]),
        "document_class": st.sampled_from(DOCUMENT_CLASSES) | ANY_TEXT,
        "details": st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers() | st.floats() | st.none(), max_size=3),
        **dict.fromkeys(TEXTS, ANY_TEXT),
    },
)


def test_no_row_breaks_it(api: Api) -> None:
    service = api.of("service")
    seen: set[int] = set()

    @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
    @given(ANY_ROW, st.booleans())
    def send(row: dict[str, Any], whole: bool) -> None:
        body = {"queue": "accounts_payable", "exception_type": "price_variance", **row} if whole else row
        content = json.dumps(body).encode()
        response = service.post("/v1/cases", content=content, headers={"Content-Type": "application/json"})
        seen.add(response.status_code)
        assert response.status_code in (202, 400, 422), response.text
        if response.status_code == 202:
            (item,) = response.json()["items"]
            assert api.of("analyst").get(f"/v1/cases/{item['case_id']}").status_code == 200

    send()
    assert seen >= {202, 400}


def test_a_json_number_keeps_its_digits(api: Api) -> None:
    body = json.dumps(ROW).replace('"30.50"', "123456789012345.10").encode()
    answer = api.of("service").post("/v1/cases", content=body, headers={"Content-Type": "application/json"})
    case = api.of("analyst").get(f"/v1/cases/{answer.json()['items'][0]['case_id']}").json()
    assert case["amount"] == "123456789012345.10"


def test_lists_have_a_size(api: Api) -> None:
    problem_of(api.of("service").post("/v1/cases", json=[]), 400, "malformed")
    problem_of(api.of("service").post("/v1/cases", json=[ROW] * 501), 400, "malformed")


BAD_JSON = [
    b"",
    b"{",
    b"\xff\xfe{}",
    b'{"queue": "accounts_payable", "queue": "order_to_cash"}',
    b'{"queue": "accounts_payable", "exception_type": "a\\u0000b"}',
    b'{"queue": "accounts_payable", "exception_type": "\\ud800"}',
    b'{"queue": "accounts_payable", "exception_type": "x", "details": {"a": NaN}}',
    b"[" * 100_000,
    b'{"queue": "accounts_payable", "exception_type": "x", "details": ' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}",
    b'{"queue": "accounts_payable", "exception_type": "x", "details": {"a": "\\ud800"}}',
]


def test_json_that_two_readers_could_read_differently(api: Api) -> None:
    for body in BAD_JSON:
        answer = api.of("service").post("/v1/cases", content=body, headers={"Content-Type": "application/json"})
        problem_of(answer, 400, "malformed")


def test_numbers_of_any_size_are_kept(api: Api) -> None:
    huge = "9" * 5000
    body = json.dumps({**ROW, "details": {"n": 0}}).replace('"n": 0', f'"n": {huge}, "e": 1e999').encode()
    answer = api.of("service").post("/v1/cases", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202
    case = api.of("analyst").get(f"/v1/cases/{answer.json()['items'][0]['case_id']}").json()
    assert case["details"] == {"n": huge, "e": "1e999"}


def test_intake_happens_once_per_key(api: Api) -> None:
    def send(content: bytes) -> httpx.Response:
        files = {"file": ("a.txt", content, "text/plain")}
        return api.of("service").post("/v1/documents", files=files, headers={"Idempotency-Key": "batch-1"})

    first, again = send(TEXT), send(TEXT)
    assert first.text == again.text  # the boundary of the form differs, the documents do not
    assert api.count("intake_log") == 1
    problem_of(send(TEXT + b"more"), 409, "idempotency-conflict")


def signed(body: bytes, *, message: str = "msg_1", at: datetime | None = None, secret: str = WEBHOOK_SECRET) -> Any:
    moment = at or datetime.now(UTC)
    made = Webhook(secret).sign(message, moment, body.decode())
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": made,
        "Content-Type": "application/json",
    }


def test_a_signed_webhook_brings_in_rows_once(api: Api) -> None:
    body = json.dumps([ROW]).encode()
    anybody = api.of(None)
    headers = signed(body)
    first = anybody.post("/v1/webhooks/erp", content=body, headers=headers)
    assert first.status_code == 202
    case = api.of("analyst").get(f"/v1/cases/{first.json()['items'][0]['case_id']}").json()
    assert case["facts"]["initiator"] == "intake"
    replay = anybody.post("/v1/webhooks/erp", content=body, headers=headers)
    assert replay.text == first.text
    assert replay.headers["idempotent-replayed"] == "true"
    assert api.count("intake_log") == 1
    other = json.dumps({**ROW, "amount": "99.00"}).encode()
    problem_of(anybody.post("/v1/webhooks/erp", content=other, headers=signed(other)), 409, "idempotency-conflict")


def test_a_signed_webhook_brings_in_a_document(api: Api) -> None:
    headers = {**signed(TEXT), "Content-Type": "text/plain"}
    answer = api.of(None).post("/v1/webhooks/erp", content=TEXT, headers=headers)
    assert answer.status_code == 202
    assert answer.json()["items"][0]["path"] == "erp-msg_1"


def test_webhooks_that_are_refused(api: Api) -> None:
    body = json.dumps(ROW).encode()
    now = datetime.now(UTC)
    anybody = api.of(None)
    problem_of(anybody.post("/v1/webhooks/unknown", content=body, headers=signed(body)), 404, "not-found")
    other = "whsec_" + base64.b64encode(b"another key that nobody gave out").decode()
    for headers in (
        {},
        signed(body, secret=other),
        signed(b"{}"),
        signed(body, at=now - timedelta(minutes=6)),
        signed(body, at=now + timedelta(minutes=6)),
        {**signed(body), "webhook-id": "msg_2"},
        {**signed(body), "webhook-signature": "v1"},
        {**signed(body), "webhook-signature": "v1,%%%"},
        {**signed(body), "webhook-timestamp": "nan"},
        {**signed(body), "webhook-timestamp": "9" * 400},
    ):
        problem_of(anybody.post("/v1/webhooks/erp", content=body, headers=headers), 401, "unauthenticated")
    wrong = json.dumps({**ROW, "queue": "elsewhere"}).encode()
    problem_of(anybody.post("/v1/webhooks/erp", content=wrong, headers=signed(wrong)), 400, "malformed")
    twice = b'{"queue": "accounts_payable", "queue": "order_to_cash"}'
    problem_of(anybody.post("/v1/webhooks/erp", content=twice, headers=signed(twice)), 400, "malformed")
    assert api.count("cases") == 0


@given(st.binary(max_size=200), st.integers(0, 40), st.integers(1, 255))
@settings(deadline=None, max_examples=50)
def test_signatures_cover_every_byte(body: bytes, where: int, flip: int) -> None:
    """Also of documents that are no text, which the library for the same standard cannot sign."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    at = str(int(now.timestamp()))
    key = signature.key_of(WEBHOOK_SECRET)
    made = "v1," + base64.b64encode(hmac.digest(key, f"m.{at}.".encode() + body, "sha256")).decode()
    headers = {"webhook-id": "m", "webhook-timestamp": at, "webhook-signature": f"v1,AAAA v2,x {made}"}
    assert signature.verify(WEBHOOK_SECRET, headers, body, now) == "m"
    changed = bytearray(body + b"\x00")
    changed[where % len(changed)] ^= flip
    with pytest.raises(Unauthenticated):
        signature.verify(WEBHOOK_SECRET, headers, bytes(changed), now)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "whsec_!!!!", "short"])
def test_a_weak_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(Unavailable):
        signature.key_of(secret)

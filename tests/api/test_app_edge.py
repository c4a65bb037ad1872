"""The edge of the service: problems for everything, headers, health, measurements, its description."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from structlog.testing import capture_logs

from api.app import create
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.metrics import Metrics
from api.readers import Readers
from api.settings import Settings
from api.system import System
from governance.record.db import Database
from tests.api.conftest import PROBLEM, Api, Start, make_app, problem_of, running

ROUTES = {
    ("POST", "/v1/documents"), ("POST", "/v1/cases"), ("GET", "/v1/cases"), ("GET", "/v1/cases/{case_id}"),
    ("GET", "/v1/cases/{case_id}/timeline"), ("GET", "/v1/cases/{case_id}/document"),
    ("GET", "/v1/cases/{case_id}/pages/{page}"),
    ("GET", "/v1/cases/{case_id}/evidence"), ("POST", "/v1/cases/{case_id}/requeue"),
    ("GET", "/v1/cases/{case_id}/corrections"), ("POST", "/v1/cases/{case_id}/corrections"),
    ("GET", "/v1/memories"), ("GET", "/v1/learning"), ("GET", "/v1/worklist"),
    ("GET", "/v1/models/risk/monitor"),
    ("GET", "/v1/recommendations"), ("GET", "/v1/recommendations/{recommendation_id}"),
    ("POST", "/v1/recommendations/{recommendation_id}/decisions"), ("GET", "/v1/tasks"),
    ("POST", "/v1/decisions"), ("GET", "/v1/changes/kinds"), ("POST", "/v1/changes"), ("GET", "/v1/settings"),
    ("DELETE", "/v1/signing-keys/{key_id}"), ("GET", "/v1/delegations"), ("POST", "/v1/delegations"),
    ("DELETE", "/v1/delegations/{number}"), ("GET", "/v1/absences"), ("POST", "/v1/absences"),
    ("DELETE", "/v1/absences/{number}"),
    ("POST", "/v1/tasks/{recommendation_id}/confirm"), ("GET", "/v1/ledger"), ("GET", "/v1/ledger/checkpoint"),
    ("POST", "/v1/webhooks/{source}"), ("GET", "/v1/me"), ("GET", "/v1/policy"), ("GET", "/v1/intake"),
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"),
}  # fmt: skip


def test_addresses_and_methods_that_are_not(api: Api) -> None:
    for path in (
        "/v1",
        "/v1/nothing",
        "/v1/cases/",
        "/redoc",
        "/docs/oauth2-redirect",
        "/%00",
        "/%ff",
        "/v1//cases",
    ):
        problem_of(api.of("reviewer").get(path), 404, "not-found")
    wrong = api.of("reviewer").delete("/v1/cases")
    problem_of(wrong, 405, "method-not-allowed")
    assert wrong.headers["allow"] == "GET, POST"


def test_the_bare_address_leads_to_the_console(api: Api) -> None:
    answer = api.of(None).get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert api.of(None).get("/", follow_redirects=True).headers["content-type"].startswith("text/html")
    assert "/" not in api.of(None).get("/openapi.json").json()["paths"]


def test_refusals_are_described(api: Api) -> None:
    document = api.of(None).get("/openapi.json").json()
    problem = document["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail"}
    for item in document["paths"].values():
        for operation in item.values():
            assert {"4XX", "503"} <= set(operation["responses"])
            assert "422" not in operation["responses"]
            for status in ("4XX", "503"):
                assert set(operation["responses"][status]["content"]) == {PROBLEM}


def test_every_answer_has_the_headers(api: Api) -> None:
    for path in ("/healthz", "/v1/cases", "/nothing", "/openapi.json", "/docs", "/metrics"):
        for who in ("auditor", None):
            headers = api.of(who).get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
            assert "server" not in headers


def test_an_unexpected_error_says_an_id_and_nothing_else(api: Api) -> None:
    async def broken(request: Request) -> Response:
        raise RuntimeError("the supplier's secret words")

    api.app.add_route("/broken", broken)
    with capture_logs() as logs:
        response = api.of("reviewer").get("/broken")
    body = problem_of(response, 500, "internal-error")
    (entry,) = [entry for entry in logs if entry["event"] == "unexpected_error"]
    assert entry["error_id"] == body["error_id"]
    assert entry["error_type"] == "builtins.RuntimeError"
    assert any(frame.endswith("broken") for frame in entry["frames"])
    assert "secret words" not in str(logs) + response.text
    assert api.world.tokens["reviewer"] not in str(logs)


def test_an_answer_that_breaks_off_closes_the_connection(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})  # type: ignore[operator]
        raise RuntimeError("the supplier's secret words")

    api.app.mount("/breaks", broken)
    with capture_logs() as logs, pytest.raises(httpx.RemoteProtocolError):
        api.of(None).get("/breaks/off")
    assert any(entry["event"] == "unexpected_error" for entry in logs)
    assert "secret words" not in str(logs) + "".join(capfd.readouterr())


def test_who_hangs_up_is_no_error(api: Api) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    with capture_logs() as logs:
        with socket.create_connection((host, int(port))) as line:
            line.sendall(
                f"POST /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.world.tokens['service']}\r\n"
                "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{".encode()
            )
        assert api.of(None).get("/healthz").status_code == 200
    assert logs == []


def test_health_needs_no_database(tmp_path: Path) -> None:
    nowhere = Database({"review": "postgresql://nobody:nothing@127.0.0.1:9/none?connect_timeout=1"}, timeout=0.5)
    system = System(Settings(home=tmp_path), tmp_path, nowhere, "acme")
    app = create(system, Readers(lambda: DocumentReader(None, PdfPool(size=1))))
    with nowhere, running(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        problem_of(client.get("/readyz"), 503, "unavailable")
        problem_of(client.get("/v1/me", headers={"Authorization": "Bearer key"}), 503, "unavailable")


def test_ready_when_migrated(database: Database, tmp_path: Path) -> None:
    with running(make_app(database, tmp_path)) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        with database.transaction("owner") as conn:
            conn.execute("ALTER FUNCTION cs.whoami() RENAME TO whoami_gone")
        problem_of(client.get("/readyz"), 503, "unavailable")


def test_measurements(start: Start) -> None:
    api = start()
    api.world.filed()
    api.world.accept(source_key="key-2", invoice_id="INV-2", queue="order_to_cash")
    api.of("analyst").get("/v1/cases/unknown")
    api.of("analyst").request("BREW", "/v1/cases")
    for who in ("analyst", "reviewer", "agent"):
        problem_of(api.of(who).get("/metrics"), 403, "not-permitted")
    response = api.of("ml_engineer").get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    text = response.text
    assert 'countersign_cases{queue="accounts_payable",state="awaiting_review"} 1.0' in text
    assert 'countersign_cases{queue="order_to_cash",state="queued"} 1.0' in text
    assert re.search(r'requests_total\{method="GET",route="/v1/cases/\{case_id\}",status="404"\} [0-9]', text)
    assert 'method="OTHER"' in text
    assert "/unknown" not in text  # labels are routes, never what was asked for
    problem_of(api.of(None).get("/metrics"), 401, "unauthenticated")


def test_measurements_may_be_opened(start: Start) -> None:
    api = start(metrics_open=True)
    assert "countersign_http_requests_total" in api.of(None).get("/metrics").text
    problem_of(api.client("wrong").get("/metrics"), 401, "unauthenticated")


def test_a_registry_for_each_app() -> None:
    first, second = Metrics(), Metrics()
    first.observe("GET", "/healthz", 200, 0.1)
    assert b"/healthz" in first.text([], {})
    assert b"/healthz" not in second.text([], {})


def test_the_description_is_valid_and_whole(api: Api) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    document = api.of(None).get("/openapi.json").json()
    validator.validate(document)
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == ROUTES
    decision = document["components"]["schemas"]["DecisionBody"]
    assert decision["required"] == ["decision", "digest"]
    assert decision["additionalProperties"] is False


def test_the_page_that_lists_them_needs_nobody_else(api: Api) -> None:
    response = api.of(None).get("/docs")
    page = response.text
    for method, path in ROUTES:
        assert f"<code>{method} {path}</code>" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    style = re.search(r"<style>(.*?)</style>", page)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in response.headers["content-security-policy"]

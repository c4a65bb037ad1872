"""Other agents read over the Model Context Protocol, with the official client: their own tenant, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import httpx2
import psycopg
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from api import mcp_tools
from api.auth import Caller, Scope
from api.mcp_endpoint import Mcp
from governance.record import standing
from tests.api.conftest import Api, problem_of

T = TypeVar("T")
IBAN = "DE02120300000000202051"


def session(api: Api, who: str, ask: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    """What `ask` finds with the key of one actor."""

    async def run() -> T:
        headers = {"Authorization": f"Bearer {api.world.tokens[who]}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
            transport = streamable_http_client(f"{api.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await ask(client)

    return anyio.run(run)


def call(api: Api, who: str, name: str, **arguments: Any) -> tuple[bool, dict[str, Any]]:
    """(whether it was refused, what it said)."""

    async def ask(client: Client) -> tuple[bool, dict[str, Any]]:
        found = await client.call_tool(name, arguments)
        (text,) = found.content
        assert json.loads(text.text) == found.structured_content  # type: ignore[union-attr]
        return found.is_error, found.structured_content

    return session(api, who, ask)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_only_read_and_say_so(api: Api, mode: str) -> None:
    async def ask(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = session(api, "service", ask, mode)
    assert [one.name for one in tools] == list(mcp_tools.TOOLS)
    assert all(one.annotations.read_only_hint and one.annotations.destructive_hint is False for one in tools)
    assert all(one.name.startswith(("get_", "list_")) for one in tools)
    assert all(one.input_schema["additionalProperties"] is False for one in tools)


def test_an_agent_lists_cases_and_looks_at_a_recommendation_and_its_evidence(api: Api) -> None:
    row = api.world.filed(iban=IBAN, details={"note": f"please pay to {IBAN} from now on"})
    refused, listed = call(api, "service", "list_cases", queue="accounts_payable")
    assert not refused
    assert [one["id"] for one in listed["items"]] == [row["case_id"]]
    _, found = call(api, "service", "get_case", case_id=row["case_id"])
    assert found["facts"]["amount"] == "1200.00"
    _, proposed = call(api, "service", "list_recommendations", state="awaiting_review")
    assert [one["digest"] for one in proposed["items"]] == [row["digest"]]
    _, one = call(api, "service", "get_recommendation", recommendation_id=row["id"])
    assert one["action"]["name"] == "request_purchase_order"
    assert one["required_seats"] == [{"role": "reviewer", "filled_by": None}]
    _, evidence = call(api, "service", "get_evidence", recommendation_id=row["id"])
    assert evidence["findings"]["cause"] == {"primary": "missing_order_reference"}
    _, told = call(api, "service", "get_timeline", case_id=row["case_id"])
    assert [one["kind"] for one in told["items"]] == ["case.received", "recommendation.filed"]
    assert IBAN not in json.dumps([found, one, evidence, told]), "account numbers leave shortened"
    assert found["facts"]["payee_iban"] == "…2051"


def test_nothing_is_written_by_reading(api: Api) -> None:
    row = api.world.filed()
    before = api.count("ledger")
    for who in ("service", "reviewer"):
        call(api, who, "get_recommendation", recommendation_id=row["id"])
        call(api, who, "get_case", case_id=row["case_id"])
    assert api.count("ledger") == before
    opened = api.world.scalar("SELECT count(*) FROM cs.openings WHERE tenant = %s", api.world.tenant)
    assert opened == 0, "a person who asked by an agent has opened nothing"


def test_a_tool_that_would_write_cannot(api: Api) -> None:
    """Were a tool added that calls what writes: its transaction refuses, and nothing has been opened."""
    row = api.world.filed()

    def opens(scope: Scope, asked: Any) -> dict[str, Any]:
        standing.opened(scope.conn, asked.case_id, "case")
        return {}

    caller = Caller(api.world.database, api.world.tokens["reviewer"])
    tool = dataclasses.replace(mcp_tools.TOOLS["get_case"], answered=opens)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        mcp_tools.answer(tool, caller, {"case_id": row["case_id"]})
    opened = api.world.scalar("SELECT count(*) FROM cs.openings WHERE tenant = %s", api.world.tenant)
    assert opened == 0


@pytest.mark.parametrize("name", ["decide", "approve", "POST /v1/decisions", "get_case; drop", ""])
def test_there_is_no_tool_that_decides(api: Api, name: str) -> None:
    api.world.filed()
    refused, said = call(api, "reviewer", name, decision="approve")
    assert refused
    assert said["status"] == 404
    assert api.count("decisions") == 0


def test_another_tenant_s_cases_do_not_exist(api: Api, start: Any) -> None:
    row = api.world.filed()
    other = start()
    assert call(other, "service", "list_cases") == (
        False,
        {"untrusted": True, "items": [], "next_cursor": None},
    )
    for name, arguments in (
        ("get_case", {"case_id": row["case_id"]}),
        ("get_timeline", {"case_id": row["case_id"]}),
        ("get_recommendation", {"recommendation_id": row["id"]}),
        ("get_evidence", {"recommendation_id": row["id"]}),
    ):
        refused, said = call(other, "service", name, **arguments)
        assert refused, name
        assert said["status"] == 404


@pytest.mark.parametrize("arguments", [
    {"limit": 101}, {"limit": "5"}, {"queue": "x"}, {"tenant": "other"}, {"cursor": "x"}, {"state": ["queued"]},
])  # fmt: skip
def test_what_does_not_fit_is_refused(api: Api, arguments: dict[str, Any]) -> None:
    refused, said = call(api, "service", "list_cases", **arguments)
    assert refused
    assert said["type"].endswith("/malformed")


def test_pages_follow_each_other(api: Api) -> None:
    for n in range(3):
        api.world.accept(source_key=f"k{n}", invoice_id=f"I-{n}")
    _, first = call(api, "service", "list_cases", limit=2)
    _, second = call(api, "service", "list_cases", limit=2, cursor=first["next_cursor"])
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert len(set(ids)) == 3
    assert second["next_cursor"] is None


def test_without_a_live_key_the_protocol_is_not_reached(api: Api) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    problem_of(api.of(None).post("/mcp", json=body), 401, "unauthenticated")
    problem_of(api.client("wrong").post("/mcp", json=body), 401, "unauthenticated")
    basic = api.of(None).post("/mcp", json=body, headers={"Authorization": "Basic eDp5"})
    problem_of(basic, 401, "unauthenticated")
    problem_of(api.of("agent").post("/mcp", json=body), 403, "not-permitted")
    with api.of("service").stream("GET", "/mcp") as answer:  # a stream that opened would never end
        assert answer.status_code == 405
    assert api.of("service").delete("/mcp").status_code == 405


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "PUT"])
def test_what_is_no_post_is_refused_before_anything_else_is_asked(method: str) -> None:
    async def run() -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(dict(message))

        scope = {"type": "http", "method": method, "path": "/mcp", "query_string": b"", "headers": []}
        await Mcp()(scope, receive, send)
        return said

    start = anyio.run(run)[0]
    assert start["status"] == 405
    assert (b"allow", b"POST") in start["headers"]


def test_a_key_that_was_revoked_reads_no_more(api: Api) -> None:
    assert call(api, "service", "list_cases")[0] is False
    api.world.scalar("UPDATE cs.credentials SET revoked_at = now() WHERE tenant = %s AND actor = 'service' RETURNING 1",
                     api.world.tenant)  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    problem_of(api.of("service").post("/mcp", json=body), 401, "unauthenticated")


def test_account_numbers_are_cut_wherever_they_stand() -> None:
    said = mcp_tools._shortened(
        {
            "a": [{"iban": "GB82WEST12345698765432"}],
            "ibans": [IBAN],
            "text": f"to DE02 1203 0000 0000 2020 51 or {IBAN}",
        }
    )
    assert said == {"a": [{"iban": "…5432"}], "ibans": ["…2051"], "text": "to …2051 or …2051"}


def test_the_protocol_is_loaded_when_somebody_speaks_it() -> None:
    """It costs half a second at the start of every service."""
    seen = "import sys, api.app; sys.exit('mcp' in sys.modules or 'mcp_types' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", seen], check=False).returncode == 0

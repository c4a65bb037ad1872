"""Account numbers leave by the protocol shortened, however a document writes them; what is none stays as it is."""

from __future__ import annotations

import json
import time

import pytest

from api.mcp_tools import _shortened
from tests.api.conftest import Api, problem_of
from tests.api.test_mcp import call

IBAN = "DE02120300000000202051"
WRITTEN = (
    IBAN, "DE02 1203 0000 0000 2020 51", "DE02-1203-0000-0000-2020-51", "de02120300000000202051",
    "de02 1203 0000 0000 2020 51", "DE02\u00a01203\u00a00000\u00a00000\u00a02020\u00a051",
    "DE02\n1203\n0000\n0000\n2020\n51", "D E 0 2 1 2 0 3 0 0 0 0 0 0 0 0 2 0 2 0 5 1",
    "DE02.1203.0000.0000.2020.51", "gb82 west 1234 5698 7654 32", "NO93-8601-1117-947",
)  # fmt: skip


def digits(text: str) -> str:
    return "".join(mark for mark in text if mark.isalnum()).casefold()


@pytest.mark.parametrize("written", WRITTEN)
def test_an_account_is_cut_however_it_is_written(written: str) -> None:
    whole = digits(written)
    for value in (written, f"please pay to {written} from now on", [f"({written})"], {written: 1}):
        left = digits(json.dumps(_shortened(value), ensure_ascii=False))
        assert whole not in left
        assert whole[4:-4] not in left
        assert whole[-4:] in left


@pytest.mark.parametrize("name", ["iban", "new_iban", "account", "account_number", "bank_account_no", "kontonummer"])
def test_what_is_called_an_account_is_one(name: str) -> None:
    assert _shortened({name: "0012345678"}) == {name: "…5678"}
    assert _shortened({name: 12345678}) == {name: "…5678"}
    assert _shortened({name: ["0012345678", ""]}) == {name: ["…5678", ""]}
    assert _shortened({name: None, "approved": True}) == {name: None, "approved": True}


@pytest.mark.parametrize(
    "text",
    [
        "in 2026 we paid 1,190.00 EUR for ten pieces of part A-100",
        "PO 4500012345 of 3 November 2026, delivered 10 November 2026",
        "de02120300000000202052",
        "the accountant of the account team",
        *(f"be{at:02}1234-5678-9012-3456-7890123456{at:02}" for at in range(100)),
        "sha256:1c7e0d6b2c3b4ef6224e7d90da2091967dd47eb082b26a19518b67e652531c5f",
    ],
)
def test_what_is_no_account_stays(text: str) -> None:
    assert _shortened({"note": text}) == {"note": text}


def test_long_texts_are_read_in_no_time() -> None:
    for text in ("DE89" + " A1" * 60_000, "de89 " * 60_000, "a" * 300_000, "a-" * 150_000):
        start = time.monotonic()
        _shortened(text)
        assert time.monotonic() - start < 5.0


def test_a_case_tells_no_account(api: Api) -> None:
    details = {f"note_{at}": f"pay to {written}" for at, written in enumerate(WRITTEN)}
    row = api.world.filed(iban=IBAN, details={**details, "de02-1203-0000-0000-2020-51": "a name"})
    _, found = call(api, "service", "get_case", case_id=row["case_id"])
    assert not any(digits(written) in digits(json.dumps(found, ensure_ascii=False)) for written in WRITTEN)


def test_other_methods_are_refused_as_everywhere(api: Api) -> None:
    for method in ("GET", "DELETE", "PUT"):
        found = api.of("service").request(method, "/mcp")
        problem_of(found, 405, "method-not-allowed")
        assert found.headers["allow"] == "POST"


def test_an_agent_s_own_key_reads_nothing_here_nor_in_the_inbox(api: Api) -> None:
    """Its view of a case is its own queue's: what people decide is theirs."""
    api.world.filed()
    (thread,) = api.of("reviewer").post("/inbox/threads/search", json={}).json()
    path = f"/inbox/threads/{thread['thread_id']}"
    agent = api.of("agent")
    accept = {"command": {"resume": [{"type": "accept"}]}}
    for found in (
        agent.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        agent.post("/inbox/threads/search", json={}),
        agent.get(path),
        agent.get(f"{path}/state"),
        agent.post(f"{path}/state", json={}),
        agent.post(f"{path}/runs/wait", json=accept),
        agent.post(f"{path}/runs", json=accept),
    ):
        problem_of(found, 403, "not-permitted")
    assert api.count("decisions") == 0

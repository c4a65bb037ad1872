"""countersign-evals show --agents: another agent reads by MCP, and an Agent Inbox client approves, over HTTP.

A record of its own, the service on a free port of this machine, the worker's own agent, and the clients that others
use: the SDK of the Model Context Protocol and that of LangGraph.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from evals.ground import Ground, record

if TYPE_CHECKING:
    from agents.context import Encoder
    from models.bundle import Bundle

_INVOICE = b"Invoice 2026-1 of Supplier One, 1,200.00 EUR, without an order number.\n"
_CASE: dict[str, Any] = {
    "name": "invoice.txt", "media_type": "text/plain", "source_key": "show-1", "queue": "accounts_payable",
    "exception_type": "missing_order_reference", "title": "Invoice 2026-1", "document_class": "invoice",
    "amount": "1200.00", "currency": "EUR", "entity": "DE01", "region": "EU", "supplier_id": "S-1",
    "invoice_id": "INV-1", "details": {},
    "reading": {
        "document_class": "invoice", "basis": "structured",
        "fields": {
            "invoice_number": "2026-1", "total_amount": "1200.00", "currency": "EUR", "supplier": "Supplier One",
        },
    },
}  # fmt: skip
_BOOKS: dict[str, list[dict[str, Any]]] = {
    "entities": [{"id": "DE01", "name": "Acme GmbH", "country": "DE", "region": "EU"}],
    "suppliers": [{"id": "S-1", "name": "Supplier One", "email": "ap@supplier.example", "language": "en"}],
}


def shown(bundle: Bundle, encoder: Encoder | None = None) -> Iterator[dict[str, Any]]:
    """{client, asked, answered} of each question, in order. Raises Unavailable where the server cannot run."""
    with record() as ground, _serving(ground) as url:
        _triaged(ground, bundle, encoder)
        found: list[dict[str, Any]] = []
        anyio.run(_reads, url, ground.keys["c"], found)
        yield from found
        yield from _answers(url, ground.keys["d"])
        yield from _left(ground)


def _triaged(ground: Ground, bundle: Bundle, encoder: Encoder | None) -> None:
    """One invoice came in with its document, and the agent has filed what it recommends."""
    import hashlib

    from agents.context import Models
    from agents.worker import Worker
    from governance.record import books
    from models.embedding import Embedder

    with ground.database.transaction("intake", ground.tokens["intake"]) as conn:
        for kind, rows in _BOOKS.items():
            books.import_books(conn, kind, rows, "show")
        item = {**_CASE, "document_sha256": hashlib.sha256(_INVOICE).hexdigest()}
        books.accept(conn, item, _INVOICE)
    models = Models(bundle, encoder or Embedder(threads=1))
    with Worker(ground.database, ground.tokens["agent"], models, name="show") as worker:
        worker.drain()


@contextlib.contextmanager
def _serving(ground: Ground) -> Iterator[str]:
    from api.app import create
    from api.intake.pdf import PdfPool
    from api.intake.reader import DocumentReader
    from api.readers import Readers
    from api.serving import server
    from api.settings import Settings
    from api.system import System

    with tempfile.TemporaryDirectory(prefix="countersign-show-") as folder:
        system = System(Settings(home=Path(folder)), Path(folder), ground.database, ground.tenant)
        made = server(create(system, Readers(lambda: DocumentReader(None, PdfPool(size=1)))), "127.0.0.1", 0)
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        try:
            while not made.started and thread.is_alive():
                time.sleep(0.02)
            yield f"http://127.0.0.1:{made.servers[0].sockets[0].getsockname()[1]}"
        finally:
            made.should_exit = True
            thread.join(15)


async def _reads(url: str, key: str, found: list[dict[str, Any]]) -> None:
    import httpx2
    from mcp.client import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        tools = (await client.list_tools()).tools
        found.append(_said("mcp", "tools/list", [one.name for one in tools]))
        for name in ("list_cases", "list_recommendations", "decide"):
            found.append(_said("mcp", name, (await client.call_tool(name, {})).structured_content))


def _answers(url: str, key: str) -> Iterator[dict[str, Any]]:
    from langgraph_sdk import get_sync_client

    with get_sync_client(url=f"{url}/inbox", api_key=key) as client:
        (thread,) = client.threads.search(status="interrupted")
        yield _said("inbox", "threads/search", {"thread_id": thread["thread_id"], "status": thread["status"]})
        state = client.threads.get_state(thread["thread_id"])
        request = state["tasks"][0]["interrupts"][0]["value"][0]
        yield _said("inbox", "threads/state", request)
        for kind in ("ignore", "accept"):
            yield _said("inbox", f"resume: {kind}", _resumed(client, thread["thread_id"], kind))


def _resumed(client: Any, thread: str, kind: str) -> Any:
    import httpx

    try:
        run = client.runs.create(thread, "countersign", command={"resume": [{"type": kind, "args": None}]})
    except httpx.HTTPStatusError as error:
        return error.response.json()
    return {"status": run["status"], **run["metadata"]}


def _left(ground: Ground) -> Iterator[dict[str, Any]]:
    from governance.record import review

    with ground.database.transaction("review", ground.keys["c"]) as conn:
        for row in review.listing(conn, limit=5):
            seats = [{"role": one["role"], "filled_by": one["filled_by"]} for one in row["seats"]]
            yield _said("record", "the recommendation afterwards", {"state": row["state"], "seats": seats})


def _said(client: str, asked: str, answered: Any) -> dict[str, Any]:
    return {"client": client, "asked": asked, "answered": answered}


def page(one: dict[str, Any]) -> str:
    """One question and its answer for a reader."""
    answer = json.dumps(one["answered"], indent=2, ensure_ascii=False, default=str)
    return f"{'=' * 100}\n{one['client']}   {one['asked']}\n{answer}\n\n"

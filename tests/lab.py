"""A real MLflow for tests: one server a pytest process, on a database of its own in the tests' Postgres."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from api.lab_server import SERVER_ENVIRONMENT, STORE, server_line
from api.processes import free_port
from governance.record import lab_database
from governance.record.embedded import EmbeddedPostgres

_STARTED = 120.0


class Mlflow:
    """An MLflow server that can be stopped and started again at the same address with the same data."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder = folder
        self.port = free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        self._store = store
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, **SERVER_ENVIRONMENT, STORE: self._store}
        with (self.folder / "mlflow.log").open("ab") as log:
            self._process = subprocess.Popen(
                server_line(self.port, self.folder), env=environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        deadline = time.monotonic() + _STARTED
        while not self._healthy():
            assert self._process.poll() is None, (self.folder / "mlflow.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "MLflow did not start"
            time.sleep(0.2)

    def _healthy(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.suppress(OSError), opener.open(f"{self.url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def kill(self) -> None:
        """Both of its processes, at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def running_mlflow(folder: Path, store: str | None = None) -> Iterator[Mlflow]:
    """A running server whose artefacts are in `folder`; `store` None keeps the rest there, too, in SQLite."""
    made = Mlflow(folder, store or f"sqlite:///{folder}/mlflow.db")
    try:
        made.start()
        yield made
    finally:
        made.kill()


@contextlib.contextmanager
def stub_mlflow(status: int, seconds: float = 0.0, code: str = "INTERNAL_ERROR") -> Iterator[str]:
    """A server that answers everything with this status, after so long; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(seconds)
            text = json.dumps({"error_code": code, "message": "no"}).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def read_only(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Inside the block MLflow's database takes no writes, as a standby or a full quota would have it."""
    database = sql.Identifier(lab_database.DATABASE)
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as conn:

        def change(how: str) -> None:
            conn.execute(sql.SQL("ALTER DATABASE {} " + how).format(database))
            # MLflow's connections are older than that.
            away = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            conn.execute(away, (lab_database.DATABASE,))

        change("SET default_transaction_read_only = on")
        try:
            yield
        finally:
            change("RESET default_transaction_read_only")


@pytest.fixture(scope="session")
def mlflow_server(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    """The session's MLflow. Tests keep apart by experiments of their own."""
    store = lab_database.prepare(postgres.superuser_url(), "test-mlflow")
    with running_mlflow(tmp_path_factory.mktemp("mlflow"), store) as server:
        yield server

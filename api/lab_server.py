"""MLflow beside Countersign: its database, its command, and the process that keeps it tied to the supervisor.

python -m api.lab_server PORT FOLDER runs `mlflow server` and ends with its parent, which a foreign program would not.
The URL of its database comes by the environment: arguments can be read by everybody on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import getproxies

from api.processes import Command, check_port, end_with_parent, free_port, role, stopped_by
from api.settings import PREFIX
from governance.errors import Malformed, Refusal, Unavailable

if TYPE_CHECKING:
    from api.system import System

HOST = "127.0.0.1"
NOTE = "mlflow.json"
FOLDER = "mlflow"
STORE = "MLFLOW_BACKEND_STORE_URI"
# By default: four workers, job runners, 15 processes and 3.3 GB. So: two processes and a sixth of that.
SERVER_ENVIRONMENT: Mapping[str, str] = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "4",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "4",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


@dataclass(frozen=True, slots=True)
class Lab:
    """Where MLflow answers, and whether it is ours to run."""

    url: str
    own: bool


def choose(home: Path, configured: str | None, api_port: int) -> Lab:
    """The MLflow that is configured; else our own where it was the last time, beside the API, or on any free port."""
    if configured is not None:
        return Lab(configured, own=False)
    before = (read_note(home) or "").rpartition(":")[2]
    for port in (int(before) if before.isdigit() else api_port, api_port + 1):
        with contextlib.suppress(Unavailable):
            if port != api_port:
                check_port(HOST, port)
                return Lab(f"http://{HOST}:{port}", own=True)
    return Lab(f"http://{HOST}:{free_port(HOST)}", own=True)


def children(home: Path, owner_url: str, lab: Lab | None, say: Callable[[str], None]) -> list[Command]:
    """MLflow, where it is ours, and what feeds it. Where that cannot be, Countersign runs without, and says so."""
    if lab is None:
        return []
    try:
        own = [_server(home, owner_url, lab.url)] if lab.own else []
    except Refusal as refusal:
        say(f"without MLflow: {refusal.detail}")
        return []
    return [*own, _feed(home, lab.url)]


def _write_note(home: Path, url: str) -> None:
    """Tell other processes of this HOME where MLflow answers."""
    from governance.record.home import write_private

    write_private(home / NOTE, json.dumps({"url": url}), replace=True)


def read_note(home: Path) -> str | None:
    """Where HOME's MLflow answers while it runs; None where it never ran."""
    try:
        return str(json.loads((home / NOTE).read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def url_of(system: System) -> str:
    """The MLflow that is configured, else the one beside this HOME. Raises Malformed where there is none."""
    found = system.settings.mlflow_url or read_note(system.home)
    if found is None:
        raise Malformed(f"set {PREFIX}MLFLOW_URL to the address of an MLflow server, or start countersign up")
    return found


def _server(home: Path, owner_url: str, url: str) -> Command:
    """What the supervisor runs; its database and role are made first. Raises Unavailable where they cannot be."""
    from api import keyring
    from governance.record import lab_database

    store = lab_database.prepare(owner_url, keyring.mlflow_password(home))
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    _write_note(home, url)
    line = (sys.executable, "-m", "api.lab_server", url.rsplit(":", 1)[1], str(folder))
    return Command("mlflow", line, optional=True, environment={**SERVER_ENVIRONMENT, STORE: store})


def _feed(home: Path, url: str) -> Command:
    """The process that feeds the MLflow at `url`. A proxy of the environment has nothing to do with our own port."""
    direct = ",".join(filter(None, (getproxies().get("no"), HOST, "localhost")))
    environment = {f"{PREFIX}MLFLOW_URL": url, "NO_PROXY": direct, "no_proxy": direct}
    return role("lab", home=home, optional=True, environment=environment)


def server_line(port: int, folder: Path) -> list[str]:
    """The command of MLflow's server, which keeps artefacts in `folder`. It reads SERVER_ENVIRONMENT and STORE."""
    line = [sys.executable, "-m", "mlflow", "server", "--artifacts-destination", str(folder)]
    return [*line, "--host", HOST, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--no-access-log"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m api.lab_server")
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    end_with_parent()
    line = server_line(args.port, args.folder)
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, cwd=args.folder)  # noqa: S603 - our own arguments
    with stopped_by(process.terminate, (signal.SIGTERM, signal.SIGINT)):
        return process.wait()


if __name__ == "__main__":
    sys.exit(main())

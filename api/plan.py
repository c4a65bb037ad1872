"""What one start of `countersign up` is about, settled before anything runs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from api import demo, keyring, lab_server
from api.commands.user import founders
from api.lab_server import Lab
from api.processes import check_port, free_port
from api.settings import Settings
from governance.errors import Malformed


@dataclass(frozen=True, slots=True)
class Plan:
    """What this start is about, before anything runs."""

    home: Path
    host: str
    port: int
    tenant: str
    demo: bool
    workers: int
    mlflow: Lab | None

    @property
    def url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"


def made(args: argparse.Namespace, settings: Settings) -> Plan:
    """Everything that can be wrong without touching anything. Raises Malformed, Unavailable."""
    known = keyring.read_keyring(args.home)
    if args.reset and not args.demo:
        raise Malformed("--reset deletes the demo: say up --demo --reset")
    if args.reset and settings.database_url is not None:
        raise Malformed(
            "--reset deletes the database in HOME, but COUNTERSIGN_DATABASE_URL names another: drop that one"
        )
    if args.demo and (args.admin or args.controller):
        raise Malformed("the demo brings its own people: leave --admin and --controller out")
    tenant = settings.tenant or (known.tenant if known else demo.TENANT if args.demo else "main")
    if args.demo and tenant != demo.TENANT:
        raise Malformed(f"{args.home} belongs to tenant {tenant}: choose another --home for the demo")
    if args.admin or args.controller:
        founders(args)
    elif known is None and settings.database_url is None and not args.demo:
        raise Malformed(
            "a new installation needs two administrators and a controller: countersign up --admin 'NAME=EMAIL' "
            "--admin 'NAME=EMAIL' --controller 'NAME=EMAIL' (or try countersign up --demo)"
        )
    port = settings.port if args.port is None else args.port
    check_port(settings.host, port)
    port = port or free_port(settings.host)
    mlflow = None if args.no_lab else lab_server.choose(args.home, settings.mlflow_url, port)
    return Plan(args.home, settings.host, port, tenant, args.demo, args.workers, mlflow)

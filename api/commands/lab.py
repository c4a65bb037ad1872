"""countersign lab: feeds MLflow with traces, people's decisions and champions."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.system import System

HELP = "feed MLflow with traces, decisions and champions; --drain sends what waits and ends"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--drain", action="store_true", help="send what waits and end")
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="SECONDS", help="with --drain: try for so long in vain (30)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0; with --drain 1 where something still waits. Raises Malformed where no MLflow is configured."""
    from api import lab_server, logs, wiring
    from api.processes import stopped_by

    logs.to_stderr()
    with wiring.connect(args.home) as system:
        url = lab_server.url_of(system)
        _begin_with_champions(system)
        with wiring.lab_feed(system, url) as feed:
            if args.drain:
                sent = feed.drain(args.patience)
                return _report(system, sent, args.json)
            stop = threading.Event()
            with stopped_by(stop.set, (signal.SIGTERM, signal.SIGINT)):
                feed.run_forever(stop)
    return 0


def _begin_with_champions(system: System) -> None:
    """Where no champion is set, the shipped models are. In another process: they take memory that this does not."""
    from api.commands.listing import say
    from api.processes import Command, run_once
    from governance.record import telemetry

    with system.database.transaction("courier", system.token("courier")) as conn:
        if telemetry.champions(conn):
            return
    line = (sys.executable, "-m", "api.prepare", "--home", str(system.home))
    if run_once(Command("prepare", line)) != 0:
        say("no champion is set: the message above says why")


def _report(system: System, sent: int, as_json: bool) -> int:
    from api.commands.listing import say
    from governance.record import telemetry

    with system.database.transaction("courier", system.token("courier")) as conn:
        waiting = {state: part.rows for state, part in telemetry.backlog(conn).items()}
    line = {"sent": sent, **waiting}
    sys.stdout.write(
        json.dumps(line) + "\n" if as_json else ", ".join(f"{count} {name}" for name, count in line.items()) + "\n"
    )
    if any(waiting.values()):
        say("what still waits is kept in the database: run this again, or leave countersign up to it")
        return 1
    return 0

"""countersign deliver: the courier that carries approved effects out."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.delivery.courier import Delivery

HELP = "run the courier that delivers what was approved; --drain delivers what is due and ends"

_DONE = frozenset({"sent", "manual", "lost"})


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--drain", action="store_true", help="deliver what is due, or soon will be, and end")
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="SECONDS", help="with --drain: what counts as soon (30)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0; with --drain 1 where an effect was left as retry, unknown, refused or dead."""
    from api import logs, wiring
    from api.processes import stopped_by

    logs.to_stderr()
    last: dict[str, str] = {}

    def notice(delivery: Delivery) -> None:
        last[delivery.effect.recommendation_id] = _report(delivery, args.json)

    with wiring.connect(args.home) as system:
        courier = wiring.courier(system, f"{socket.gethostname()}-{os.getpid()}")
        if args.drain:
            total = courier.drain(args.patience, notice)
            undone = sum(state not in _DONE for state in last.values())
            sys.stderr.write(f"{len(last)} effects, {total} attempts, {undone} not delivered\n")
            return 1 if undone else 0
        stop = threading.Event()
        with stopped_by(stop.set, (signal.SIGTERM, signal.SIGINT)):
            courier.run_forever(stop, notice=notice)
    return 0


def _report(delivery: Delivery, as_json: bool) -> str:
    state = delivery.outcome.state if delivery.outcome else "lost"
    why = delivery.outcome.why if delivery.outcome else "the lease was lost: somebody else settles it"
    line = {
        "recommendation_id": delivery.effect.recommendation_id,
        "connector": delivery.effect.connector,
        "attempt": delivery.effect.attempts,
        "outcome": state,
        "detail": why,
    }
    sys.stdout.write(
        (json.dumps(line) if as_json else "{recommendation_id}  {outcome}: {detail}".format(**line)) + "\n"
    )
    sys.stdout.flush()
    return state

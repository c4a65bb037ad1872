"""countersign tick: the clock's work, once or every few seconds."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

HELP = "do the clock's work: expiry, lost leases, deadlines, and a signed checkpoint of the ledger"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--every", type=float, metavar="SECONDS", help="go on until stopped; checkpoints are signed every minute"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0. Raises Tampered where the ledger does not begin with what was signed before."""
    from api import logs, wiring
    from api.processes import stopped_by

    logs.to_stderr()
    with wiring.connect(args.home) as system:
        clock = wiring.clock(system)
        if args.every is not None:
            stop = threading.Event()
            with stopped_by(stop.set, (signal.SIGTERM, signal.SIGINT)):
                clock.run_forever(stop, sweep_seconds=args.every)
            return 0
        done = clock.tick()
    if args.json:
        sys.stdout.write(json.dumps(done) + "\n")
    elif done.get("busy"):
        sys.stdout.write("another clock is at work\n")
    else:
        told = {name: (", ".join(of) or "none") if isinstance(of, list) else of for name, of in done.items()}
        sys.stdout.write("; ".join(f"{name} {of}" for name, of in told.items()) + "\n")
    return 0

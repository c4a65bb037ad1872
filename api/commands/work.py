"""countersign work: agents that triage cases."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.letter import Composer
    from agents.worker import Worker
    from api.system import System

HELP = "run an agent that triages cases; --drain empties the queue and ends"

_COUNTS = ("filed", "resumed", "failed", "dead", "lost")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--drain", action="store_true", help="work until nothing is ready, say how long it took, end")
    parser.add_argument("--workers", type=_workers, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--batch", type=_workers, default=16, metavar="N", help="cases that are claimed at once (16)")


def _workers(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError("must be between 1 and 64")
    return value


def run(args: argparse.Namespace) -> int:
    """With --drain exit code 1 where a case failed."""
    if args.workers > 1:
        return _many_draining(args) if args.drain else _many(args)
    # Before numpy and torch are imported: processes with threads of their own get into each other's way.
    for name, value in (("OMP_NUM_THREADS", "1"), ("TOKENIZERS_PARALLELISM", "false")):
        os.putenv(name, value)
    from agents.champion import NoChampion
    from api import logs, wiring
    from api.processes import stopped_by
    from governance.errors import Unavailable

    logs.to_stderr()
    name = f"{socket.gethostname()}-{os.getpid()}"
    with wiring.connect(args.home) as system:
        made = wiring.worker(system, name, batch=args.batch, composer=_composer(system))
        with made as worker:
            if args.drain:
                try:
                    return _report(args, [_drained(worker)])
                except NoChampion as error:
                    raise Unavailable(f"nothing is triaged: {error}") from error
            stop = threading.Event()
            with stopped_by(stop.set, (signal.SIGTERM, signal.SIGINT)):
                worker.run_forever(stop)
    return 0


def _composer(system: System) -> Composer | None:
    """The language model that phrases letters, where one is configured; else the templates do."""
    from api.language_model import shared_door

    found = shared_door(system)
    if found is None:
        return None
    from agents.compose import ModelComposer

    return ModelComposer(found)


def _drained(worker: Worker) -> dict[str, Any]:
    start = time.perf_counter()
    counts = worker.drain()
    seconds = time.perf_counter() - start
    return {
        **{name: getattr(counts, name) for name in _COUNTS},
        "seconds": round(seconds, 3),
        "split": {name: round(spent, 4) for name, spent in worker.split().items()},
    }


def _report(args: argparse.Namespace, parts: Sequence[Mapping[str, Any]]) -> int:
    """Counts and times of all processes together; `seconds` is that of the slowest."""
    counts = {name: sum(part[name] for part in parts) for name in _COUNTS}
    seconds = max((part["seconds"] for part in parts), default=0.0)
    split: Counter[str] = Counter()
    for part in parts:
        split.update(part["split"])
    rate = round(counts["filed"] / seconds, 2) if seconds and counts["filed"] else 0.0
    whole = {**counts, "workers": len(parts), "seconds": seconds, "cases_per_second": rate, "split": dict(split)}
    if args.json:
        sys.stdout.write(json.dumps(whole) + "\n")
    else:
        from agents.tracing import split_lines

        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "filed")
        sys.stdout.write(f"{told} in {seconds:.1f} s: {rate:.1f} cases a second\n")
        if counts["filed"]:
            sys.stdout.write("\n".join(split_lines(dict(split), counts["filed"])) + "\n")
    return 1 if counts["failed"] else 0


def _many(args: argparse.Namespace) -> int:
    """Processes that are kept running until Ctrl-C."""
    from api.commands.listing import say
    from api.processes import Supervisor, role, stopped_by

    commands = [
        role("work", "--batch", str(args.batch), home=args.home, label=f"work-{number}")
        for number in range(1, args.workers + 1)
    ]
    supervisor = Supervisor(commands, args.home / "logs", say)
    stop: Callable[..., None] = supervisor.stop
    with stopped_by(stop, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
        try:
            supervisor.start()
            wrong = supervisor.run()
        finally:
            supervisor.close()
    if wrong is not None:
        say(wrong)
    return 0 if wrong is None else 1


def _many_draining(args: argparse.Namespace) -> int:
    """The same queue emptied by several processes; their counts added up."""
    from api.commands.listing import say
    from api.processes import answers, role

    command = role("work", "--drain", "--json", "--batch", str(args.batch), home=args.home)
    parts = [json.loads(text) for code, text in answers([command] * args.workers) if code in (0, 1) and text]
    code = _report(args, parts)
    if len(parts) < args.workers:
        say(f"{args.workers - len(parts)} of {args.workers} processes failed: the messages above say why")
        return 1
    return code

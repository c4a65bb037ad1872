"""countersign up: everything on this machine. Postgres, API, agents, courier; Ctrl-C stops all of it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.plan import Plan
    from api.processes import Supervisor
    from api.settings import Settings
    from governance.record.embedded import EmbeddedPostgres

HELP = "run everything on this machine: database, API, agents, courier; Ctrl-C stops all of it"

_READY_SECONDS = 180.0
_LOCK = "up.lock"


def configure(parser: argparse.ArgumentParser) -> None:
    from api.commands.user import founder_options

    parser.add_argument("--demo", action="store_true", help="the demo company with its people, books and exceptions")
    parser.add_argument("--reset", action="store_true", help="with --demo: delete the demo in HOME and begin again")
    parser.add_argument("--port", type=int, metavar="N", help="of the API (default $COUNTERSIGN_PORT, 8400; 0: any)")
    parser.add_argument("--workers", type=_workers, default=1, metavar="N", help="processes that triage (default 1)")
    parser.add_argument("--no-lab", action="store_true", help="without MLflow; what it lacks waits in the database")
    founder_options(parser)


def _workers(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 64:
        raise argparse.ArgumentTypeError("must be between 0 and 64")
    return value


def run(args: argparse.Namespace) -> int:
    """0 after Ctrl-C; 1 where a part cannot be kept running."""
    from api.plan import made
    from api.settings import load_settings
    from governance.record.home import prepared

    settings = load_settings(args.home)
    # Until the supervisor listens, a request to stop is an interruption like Ctrl-C.
    with _interrupted_by(signal.SIGTERM, signal.SIGHUP):
        plan = made(args, settings)
        home = prepared(plan.home)
        with _only_one(home):
            if args.reset:
                from api.demo import reset

                _say(f"deleting the demo in {home}")
                reset(home)
            with _database(settings, home) as (server, owner_url):
                _found(args, plan, settings, owner_url)
                _prepare(plan)
                with _mail(plan, settings) as environment:
                    return _supervise(args, plan, server, owner_url, environment)


@contextlib.contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    from api.processes import stopped_by

    def interrupt() -> None:
        raise KeyboardInterrupt

    with stopped_by(interrupt, signals):
        yield


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Raises Unavailable where another `up` runs on this HOME."""
    import fcntl

    from governance.errors import Unavailable

    with (home / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"countersign up runs on {home} already: stop it, or choose another --home") from None
        yield


@contextlib.contextmanager
def _database(settings: Settings, home: Path) -> Iterator[tuple[EmbeddedPostgres | None, str]]:
    """The server where it is ours, and the owner's URL."""
    from api import wiring
    from governance.record.embedded import EmbeddedPostgres

    given = settings.secret("database_url")
    if given is not None:
        _say("the database that COUNTERSIGN_DATABASE_URL names")
        yield None, given
        return
    _say(f"starting Postgres in {home}")
    with EmbeddedPostgres(home) as server:
        yield server, wiring.embedded_url(home)


def _found(args: argparse.Namespace, plan: Plan, settings: Settings, owner_url: str) -> None:
    """Schema, secrets and the tenant with its first people; the keys of new people are shown this once."""
    from api import demo, founding
    from api.commands.user import founders

    if plan.demo:
        founding.first_start(
            plan.home,
            owner_url,
            plan.tenant,
            demo.credentials(plan.home, plan.url, plan.mlflow.url if plan.mlflow else None).persons,
            settings=settings,
        )
        return
    persons = founders(args) if args.admin or args.controller else []
    made = founding.first_start(plan.home, owner_url, plan.tenant, persons, settings=settings)
    for person, key in made.items():
        _say(f"the key of {person}, shown this once: {key}")


def _prepare(plan: Plan) -> None:
    """Models, and the demo's data, in a process of their own: this one stays small. Nothing where all is there."""
    from datetime import UTC, datetime

    from api.demo import seeded
    from api.processes import Command, run_once
    from governance.errors import Unavailable

    has_models = any((plan.home / "models").glob("*/manifest.json"))
    if has_models and (not plan.demo or seeded(plan.home)[1]):
        return
    line = [sys.executable, "-m", "api.prepare", "--home", str(plan.home)]
    if plan.demo:
        line += ["--demo", datetime.now(UTC).date().isoformat()]
    if run_once(Command("prepare", tuple(line))) != 0:
        raise Unavailable("the models or the demo's data could not be prepared: the message above says why")


@contextlib.contextmanager
def _mail(plan: Plan, settings: Settings) -> Iterator[Mapping[str, str]]:
    """In the demo letters go to a server of ours that keeps them; what the roles must know of it."""
    from api import demo
    from api.settings import PREFIX

    if not plan.demo or settings.smtp_host is not None:
        yield {}
        return
    from api.delivery.sink import Sink

    with Sink(plan.home / demo.OUTBOX) as sink:
        yield {
            f"{PREFIX}SMTP_HOST": sink.host,
            f"{PREFIX}SMTP_PORT": str(sink.port),
            f"{PREFIX}SMTP_STARTTLS": "false",
            f"{PREFIX}SMTP_FROM": f"finance@{demo.MAIL_DOMAIN}",
        }


def _supervise(
    args: argparse.Namespace,
    plan: Plan,
    server: EmbeddedPostgres | None,
    owner_url: str,
    environment: Mapping[str, str],
) -> int:
    from api import lab_server
    from api.processes import Supervisor, role, stopped_by

    for name, value in environment.items():
        # Not os.environ: this process reads its settings in one place, and its children in theirs.
        os.putenv(name, value)
    serve = role("serve", "--host", plan.host, "--port", str(plan.port), home=plan.home)
    workers = [role("work", home=plan.home, label=f"work-{number}") for number in range(1, plan.workers + 1)]
    rest = [role("deliver", home=plan.home), role("tick", "--every", "5", home=plan.home)]
    supervisor = Supervisor([serve, *workers, *rest], plan.home / "logs", _say)
    with stopped_by(supervisor.stop, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
        try:
            supervisor.start()
            wrong = _until_ready(supervisor, plan)
            if wrong is None and not supervisor.stopping:
                # Not before: it takes the processors for ten seconds, and nobody waits for it.
                supervisor.add(*lab_server.children(plan.home, owner_url, plan.mlflow, _say))
                _tell(args, plan)
                wrong = supervisor.run(lambda: _database_wrong(server, plan))
        finally:
            _say("stopping")
            supervisor.close()
    if wrong is not None:
        _say(wrong)
        return 1
    return 0


def _database_wrong(server: EmbeddedPostgres | None, plan: Plan) -> str | None:
    if server is None or server.running:
        return None
    return f"the database has stopped by itself: read {plan.home / 'postgres.log'}"


def _until_ready(supervisor: Supervisor, plan: Plan) -> str | None:
    """Wait for the API; why it does not come, or None where it is there or we are to stop."""
    from urllib.request import ProxyHandler, build_opener

    # A proxy of the environment has nothing to do with our own port.
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if (wrong := supervisor.look()) is not None or supervisor.stopping:
            return wrong
        with contextlib.suppress(OSError), opener.open(f"{plan.url}/readyz", timeout=2) as answer:
            if answer.status == 200:
                return None
        time.sleep(0.2)
    return f"the API did not become ready in {_READY_SECONDS:.0f} s: read {plan.home / 'logs'}"


def _tell(args: argparse.Namespace, plan: Plan) -> None:
    import json

    from api import demo

    where: dict[str, Any] = {"url": plan.url, "tenant": plan.tenant, "home": str(plan.home)}
    where["mlflow_url"] = plan.mlflow.url if plan.mlflow else None
    if plan.demo:
        where["credentials"] = str(plan.home / demo.DEMO_CREDENTIALS)
    if args.json:
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        return
    for line in _words(plan):
        sys.stderr.write(line + "\n")


def _words(plan: Plan) -> Sequence[str]:
    from api import demo

    lines = [
        "",
        f"Countersign is running. Tenant {plan.tenant}; Ctrl-C stops it.",
        f"  Console      {plan.url}/console",
        f"  API          {plan.url}/docs",
    ]
    file = plan.home / demo.DEMO_CREDENTIALS
    if plan.demo:
        lines += [
            f"  Credentials  {file}",
            f"               {plan.home / demo.ADMIN_CREDENTIALS} (administrators)",
            f"  Letters      {plan.home / demo.OUTBOX}",
        ]
    if plan.mlflow is not None:
        lines.append(f"  MLflow       {plan.mlflow.url}" + (" (in some seconds)" if plan.mlflow.own else ""))
    lines += [f"  Logs         {plan.home / 'logs'}", ""]
    if plan.demo:
        key = f"KEY=$(python3 -c \"import json; print(json.load(open('{file}'))['keys']['reviewer'])\")"
        ask = f"curl -H \"Authorization: Bearer $KEY\" '{plan.url}/v1/recommendations?state=awaiting_review&limit=1'"
        lines += ["Look at what waits for a reviewer:", f"  {key}", f"  {ask}", ""]
    return lines


def _say(message: str) -> None:
    sys.stderr.write(f"countersign: {message}\n")
    sys.stderr.flush()

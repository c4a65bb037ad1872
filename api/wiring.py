"""The one composition root: settings, secrets and database become the parts that a process runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from api import keyring
from api.keyring import SERVICES, Keyring
from api.settings import PREFIX, Settings, load_settings
from api.system import System
from governance.errors import AlreadyEstablished, Malformed, Unavailable
from governance.matrix import Policy
from governance.policy import standard_policy
from governance.record import people
from governance.record.db import LOGIN_ROLES, Database, create, migrate, urls_for
from governance.record.embedded import running_url

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agents.worker import Worker
    from api.clock import Clock
    from api.delivery.connector import Connector
    from api.delivery.courier import Courier
    from api.delivery.lab import LabFeed
    from api.intake.reader import DocumentReader

__all__ = [
    "System", "app", "clock", "connect", "courier", "embedded_url", "first_start", "lab_feed", "reader", "worker",
]  # fmt: skip

DATABASE = "countersign"
"""Name of the database in the embedded server."""
_IMPLICIT_TLS = 465
START_IT = "no database runs and none is configured: start it with countersign up"


def connect(home: Path | None = None, *, settings: Settings | None = None) -> System:
    """Attach to the configured database, else to the embedded one that runs on HOME.

    Raises Unavailable where there is neither, or where a secret is missing.
    """
    settings = settings or load_settings(home)
    home = (home or settings.home).expanduser()
    known = keyring.read_keyring(home)
    if _configured(settings):
        urls = _configured_urls(settings, known)
    else:
        urls = _embedded_urls(home, known)
    return System(
        settings=settings,
        home=home,
        database=Database(urls),
        tenant=settings.tenant or (known.tenant if known else "main"),
        tokens={**(known.tokens if known else {}), **_given(settings, SERVICES, "token")},
    )


def first_start(
    home: Path,
    superuser_url: str,
    tenant: str,
    persons: Sequence[Mapping[str, Any]],
    *,
    settings: Settings | None = None,
    policy: Policy | None = None,
) -> dict[str, str]:
    """Make HOME's secrets, bring the database to this program's schema and found the tenant. Safe to repeat.

    `persons`: {"id", "name", "roles", optional "kind" (person), "email", "key"}, two administrators at least; a missing
    key is made. Returns person → API key of those founded now; nothing where the tenant had a policy already.
    Raises Unavailable where HOME's service tokens are not those of the database.
    """
    settings = settings or load_settings(home)
    given_roles = _given(settings, LOGIN_ROLES, "password")
    given_tokens = _given(settings, SERVICES, "token")
    known = keyring.read_keyring(home)
    if known is not None and known.tenant != tenant:
        raise Malformed(f"{home} belongs to tenant {known.tenant}: choose another --home for {tenant}")
    migrate(superuser_url, roles={**(known.roles if known else {}), **given_roles})
    with Database({"owner": superuser_url}, max_size=1) as database:
        with database.transaction("owner") as conn:
            founded = people.established(conn, tenant)
        if founded:
            _check_services(database, tenant, {**(known.tokens if known else {}), **given_tokens})
            return {}
        known = keyring.make_keyring(home, tenant, given_roles, given_tokens)
        keyring.make_ledger_key(home)
        migrate(superuser_url, roles={**known.roles, **given_roles})
        return _found(database, tenant, persons, {**known.tokens, **given_tokens}, policy or standard_policy())


def _configured(settings: Settings) -> bool:
    return settings.database_url is not None or any(settings.secret(f"{role}_url") for role in LOGIN_ROLES)


def _given(settings: Settings, names: Sequence[str], what: str) -> dict[str, str]:
    return {name: value for name in names if (value := settings.secret(f"{name}_{what}"))}


def _configured_urls(settings: Settings, known: Keyring | None) -> dict[str, str]:
    owner = settings.secret("database_url")
    urls: dict[str, str] = {}
    if owner is not None:
        passwords = {**(known.roles if known else {}), **_given(settings, LOGIN_ROLES, "password")}
        urls = urls_for(owner, passwords)
    return {**urls, **_given(settings, LOGIN_ROLES, "url")}


def embedded_url(home: Path) -> str:
    """The superuser's URL of Countersign's database in HOME's running server; the database is made where missing.

    Raises Unavailable where no server runs.
    """
    superuser = running_url(home)
    if superuser is None:
        raise Unavailable(START_IT)
    return create(superuser, DATABASE)


def _embedded_urls(home: Path, known: Keyring | None) -> dict[str, str]:
    owner = embedded_url(home)
    if known is None:
        raise Unavailable(f"{home / keyring.SECRETS} is missing: start it with countersign up, or restore that file")
    return urls_for(owner, known.roles)


def _check_services(database: Database, tenant: str, tokens: Mapping[str, str]) -> None:
    with database.transaction("owner") as conn:
        for name in people.unknown_tokens(conn, tenant, tokens):
            raise Unavailable(
                f"the token of {name} is not known to tenant {tenant}: restore {keyring.SECRETS} of the HOME that "
                f"founded it, or set {PREFIX}{name.upper()}_TOKEN"
            )


def _found(
    database: Database, tenant: str, persons: Sequence[Mapping[str, Any]], tokens: Mapping[str, str], policy: Policy
) -> dict[str, str]:
    keys = {str(person["id"]): str(person.get("key") or keyring.new_token()) for person in persons}
    actors = [
        {
            "id": person["id"],
            "kind": person.get("kind", "person"),
            "name": person["name"],
            "email": person.get("email"),
            "roles": list(person["roles"]),
            "token_sha256": people.token_hash(keys[str(person["id"])]),
        }
        for person in persons
    ]
    actors += [
        {
            "id": name,
            "kind": "agent" if name == "agent" else "service",
            "name": f"Countersign {name}",
            "roles": [] if name == "agent" else ["service"],
            "token_sha256": people.token_hash(tokens[name]),
        }
        for name in SERVICES
    ]
    try:
        with database.transaction("owner") as conn:
            people.genesis(conn, tenant, tenant.title(), "EU", actors, policy)
    except AlreadyEstablished:
        # Another process was first, with the same secrets or none of ours.
        _check_services(database, tenant, tokens)
        return {}
    return keys


def reader(system: System) -> DocumentReader:
    """Reads documents with the installed models; close its `pdf` pool. The first time the models are trained."""
    from api.intake.pdf import PdfPool
    from api.intake.reader import DocumentReader
    from models.bundle import default_bundle

    return DocumentReader(
        default_bundle(system.home).classifier,
        PdfPool(),
        size_limit=system.settings.max_upload_bytes,
        default_currency=system.settings.default_currency,
    )


def worker(system: System, name: str, *, batch: int = 16) -> Worker:
    """An agent that triages, with its models loaded, so that its first case costs what every case costs.

    Close it, or use it as a context manager. Raises Unavailable without the agent's token.
    """
    from agents.context import Models
    from agents.worker import Worker
    from models.bundle import default_bundle
    from models.embedding import Embedder

    token = system.token("agent")
    embedder = Embedder(threads=1)
    embedder.encode(["ready"])
    models = Models(default_bundle(system.home), embedder)
    return Worker(system.database, token, models, name=name, batch=batch)


def courier(system: System, name: str) -> Courier:
    """Delivers approved effects; halts while the database is behind a checkpoint that HOME keeps.

    Raises Unavailable without the courier's token, Malformed where the settings do not fit together.
    """
    from api.checkpoints import KeptCheckpoints, RestoreGuard
    from api.delivery.courier import Courier
    from governance.chain import read_public_key

    token = system.token("courier")
    connectors = _connectors(system.settings)
    public = keyring.public_key(system.home)
    if public is None:
        # Nothing was signed here, so there is nothing that the database could be behind.
        return Courier(system.database, token, connectors, name=name)
    guard = RestoreGuard(system.database, token, read_public_key(public), KeptCheckpoints(system.home))
    return Courier(system.database, token, connectors, name=name, halted=guard)


def _connectors(settings: Settings) -> dict[str, Connector]:
    """For mail, task and timer. Without a mail server or a webhook a person does it and confirms."""
    from api.delivery.connector import Outcome
    from api.delivery.direct import MANUAL_TASK, TIMER, Direct
    from api.delivery.mail import MailConnector, MailServer
    from api.delivery.webhook import WebhookConnector, WebhookTarget

    by_hand = Outcome("manual", "no mail server is configured: a person sends the letter and confirms it")
    made: dict[str, Connector] = {"mail": Direct(by_hand), "task": MANUAL_TASK, "timer": TIMER}
    if settings.smtp_host is not None:
        if settings.smtp_from is None:
            raise Malformed(f"set {PREFIX}SMTP_FROM: the address that letters come from")
        encrypted: Literal["starttls", "none"] = "starttls" if settings.smtp_starttls else "none"
        made["mail"] = MailConnector(
            MailServer(
                host=settings.smtp_host,
                port=settings.smtp_port,
                sender=settings.smtp_from,
                security="tls" if settings.smtp_port == _IMPLICIT_TLS else encrypted,
                user=settings.smtp_user,
                password=settings.secret("smtp_password"),
                ca_file=settings.smtp_ca_file,
            )
        )
    if settings.webhook_url is not None:
        secret = settings.secret("webhook_secret")
        if secret is None:
            raise Malformed(f"set {PREFIX}WEBHOOK_SECRET: webhooks are signed")
        made["task"] = WebhookConnector(WebhookTarget(settings.webhook_url, secret))
    return made


@contextlib.contextmanager
def lab_feed(system: System, url: str) -> Iterator[LabFeed]:
    """Feeds the MLflow at `url` with what the record observed, and shows it the champions.

    Raises Unavailable without the courier's token.
    """
    from api.delivery.champions import ChampionMirror
    from api.delivery.erasure import Follower
    from api.delivery.erasure import Lab as Traces
    from api.delivery.lab import LabFeed
    from models.tracking import Lab

    token = system.token("courier")
    with contextlib.closing(Lab(url, f"countersign/{system.tenant}")) as lab:
        mirror = ChampionMirror(system.database, token, lab, system.tenant, system.models_folder)
        follower = Follower(system.database, token, [Traces(lab)])

        def after_round() -> None:
            mirror()
            follower.follow()

        yield LabFeed(system.database, token, lab, round=after_round)


def clock(system: System) -> Clock:
    """Expiry, lost leases, breaches and signed checkpoints.

    Raises Unavailable without the signing key or the courier's token.
    """
    from api.checkpoints import KeptCheckpoints
    from api.clock import Clock
    from api.delivery.erasure import Follower, Letters, Threads
    from api.demo import OUTBOX

    key = keyring.read_ledger_key(system.home, system.settings.secret("ledger_key"))
    token = system.token("courier")
    follower = Follower(system.database, token, [Threads(system.database), Letters(system.home / OUTBOX)])
    return Clock(system.database, token, key, KeptCheckpoints(system.home), follower.follow)


def app(system: System) -> FastAPI:
    """The HTTP service. Models are loaded at the first document, not before."""
    from api.app import create
    from api.readers import Readers

    return create(
        system, Readers(lambda: reader(system)), public_key=keyring.public_key(system.home), sign=_signer(system)
    )


def _signer(system: System) -> Callable[[], object] | None:
    """Signs the ledger as it stands, where this machine holds what that needs."""
    try:
        return clock(system).sign
    except Unavailable:
        return None

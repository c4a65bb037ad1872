"""The one composition root: settings, secrets and database become the parts that a process runs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from api import keyring
from api.keyring import SERVICES, Keyring
from api.settings import PREFIX, Settings, load_settings
from api.system import System
from governance.chain import public_key_text
from governance.errors import Malformed, Unavailable
from governance.record.db import LOGIN_ROLES, Database, create, urls_for
from governance.record.embedded import running_url

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agents.letter import Composer
    from agents.worker import Worker
    from api.checkpoints import KeptCheckpoints
    from api.clock import Clock
    from api.delivery.connector import Connector
    from api.delivery.courier import Courier
    from api.delivery.lab import LabFeed
    from api.delivery.publisher import CheckpointPublisher
    from api.intake.reader import DocumentReader
    from models.classifier import DocumentClassifier

__all__ = [
    "System", "app", "clock", "connect", "courier", "embedded_url", "given", "lab_feed", "reader", "sealer",
    "worker",
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
        tokens={**(known.tokens if known else {}), **given(settings, SERVICES, "token")},
    )


def _configured(settings: Settings) -> bool:
    return settings.database_url is not None or any(settings.secret(f"{role}_url") for role in LOGIN_ROLES)


def given(settings: Settings, names: Sequence[str], what: str) -> dict[str, str]:
    """The secrets NAME_<what> that the settings hold, by name."""
    return {name: value for name in names if (value := settings.secret(f"{name}_{what}"))}


def _configured_urls(settings: Settings, known: Keyring | None) -> dict[str, str]:
    owner = settings.secret("database_url")
    urls: dict[str, str] = {}
    if owner is not None:
        passwords = {**(known.roles if known else {}), **given(settings, LOGIN_ROLES, "password")}
        urls = urls_for(owner, passwords)
    return {**urls, **given(settings, LOGIN_ROLES, "url")}


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


def reader(system: System, classifier: Callable[[], DocumentClassifier] | None = None) -> DocumentReader:
    """Reads documents with the champion, or what `classifier` gives; close its `pdf` pool. The first time the models
    are trained. Raises Unavailable where the champion is not on this machine."""
    from api.intake.pdf import PdfPool
    from api.intake.reader import DocumentReader
    from api.language_model import second_reader

    return DocumentReader(
        (classifier or _classifier(system))(),
        PdfPool(),
        size_limit=system.settings.max_upload_bytes,
        default_currency=system.settings.default_currency,
        second=second_reader(system.settings, system.tenant),
    )


def _classifier(system: System) -> Callable[[], DocumentClassifier]:
    """Gives the classifier that is champion now."""
    from models.champions import Champions

    # Not before the first document, for it loads models.
    champions = functools.cache(lambda: Champions(system.home))
    return lambda: champions().bundle(_champions(system, "intake")).classifier


def _champions(system: System, role: str) -> Mapping[str, str]:
    """Model → digest, as the record holds them. A process without the token reads with the shipped models."""
    from governance.record import telemetry

    if role not in system.tokens:
        return {}
    with system.database.transaction(role, system.token(role)) as conn:
        return telemetry.champions(conn)


def worker(system: System, name: str, *, batch: int = 16, composer: Composer | None = None) -> Worker:
    """An agent that triages with the champions of the record, and takes up new ones while it runs.

    Its models are loaded, so that its first case costs what every case costs. Close it, or use it as a context manager.
    Raises Unavailable without the agent's token. Without a `composer` templates phrase the letters.
    """
    from agents.context import Models
    from agents.worker import Worker
    from models.champions import Champions
    from models.embedding import Embedder

    token = system.token("agent")
    embedder = Embedder(threads=1)
    embedder.encode(["ready"])
    champions = Champions(system.home)
    models = Models(champions.shipped, embedder)
    return Worker(
        system.database, token, models, name=name, batch=batch, composer=composer, champions=champions.bundle,
        challenger=champions.challenger,
    )  # fmt: skip


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
    """Expiry, lost leases, breaches, signed checkpoints and the day's judgement of models.

    Raises Unavailable without the signing key or the courier's token, Malformed where checkpoints cannot be posted to
    the address in the settings.
    """
    from api.checkpoints import KeptCheckpoints
    from api.clock import Clock
    from api.delivery.erasure import Follower, Letters, Threads
    from api.demo import OUTBOX
    from api.monitoring import RiskWatch

    key = keyring.read_ledger_key(system.home, system.settings.secret("ledger_key"))
    token = system.token("courier")
    follower = Follower(system.database, token, [Threads(system.database), Letters(system.home / OUTBOX)])
    kept = KeptCheckpoints(system.home)
    watch = RiskWatch(system.database, token)
    return Clock(system.database, token, key, kept, follower.follow, _publisher(system.settings, kept), watch)


def _publisher(settings: Settings, kept: KeptCheckpoints) -> CheckpointPublisher | None:
    """Posts signed checkpoints, where settings say where to."""
    if settings.checkpoint_webhook_url is None:
        return None
    from api.delivery.publisher import CheckpointPublisher
    from api.delivery.webhook import WebhookTarget

    secret = settings.secret("checkpoint_webhook_secret")
    if secret is None:
        raise Malformed(f"set {PREFIX}CHECKPOINT_WEBHOOK_SECRET: webhooks are signed")
    try:
        target = WebhookTarget(settings.checkpoint_webhook_url, secret, timeout=5.0)
    except Malformed as error:
        raise Malformed(f"{PREFIX}CHECKPOINT_WEBHOOK_URL or _SECRET: {error.detail}") from error
    return CheckpointPublisher(target, kept)


def app(system: System) -> FastAPI:
    """The HTTP service. Models are loaded at the first document, not before.

    Raises Malformed where the settings name half an identity provider.
    """
    from api.app import create
    from api.oidc import choice_of
    from api.readers import Readers

    choice_of(system.settings)

    classifier = _classifier(system)
    readers = Readers(lambda: reader(system, classifier), classifier)
    return create(
        system,
        readers,
        public_key=keyring.public_key(system.home),
        sign=_signer(system),
        seal=sealer(system),
    )


def sealer(system: System) -> Callable[[str], str] | None:
    """Seals evidence bundles with the key that signs the ledger, where this machine holds it."""
    from api.evidence import seal

    public = keyring.public_key(system.home)
    try:
        key = keyring.read_ledger_key(system.home, system.settings.secret("ledger_key"))
    except Unavailable:
        return None
    return functools.partial(seal, key=key) if public == public_key_text(key.public_key()) else None


def _signer(system: System) -> Callable[[], object] | None:
    """Signs the ledger as it stands, where this machine holds what that needs."""
    try:
        return clock(system).sign
    except Unavailable:
        return None

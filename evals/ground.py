"""A record of its own for one measurement: an embedded Postgres with a founded tenant, gone when the run is over."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from governance.record.db import Database, urls_for
from governance.record.embedded import EmbeddedPostgres, erase

TENANT = "bench"
_PEOPLE = (("a", "administrator"), ("b", "administrator"), ("c", "controller"), ("d", "reviewer"))


@dataclass(frozen=True, slots=True)
class Ground:
    """`tokens`: session token by service (intake, agent, courier). `keys`: API key by person (a to d). `roles`: the
    database roles' passwords."""

    database: Database
    owner_url: str
    tenant: str
    tokens: Mapping[str, str]
    keys: Mapping[str, str]
    server: EmbeddedPostgres
    roles: Mapping[str, str] = field(repr=False)


@contextlib.contextmanager
def record() -> Iterator[Ground]:
    """Raises Unavailable where the server cannot run."""
    from api.founding import first_start
    from api.keyring import read_keyring

    home = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    home.chmod(0o711)  # the server's user may pass, so that its data stays here
    persons = [{"id": one, "name": one, "roles": [role]} for one, role in _PEOPLE]
    try:
        with EmbeddedPostgres(home) as server:
            url = server.superuser_url()
            keys = first_start(home, url, TENANT, persons)
            known = read_keyring(home)
            assert known is not None
            with Database(urls_for(url, known.roles)) as database:
                yield Ground(database, url, TENANT, known.tokens, keys, server, known.roles)
        erase(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def restarted(ground: Ground) -> Iterator[Ground]:
    """The same record after its server was stopped and started; its files are no longer in the system's memory, as far
    as the system lets go of them. The ground's own connections are closed for good."""
    ground.database.close()
    ground.server.stop()
    for path in ground.server.data.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    ground.server.start()
    url = ground.server.superuser_url()
    with Database(urls_for(url, ground.roles)) as database:
        yield replace(ground, database=database, owner_url=url)

"""A record of its own for one measurement: an embedded Postgres with a founded tenant, gone when the run is over."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.record.db import Database

TENANT = "bench"
_PEOPLE = (("a", "administrator"), ("b", "administrator"), ("c", "controller"), ("d", "reviewer"))


@dataclass(frozen=True, slots=True)
class Ground:
    """`tokens`: session token by service (intake, agent, courier). `keys`: API key by person (a to d)."""

    database: Database
    owner_url: str
    tenant: str
    tokens: Mapping[str, str]
    keys: Mapping[str, str]


@contextlib.contextmanager
def record() -> Iterator[Ground]:
    """Raises Unavailable where the server cannot run."""
    from api.founding import first_start
    from api.keyring import read_keyring
    from governance.record.db import urls_for
    from governance.record.embedded import EmbeddedPostgres, erase

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
                yield Ground(database, url, TENANT, known.tokens, keys)
        erase(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)

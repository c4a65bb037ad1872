"""What several packages' tests use: one Postgres a session, a migrated database cloned per test, ../shared."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from governance.record.db import LOGIN_ROLES, Database, clone, create, drop, migrate, urls_for
from governance.record.embedded import EmbeddedPostgres, erase
from tests.lab import mlflow_server as mlflow_server

PASSWORDS = {role: f"test-{role}" for role in LOGIN_ROLES}
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# The same examples in every run, so that what fails is the change and not the draw. `make test-all` draws new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("COUNTERSIGN_EXAMPLES", "same"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running server, one per pytest process."""
    home = Path(tempfile.mkdtemp(prefix="countersign-tests-"))
    home.chmod(0o711)  # our own folder: the server's user may pass, so its data stays in it
    try:
        with EmbeddedPostgres(home) as server:
            with psycopg.connect(server.superuser_url(), autocommit=True) as conn:
                # Tests outlive no power cut; waiting for the disk is all they would gain.
                conn.execute("ALTER SYSTEM SET fsync = off")
                conn.execute("SELECT pg_reload_conf()")
            yield server
        erase(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to clone. Nobody may stay connected to it."""
    url = create(postgres.superuser_url(), "template_countersign")
    migrate(url, roles=PASSWORDS)
    return "template_countersign"


@contextmanager
def _cloned(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    owner, name = postgres.superuser_url(), f"test_{uuid.uuid4().hex[:12]}"
    url = clone(owner, template, name)
    try:
        with Database(urls_for(url, PASSWORDS)) as opened:
            yield opened
    finally:
        drop(owner, name)


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A migrated database of this test's own, with a pool per role."""
    with _cloned(postgres, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def one_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """One for a module, for making one takes longer than what is done in it: each test has a tenant of its own."""
    with _cloned(postgres, template) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data beside the repository; the test that asks for it is marked `shared`."""
    if not SHARED.is_dir():
        pytest.skip("the development data in ../shared/data is not here")
    return SHARED

"""A database for each file of attempts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from governance.record import ledger
from governance.record.db import Database, clone, drop, urls_for
from governance.record.embedded import EmbeddedPostgres
from tests.build import World
from tests.conftest import PASSWORDS
from tests.governance.bypass.attempts import Ground


@pytest.fixture(scope="module")
def ground(postgres: EmbeddedPostgres, template: str) -> Iterator[Ground]:
    owner = postgres.superuser_url()
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = clone(owner, template, name)
    try:
        with Database(urls_for(url, PASSWORDS)) as opened:
            yield Ground(opened)
    finally:
        drop(owner, name)


@pytest.fixture
def acme(ground: Ground) -> Iterator[World]:
    """A tenant of one's own, whose chain must be whole in the end."""
    made = ground.fresh()
    yield made
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        assert ledger.verify(conn, made.tenant, None)[1] is None
